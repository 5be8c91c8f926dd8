#include "kernels/cpu/detail/isa/isa.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <string>
#include <vector>

#include "kernels/contract/error.h"
#include "kernels/contract/strategy.h"
#include "kernels/cpu/detail/isa/micro_kernels.h"

namespace moe::cpu {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"scalar",      "avx2",        "avx512",
                                                    "avx512-vnni", "avx512-bf16", "amx-bf16"};

#if defined(__x86_64__)
// Whether the processor says so, the system saves the tiles, and it lets this process have them.
bool has_tiles() {
  constexpr unsigned kBf16 = 1U << 22;
  constexpr unsigned kTile = 1U << 24;
  constexpr unsigned kSystemSaves = 1U << 27;
  constexpr std::uint64_t kSaved = std::uint64_t{3} << 17;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kSystemSaves) == 0) return false;
  unsigned low = 0;
  unsigned high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((((std::uint64_t{high} << 32) | low) & kSaved) != kSaved) return false;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d & kBf16) == 0 || (d & kTile) == 0) {
    return false;
  }
  constexpr long kAskForPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;
  return syscall(SYS_arch_prctl, kAskForPermission, kTileData) == 0;
}
#endif

bool has(Isa isa) {
#if defined(__x86_64__)
  switch (isa) {
    case Isa::kScalar:
      return true;
    case Isa::kAvx2:
      return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
    case Isa::kAvx512:
      return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
             __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
    case Isa::kAvx512Vnni:
      return has(Isa::kAvx512) && __builtin_cpu_supports("avx512vnni") != 0;
    case Isa::kAvx512Bf16:
      return has(Isa::kAvx512Vnni) && __builtin_cpu_supports("avx512bf16") != 0;
    case Isa::kAmxBf16:
      return has(Isa::kAvx512Vnni) && has_tiles();
  }
#endif
  return isa == Isa::kScalar;
}

// The rate of `work`, the best of a few trials of a fraction of a millisecond.
double rate(double (*work)(std::int64_t, float*)) {
  double best = 0;
  for (int trial = 0; trial < 8; ++trial) {
    float sink[16] = {};
    const auto begin = std::chrono::steady_clock::now();
    const double done = work(20'000, sink);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    best = std::max(best, done / taken.count());
  }
  return best;
}

// Widened, a weight costs one instruction for each 14 multiplications.
bool dots_are_faster(const MicroKernels& kernels) {
  constexpr double kWidened = 14.0 / 15.0;
  return rate(kernels.native_bf16.multiply_add) > kWidened * rate(kernels.multiply_add);
}

std::vector<std::string> names_of(std::span<const Isa> isas) {
  std::vector<std::string> names;
  for (const Isa isa : isas) names.emplace_back(to_string(isa));
  return names;
}

}  // namespace

std::string_view to_string(Isa isa) { return kNames[static_cast<int>(isa)]; }

std::span<const Isa> available_isas() {
  static const std::vector<Isa> all = [] {
    std::vector<Isa> some;
    for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Vnni,
                          Isa::kAvx512Bf16, Isa::kAmxBf16}) {
      if (has(isa)) some.push_back(isa);
    }
    return some;
  }();
  return all;
}

Isa best_isa() {
  static const Isa best = [] {
    const Isa last = available_isas().back();
    if (last != Isa::kAvx512Bf16 || dots_are_faster(micro_kernels(last))) return last;
    return Isa::kAvx512Vnni;
  }();
  return best;
}

Isa chosen_isa() {
  const std::span<const Isa> all = available_isas();
  const char* cap = std::getenv("MOEBENCH_ISA");
  if (cap == nullptr || *cap == '\0') return best_isa();
  for (const Isa isa : all) {
    if (to_string(isa) == cap) return isa;
  }
  const auto names = names_of(all);
  throw UserError("environment variable MOEBENCH_ISA: \"" + std::string(cap) +
                  "\" is not an instruction set of this machine; it has " + comma_separated(names) +
                  did_you_mean(cap, names));
}

}  // namespace moe::cpu

namespace moe {

std::vector<std::string> cpu_instruction_sets() { return cpu::names_of(cpu::available_isas()); }

std::string matrix_product_library() {
  return "moebench micro-kernels (" + std::string(to_string(cpu::chosen_isa())) + ")";
}

}  // namespace moe
