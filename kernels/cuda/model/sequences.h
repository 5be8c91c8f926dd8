// What the host keeps of the sequences in the cache: which tokens are padding, and positions.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace moe::cuda {

class Sequences {
 public:
  Sequences() = default;
  Sequences(std::int64_t batch, std::int64_t capacity);
  void clear();

  // `tokens` more of all sequences together. mask: [tokens], sequence by sequence, 0 is padding,
  // empty is all ones. Throws UserError where they do not fit.
  void extend(std::int64_t tokens, std::span<const std::int64_t> mask);

  std::int64_t past() const { return past_; }    // tokens before the newest, of each sequence
  std::int64_t steps() const { return steps_; }  // the newest
  // Positions of the newest tokens, [tokens]: real ones are counted, padding has 1.
  const std::vector<std::int32_t>& positions() const { return positions_; }
  const std::vector<std::uint8_t>& visible() const { return visible_; }  // [B, capacity]
  const std::vector<std::int32_t>& first_visible() const { return first_visible_; }  // [B]

 private:
  std::int64_t batch_ = 0, capacity_ = 0, past_ = 0, steps_ = 0;
  std::vector<std::uint8_t> visible_;
  std::vector<std::int32_t> first_visible_, seen_, positions_;
};

}  // namespace moe::cuda
