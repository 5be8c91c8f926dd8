// The four lanes of a group hold elements that follow each other along K, so that a group's part of
// a register is one run.
#include "harness/simt/execute/mma_unpack.h"

#include <cstring>

#include "harness/simt/execute/fragments.h"

namespace moe::simt {
namespace {

constexpr int kGroups = 8;  // of four lanes

// With the length of a run known, copies become a few vector moves.
template <int kRun>
void copy_a(const float* values, Position first, int depth, float* a) {
  for (int group = 0; group < kGroups; ++group) {
    std::memcpy(a + (first.row + group) * depth + first.column, values + group * kRun,
                kRun * sizeof(float));
  }
}

template <int kRun>
void copy_b(const float* values, Position first, float* b) {
  float* to = b + first.row * kGroups;
  for (int i = 0; i < kRun; ++i) {
    for (int group = 0; group < kGroups; ++group)
      to[i * kGroups + group] = values[group * kRun + i];
  }
}

}  // namespace

void unpack_a_register(const float* values, int packed, int reg, int rows, int depth, float* a) {
  const Position first = position_in_a(0, reg * packed, packed, rows);
  switch (packed) {
    case 1:
      return copy_a<4>(values, first, depth, a);
    case 2:
      return copy_a<8>(values, first, depth, a);
    case 4:
      return copy_a<16>(values, first, depth, a);
    default:
      return copy_a<32>(values, first, depth, a);
  }
}

void unpack_b_register(const float* values, int packed, int reg, float* b) {
  const Position first = position_in_b(0, reg * packed, packed);
  switch (packed) {
    case 1:
      return copy_b<4>(values, first, b);
    case 2:
      return copy_b<8>(values, first, b);
    case 4:
      return copy_b<16>(values, first, b);
    default:
      return copy_b<32>(values, first, b);
  }
}

}  // namespace moe::simt
