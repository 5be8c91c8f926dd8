#include "harness/guarded_matrix.h"

#include <algorithm>
#include <bit>

namespace moe::harness {
namespace {

constexpr std::uint32_t kPoison = 0xFFFFFFFF;    // a NaN
constexpr std::uint32_t kSentinel = 0x7FA5A5A5;  // another NaN: no arithmetic makes this very one

}  // namespace

GuardedMatrix::GuardedMatrix(std::int64_t rows, std::int64_t cols)
    : rows_(rows),
      cols_(cols),
      memory_(static_cast<std::size_t>(rows * cols + 2 * kGuard), std::bit_cast<float>(kSentinel)) {
  poison();
}

void GuardedMatrix::poison() {
  std::fill_n(memory_.begin() + kGuard, rows_ * cols_, std::bit_cast<float>(kPoison));
}

bool GuardedMatrix::guards_intact() const {
  const auto intact = [](float f) { return std::bit_cast<std::uint32_t>(f) == kSentinel; };
  return std::all_of(memory_.begin(), memory_.begin() + kGuard, intact) &&
         std::all_of(memory_.end() - kGuard, memory_.end(), intact);
}

std::vector<float> GuardedMatrix::copy() const {
  return {memory_.begin() + kGuard, memory_.end() - kGuard};
}

}  // namespace moe::harness
