#include "harness/simt/execute/cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/execute/cp_async_test_kernel.h"

namespace moe::simt {
namespace {

constexpr const char* kSync = "barrier.cluster.arrive.aligned; barrier.cluster.wait.aligned;\n";

// %r8: this block's rank; %r9: the other block's; %rd4: the thread's word of `out`, 32 a block.
constexpr const char* kRanks = R"(
  mov.u32 %r2, bar;
  mov.u32 %r3, tile;
  mov.u32 %r8, %cluster_ctarank;
  xor.b32 %r9, %r8, 1;
  mad.lo.u32 %r10, %r8, 32, %r1;
  mul.wide.u32 %rd4, %r10, 4;
  add.u64 %rd4, %rd2, %rd4;
  shl.b32 %r5, %r1, 2;
  add.u32 %r6, %r3, %r5;
  setp.eq.u32 %p1, %r1, 0;
)";

AsyncKernel pair(std::initializer_list<std::string> parts) {
  AsyncKernel kernel{.body = kRanks, .blocks = 2, .cluster = 2};
  for (const std::string& part : parts) kernel.body += part;
  return kernel;
}

// Each thread writes 100 * (rank + 1) + t to its own block's tile.
constexpr const char* kWriteOwn = R"(
  add.u32 %r7, %r8, 1;
  mad.lo.u32 %r7, %r7, 100, %r1;
  st.shared.u32 [%r6], %r7;
)";
constexpr const char* kReadOther = R"(
  mapa.shared::cluster.u32 %r11, %r6, %r9;
  ld.shared::cluster.u32 %r7, [%r11];
  st.global.u32 [%rd4], %r7;
)";

TEST(Cluster, ABlockReadsTheOthersSharedMemory) {
  for (const AsyncRun& run : run_all_ways(pair({kWriteOwn, kSync, kReadOther, kSync}))) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.out[5], 205u) << run.settings;
    EXPECT_EQ(run.out[32 + 5], 105u) << run.settings;
  }
}

TEST(Cluster, AReadBeforeTheBarrierIsFound) {
  for (const AsyncRun& run : run_all_ways(pair({kWriteOwn, kReadOther, kSync}))) {
    EXPECT_FALSE(run.report.findings.empty()) << run.settings;
  }
}

TEST(Cluster, ARelaxedArrivalOrdersNothing) {
  const std::string relaxed = "barrier.cluster.arrive.relaxed; barrier.cluster.wait;\n";
  for (const AsyncRun& run : run_all_ways(pair({kWriteOwn, relaxed, kReadOther, kSync}))) {
    EXPECT_TRUE(run.found(Check::kSharedRace)) << run.settings;
  }
}

TEST(Cluster, TheBarrierIsPassedAgainAndAgain) {
  const std::string rounds = std::string(kSync) + kSync + kSync;
  for (const AsyncRun& run : run_all_ways(pair({rounds, "st.global.u32 [%rd4], 7;\n"}))) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.out[40], 7u) << run.settings;
  }
}

TEST(Cluster, ThreadsThatHaveLeftAreNotWaitedFor) {
  const std::string leave = "setp.eq.u32 %p2, %r8, 1;\n@%p2 ret;\n";
  for (const AsyncRun& run : run_all_ways(pair({leave, kSync, "st.global.u32 [%rd4], 7;\n"}))) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.out[3], 7u) << run.settings;
  }
}

TEST(Cluster, ArrivingTwiceOrWaitingWithoutArrivalIsFound) {
  const std::string arrive = "barrier.cluster.arrive.aligned;\n";
  EXPECT_TRUE(run(pair({arrive, arrive})).found(Check::kBarrier));
  EXPECT_TRUE(run(pair({"barrier.cluster.wait.aligned;\n"})).found(Check::kBarrier));
}

TEST(Cluster, AddressesKnowTheirBlock) {
  const AsyncRun run1 = run(pair({R"(
  mapa.shared::cluster.u32 %r11, %r6, %r9;
  getctarank.shared::cluster.u32 %r12, %r11;
  getctarank.shared::cluster.u32 %r13, %r6;
  shl.b32 %r13, %r13, 8;
  or.b32 %r12, %r12, %r13;
  st.global.u32 [%rd4], %r12;
)"}));
  EXPECT_EQ(run1.text(), "");
  EXPECT_EQ(run1.out[0], 0x001u);   // block 0: the other's is 1, its own 0
  EXPECT_EQ(run1.out[32], 0x100u);  // block 1
}

TEST(Cluster, ARankOutsideTheClusterIsFound) {
  EXPECT_TRUE(run(pair({"mapa.shared::cluster.u32 %r11, %r6, 2;\n"})).found(Check::kBadArgument));
}

// Thread 0 of each block initialises `bar`; %r12 and %r13 are the other block's tile word and
// `bar`.
std::string with_mbarrier(int count, int bytes) {
  return fmt::format(R"(
  @%p1 mbarrier.init.shared::cta.b64 [%r2], {};
  fence.mbarrier_init.release.cluster;
  @%p1 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r2], {};
  mapa.shared::cluster.u32 %r12, %r6, %r9;
  mapa.shared::cluster.u32 %r13, %r2, %r9;
)",
                     count, bytes) +
         kSync;
}
constexpr const char* kWait = R"(
again:
  mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 %p3, [%r2], 0;
  @!%p3 bra again;
)";
constexpr const char* kReadOwn = "ld.shared.u32 %r7, [%r6]; st.global.u32 [%rd4], %r7;\n";

TEST(Cluster, AnArrivalAtAnotherBlocksMbarrierOrdersTheWritesBefore) {
  const std::string write = R"(
  add.u32 %r7, %r1, 40;
  st.shared::cluster.u32 [%r12], %r7;
  mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%r13];
)";
  for (const AsyncRun& run :
       run_all_ways(pair({with_mbarrier(33, 0), write, kWait, kReadOwn, kSync}))) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.out[2], 42u) << run.settings;
    EXPECT_EQ(run.out[34], 42u) << run.settings;
  }
}

TEST(Cluster, AnAsynchronousStoreArrivesWithItsBytes) {
  const std::string store = R"(
  add.u32 %r7, %r1, 50;
  st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.b32 [%r12], %r7, [%r13];
)";
  for (const AsyncRun& run :
       run_all_ways(pair({with_mbarrier(1, 128), store, kWait, kReadOwn, kSync}))) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.out[2], 52u) << run.settings;
  }
  for (const AsyncRun& run : run_all_ways(pair({with_mbarrier(1, 128), store, kReadOwn, kSync}))) {
    EXPECT_FALSE(run.report.findings.empty()) << run.settings;
  }
}

TEST(Cluster, AnAsynchronousReductionAddsUp) {
  const std::string reduce = R"(
  mapa.shared::cluster.u32 %r14, %r3, %r9;
  red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes.add.u32 [%r14], %r1, [%r13];
)";
  const std::string zero = "@%p1 st.shared.u32 [%r3], 1000;\n";
  const std::string read = "@%p1 ld.shared.u32 %r7, [%r3];\n@%p1 st.global.u32 [%rd4], %r7;\n";
  for (const AsyncRun& run :
       run_all_ways(pair({zero, with_mbarrier(1, 128), reduce, kWait, read, kSync}))) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.out[0], 1000u + 496u) << run.settings;  // 0 + 1 + ... + 31
  }
}

TEST(Cluster, AMulticastCopyReachesEveryBlockOfItsMask) {
  const std::string load = R"(
  setp.eq.u32 %p2, %r10, 0;
  mov.b16 %h1, 3;
  @%p2 cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster
       [%r3], [%rd1+64], 128, [%r2], %h1;
)";
  for (const AsyncRun& run :
       run_all_ways(pair({with_mbarrier(1, 128), load, kWait, kReadOwn, kSync}))) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.out[1], 17u) << run.settings;
    EXPECT_EQ(run.out[33], 17u) << run.settings;
  }
}

TEST(Cluster, ACopyToTheOtherBlockSignalsThere) {
  const std::string copy = R"(
  mapa.shared::cluster.u32 %r14, %r3, %r9;
  @%p1 cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes
       [%r14+128], [%r3], 128, [%r13];
)";
  const std::string fenced = std::string(kWriteOwn) + "fence.proxy.async.shared::cta;\n";
  const std::string read = "ld.shared.u32 %r7, [%r6+128]; st.global.u32 [%rd4], %r7;\n";
  for (const AsyncRun& run :
       run_all_ways(pair({fenced, with_mbarrier(1, 128), copy, kWait, read, kSync}))) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.out[4], 204u) << run.settings;
    EXPECT_EQ(run.out[36], 104u) << run.settings;
  }
}

}  // namespace
}  // namespace moe::simt
