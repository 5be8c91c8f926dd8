// Tests of occupancy, worked by hand from the allocation rules.
#include "harness/simt/machine/occupancy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/contract/error.h"

namespace moe::simt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

// 128 registers: 4096 a warp, 4 warps to a partition's 16384, 16 to the multiprocessor: 2 blocks
// of 8.
TEST(Occupancy, RegistersLimitAGemmToTwoBlocks) {
  for (const Architecture& each : architectures()) {
    const Occupancy found = occupancy(each, {.threads = 256, .registers = 128});
    EXPECT_EQ(found.blocks, 2) << each.device;
    EXPECT_EQ(found.warps, 16) << each.device;
    EXPECT_EQ(found.of_all_warps, 0.25) << each.device;
    EXPECT_THAT(found.limits, ElementsAre(Limit::kRegisters)) << each.device;
  }
}

// 33 registers take 1056 a warp, rounded up to 1280: 12 warps to a partition, 48 in all.
TEST(Occupancy, AWarpGetsWholeUnitsOf256Registers) {
  const Architecture& h100 = architecture("90a");
  EXPECT_EQ(occupancy(h100, {.threads = 128, .registers = 32}).blocks, 16);
  EXPECT_EQ(occupancy(h100, {.threads = 128, .registers = 33}).blocks, 12);
  EXPECT_EQ(occupancy(h100, {.threads = 128, .registers = 40}).blocks, 12);
  EXPECT_EQ(occupancy(h100, {.threads = 128, .registers = 41}).blocks, 10);
}

// 88 registers take 2816 a warp: 5 warps to a partition's 16384, 20 in all. Undivided, the
// multiprocessor's 65536 would hold 23.
TEST(Occupancy, APartitionsRestOfRegistersIsLost) {
  EXPECT_EQ(occupancy(architecture("90a"), {.threads = 32, .registers = 88}).blocks, 20);
}

// 98304 bytes and the system's 1024 are 97 KB: one in 164 KB, two in 228 KB.
TEST(Occupancy, SharedMemoryLimitsByArchitecture) {
  const KernelResources gemm{.threads = 256, .registers = 64, .dynamic_shared = 98304};
  EXPECT_EQ(occupancy(architecture("80"), gemm).blocks, 1);
  EXPECT_EQ(occupancy(architecture("90a"), gemm).blocks, 2);
  EXPECT_EQ(occupancy(architecture("100a"), gemm).blocks, 2);
  EXPECT_THAT(occupancy(architecture("80"), gemm).limits, ElementsAre(Limit::kSharedMemory));
}

// 228 KB for four blocks are 57 KB each, of which 56 are the block's own.
TEST(Occupancy, EachBlockPaysAKilobyteToTheSystem) {
  const Architecture& h100 = architecture("90a");
  EXPECT_EQ(occupancy(h100, {.threads = 64, .dynamic_shared = 56 * 1024}).blocks, 4);
  EXPECT_EQ(occupancy(h100, {.threads = 64, .dynamic_shared = 56 * 1024 + 1}).blocks, 3);
  EXPECT_EQ(occupancy(h100, {.threads = 64, .static_shared = 1, .dynamic_shared = 57343}).blocks,
            4);
}

TEST(Occupancy, ThreadsLimitLargeBlocksAndBlocksLimitSmallOnes) {
  const Architecture& a100 = architecture("80");
  EXPECT_EQ(occupancy(a100, {.threads = 1024, .registers = 32}).blocks, 2);
  const Occupancy odd = occupancy(a100, {.threads = 96, .registers = 32});
  EXPECT_EQ(odd.blocks, 21);  // 64 warps hold 21 blocks of three
  EXPECT_TRUE(odd.limited_by(Limit::kThreads));
  const Occupancy small = occupancy(a100, {.threads = 32, .registers = 16});
  EXPECT_EQ(small.blocks, 32);
  EXPECT_THAT(small.limits, ElementsAre(Limit::kBlocks));
}

TEST(Occupancy, EveryResourceThatBindsIsNamed) {
  const Occupancy full = occupancy(architecture("90a"), {.threads = 64, .registers = 32});
  EXPECT_EQ(full.blocks, 32);
  EXPECT_EQ(full.of_all_warps, 1);
  EXPECT_THAT(full.limits, ElementsAre(Limit::kThreads, Limit::kBlocks, Limit::kRegisters));
  EXPECT_EQ(name_of(Limit::kSharedMemory), "shared memory");
}

TEST(Occupancy, NamedBarriersLimitFromHopperOn) {
  const KernelResources kernel{.threads = 128, .registers = 32, .barriers = 16};
  EXPECT_EQ(occupancy(architecture("80"), kernel).blocks, 16);
  EXPECT_EQ(occupancy(architecture("90a"), kernel).blocks, 4);  // of 64
  EXPECT_THAT(occupancy(architecture("90a"), kernel).limits, ElementsAre(Limit::kBarriers));
}

TEST(Occupancy, WhatCannotBeLaunchedHasNone) {
  const Architecture& h100 = architecture("90a");
  EXPECT_EQ(occupancy(h100, {.threads = 1025}).blocks, 0);
  EXPECT_EQ(occupancy(h100, {.threads = 32, .registers = 256}).blocks, 0);
  EXPECT_EQ(occupancy(h100, {.threads = 1024, .registers = 65}).blocks, 0);
  EXPECT_EQ(occupancy(h100, {.threads = 1024, .registers = 64}).blocks, 1);
  EXPECT_EQ(occupancy(h100, {.threads = 32, .dynamic_shared = 227 * 1024}).blocks, 1);
  EXPECT_EQ(occupancy(h100, {.threads = 32, .dynamic_shared = 227 * 1024 + 1}).blocks, 0);
  const KernelResources huge{
      .threads = 32, .static_shared = 2'000'000'000, .dynamic_shared = 2'000'000'000};
  EXPECT_EQ(occupancy(h100, huge).blocks, 0);
}

TEST(Occupancy, NonsenseIsTheUsersMistake) {
  EXPECT_THAT([] { occupancy(architecture("80"), {.threads = 0}); },
              ThrowsMessage<UserError>(HasSubstr("threads is 0")));
  EXPECT_THAT([] { occupancy(architecture("80"), {.threads = 32, .dynamic_shared = -1}); },
              ThrowsMessage<UserError>(HasSubstr("dynamic_shared is -1")));
}

}  // namespace
}  // namespace moe::simt
