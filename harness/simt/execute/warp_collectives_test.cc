#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/execute/test_refusal.h"

namespace moe::simt {
namespace {

using testing::HasSubstr;

// Runs statements that leave a result in %r3; %r10 is 100 + the lane.
KernelRun run_lanes(const std::string& statements, Schedule schedule = Schedule::kNatural,
                    unsigned threads = 32) {
  KernelCase test{.body = "add.s32 %r10, %r1, 100;\n" + statements + kStoreResult,
                  .threads = threads};
  test.settings.schedule = schedule;
  return run_kernel(test);
}

// ---- shfl ----

TEST(Shuffle, DownMovesValuesToLowerLanes) {
  for (const Schedule schedule : {Schedule::kNatural, Schedule::kReversed, Schedule::kRandom}) {
    const KernelRun run = run_lanes("shfl.sync.down.b32 %r3, %r10, 1, 31, -1;", schedule);
    EXPECT_EQ(run.text(), "");
    for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], t == 31 ? 131 : 101 + t);
  }
}

TEST(Shuffle, WritesItsSourceRegisterAndItsPredicate) {
  const KernelRun run = run_lanes(R"(
    mov.b32 %r3, %r10;
    shfl.sync.up.b32 %r3|%p1, %r3, 2, 0, -1;
    @!%p1 add.s32 %r3, %r3, 1000;
  )");
  EXPECT_EQ(run.text(), "");
  for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], t < 2 ? 1100 + t : 98 + t);
}

TEST(Shuffle, OfSegmentsStaysInThem) {
  // width 8: clamp 31, segment mask 24
  const KernelRun run = run_lanes("shfl.sync.idx.b32 %r3, %r10, 3, 0x181f, -1;");
  for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], 103 + t / 8 * 8);
}

TEST(Shuffle, TakesAnOffsetOfEachLanesOwn) {
  const KernelRun run = run_lanes(R"(
    xor.b32 %r4, %r1, 31;
    shfl.sync.idx.b32 %r3, %r10, %r4, 31, -1;
  )");
  for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], 131 - t);
}

TEST(Shuffle, OfGroupsWithMasksOfTheirOwn) {
  // Even and odd lanes rotate among themselves, at one statement.
  for (const Schedule schedule : {Schedule::kNatural, Schedule::kReversed, Schedule::kRandom}) {
    const KernelRun run = run_lanes(R"(
      and.b32 %r4, %r1, 1;
      shl.b32 %r5, 0x55555555, %r4;
      add.s32 %r6, %r1, 2;
      shfl.sync.idx.b32 %r3, %r10, %r6, 31, %r5;
    )",
                                    schedule);
    EXPECT_EQ(run.text(), "");
    for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], 100 + (t + 2) % 32);
  }
}

TEST(Shuffle, FromALaneOutsideTheMaskIsNotDefined) {
  const auto down = [](int by) {
    return run_lanes(fmt::format(R"(
      mov.b32 %r3, 0;
      setp.ge.u32 %p1, %r1, 16;
      @%p1 bra join;
      shfl.sync.down.b32 %r3, %r10, {}, 31, 0xffff;
join:
    )",
                                 by));
  };
  EXPECT_EQ(down(0).text(), "");
  EXPECT_TRUE(down(1).found(Check::kUninitialised));
}

TEST(Shuffle, ByALaneItsMaskDoesNotNameIsAFault) {
  const KernelRun run = run_lanes("shfl.sync.down.b32 %r3, %r10, 1, 31, 0xffff;");
  EXPECT_TRUE(run.found(Check::kDivergence));
}

TEST(Shuffle, ThatSomeLanesNeverReachIsFound) {
  const KernelRun run = run_lanes(R"(
    mov.b32 %r3, 0;
    setp.eq.u32 %p1, %r1, 5;
    @%p1 bra around;
    shfl.sync.bfly.b32 %r3, %r10, 1, 31, -1;
around:
    bar.sync 0;
  )");
  EXPECT_FALSE(run.report.ok);
  EXPECT_TRUE(run.found(Check::kDivergence) || run.found(Check::kDeadlock)) << run.text();
}

// ---- vote ----

// The vote of `lane < limit`, with mode and predicate as written, to %r3 as 0 or 1.
std::uint32_t vote(const char* mode, const char* predicate, unsigned limit) {
  const KernelRun run = run_lanes(fmt::format(R"(
    setp.lt.u32 %p1, %r1, {};
    vote.sync.{}.pred %p2, {}, -1;
    selp.b32 %r3, 1, 0, %p2;
  )",
                                              limit, mode, predicate));
  EXPECT_EQ(run.text(), "");
  for (unsigned t = 1; t < 32; ++t) EXPECT_EQ(run.out[t], run.out[0]);
  return run.out[0];
}

TEST(Vote, HasFourModes) {
  EXPECT_EQ(vote("all", "%p1", 32), 1u);
  EXPECT_EQ(vote("all", "%p1", 31), 0u);
  EXPECT_EQ(vote("all", "!%p1", 0), 1u);
  EXPECT_EQ(vote("any", "%p1", 0), 0u);
  EXPECT_EQ(vote("any", "%p1", 1), 1u);
  EXPECT_EQ(vote("any", "!%p1", 32), 0u);
  EXPECT_EQ(vote("uni", "%p1", 0), 1u);
  EXPECT_EQ(vote("uni", "%p1", 32), 1u);
  EXPECT_EQ(vote("uni", "%p1", 7), 0u);
}

TEST(Vote, BallotIsSpelledInTwoOrders) {
  for (const char* name : {"vote.sync.ballot.b32", "vote.ballot.sync.b32"}) {
    const KernelRun run = run_lanes(fmt::format(R"(
      and.b32 %r4, %r1, 3;
      setp.eq.u32 %p1, %r4, 1;
      {} %r3, %p1, -1;
    )",
                                                name));
    EXPECT_EQ(run.text(), "");
    for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], 0x22222222u);
  }
}

TEST(Vote, CountsTheLanesOfTheMaskOnly) {
  const KernelRun run = run_lanes(R"(
    mov.b32 %r3, 0;
    setp.ge.u32 %p1, %r1, 12;
    @%p1 bra join;
    vote.sync.ballot.b32 %r3, 1, 0xfff;
join:
  )");
  EXPECT_EQ(run.text(), "");
  for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], t < 12 ? 0xfffu : 0u);
}

TEST(Vote, LeavesOutLanesThatHaveExited) {
  const KernelRun run = run_lanes(R"(
    setp.ge.u32 %p1, %r1, 20;
    @%p1 ret;
    vote.sync.ballot.b32 %r3, 1, -1;
  )");
  EXPECT_EQ(run.text(), "");
  for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], t < 20 ? 0xfffffu : 0u);
}

TEST(Vote, OfAnUnknownPredicateIsUnknownUnlessTheOthersSettleIt) {
  // Lane 31 votes with what nobody wrote, the others with `others` == 1.
  const auto mixed = [](const char* mode, const char* others) {
    return run_lanes(fmt::format(R"(
      .shared .align 4 .b8 cells[128];
      shl.b32 %r4, %r1, 2;
      mov.u32 %r5, cells;
      add.s32 %r5, %r5, %r4;
      setp.eq.u32 %p4, %r1, 31;
      @!%p4 st.shared.u32 [%r5], {};
      ld.shared.u32 %r6, [%r5];
      setp.eq.u32 %p1, %r6, 1;
      vote.sync.{}.pred %p2, %p1, -1;
      selp.b32 %r3, 1, 0, %p2;
    )",
                                 others, mode))
        .found(Check::kUninitialised);
  };
  EXPECT_TRUE(mixed("all", "1"));
  EXPECT_FALSE(mixed("all", "0"));
  EXPECT_TRUE(mixed("any", "0"));
  EXPECT_FALSE(mixed("any", "1"));
  EXPECT_TRUE(mixed("uni", "1"));
  EXPECT_FALSE(mixed("uni", "%r1"));
}

// ---- match, redux, elect, activemask ----

TEST(Match, AnyGroupsLanesOfOneValue) {
  const KernelRun run = run_lanes(R"(
    and.b32 %r4, %r1, 3;
    match.any.sync.b32 %r3, %r4, -1;
  )");
  EXPECT_EQ(run.text(), "");
  for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], 0x11111111u << t % 4);
}

TEST(Match, ComparesAll64Bits) {
  // The low halves are equal; the high ones are the lane / 16.
  const KernelRun run = run_lanes(R"(
    shr.u32 %r4, %r1, 4;
    mov.b32 %r5, 7;
    mov.b64 %rd3, {%r5, %r4};
    match.any.sync.b64 %r3, %rd3, -1;
  )");
  EXPECT_EQ(run.text(), "");
  for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], t < 16 ? 0xffffu : 0xffff0000u);
}

TEST(Match, AllIsTheMaskOrNothing) {
  const auto run = [](const char* value) {
    return run_lanes(fmt::format(R"(
      match.all.sync.b32 %r3|%p1, {}, -1;
      @%p1 xor.b32 %r3, %r3, 5;
    )",
                                 value));
  };
  EXPECT_EQ(run("7").out[3], 0xfffffffau);
  EXPECT_EQ(run("%r1").out[3], 0u);
}

struct Reduction {
  const char* statement;
  std::uint32_t expected;
};

TEST(Redux, ReducesTheLanes) {
  // %r10 is 100 .. 131
  const Reduction reductions[] = {
      {"redux.sync.add.u32 %r3, %r10, -1;", 3696},
      {"redux.sync.add.s32 %r3, %r10, -1;", 3696},
      {"redux.sync.min.u32 %r3, %r10, -1;", 100},
      {"redux.sync.max.s32 %r3, %r10, -1;", 131},
      {"redux.sync.and.b32 %r3, %r10, -1;", 0},
      {"redux.sync.or.b32 %r3, %r10, -1;", 0xff},
      {"redux.sync.xor.b32 %r3, %r1, -1;", 0},
      {"redux.sync.add.u32 %r3, 3, -1;", 96},
      {"neg.s32 %r4, %r10; redux.sync.min.s32 %r3, %r4, -1;", 0xffffff7d},
      {"neg.s32 %r4, %r10; redux.sync.max.u32 %r3, %r4, -1;", 0xffffff9c},
      {"cvt.rn.f32.u32 %f1, %r10; redux.sync.max.f32 %r3, %f1, -1;", 0x43030000},
      {"cvt.rn.f32.u32 %f1, %r10; neg.f32 %f1, %f1; redux.sync.min.abs.NaN.f32 %r3, %f1, -1;",
       0x42c80000},
  };
  for (const Reduction& reduction : reductions) {
    const KernelRun run = run_lanes(reduction.statement);
    EXPECT_EQ(run.text(), "") << reduction.statement;
    for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], reduction.expected) << t;
  }
}

TEST(Elect, ChoosesOneLaneOfTheMask) {
  const KernelRun run = run_lanes(R"(
    mov.b32 %r3, 0;
    setp.lt.u32 %p2, %r1, 6;
    @%p2 bra join;
    elect.sync %r4|%p1, 0xffffffc0;
    mov.b32 %r3, %r4;
    @%p1 add.s32 %r3, %r3, 1000;
join:
  )");
  EXPECT_EQ(run.text(), "");
  for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], t < 6 ? 0 : t == 6 ? 1006u : 6u);
}

TEST(Activemask, IsTheLanesAtTheStatement) {
  const KernelRun run = run_lanes(R"(
    mov.b32 %r3, 0;
    setp.lt.u32 %p2, %r1, 8;
    @%p2 activemask.b32 %r3;
  )");
  EXPECT_EQ(run.text(), "");
  for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], t < 8 ? 0xffu : 0u);
}

// ---- order ----

// Lane t writes a cell of shared memory and reads its neighbour's.
std::string neighbour(const char* between) {
  return fmt::format(R"(
    .shared .align 4 .b8 cells[128];
    mov.u32 %r4, cells;
    shl.b32 %r5, %r1, 2;
    add.s32 %r5, %r4, %r5;
    st.shared.u32 [%r5], %r10;
    {}
    xor.b32 %r6, %r1, 1;
    shl.b32 %r6, %r6, 2;
    add.s32 %r6, %r4, %r6;
    ld.shared.u32 %r3, [%r6];
  )",
                     between);
}

TEST(WarpBarrier, OrdersSharedMemory) {
  for (const Schedule schedule : {Schedule::kNatural, Schedule::kReversed, Schedule::kRandom}) {
    const KernelRun run = run_lanes(neighbour("bar.warp.sync -1;"), schedule);
    EXPECT_EQ(run.text(), "");
    for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], 100 + (t ^ 1));
  }
}

// vote, shfl and redux are not fences: "shfl.sync ... does not guarantee memory ordering".
TEST(WarpBarrier, IsNotWhatOtherCollectivesAre) {
  for (const char* between :
       {"", "shfl.sync.idx.b32 %r7, %r1, 0, 31, -1;", "vote.sync.ballot.b32 %r7, 1, -1;",
        "redux.sync.add.u32 %r7, %r1, -1;"}) {
    EXPECT_TRUE(run_lanes(neighbour(between)).found(Check::kSharedRace)) << between;
  }
}

// ---- forms ----

// Each of them was given to ptxas 13.0, which takes it.
TEST(Collectives, TakeTheFormsThatPtxasTakes) {
  for (const char* statement :
       {"vote.all.pred.sync %p1, %p2, -1;", "vote.sync.ballot.b32 %r3, !%p1, %r4;",
        "match.sync.all.b32 %r3|%p1, %r4, -1;", "match.all.sync.b32 _|%p1, %r4, -1;",
        "match.all.sync.b32 %r3|_, %r4, -1;", "match.any.sync.b32 %r3, 7, -1;",
        "elect.sync _|%p1, -1;", "shfl.down.sync.b32 %r3, %r4, 1, 31, -1;",
        "shfl.sync.idx.b32 %f1, %f2, %r3, 0x181f, -1;", "shfl.sync.idx.b32 %r3, 5, %r4, 31, -1;",
        "redux.sync.min.abs.f32 %f1, %f2, -1;", "bar.warp.sync %r3;"}) {
    EXPECT_EQ(refusal(statement), "") << statement;
  }
}

// Each of them was given to ptxas 13.0, which refuses it.
TEST(Collectives, RefuseTheFormsThatPtxasRefusesNamingThem) {
  for (const char* statement :
       {"vote.ballot.b32 %r3, %p1;", "redux.sync.add.b32 %r3, %r4, -1;",
        "redux.sync.add.f32 %f1, %f2, -1;", "match.any.sync.b32 %r3|%p1, %r4, -1;",
        "elect.sync %r3, %r4;", "shfl.down.b32 %r3, %r4, 1, 31;",
        "shfl.sync.idx.b64 %rd2, %rd3, %r4, 31, -1;",
        "shfl.sync.idx.b32 %rd2, %r3, %r4, 31, -1;"}) {
    EXPECT_THAT(refusal(statement), HasSubstr("test.ptx:")) << statement;
  }
}

}  // namespace
}  // namespace moe::simt
