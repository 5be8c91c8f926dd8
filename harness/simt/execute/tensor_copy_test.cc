#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/execute/cp_async_test_kernel.h"

namespace moe::simt {
namespace {

using testing::HasSubstr;

// `in` as a matrix of 30 columns and 16 rows of u32, 128 bytes (32 words) from row to row: element
// (row, column) is 32 * row + column. Boxes of 32 columns and 8 rows.
struct Matrix {
  std::uint64_t sizes[2] = {30, 16};
  std::uint64_t strides[1] = {128};
  std::uint32_t box[2] = {32, 8};
  std::uint32_t element_strides[2] = {1, 1};

  TensorMapRequest request(TensorSwizzle swizzle, bool of_out = false) const {
    TensorMapRequest request;
    request.element = static_cast<int>(TensorElement::kU32);
    request.rank = 2;
    request.address = of_out ? 1 : 0;
    request.sizes = sizes;
    request.strides = strides;
    request.box = box;
    request.element_strides = element_strides;
    request.swizzle = static_cast<int>(swizzle);
    return request;
  }
};

// Thread 0 loads the box at (x, y); then the tile's 256 words go to `out` as they lie.
std::string load(int x, int y, const std::string& expect = "1024",
                 const std::string& tile = "%r3") {
  return fmt::format(R"(
  mov.u32 %r2, bar;
  mov.u32 %r3, tile;
  mov.b64 %rd3, map;
  mov.b32 %r10, {};
  mov.b32 %r11, {};
  setp.eq.u32 %p1, %r1, 0;
  @%p1 mbarrier.init.shared::cta.b64 [%r2], 1;
  fence.mbarrier_init.release.cluster;
  bar.sync 0;
  @%p1 mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r2], {};
  @%p1 cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes
       [{}], [%rd3, {{%r10, %r11}}], [%r2];
again:
  mbarrier.try_wait.parity.shared::cta.b64 %p3, [%r2], 0;
  @!%p3 bra again;
  mov.u32 %r4, 0;
copy:
  mad.lo.u32 %r5, %r4, 32, %r1;
  shl.b32 %r5, %r5, 2;
  add.u32 %r6, %r3, %r5;
  ld.shared.u32 %r7, [%r6];
  cvt.u64.u32 %rd4, %r5;
  add.u64 %rd4, %rd2, %rd4;
  st.global.u32 [%rd4], %r7;
  add.u32 %r4, %r4, 1;
  setp.lt.u32 %p4, %r4, 8;
  @%p4 bra copy;
)",
                     x, y, expect, tile);
}

TEST(TensorCopy, LoadsABoxAndFillsWhatIsOutsideWithZeros) {
  const Matrix matrix;
  for (const AsyncRun& run :
       run_all_ways({.body = load(2, 9), .map = matrix.request(TensorSwizzle::kNone)})) {
    EXPECT_EQ(run.text(), "") << run.settings;
    for (unsigned row = 0; row < 8; ++row) {
      for (unsigned column = 0; column < 32; ++column) {
        const bool inside = row + 9 < 16 && column + 2 < 30;
        EXPECT_EQ(run.out[row * 32 + column], inside ? 32 * (row + 9) + column + 2 : 0)
            << run.settings << " row " << row << " column " << column;
      }
    }
  }
}

TEST(TensorCopy, StartsBeforeTheTensorToo) {
  const Matrix matrix;
  const AsyncRun run1 = run({.body = load(-1, -2), .map = matrix.request(TensorSwizzle::kNone)});
  EXPECT_EQ(run1.text(), "");
  EXPECT_EQ(run1.out[1 * 32 + 5], 0u);
  EXPECT_EQ(run1.out[2 * 32 + 0], 0u);
  EXPECT_EQ(run1.out[2 * 32 + 1], 0u);   // element (0, 0)
  EXPECT_EQ(run1.out[3 * 32 + 4], 35u);  // element (1, 3)
}

TEST(TensorCopy, PermutesTheChunksOfA128ByteSwizzle) {
  const Matrix matrix;
  for (const AsyncRun& run :
       run_all_ways({.body = load(0, 0), .map = matrix.request(TensorSwizzle::k128B)})) {
    EXPECT_EQ(run.text(), "") << run.settings;
    // Row 3: its chunk 0 (words 96..99) lies at chunk 3, its chunk 1 at chunk 2.
    EXPECT_EQ(run.out[3 * 32 + 12], 96u) << run.settings;
    EXPECT_EQ(run.out[3 * 32 + 8], 100u) << run.settings;
    EXPECT_EQ(run.out[0], 0u) << run.settings;
    EXPECT_EQ(run.out[7 * 32 + 28], 224u) << run.settings;  // row 7: chunk 0 at chunk 7
  }
}

TEST(TensorCopy, ReadingWithoutTheWaitIsFound) {
  const Matrix matrix;
  std::string body = load(0, 0);
  body.replace(body.find("@!%p3 bra again;"), 16, "");
  for (const AsyncRun& run :
       run_all_ways({.body = body, .map = matrix.request(TensorSwizzle::kNone)})) {
    if (run.report.findings.empty()) continue;  // completed before the first poll
    EXPECT_TRUE(run.found(Check::kAsyncWait)) << run.settings;
  }
  AsyncKernel late{.body = body, .map = matrix.request(TensorSwizzle::kNone)};
  late.body.replace(late.body.find("mbarrier.try_wait"), 17, "mbarrier.test_wait");
  EXPECT_TRUE(run(late).found(Check::kAsyncWait));
}

TEST(TensorCopy, CountsTheWholeBoxAsTransactionBytes) {
  const Matrix matrix;
  const AsyncRun run1 =
      run({.body = load(2, 9, "1040"), .map = matrix.request(TensorSwizzle::kNone)});
  EXPECT_TRUE(run1.found(Check::kDeadlock)) << run1.text();
}

TEST(TensorCopy, TheBoxIsAlignedTo128Bytes) {
  const Matrix matrix;
  const AsyncRun run1 =
      run({.body = load(0, 0, "1024", "%r3+64"), .map = matrix.request(TensorSwizzle::kNone)});
  EXPECT_TRUE(run1.found(Check::kMisaligned)) << run1.text();
}

TEST(TensorCopy, SomethingElseThanAMapIsFound) {
  const AsyncRun run1 = run({.body = load(0, 0)});
  EXPECT_TRUE(run1.found(Check::kBadArgument)) << run1.text();
  EXPECT_THAT(run1.text(), HasSubstr("no tensor map"));
}

TEST(TensorCopy, AMapOfAnotherRankIsFound) {
  Matrix matrix;
  TensorMapRequest request = matrix.request(TensorSwizzle::kNone);
  request.rank = 1;
  EXPECT_TRUE(run({.body = load(0, 0), .map = request}).found(Check::kBadArgument));
}

TEST(TensorCopy, ModesThatAreNotSimulatedAreRefused) {
  std::string body = load(0, 0);
  body.replace(body.find(".tile."), 6, ".im2col.");
  EXPECT_THROW(run({.body = body}), ptx::Error);
}

// Every thread writes 8 words of the tile: word i becomes 1000 + i; thread 0 stores the box.
std::string store(const std::string& instruction, int x, int y) {
  return fmt::format(R"(
  mov.u32 %r3, tile;
  mov.b64 %rd3, map;
  mov.b32 %r10, {};
  mov.b32 %r11, {};
  setp.eq.u32 %p1, %r1, 0;
  mov.u32 %r4, 0;
fill:
  mad.lo.u32 %r5, %r4, 32, %r1;
  add.u32 %r7, %r5, 1000;
  shl.b32 %r5, %r5, 2;
  add.u32 %r6, %r3, %r5;
  st.shared.u32 [%r6], %r7;
  add.u32 %r4, %r4, 1;
  setp.lt.u32 %p4, %r4, 8;
  @%p4 bra fill;
  fence.proxy.async.shared::cta;
  bar.sync 0;
  @%p1 {} [%rd3, {{%r10, %r11}}], [%r3];
  @%p1 cp.async.bulk.commit_group;
  @%p1 cp.async.bulk.wait_group 0;
)",
                     x, y, instruction);
}

TEST(TensorCopy, StoresOnlyWhatLiesInTheTensor) {
  const Matrix matrix;
  const std::string instruction = "cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group";
  for (const AsyncRun& run : run_all_ways({.body = store(instruction, -1, 12),
                             .map = matrix.request(TensorSwizzle::kNone, true)})) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.out[12 * 32 + 0], 1001u) << run.settings;  // box column 1
    EXPECT_EQ(run.out[12 * 32 + 29], 1030u) << run.settings;
    EXPECT_EQ(run.out[12 * 32 + 30], 0u) << run.settings;  // columns 30 and 31 are no elements
    EXPECT_EQ(run.out[15 * 32 + 2], 1000u + 3 * 32 + 3) << run.settings;
    EXPECT_EQ(run.out[16 * 32 + 2], 0u) << run.settings;  // neither is row 16
    EXPECT_EQ(run.out[11 * 32 + 2], 0u) << run.settings;
  }
}

TEST(TensorCopy, UndoesTheSwizzleOnTheWayOut) {
  const Matrix matrix;
  const std::string instruction = "cp.async.bulk.tensor.2d.global.shared::cta.bulk_group";
  for (const AsyncRun& run : run_all_ways(
           {.body = store(instruction, 0, 0), .map = matrix.request(TensorSwizzle::k128B, true)})) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.out[1 * 32 + 0], 1000u + 32 + 4)
        << run.settings;  // row 1: chunk 0 lies at chunk 1
    EXPECT_EQ(run.out[5 * 32 + 4], 1000u + 5 * 32 + 16) << run.settings;  // 1 xor 5 = 4
  }
}

TEST(TensorCopy, ReducesInGlobalMemory) {
  const Matrix matrix;
  const std::string instruction =
      "cp.reduce.async.bulk.tensor.2d.global.shared::cta.add.tile.bulk_group";
  for (const AsyncRun& run : run_all_ways(
           {.body = store(instruction, 0, 0), .map = matrix.request(TensorSwizzle::kNone)})) {
    EXPECT_EQ(run.text(), "") << run.settings;
    EXPECT_EQ(run.in[2 * 32 + 3], 67u + 1067u) << run.settings;
    EXPECT_EQ(run.in[2 * 32 + 31], 95u) << run.settings;
  }
}

TEST(TensorCopy, AStoreWithoutTheProxyFenceIsFound) {
  const Matrix matrix;
  std::string body = store("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group", 0, 0);
  body.replace(body.find("fence.proxy.async.shared::cta;"), 30, "");
  for (const AsyncRun& run :
       run_all_ways({.body = body, .map = matrix.request(TensorSwizzle::kNone, true)})) {
    EXPECT_TRUE(run.found(Check::kProxyFence)) << run.settings;
  }
}

}  // namespace
}  // namespace moe::simt
