#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace moe {

// kSim: the CUDA strategies in the interpreter of harness/simt. It counts; it has no time.
enum class Backend : std::uint8_t { kCpu, kCuda, kSim };

// The numbers a layer's products are made of; sums are f32. A problem's weights and tokens are
// rounded to it once, so that all strategies and the reference start from the same numbers.
enum class DType : std::uint8_t {
  kF32,
  kBf16,
  kF16,
  kTf32,  // f32 with a significand of 11 bits, in the storage of f32
  kE4m3,  // 8 bits with a scale for each row of weights and each token; tokens come in bf16
  kInt8,  // weights are whole numbers with a scale for each row; tokens come in bf16
  kInt4,  // the same, with a scale for each kInt4Group of a row
};
constexpr bool is_integer(DType d) { return d == DType::kInt8 || d == DType::kInt4; }
constexpr std::int64_t kInt4Group = 32;

constexpr std::array<std::string_view, 3> kBackendNames = {"cpu", "cuda", "sim"};
constexpr std::array<std::string_view, 7> kDTypeNames = {"f32",  "bf16", "f16", "tf32",
                                                         "e4m3", "int8", "int4"};
constexpr std::string_view to_string(Backend b) { return kBackendNames[static_cast<int>(b)]; }
constexpr std::string_view to_string(DType d) { return kDTypeNames[static_cast<int>(d)]; }

// One MoE layer, in the papers' own letters.
struct MoeShape {
  std::int64_t tokens = 0;   // T: rows of x
  std::int64_t hidden = 0;   // H: columns of x and y
  std::int64_t ffn = 0;      // F: width of one routed expert
  std::int64_t experts = 0;  // E
  std::int64_t top_k = 0;    // K: experts a token asks for
  bool renormalize = true;   // softmax over the chosen K (Mixtral); false: over all E (Time-MoE)
  DType dtype = DType::kF32;

  bool operator==(const MoeShape&) const = default;
};

}  // namespace moe
