#pragma once
#include <cstdint>
#include <string_view>

namespace moe {

// kSim: the CUDA strategies in the interpreter of harness/simt. It counts; it has no time.
enum class Backend : std::uint8_t { kCpu, kCuda, kSim };
enum class DType : std::uint8_t { kF32, kBf16 };

constexpr std::string_view to_string(Backend b) {
  return b == Backend::kCpu ? "cpu" : b == Backend::kCuda ? "cuda" : "sim";
}
constexpr std::string_view to_string(DType d) { return d == DType::kF32 ? "f32" : "bf16"; }

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
