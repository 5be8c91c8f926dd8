// For tests of matrix instructions: a kernel in PTX between two buffers of words, and numbers in
// every element type.
#pragma once
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "harness/simt/execute/formats.h"
#include "harness/simt/execute/mma_elements.h"
#include "harness/simt/machine/device.h"

namespace moe::simt {

struct MatrixRun {
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

// `body`: %rd1 is the address of `in`, %rd2 of `out`, each plus 4 * %tid.x; %rd3 and %rd4 without;
// %r0 is %tid.x. Registers %a %b %c %d (32 bits), %x %y (64 bits), %w (f64) are free.
struct MatrixKernel {
  std::string body;
  unsigned threads = 32;
  std::vector<std::uint32_t> in = {};
  std::set<unsigned> unwritten = {};  // words of `in` that nobody has written
  unsigned out_words = 32;
  unsigned shared_bytes = 0;  // `tile`, aligned to 1024
  Settings settings = {};
};

inline std::string ptx_of(const MatrixKernel& kernel) {
  const std::string shared =
      kernel.shared_bytes == 0
          ? ""
          : fmt::format(".shared .align 1024 .b8 tile[{}];", kernel.shared_bytes);
  return fmt::format(R"(.version 9.0
.target sm_90a
.address_size 64
.visible .entry kernel(.param .u64 in, .param .u64 out)
{{
  .reg .pred %p<8>;
  .reg .b32 %r<64>, %a<16>, %b<16>, %c<16>, %d<160>;
  .reg .b64 %rd<32>, %x<16>, %y<16>;
  .reg .f64 %w<40>;
  {}
  ld.param.u64 %rd3, [in];
  ld.param.u64 %rd4, [out];
  mov.u32 %r0, %tid.x;
  mul.wide.u32 %rd5, %r0, 4;
  add.s64 %rd1, %rd3, %rd5;
  add.s64 %rd2, %rd4, %rd5;
{}
  ret;
}}
)",
                     shared, kernel.body);
}

inline MatrixRun run_matrix_kernel(const MatrixKernel& test) {
  Device device(architecture("90a"));
  device.settings = test.settings;
  const auto program = device.load(ptx_of(test), "test.ptx");
  const auto kernel = device.kernel(program, "kernel");
  const std::size_t in_bytes = 4 * std::max<std::size_t>(test.in.size(), 1);
  auto* in = static_cast<std::uint32_t*>(device.memory.allocate(in_bytes, "in"));
  void* out = device.memory.allocate(test.out_words * 4, "out");
  for (unsigned i = 0; i < test.in.size(); ++i) {
    if (test.unwritten.contains(i)) continue;
    in[i] = test.in[i];
    device.memory.mark_written(in + i, 4);
  }
  std::memset(out, 0, test.out_words * 4);
  device.memory.mark_written(out, test.out_words * 4);
  LaunchConfig config;
  config.block.x = test.threads;
  void* arguments[] = {&in, &out};
  MatrixRun run;
  run.report = device.launch(*kernel, config, arguments);
  run.out.resize(test.out_words);
  std::memcpy(run.out.data(), out, test.out_words * 4);
  return run;
}

// "{%a0, %a1, %a2}"
inline std::string registers(const char* name, int count) {
  std::string all = "{";
  for (int i = 0; i < count; ++i) all += fmt::format("{}%{}{}", i == 0 ? "" : ", ", name, i);
  return all + "}";
}

// Loads of `count` registers, register i of thread t from in[first + i * threads + t].
inline std::string load_registers(const char* name, int count, int first, int threads = 32) {
  std::string all;
  for (int i = 0; i < count; ++i) {
    all += fmt::format("  ld.global.u32 %{}{}, [%rd1+{}];\n", name, i, 4 * (first + i * threads));
  }
  return all;
}
inline std::string store_registers(const char* name, int count, int threads = 32) {
  std::string all;
  for (int i = 0; i < count; ++i) {
    all += fmt::format("  st.global.u32 [%rd2+{}], %{}{};\n", 4 * i * threads, name, i);
  }
  return all;
}

// A number as an element; the number is one the type holds exactly.
inline std::uint32_t element_code(Element type, double value) {
  const float number = static_cast<float>(value);
  switch (type) {
    case Element::kF16:
      return to_f16(number);
    case Element::kBf16:
      return to_bf16(number);
    case Element::kTf32:
      return std::bit_cast<std::uint32_t>(number);
    case Element::kE4m3:
      return encode<kE4m3>(number);
    case Element::kE5m2:
      return encode<kE5m2>(number);
    default:
      return static_cast<std::uint32_t>(static_cast<int>(value)) & ((1u << bits_of(type)) - 1);
  }
}

// A number of that type: a small integer, or (`fractions`) any that its format rounds to.
inline double random_number(Element type, bool fractions, std::mt19937& random) {
  if (is_integer(type)) {
    const bool is_signed = type == Element::kS8 || type == Element::kS4;
    const int range = 1 << bits_of(type);
    const int value = static_cast<int>(random() % range);
    return is_signed ? value - range / 2 : value;
  }
  if (!fractions) return static_cast<double>(random() % 9) - 4;
  const float value = std::uniform_real_distribution<float>(-2, 2)(random);
  switch (type) {
    case Element::kF16:
      return from_f16(to_f16(value));
    case Element::kBf16:
      return from_bf16(to_bf16(value));
    case Element::kTf32:
      return from_tf32(std::bit_cast<std::uint32_t>(value));
    case Element::kE4m3:
      return from_e4m3(encode<kE4m3>(value));
    case Element::kE5m2:
      return from_e5m2(encode<kE5m2>(value));
    default:
      return value;
  }
}

// D as a number, from the bits of a 32-bit register; `half` picks one of two f16.
inline double accumulator_number(Accumulator type, std::uint32_t bits, int half = 0) {
  if (type == Accumulator::kS32) return static_cast<std::int32_t>(bits);
  if (type == Accumulator::kF16) return from_f16(bits >> (16 * half) & 0xffff);
  return std::bit_cast<float>(bits);
}

// How far a product's element may be from the exact one: every product and sum is rounded to float,
// the result to its own type. Integers are exact.
inline double error_bound(Accumulator type, int depth, double magnitude, double exact) {
  if (type == Accumulator::kS32) return 0;
  const double sums = (depth + 2) * 0x1p-24 * magnitude;
  return type == Accumulator::kF16 ? sums + 0x1p-11 * (std::abs(exact) + sums) : sums;
}

}  // namespace moe::simt
