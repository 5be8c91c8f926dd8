// For tests: a kernel written in PTX, run on a buffer of words.
#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "harness/simt/machine/device.h"

namespace moe::simt {

struct KernelRun {
  LaunchReport report;
  std::vector<std::uint32_t> out;

  bool found(Check check) const {
    for (const Finding& finding : report.findings) {
      if (finding.check == check) return true;
    }
    return false;
  }
  std::string text() const {
    std::string all;
    for (const Finding& finding : report.findings) all += describe(finding) + "\n";
    return all;
  }
};

struct KernelCase {
  std::string body;  // statements; %rd1 is the address of `out`, %r1 is %tid.x, %r2 %ctaid.x
  unsigned threads = 32;
  unsigned blocks = 1;
  unsigned out_words = 64;  // set to zero before
  std::size_t dynamic_shared = 0;
  std::string module_scope{};  // functions and variables before the entry
  Settings settings{};
};

inline std::string module_of(const KernelCase& test) {
  return fmt::format(R"(.version 9.0
.target sm_90a
.address_size 64
{}
.visible .entry kernel(.param .u64 out)
{{
  .reg .pred %p<16>;
  .reg .b16 %h<16>;
  .reg .b32 %r<32>;
  .reg .b64 %rd<16>;
  .reg .f32 %f<16>;
  ld.param.u64 %rd1, [out];
  mov.u32 %r1, %tid.x;
  mov.u32 %r2, %ctaid.x;
{}
}}
)",
                     test.module_scope, test.body);
}

inline KernelRun run_kernel(const KernelCase& test) {
  Device device(architecture("90a"));
  device.settings = test.settings;
  const auto program = device.load(module_of(test), "test.ptx");
  const auto kernel = device.kernel(program, "kernel");
  KernelRun run;
  run.out.assign(test.out_words, 0);
  void* out = device.memory.allocate(test.out_words * 4, "out");
  std::memset(out, 0, test.out_words * 4);
  device.memory.mark_written(out, test.out_words * 4);
  LaunchConfig config;
  config.grid.x = test.blocks;
  config.block.x = test.threads;
  config.dynamic_shared = test.dynamic_shared;
  void* arguments[] = {&out};
  run.report = device.launch(*kernel, config, arguments);
  std::memcpy(run.out.data(), out, test.out_words * 4);
  return run;
}

// Store of %r3 to out[%r1].
inline constexpr const char* kStoreResult = R"(
  mul.wide.u32 %rd2, %r1, 4;
  add.s64 %rd2, %rd1, %rd2;
  st.global.u32 [%rd2], %r3;
  ret;
)";

}  // namespace moe::simt
