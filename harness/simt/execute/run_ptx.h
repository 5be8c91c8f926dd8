// For tests: a few PTX statements, run for every lane of a warp on values of the lane's own.
//
//   expect_lanes("add.sat.s32 %o, %a, %b;", "b32 b32 -> b32", {{{0x7fffffff, 1}, 0x7fffffff}});
//
// The statements read %a, %b, %c, %d (as many as the signature has before the arrow), write %o, and
// may use %t0..%t7 (.b32), %u0..%u3 (.b64), %h0..%h3 (.b16), %p0..%p3. Types: b16 b32 b64 pred.
// Kernels with shared memory, barriers or several blocks: machine/test_kernel.h.
#pragma once
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "harness/simt/machine/device.h"

namespace moe::simt {

struct LaneVector {
  std::vector<std::uint64_t> in;  // bits of %a, %b ...; 0 or 1 of a predicate
  std::uint64_t expected = 0;     // bits of %o
};

struct LaneSignature {
  std::vector<std::string> in;
  std::string out;
};

inline LaneSignature parse_signature(const std::string& text) {
  std::istringstream words(text);
  LaneSignature signature;
  bool behind_arrow = false;
  for (std::string word; words >> word;) {
    if (word == "->") {
      behind_arrow = true;
    } else if (behind_arrow) {
      signature.out = word;
    } else {
      signature.in.push_back(word);
    }
  }
  return signature;
}

// Loads operand `name` from the 8 bytes at [%in + offset].
inline std::string load_lane_operand(const std::string& name, const std::string& type, int offset) {
  if (type != "pred") {
    return fmt::format("  ld.global.{} %{}, [%in+{}];\n", type, name, offset);
  }
  return fmt::format("  ld.global.b32 %t7, [%in+{}];\n  setp.ne.b32 %{}, %t7, 0;\n", offset, name);
}

// Stores %o. A 16-bit result goes through 32 bits: what stands above it must be zero.
inline std::string store_lane_result(const std::string& type) {
  if (type == "pred") return "  selp.b32 %t7, 1, 0, %o;\n  st.global.b32 [%out], %t7;\n";
  if (type != "b16") return fmt::format("  st.global.{} [%out], %o;\n", type);
  return "  mov.b16 %h3, 0;\n  mov.b32 %t7, {%o, %h3};\n  st.global.b32 [%out], %t7;\n";
}

inline std::string lane_module(const std::string& body, const LaneSignature& signature) {
  static constexpr const char* kNames[] = {"a", "b", "c", "d"};
  std::string declare = fmt::format("  .reg .{} %o;\n", signature.out);
  std::string load;
  for (std::size_t i = 0; i < signature.in.size(); ++i) {
    declare += fmt::format("  .reg .{} %{};\n", signature.in[i], kNames[i]);
    load += load_lane_operand(kNames[i], signature.in[i], static_cast<int>(8 * i));
  }
  return fmt::format(R"(.version 9.0
.target sm_100a
.address_size 64
.visible .entry kernel(.param .u64 inputs, .param .u64 outputs)
{{
  .reg .pred %p<4>;
  .reg .b16 %h<4>;
  .reg .b32 %t<8>, %index;
  .reg .b64 %u<4>, %in, %out, %at;
{}  ld.param.u64 %in, [inputs];
  ld.param.u64 %out, [outputs];
  mov.u32 %index, %tid.x;
  mad.wide.u32 %in, %index, {}, %in;
  mad.wide.u32 %out, %index, 8, %out;
{}  {}
{}  ret;
}}
)",
                     declare, 8 * signature.in.size(), load, body,
                     store_lane_result(signature.out));
}

// The results of `threads` lanes (up to 1024); lane i takes inputs[i % inputs.size()].
inline std::vector<std::uint64_t> run_lanes(const std::string& body, const std::string& signature,
                                            const std::vector<std::vector<std::uint64_t>>& inputs,
                                            unsigned threads = 32) {
  const LaneSignature types = parse_signature(signature);
  Device device(architecture("100a"));
  const auto program = device.load(lane_module(body, types), "lanes.ptx");
  const auto kernel = device.kernel(program, "kernel");

  const std::size_t width = types.in.size();
  auto* in = static_cast<std::uint64_t*>(device.memory.allocate(8 * width * threads + 8, "in"));
  auto* out = static_cast<std::uint64_t*>(device.memory.allocate(8 * threads, "out"));
  for (unsigned lane = 0; lane < threads; ++lane) {
    const std::vector<std::uint64_t>& values = inputs.at(lane % inputs.size());
    EXPECT_EQ(values.size(), width) << body;
    std::memcpy(in + width * lane, values.data(), 8 * width);
  }
  std::memset(out, 0, 8 * threads);
  device.memory.mark_written(in, 8 * width * threads);
  device.memory.mark_written(out, 8 * threads);

  void* arguments[] = {&in, &out};
  const LaunchReport report =
      device.launch(*kernel, {.grid = {}, .block = {threads, 1, 1}, .cluster = {}}, arguments);
  EXPECT_TRUE(report.ok) << body;
  for (const Finding& finding : report.findings) ADD_FAILURE() << body << "\n" << describe(finding);
  return {out, out + threads};
}

// How many vectors worked by hand, and of how many forms of an instruction, were run so far.
struct VectorCount {
  int forms = 0, vectors = 0;
};
inline VectorCount vector_count;

// Each vector in a lane of its own: with all 32 lanes, and with one lane off (handlers have a path
// for each).
inline void expect_lanes(const std::string& body, const std::string& signature,
                         const std::vector<LaneVector>& vectors) {
  ++vector_count.forms;
  vector_count.vectors += static_cast<int>(vectors.size());
  std::vector<std::vector<std::uint64_t>> inputs;
  for (const LaneVector& vector : vectors) inputs.push_back(vector.in);
  const unsigned count = static_cast<unsigned>(vectors.size());
  const unsigned full = (count + 31) / 32 * 32;
  for (const unsigned threads : {full, full + 31}) {
    const std::vector<std::uint64_t> out = run_lanes(body, signature, inputs, threads);
    for (unsigned lane = 0; lane < threads; ++lane) {
      const LaneVector& vector = vectors[lane % count];
      if (out[lane] == vector.expected) continue;
      std::string operands;
      for (const std::uint64_t value : vector.in) operands += fmt::format(" {:#x}", value);
      ADD_FAILURE() << body << " of" << operands << fmt::format(": {:#x}", out[lane])
                    << fmt::format(", expected {:#x} (lane {} of {})", vector.expected, lane,
                                   threads);
      return;
    }
  }
}

// The statements are refused, with a message that contains `text`.
inline void expect_refused(const std::string& body, const std::string& signature,
                           const std::string& text) {
  Device device(architecture("100a"));
  try {
    const auto program = device.load(lane_module(body, parse_signature(signature)), "lanes.ptx");
    device.kernel(program, "kernel");
    ADD_FAILURE() << body << " was not refused";
  } catch (const ptx::Error& error) {
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
  }
}

inline std::uint64_t f32(float value) { return std::bit_cast<std::uint32_t>(value); }
inline std::uint64_t f64(double value) { return std::bit_cast<std::uint64_t>(value); }

}  // namespace moe::simt
