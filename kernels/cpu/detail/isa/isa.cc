#include "kernels/cpu/detail/isa/isa.h"

#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include "kernels/contract/error.h"
#include "kernels/contract/strategy.h"

namespace moe::cpu {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"scalar", "avx2", "avx512", "avx512-vnni"};

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
  }
#endif
  return isa == Isa::kScalar;
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
    for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Vnni}) {
      if (has(isa)) some.push_back(isa);
    }
    return some;
  }();
  return all;
}

Isa chosen_isa() {
  const std::span<const Isa> all = available_isas();
  const char* cap = std::getenv("MOEBENCH_ISA");
  if (cap == nullptr || *cap == '\0') return all.back();
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
