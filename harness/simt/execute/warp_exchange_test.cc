#include "harness/simt/execute/warp_exchange.h"

#include <gtest/gtest.h>

namespace moe::simt {
namespace {

struct Vector {
  ShuffleMode mode;
  int lane;
  std::uint32_t offset, clamp;
  int source;
  bool in_range;
};

// c as the CUDA headers form it for width w: up 0x..00, else 0x1f, with segment mask (32 - w) << 8.
// Worked by hand from "Semantics" of shfl.sync.
const Vector kVectors[] = {
    // up, whole warp: lanes below the offset keep their own
    {ShuffleMode::kUp, 5, 2, 0x0000, 3, true},
    {ShuffleMode::kUp, 1, 2, 0x0000, 1, false},
    {ShuffleMode::kUp, 2, 2, 0x0000, 0, true},
    {ShuffleMode::kUp, 31, 31, 0x0000, 0, true},
    // up, segments of 8: lane 9 is the second of its segment
    {ShuffleMode::kUp, 9, 1, 0x1800, 8, true},
    {ShuffleMode::kUp, 9, 2, 0x1800, 9, false},
    {ShuffleMode::kUp, 15, 7, 0x1800, 8, true},
    // up, clamp 3 in segments of 8: not below lane 3 of the segment
    {ShuffleMode::kUp, 13, 2, 0x1803, 11, true},
    {ShuffleMode::kUp, 13, 3, 0x1803, 13, false},
    // down, whole warp
    {ShuffleMode::kDown, 0, 16, 0x001f, 16, true},
    {ShuffleMode::kDown, 16, 16, 0x001f, 16, false},
    {ShuffleMode::kDown, 15, 16, 0x001f, 31, true},
    // down, segments of 16
    {ShuffleMode::kDown, 14, 1, 0x101f, 15, true},
    {ShuffleMode::kDown, 15, 1, 0x101f, 15, false},
    {ShuffleMode::kDown, 16, 1, 0x101f, 17, true},
    // the offset counts modulo 32
    {ShuffleMode::kDown, 3, 33, 0x001f, 4, true},
    {ShuffleMode::kUp, 3, 32, 0x0000, 3, true},
    // butterfly: may leave the segment downwards, never upwards
    {ShuffleMode::kButterfly, 6, 1, 0x001f, 7, true},
    {ShuffleMode::kButterfly, 31, 16, 0x001f, 15, true},
    {ShuffleMode::kButterfly, 3, 4, 0x1c1f, 3, false},
    {ShuffleMode::kButterfly, 7, 4, 0x1c1f, 3, true},
    {ShuffleMode::kButterfly, 5, 2, 0x1c1f, 7, true},
    // index
    {ShuffleMode::kIndex, 20, 0, 0x001f, 0, true},
    {ShuffleMode::kIndex, 20, 37, 0x001f, 5, true},
    {ShuffleMode::kIndex, 20, 3, 0x181f, 19, true},
    {ShuffleMode::kIndex, 20, 11, 0x181f, 19, true},
    {ShuffleMode::kIndex, 3, 20, 0x000f, 3, false},
    {ShuffleMode::kIndex, 3, 15, 0x000f, 15, true},
};

TEST(ShuffleSource, IsTheLaneWorkedByHand) {
  int at = 0;
  for (const Vector& vector : kVectors) {
    const ShuffleSource found =
        shuffle_source(vector.mode, vector.lane, vector.offset, vector.clamp);
    EXPECT_EQ(found.lane, vector.source) << "vector " << at;
    EXPECT_EQ(found.in_range, vector.in_range) << "vector " << at;
    ++at;
  }
}

}  // namespace
}  // namespace moe::simt
