// The report at exit, as JSON.
#include "harness/simt/runtime/report.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>

#include "harness/simt/machine/counters_json.h"
#include "harness/simt/machine/occupancy.h"

namespace moe::simt {
namespace {

using nlohmann::ordered_json;

ordered_json as_json(const Site& site) {
  return {{"block", site.block},
          {"thread", site.thread},
          {"ptx_line", site.ptx_line},
          {"ptx", site.ptx_text},
          {"source", site.source}};
}

ordered_json as_json(const Finding& finding) {
  ordered_json json{{"check", name_of(finding.check)},
                    {"kernel", finding.kernel},
                    {"message", finding.message},
                    {"count", finding.count},
                    {"site", as_json(finding.site)}};
  if (finding.has_other) json["other"] = as_json(finding.other);
  return json;
}

ordered_json as_json(const Runtime::KernelTotal& total) {
  // Registers 0, where no cubin tells them, limit nothing: an upper bound.
  const KernelResources resources{total.threads, total.registers, total.static_shared,
                                  static_cast<int>(total.dynamic_shared)};
  ordered_json occupancies = ordered_json::object();
  for (const Architecture& architecture : architectures()) {
    const Occupancy found = occupancy(architecture, resources);
    ordered_json limits = ordered_json::array();
    for (const Limit limit : found.limits) limits.push_back(name_of(limit));
    occupancies[architecture.device] = {
        {"blocks", found.blocks}, {"of_all_warps", found.of_all_warps}, {"limited_by", limits}};
  }
  return {
      {"kernel", total.kernel},
      {"launches", total.launches},
      {"threads_per_block", total.threads},
      {"dynamic_shared_bytes", total.dynamic_shared},
      {"static_shared_bytes", total.static_shared},
      {"registers", total.registers > 0 ? ordered_json(total.registers) : ordered_json("unknown")},
      {"occupancy", occupancies},
      {"counters", to_json(total.counters)}};
}

void list_leaks(const Runtime& runtime) {
  for (const Allocation* allocation : runtime.device.memory.live()) {
    if (!allocation->label.starts_with("cuda")) continue;  // a variable of a module
    fmt::print(stderr, "simt: leak: {} bytes of allocation {} ({}) were not freed\n",
               allocation->bytes, allocation->id, allocation->label);
  }
}

}  // namespace

ordered_json report_as_json(const Runtime& runtime) {
  ordered_json findings = ordered_json::array(), kernels = ordered_json::array();
  for (const Finding& finding : runtime.all_findings) findings.push_back(as_json(finding));
  for (const auto& [key, total] : runtime.totals) kernels.push_back(as_json(total));
  return {{"architecture", runtime.device.architecture.name},
          {"settings", as_variables(runtime.device.architecture.name, runtime.device.settings)},
          {"findings", findings},
          {"kernels", kernels}};
}

void write_exit_report(Runtime& runtime) {
  if (runtime.environment.leaks) list_leaks(runtime);
  if (!runtime.environment.report) return;
  std::ofstream file(*runtime.environment.report);
  file << report_as_json(runtime).dump(1) << '\n';
  file.flush();
  if (!file)
    fmt::print(stderr, "simt: cannot write MOEBENCH_SIM_REPORT={}\n", *runtime.environment.report);
}

}  // namespace moe::simt
