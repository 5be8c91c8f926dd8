// The report at exit, as JSON.
#include "harness/simt/runtime/report.h"

#include <fmt/format.h>

#include <cstdio>
#include <fstream>

#include "harness/simt/runtime/occupancy.h"

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

ordered_json as_json(const Counters::Traffic& traffic) {
  return {{"requests", traffic.requests},
          {"bytes", traffic.bytes},
          {"sectors", traffic.sectors},
          {"ideal", traffic.ideal}};
}

ordered_json as_json(const Counters& counters) {
  ordered_json warp_instructions = ordered_json::object(),
               thread_instructions = ordered_json::object();
  for (int i = 0; i < static_cast<int>(InstructionClass::kCount); ++i) {
    const std::string name(name_of(static_cast<InstructionClass>(i)));
    if (counters.warp_instructions[i] == 0) continue;
    warp_instructions[name] = counters.warp_instructions[i];
    thread_instructions[name] = counters.thread_instructions[i];
  }
  return {{"warp_instructions", warp_instructions},
          {"thread_instructions", thread_instructions},
          {"global_load", as_json(counters.global_load)},
          {"global_store", as_json(counters.global_store)},
          {"shared_load", as_json(counters.shared_load)},
          {"shared_store", as_json(counters.shared_store)},
          {"local_load", as_json(counters.local_load)},
          {"local_store", as_json(counters.local_store)},
          {"global_atomics", counters.global_atomics},
          {"shared_atomics", counters.shared_atomics},
          {"async_copy_bytes", counters.async_copy_bytes},
          {"mma", counters.mma},
          {"wgmma", counters.wgmma},
          {"multiply_adds", counters.multiply_adds},
          {"barriers", counters.barriers},
          {"divergent_branches", counters.divergent_branches},
          {"blocks", counters.blocks}};
}

ordered_json as_json(const Runtime::KernelTotal& total) {
  ordered_json occupancy = ordered_json::object();
  const bool known = total.registers > 0;
  const BlockNeeds needs{total.threads, known ? total.registers : kAssumedRegisters,
                         total.static_shared, total.dynamic_shared};
  for (const Architecture& architecture : architectures()) {
    const int blocks = blocks_per_multiprocessor(architecture, needs);
    occupancy[architecture.device] = {{"blocks_per_multiprocessor", blocks},
                                      {"threads_per_multiprocessor", blocks * total.threads},
                                      {"of_threads", architecture.threads_per_multiprocessor}};
  }
  return {{"kernel", total.kernel},
          {"launches", total.launches},
          {"threads_per_block", total.threads},
          {"dynamic_shared_bytes", total.dynamic_shared},
          {"static_shared_bytes", total.static_shared},
          {"registers", needs.registers},
          {"registers_are", known ? "of the cubin" : "assumed"},
          {"occupancy", occupancy},
          {"counters", as_json(total.counters)}};
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
