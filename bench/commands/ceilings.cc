#include "kernels/contract/ceilings.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "bench/commands/commands.h"
#include "kernels/contract/strategy.h"

namespace moe::cli {

void add_ceilings_command(CLI::App& app) {
  auto* command = app.add_subcommand(
      "ceilings", "What this machine can move and multiply at most, measured now");
  auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "As JSON");
  command->callback([json] {
    const CpuCeilings c = measure_cpu_ceilings();
    // Reads of weights in bf16 and their two operations: rows an expert needs to be bound by
    // computing.
    const double peak = flops_per_second(c, DType::kBf16);
    const double rows = peak / c.memory_bytes_per_second;
    if (*json) {
      const nlohmann::ordered_json all = {{"kernels", matrix_product_library()},
                                          {"memory_bytes_per_second", c.memory_bytes_per_second},
                                          {"cache_bytes_per_second", c.cache_bytes_per_second},
                                          {"flops_per_second", c.flops_per_second},
                                          {"bf16_flops_per_second", c.bf16_flops_per_second},
                                          {"call_seconds", c.call_seconds}};
      fmt::print("{}\n", all.dump(2));
      return;
    }
    fmt::print("{:<17} {}\n", "CPU kernels", matrix_product_library());
    fmt::print("{:<17} {:.1f} GB/s read, all threads\n", "memory", c.memory_bytes_per_second / 1e9);
    fmt::print("{:<17} {:.1f} GB/s read, all threads\n", "last-level cache",
               c.cache_bytes_per_second / 1e9);
    fmt::print("{:<17} {:.1f} GFLOP/s in f32, all threads\n", "computing",
               c.flops_per_second / 1e9);
    if (c.bf16_flops_per_second > 0) {
      fmt::print("{:<17} {:.1f} GFLOP/s in bf16\n", "", c.bf16_flops_per_second / 1e9);
    }
    fmt::print("{:<17} {:.2f} us to call all threads\n", "calling", 1e6 * c.call_seconds);
    fmt::print("{:<17} {:.1f} rows of an expert, with weights in bf16; {:.1f} in f32\n",
               "they meet at", rows, 2 * c.flops_per_second / c.memory_bytes_per_second);
  });
}

}  // namespace moe::cli
