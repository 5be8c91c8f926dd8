#include "harness/simt/check/shadow.h"

#include <gtest/gtest.h>

#include "harness/simt/check/block_clocks.h"

namespace moe::simt {
namespace {

constexpr std::uint32_t kGeneration = 7;

// Two warps of one block on one page.
class ShadowPageTest : public testing::Test {
 protected:
  Conflict read(int thread, std::uint32_t offset, std::uint32_t bytes,
                Strength strength = Strength::kWeak) {
    return page.read(clocks.view(thread), offset, bytes, strength, 1, kGeneration);
  }
  Conflict write(int thread, std::uint32_t offset, std::uint32_t bytes,
                 Strength strength = Strength::kWeak) {
    return page.write(clocks.view(thread), offset, bytes, strength, 2, kGeneration);
  }
  void barrier() {
    const LaneMask all[2] = {kAllLanes, kAllLanes};
    clocks.synchronise(all);
  }
  BlockClocks clocks{3, 2};
  ShadowPage page;
};

TEST_F(ShadowPageTest, AThreadMayReadWhatItWrote) {
  EXPECT_FALSE(write(0, 0, 4).found);
  EXPECT_FALSE(read(0, 0, 4).found);
}

TEST_F(ShadowPageTest, AnotherThreadsUnorderedReadIsARace) {
  write(0, 0, 4);
  const Conflict conflict = read(1, 0, 4);
  EXPECT_TRUE(conflict.found);
  EXPECT_TRUE(conflict.earlier_was_write);
  EXPECT_EQ(conflict.earlier.slot, 0);
  EXPECT_EQ(conflict.earlier.pc, 2u);
}

TEST_F(ShadowPageTest, ABarrierOrdersThem) {
  write(0, 0, 4);
  barrier();
  EXPECT_FALSE(read(33, 0, 4).found);
}

TEST_F(ShadowPageTest, ABarrierBeforeTheWriteDoesNot) {
  barrier();
  write(0, 0, 4);
  EXPECT_TRUE(read(33, 0, 4).found);
}

TEST_F(ShadowPageTest, AWriteAfterAnUnorderedReadIsARace) {
  read(40, 8, 4);
  const Conflict conflict = write(0, 8, 4);
  EXPECT_TRUE(conflict.found);
  EXPECT_FALSE(conflict.earlier_was_write);
}

TEST_F(ShadowPageTest, EveryConcurrentReaderIsRemembered) {
  read(0, 8, 4);
  read(40, 8, 4);
  read(41, 8, 4);
  EXPECT_TRUE(write(0, 8, 4).found) << "thread 0 itself read last of all, but 40 and 41 did too";
}

TEST_F(ShadowPageTest, ReadersBeforeABarrierDoNotConflictAfterIt) {
  for (int thread = 0; thread < 64; ++thread) read(thread, 8, 4);
  barrier();
  EXPECT_FALSE(write(5, 8, 4).found);
}

TEST_F(ShadowPageTest, NeighbouringBytesAreNotTheSamePlace) {
  write(0, 0, 2);
  EXPECT_FALSE(write(1, 2, 2).found);
  EXPECT_TRUE(write(2, 1, 1).found);
}

TEST_F(ShadowPageTest, AWordSeenBeforePagesTurnToBytesKeepsItsWriter) {
  write(0, 16, 16);
  write(1, 100, 1);  // the page turns to single bytes
  EXPECT_TRUE(read(2, 31, 1).found);
  EXPECT_FALSE(read(2, 32, 1).found);
}

TEST_F(ShadowPageTest, TwoStrongAccessesDoNotRace) {
  write(0, 0, 4, Strength::kDevice);
  EXPECT_FALSE(write(1, 0, 4, Strength::kBlock).found);
  EXPECT_TRUE(read(2, 0, 4).found) << "a weak read among atomics";
}

TEST_F(ShadowPageTest, BlockScopeIsTooNarrowForAnotherBlock) {
  write(0, 0, 4, Strength::kBlock);
  BlockClocks other(4, 1);
  EXPECT_TRUE(page.write(other.view(0), 0, 4, Strength::kDevice, 3, kGeneration).found);
}

TEST_F(ShadowPageTest, AnotherLaunchIsAlwaysOrdered) {
  write(0, 0, 4);
  EXPECT_FALSE(page.read(clocks.view(1), 0, 4, Strength::kWeak, 1, kGeneration + 1).found);
}

TEST_F(ShadowPageTest, AReleaseAndAnAcquireOrderTwoThreads) {
  write(0, 0, 4);
  clocks.acquire(40, clocks.release(0));
  EXPECT_FALSE(read(40, 0, 4).found);
  EXPECT_TRUE(read(41, 0, 4).found) << "only thread 40 acquired";
}

TEST_F(ShadowPageTest, WhatIsWrittenAfterTheReleaseIsNotCovered) {
  const SnapshotRef released = clocks.release(0);
  write(0, 0, 4);
  clocks.acquire(40, released);
  EXPECT_TRUE(read(40, 0, 4).found);
}

TEST_F(ShadowPageTest, OrderPassesThroughAThirdBlock) {
  write(0, 0, 4);
  BlockClocks second(4, 1), third(5, 1);
  second.acquire(0, clocks.release(0));
  third.acquire(0, second.release(0));
  EXPECT_FALSE(page.read(third.view(0), 0, 4, Strength::kWeak, 1, kGeneration).found);
  EXPECT_TRUE(page.read(third.view(1), 0, 4, Strength::kWeak, 1, kGeneration).found);
}

TEST_F(ShadowPageTest, ACopyIsKnownToItsThreadOnlyAfterTheWait) {
  const BlockClocks::Operation copy = clocks.copies(0, 1);
  page.write(copy.view, 64, 16, Strength::kWeak, 5, kGeneration);
  EXPECT_TRUE(read(0, 64, 4).found);
  clocks.wait_copies(0, 1);
  EXPECT_FALSE(read(0, 64, 4).found);
  EXPECT_TRUE(read(1, 64, 4).found) << "no barrier yet";
  barrier();
  EXPECT_FALSE(read(2, 64, 4).found);
}

TEST_F(ShadowPageTest, TheAsyncProxyNeedsAFence) {
  write(0, 128, 16);
  barrier();
  BlockClocks::Operation unfenced = clocks.start_operation(1);
  const Conflict conflict = page.read(unfenced.view, 128, 16, Strength::kWeak, 6, kGeneration,
                                      clocks.first_operation_slot());
  EXPECT_TRUE(conflict.found);
  EXPECT_TRUE(conflict.unfenced);
  clocks.proxy_fence(1);
  BlockClocks::Operation fenced = clocks.start_operation(1);
  EXPECT_FALSE(page.read(fenced.view, 128, 16, Strength::kWeak, 6, kGeneration,
                         clocks.first_operation_slot())
                   .found);
}

TEST_F(ShadowPageTest, AnOperationsReadIsOverForThoseWhoAcquireItsEnd) {
  const BlockClocks::Operation operation = clocks.start_operation(1);
  page.read(operation.view, 256, 16, Strength::kWeak, 6, kGeneration);
  EXPECT_TRUE(write(1, 256, 4).found) << "its own starter must wait as well";
  page.read(operation.view, 260, 4, Strength::kWeak, 6, kGeneration);
  clocks.acquire(1, clocks.finish_operation(operation));
  EXPECT_FALSE(write(1, 260, 4).found);
}

}  // namespace
}  // namespace moe::simt
