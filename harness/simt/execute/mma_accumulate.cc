// Adds the sums of products to the accumulators, lane by lane as fragments.h says.
#include "harness/simt/execute/mma_accumulate.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "harness/simt/execute/formats.h"
#include "harness/simt/execute/fragments.h"

namespace moe::simt {
namespace {

int elements_per_register(Accumulator type) { return type == Accumulator::kF16 ? 2 : 1; }

// The sum that belongs to element `element` of each lane.
void gather(const float* sums, int columns, int element, bool negate, float* lanes) {
  for (int lane = 0; lane < kLanes; ++lane) {
    const Position at = position_in_c(lane, element);
    const float sum = sums[at.row * columns + at.column];
    lanes[lane] = negate ? -sum : sum;
  }
}

void add_f32(const float* sums, const std::uint32_t* c, std::uint32_t* d) {
  for (int lane = 0; lane < kLanes; ++lane) {
    const float old = c != nullptr ? std::bit_cast<float>(c[lane]) : 0.0f;
    d[lane] = std::bit_cast<std::uint32_t>(old + sums[lane]);
  }
}

void add_f16(const float* low, const float* high, const std::uint32_t* c, std::uint32_t* d) {
  for (int lane = 0; lane < kLanes; ++lane) {
    const std::uint32_t old = c != nullptr ? c[lane] : 0;
    d[lane] = to_f16(from_f16(old & 0xffff) + low[lane]) | to_f16(from_f16(old >> 16) + high[lane])
                                                               << 16;
  }
}

void add_s32(const float* sums, bool saturate, const std::uint32_t* c, std::uint32_t* d) {
  constexpr std::int64_t kLow = std::numeric_limits<std::int32_t>::min();
  constexpr std::int64_t kHigh = std::numeric_limits<std::int32_t>::max();
  for (int lane = 0; lane < kLanes; ++lane) {
    std::int64_t sum = c != nullptr ? static_cast<std::int32_t>(c[lane]) : 0;
    sum += static_cast<std::int32_t>(sums[lane]);  // exact: below 2^24
    if (saturate) sum = std::clamp(sum, kLow, kHigh);
    d[lane] = static_cast<std::uint32_t>(sum);
  }
}

}  // namespace

int accumulator_registers(Accumulator type, int rows, int columns) {
  return rows * columns / kLanes / elements_per_register(type);
}

void accumulate(const Accumulation& form, const float* sums, int columns, int index,
                const std::uint32_t* c, std::uint32_t* d) {
  float low[kLanes], high[kLanes];
  if (form.type == Accumulator::kF16) {
    gather(sums, columns, 2 * index, form.negate, low);
    gather(sums, columns, 2 * index + 1, form.negate, high);
    return add_f16(low, high, c, d);
  }
  gather(sums, columns, index, form.negate, low);
  if (form.type == Accumulator::kS32) return add_s32(low, form.saturate, c, d);
  add_f32(low, c, d);
}

LaneMask poisoned_lanes(Accumulator type, int index, const OperandPoison& poison) {
  if (poison.rows == 0 && poison.columns.none()) return 0;
  const int elements = elements_per_register(type);
  LaneMask lanes = 0;
  for (int lane = 0; lane < kLanes; ++lane) {
    for (int i = 0; i < elements; ++i) {
      const Position at = position_in_c(lane, index * elements + i);
      if ((poison.rows >> at.row & 1) != 0 || poison.columns[at.column]) lanes |= 1u << lane;
    }
  }
  return lanes;
}

}  // namespace moe::simt
