// For tests of asynchronous instructions: a kernel in PTX between two buffers of words, perhaps
// with a tensor map and in clusters, run with every way asynchronous work may complete.
#pragma once
#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "harness/simt/execute/tensor_map.h"
#include "harness/simt/machine/device.h"

namespace moe::simt {

struct AsyncRun {
  std::string settings;  // for messages
  LaunchReport report;
  std::vector<std::uint32_t> out;
  std::vector<std::uint32_t> in;  // afterwards

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

// `body`: %rd1 is the address of `in`, %rd2 of `out`; %r1 is %tid.x; [map] is the tensor map.
// `tile` is shared memory aligned to 1024 bytes, `bar` two mbarriers. Other registers are free.
struct AsyncKernel {
  std::string body;
  unsigned threads = 32;
  unsigned blocks = 1;
  unsigned cluster = 1;
  unsigned in_words = 1024;       // word i is i
  unsigned unwritten_from = ~0u;  // words of `in` from here on count as never written
  unsigned out_words = 1024;      // zero before
  unsigned shared_bytes = 16384;
  TensorMapRequest map = {};  // rank 0: none. Its address: 0 for `in`, 1 for `out`
  Settings settings = {};
};

inline std::string ptx_of(const AsyncKernel& kernel) {
  return fmt::format(R"(.version 9.0
.target sm_90a
.address_size 64
.visible .entry kernel(.param .u64 in, .param .u64 out, .param .align 64 .b8 map[128])
{{
  .reg .pred %p<8>;
  .reg .b16 %h<8>;
  .reg .b32 %r<32>;
  .reg .b64 %rd<32>;
  .shared .align 1024 .b8 tile[{}];
  .shared .align 8 .b8 bar[16];
  ld.param.u64 %rd1, [in];
  ld.param.u64 %rd2, [out];
  mov.u32 %r1, %tid.x;
{}
  ret;
}}
)",
                     kernel.shared_bytes, kernel.body);
}

inline AsyncRun run(const AsyncKernel& test) {
  Device device(architecture("90a"));
  device.settings = test.settings;
  const auto program = device.load(ptx_of(test), "test.ptx");
  const auto kernel = device.kernel(program, "kernel");
  auto* in = static_cast<std::uint32_t*>(device.memory.allocate(test.in_words * 4, "in"));
  auto* out = static_cast<std::uint32_t*>(device.memory.allocate(test.out_words * 4, "out"));
  for (unsigned i = 0; i < test.in_words; ++i) in[i] = i;
  std::memset(out, 0, test.out_words * 4);
  device.memory.mark_written(in, std::min(test.in_words, test.unwritten_from) * 4);
  device.memory.mark_written(out, test.out_words * 4);
  alignas(64) std::byte map[kTensorMapBytes] = {};
  if (test.map.rank != 0) {
    TensorMapRequest request = test.map;
    request.address = reinterpret_cast<std::uint64_t>(request.address == 0 ? in : out);
    const std::string wrong = encode_tensor_map(request, map);
    if (!wrong.empty()) throw std::runtime_error(wrong);
  }
  LaunchConfig config;
  config.grid.x = test.blocks;
  config.block.x = test.threads;
  config.cluster.x = test.cluster;
  void* arguments[] = {&in, &out, map};
  AsyncRun result;
  result.report = device.launch(*kernel, config, arguments);
  result.out.assign(out, out + test.out_words);
  result.in.assign(in, in + test.in_words);
  return result;
}

// One run for each completion, and for each schedule with random completion.
inline std::vector<AsyncRun> run_all_ways(AsyncKernel test) {
  std::vector<AsyncRun> runs;
  const auto with = [&](Schedule schedule, AsyncCompletion async, std::uint64_t seed) {
    test.settings.schedule = schedule;
    test.settings.async = async;
    test.settings.seed = seed;
    runs.push_back(run(test));
    runs.back().settings = fmt::format("schedule {} completion {} seed {}",
                                       static_cast<int>(schedule), static_cast<int>(async), seed);
  };
  with(Schedule::kNatural, AsyncCompletion::kEarly, 1);
  with(Schedule::kNatural, AsyncCompletion::kLate, 1);
  with(Schedule::kReversed, AsyncCompletion::kLate, 1);
  for (std::uint64_t seed = 1; seed <= 4; ++seed)
    with(Schedule::kRandom, AsyncCompletion::kRandom, seed);
  return runs;
}

}  // namespace moe::simt
