// A decoder in double whose every operation can be rounded at random: how far f32 may take a model
// off, for the bounds of the golden tests.
//
// Monte Carlo arithmetic (Parker, UCLA CSD-970002): each result is multiplied by 1 + u or 1 - u, u
// half a unit in the last place of f32, which spreads more than rounding itself does (by sqrt 3, if
// that is even over its interval). What comes out of some runs has, number by number, a standard
// deviation: the condition of the model and the count of its roundings in one, correlations
// included. Bounds that add worst cases up say nothing here: each product of the two layers
// multiplies them by five or ten.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "kernels/contract/device_model.h"
#include "reference/matrix.h"

namespace moe::harness {

// SplitMix64; seed 0 is no noise at all. The inputs of products, and what experts give to be
// summed, are kept in `stored`, f32 or bf16.
class Rounding32 {
 public:
  explicit Rounding32(std::uint64_t seed, DType stored = DType::kF32)
      : state_(seed), is_noisy_(seed != 0), is_bf16_(stored == DType::kBf16) {}
  double operator()(double x, double units = 1) { return x * (1 + units * 0x1p-24 * sign()); }
  double stored(double x) { return is_bf16_ ? x * (1 + 0x1p-9 * sign()) : x; }

 private:
  int sign() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    if (!is_noisy_) return 0;
    return (z ^ (z >> 31)) % 2 == 0 ? 1 : -1;
  }

  std::uint64_t state_;
  bool is_noisy_, is_bf16_;
};

using Rows = reference::Matrix<double>;
using Named = std::map<std::string, std::vector<double>>;

// x W^T + b
Rows linear(std::span<const float> weight, std::span<const float> bias, const Rows& x,
            Rounding32& round);
Rows embed_points(const DecoderDescription& decoder, const Rows& points, Rounding32& round);
Rows embed_words(const DecoderDescription& decoder, std::span<const std::int64_t> words);

// The layers and the last norm over embedded tokens of `batch` sequences, all in one pass; mask:
// [T] or empty. Notes "logits L" [T, E] and "experts L" [T, K], best first, of each sparse layer L,
// and "hidden" [T, H], which it returns.
Rows noisy_decoder(const DecoderDescription& decoder, Rows h, std::int64_t batch,
                   std::span<const std::int64_t> mask, Rounding32& round, Named& notes);

// What a program computes without noise, and by how much noise moves it.
struct Spread {
  std::vector<double> value;
  std::vector<double> deviation;
};
std::map<std::string, Spread> spread(const std::function<Named(Rounding32&)>& program,
                                     DType stored = DType::kF32);

}  // namespace moe::harness
