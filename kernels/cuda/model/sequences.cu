#include <algorithm>
#include <string>

#include "kernels/contract/error.h"
#include "kernels/cuda/model/sequences.h"

namespace moe::cuda {

Sequences::Sequences(std::int64_t batch, std::int64_t capacity)
    : batch_(batch), capacity_(capacity) {
  clear();
}

void Sequences::clear() {
  past_ = steps_ = 0;
  visible_.assign(static_cast<std::size_t>(batch_ * capacity_), 0);
  first_visible_.assign(static_cast<std::size_t>(batch_), 0);
  seen_.assign(static_cast<std::size_t>(batch_), 0);
}

void Sequences::extend(std::int64_t tokens, std::span<const std::int64_t> mask) {
  const std::int64_t steps = tokens / batch_, past = past_ + steps_;
  if (tokens == 0 || tokens % batch_ != 0 || past + steps > capacity_ ||
      (!mask.empty() && static_cast<std::int64_t>(mask.size()) != tokens)) {
    throw UserError("a pass of " + std::to_string(tokens) + " tokens and a mask of " +
                    std::to_string(mask.size()) + " behind " + std::to_string(past) +
                    " of each sequence, expected a multiple of " + std::to_string(batch_) +
                    " that fits a cache of " + std::to_string(capacity_));
  }
  past_ = past;
  steps_ = steps;
  positions_.clear();
  for (std::int64_t b = 0; b < batch_; ++b) {
    for (std::int64_t s = 0; s < steps; ++s) {
      const bool real = mask.empty() || mask[b * steps + s] != 0;
      visible_[b * capacity_ + past + s] = real ? 1 : 0;
      positions_.push_back(real ? seen_[b]++ : 1);
    }
    const auto begin = visible_.begin() + b * capacity_;
    first_visible_[b] =
        static_cast<std::int32_t>(std::find(begin, begin + past + steps, 1) - begin);
  }
}

}  // namespace moe::cuda
