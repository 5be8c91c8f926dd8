#include <algorithm>
#include <cmath>

#include "kernels/cuda/model/activations.h"
#include "kernels/cuda/model/linear.h"

namespace moe::cuda {
namespace {

// `of` the angles position * theta^(-2 i / d): [positions, d / 2].
Buffer<float> table(const DecoderDescription& d, std::int64_t positions, double (*of)(double)) {
  std::vector<float> out;
  for (std::int64_t p = 0; p < positions; ++p) {
    for (std::int64_t i = 0; i < d.head_dim / 2; ++i) {
      const double frequency =
          std::pow(d.rope_theta, -2.0 * static_cast<double>(i) / static_cast<double>(d.head_dim));
      out.push_back(static_cast<float>(of(static_cast<double>(p) * frequency)));
    }
  }
  return upload(out);
}

}  // namespace

Activations::Activations(const DecoderDescription& d, const DecoderLimits& limits) {
  const std::int64_t t = limits.tokens, q = d.heads * d.head_dim;
  const bool is_bf16 = limits.dtype == DType::kBf16;
  std::int64_t width = 0, widest_head = 0;
  for (const DecoderLayer& l : d.layers) width = std::max(width, l.ffn.width);
  for (const auto& head : d.heads_out) {
    widest_head = std::max(widest_head, static_cast<std::int64_t>(head.size()) / d.hidden);
  }
  points = Buffer<float>(t * d.channels);
  group = Buffer<std::int32_t>(2);
  positions = Buffer<std::int32_t>(t);
  words = Buffer<std::int32_t>(t);
  first_visible = Buffer<std::int32_t>(limits.batch);
  visible = Buffer<std::uint8_t>(limits.batch * limits.length);
  for (auto* b : {&h, &y, &routed, &block}) *b = Buffer<float>(t * d.hidden);
  qkv = Buffer<float>(t * (q + 2 * d.kv_heads * d.head_dim));
  mixed = Buffer<float>(is_bf16 ? 0 : t * q);
  inner = Buffer<float>(is_bf16 ? 0 : t * width);
  y16 = Buffer<__nv_bfloat16>(is_bf16 ? t * d.hidden : 0);
  mixed16 = Buffer<__nv_bfloat16>(is_bf16 ? t * q : 0);
  inner16 = Buffer<__nv_bfloat16>(is_bf16 ? t * width : 0);
  head = Buffer<float>(t * widest_head);
  for (const DecoderLayer& l : d.layers) {
    router_logits.emplace_back(l.experts != nullptr ? t * logits_stride(d.experts) : 0);
    const std::int64_t cached = limits.batch * d.kv_heads * limits.length * d.head_dim;
    keys.emplace_back(cached);
    values.emplace_back(cached);
  }
  // A token of padding has position 1, in the shortest of sequences too.
  const std::int64_t known_positions = std::max<std::int64_t>(limits.length, 2);
  cosines = table(d, known_positions, [](double x) { return std::cos(x); });
  sines = table(d, known_positions, [](double x) { return std::sin(x); });
}

std::int64_t Activations::bytes() const {
  std::int64_t sum = visible.bytes();
  for (const auto* b : {&group, &positions, &words, &first_visible}) sum += b->bytes();
  for (const auto* b :
       {&points, &h, &y, &qkv, &routed, &block, &mixed, &inner, &head, &cosines, &sines}) {
    sum += b->bytes();
  }
  for (const auto* b : {&y16, &mixed16, &inner16}) sum += b->bytes();
  for (const auto* all : {&router_logits, &keys, &values}) {
    for (const Buffer<float>& b : *all) sum += b.bytes();
  }
  return sum;
}

}  // namespace moe::cuda
