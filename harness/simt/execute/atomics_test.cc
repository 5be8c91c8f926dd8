#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "harness/simt/machine/test_kernel.h"

namespace moe::simt {
namespace {

// Thread t adds 1 to out[32] and stores what it saw to out[t].
constexpr const char* kTickets = R"(
  atom.global.add.u32 %r3, [%rd1+128], 1;
)";

KernelRun tickets(Schedule schedule) {
  KernelCase test{.body = std::string(kTickets) + kStoreResult};
  test.settings.schedule = schedule;
  return run_kernel(test);
}

TEST(Atom, GivesEachLaneOfAWarpTheResultOfTheOneBefore) {
  const KernelRun run = tickets(Schedule::kNatural);
  EXPECT_EQ(run.text(), "");
  EXPECT_EQ(run.out[32], 32u);
  for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(run.out[t], t);
}

TEST(Atom, LanesHaveNoOrderThatAKernelMayRelyOn) {
  const KernelRun reversed = tickets(Schedule::kReversed);
  for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(reversed.out[t], 31 - t);
  KernelRun random = tickets(Schedule::kRandom);
  EXPECT_EQ(random.out[32], 32u);
  random.out.resize(32);
  std::sort(random.out.begin(), random.out.end());
  for (unsigned t = 0; t < 32; ++t) EXPECT_EQ(random.out[t], t);
}

// One statement on the 16 bytes at `memory`; its result, if any, is to be in %rd3 or %rd3 and %rd4.
struct Case {
  const char* statement;
  std::array<std::uint32_t, 4> before, after, result;
};

// Worked by hand from "Semantics" of atom and the formats.
const Case kCases[] = {
    {"atom.global.add.u32 %r3, [memory], 5;", {10}, {15}, {10}},
    {"atom.global.add.s32 %r3, [memory], -11;", {10}, {0xffffffff}, {10}},
    {"atom.global.inc.u32 %r3, [memory], 10;", {10}, {0}, {10}},
    {"atom.global.dec.u32 %r3, [memory], 10;", {0}, {10}, {0}},
    {"atom.global.min.s32 %r3, [memory], -1;", {10}, {0xffffffff}, {10}},
    {"atom.global.min.u32 %r3, [memory], -1;", {10}, {10}, {10}},
    {"atom.global.max.s32 %r3, [memory+4], 3;", {1, 2}, {1, 3}, {2}},
    {"atom.global.and.b32 %r3, [memory], 6;", {3}, {2}, {3}},
    {"atom.global.or.b32 %r3, [memory], 6;", {3}, {7}, {3}},
    {"atom.global.xor.b32 %r3, [memory], 6;", {3}, {5}, {3}},
    {"atom.global.exch.b32 %r3, [memory], 6;", {3}, {6}, {3}},
    {"atom.global.cas.b32 %r3, [memory], 3, 8;", {3}, {8}, {3}},
    {"atom.global.cas.b32 %r3, [memory], 4, 8;", {3}, {3}, {3}},
    {"atom.relaxed.gpu.global.add.u32 _, [memory], 5;", {10}, {15}, {0}},
    {"atom.global.add.f32 %r3, [memory], 0f40100000;", {0x3fc00000}, {0x40700000}, {0x3fc00000}},
    // flushed to zero in global memory
    {"atom.global.add.f32 %r3, [memory], 0f00000001;", {1}, {0}, {1}},
    {"atom.add.f32 %r3, [%rd5], 0f00000001;", {1}, {0}, {1}},
    {"red.global.add.f32 [memory], 0f3f800000;", {0x3f800000}, {0x40000000}, {0}},
    {"atom.global.add.u64 %rd3, [memory], 1;", {0xffffffff, 1}, {0, 2}, {0xffffffff, 1}},
    {"atom.global.max.s64 %rd3, [memory], 1;", {0, 0x80000000}, {1, 0}, {0, 0x80000000}},
    {"atom.global.min.u64 %rd3, [memory+8], 1;", {7, 7, 0, 1}, {7, 7, 1, 0}, {0, 1}},
    {"atom.global.cas.b64 %rd3, [memory], 2, 3;", {2}, {3}, {2}},
    {"atom.global.cas.b64 %rd3, [memory], 2, 3;", {2, 1}, {2, 1}, {2, 1}},
    {"atom.global.exch.b64 %rd3, [memory], -1;", {2, 1}, {0xffffffff, 0xffffffff}, {2, 1}},
    {"atom.global.xor.b64 %rd3, [memory], -1;", {2, 1}, {0xfffffffd, 0xfffffffe}, {2, 1}},
    // 1.5 + 2.25 = 3.75
    {"atom.global.add.f64 %rd3, [memory], 0d4002000000000000;",
     {0, 0x3ff80000},
     {0, 0x400e0000},
     {0, 0x3ff80000}},
    // 16 bits: the neighbour stays
    {"mov.b16 %h1, 7; mov.b16 %h2, 9; atom.global.cas.b16 %h3, [memory+2], %h1, %h2; "
     "cvt.u32.u16 %r3, %h3;",
     {0x00070005},
     {0x00090005},
     {7}},
    {"mov.b16 %h1, 5; mov.b16 %h2, 9; atom.global.cas.b16 %h3, [memory+2], %h1, %h2; "
     "cvt.u32.u16 %r3, %h3;",
     {0x00070005},
     {0x00070005},
     {7}},
    // f16 1 + 2 = 3; the neighbour stays
    {"mov.b16 %h1, 0x4000; atom.global.add.noftz.f16 %h3, [memory+2], %h1; cvt.u32.u16 %r3, %h3;",
     {0x3c001234},
     {0x42001234},
     {0x3c00}},
    {"atom.global.add.noftz.f16x2 %r3, [memory], 0x40003c00;",
     {0x40003c00},
     {0x44004000},
     {0x40003c00}},
    {"atom.global.add.noftz.bf16x2 %r3, [memory], 0x40003f80;",
     {0x40003f80},
     {0x40804000},
     {0x40003f80}},
    {"atom.global.v2.f32.add {%r3, %r4}, [memory], {0f3f800000, 0f40000000}; "
     "mov.b64 %rd3, {%r3, %r4};",
     {0x3f800000, 0x3f800000},
     {0x40000000, 0x40400000},
     {0x3f800000, 0x3f800000}},
    {"red.global.add.v4.f32 [memory], {0f3f800000, 0f3f800000, 0f3f800000, 0f40000000};",
     {0, 0x3f800000, 0xbf800000, 0x40000000},
     {0x3f800000, 0x40000000, 0, 0x40800000},
     {0}},
    {"mov.b16 %h1, 0x4000; mov.b16 %h2, 0x3c00; "
     "red.global.v4.f16.max.noftz [memory], {%h1, %h2, %h1, %h2};",
     {0x40003c00, 0x40004400},
     {0x40004000, 0x40004400},
     {0}},
    {"mov.b32 %r5, 0x3f80c000; red.global.v2.bf16x2.min.noftz [memory], {%r5, %r5};",
     {0x40003f80, 0xbf80c080},
     {0x3f80c000, 0xbf80c080},
     {0}},
    {"red.global.add.u32 [memory], 5;", {10}, {15}, {0}},
    {"red.relaxed.sys.global.inc.u32 [memory], 5;", {5}, {0}, {0}},
    {"red.release.gpu.global.or.b64 [memory], -2;", {1}, {0xffffffff, 0xffffffff}, {0}},
    {"red.max.u32 [%rd5], 12;", {10}, {12}, {0}},
};

KernelRun run_case(const Case& vector) {
  const std::string scope =
      fmt::format(".global .align 16 .b32 memory[4] = {{{}, {}, {}, {}}};", vector.before[0],
                  vector.before[1], vector.before[2], vector.before[3]);
  const std::string statement = vector.statement;
  const bool wide = statement.find("%rd3") != std::string::npos;
  const std::string body = fmt::format(R"(
  mov.b64 %rd3, 0;
  mov.b32 %r3, 0;
  mov.u64 %rd5, memory;
  cvta.global.u64 %rd5, %rd5;
  {}
  {}
  st.global.b64 [%rd1+16], %rd3;
  ld.global.v4.u32 {{%r6, %r7, %r8, %r9}}, [memory];
  st.global.v4.u32 [%rd1], {{%r6, %r7, %r8, %r9}};
  ret;
)",
                                       statement, wide ? "" : "cvt.u64.u32 %rd3, %r3;");
  return run_kernel({.body = body, .threads = 1, .module_scope = scope});
}

TEST(Atom, GivesTheBitsWorkedByHand) {
  for (const Case& vector : kCases) {
    const KernelRun run = run_case(vector);
    EXPECT_EQ(run.text(), "") << vector.statement;
    for (int i = 0; i < 4; ++i) EXPECT_EQ(run.out[i], vector.after[i]) << vector.statement << i;
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(run.out[4 + i], vector.result[i]) << vector.statement << i;
    }
  }
}

TEST(Atom, Swaps128Bits) {
  const std::string body = R"(
  .reg .b128 %q<5>;
  .shared .align 16 .b8 cell[16];
  mov.b64 %rd3, 5;
  mov.b64 %rd4, 6;
  mov.b128 %q1, {%rd3, %rd4};
  mov.b128 %q2, {%rd4, %rd3};
  st.shared.b128 [cell], %q1;
  atom.shared.b128.cas %q3, [cell], %q2, %q2;
  st.global.b128 [%rd1], %q3;
  atom.shared.b128.cas %q3, [cell], %q1, %q2;
  st.global.b128 [%rd1+16], %q3;
  atom.shared.b128.exch %q3, [cell], %q1;
  st.global.b128 [%rd1+32], %q3;
  ld.shared.b128 %q4, [cell];
  st.global.b128 [%rd1+48], %q4;
  ret;
)";
  const KernelRun run = run_kernel({.body = body, .threads = 1});
  EXPECT_EQ(run.text(), "");
  const std::vector<std::uint32_t> expected = {5, 0, 6, 0, 5, 0, 6, 0, 6, 0, 5, 0, 5, 0, 6, 0};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(run.out[i], expected[i]) << i;
}

// "supports subnormal inputs and results ... on shared memory", by either kind of address.
TEST(Atom, AddOfF32InSharedMemoryKeepsSubnormals) {
  const std::string body = R"(
  .shared .align 4 .b8 cell[4];
  st.shared.u32 [cell], 1;
  atom.shared.add.f32 %f1, [cell], 0f00000001;
  cvta.shared.u64 %rd3, cell;
  red.add.f32 [%rd3], 0f00000001;
  ld.shared.u32 %r3, [cell];
  st.global.u32 [%rd1], %r3;
  ret;
)";
  const KernelRun run = run_kernel({.body = body, .threads = 1});
  EXPECT_EQ(run.text(), "");
  EXPECT_EQ(run.out[0], 3u);
}

TEST(Atom, WithItsResultInItsOperandReadsTheOperandFirst) {
  const std::string body = R"(
  mov.b32 %r3, 7;
  atom.global.add.u32 %r3, [%rd1], %r3;
  st.global.u32 [%rd1+4], %r3;
  mov.b64 %rd3, %rd1;
  atom.global.exch.b64 %rd3, [%rd3+8], 9;
  st.global.u64 [%rd1+16], %rd3;
  ret;
)";
  const KernelRun run = run_kernel({.body = body, .threads = 1});
  EXPECT_EQ(run.text(), "");
  EXPECT_EQ(run.out[0], 7u);
  EXPECT_EQ(run.out[1], 0u);
  EXPECT_EQ(run.out[2], 9u);
  EXPECT_EQ(run.out[4], 0u);
}

// ---- order and waiting ----

// One thread of each of 8 warps takes a lock, adds 1 to a plain counter, gives the lock back.
KernelRun locked_sum(const char* take, const char* give, Schedule schedule) {
  const std::string body = fmt::format(R"(
  and.b32 %r4, %r1, 31;
  setp.ne.u32 %p1, %r4, 0;
  @%p1 ret;
spin:
  {};
  setp.ne.u32 %p2, %r5, 0;
  @%p2 bra spin;
  ld.global.u32 %r6, [%rd1];
  add.s32 %r6, %r6, 1;
  st.global.u32 [%rd1], %r6;
  {};
  ret;
)",
                                       take, give);
  KernelCase test{.body = body, .threads = 256};
  test.settings.schedule = schedule;
  return run_kernel(test);
}

TEST(Atom, ALockOrdersWhatItGuards) {
  for (const Schedule schedule : {Schedule::kNatural, Schedule::kReversed, Schedule::kRandom}) {
    const KernelRun run = locked_sum("atom.acquire.gpu.global.cas.b32 %r5, [%rd1+4], 0, 1",
                                     "st.release.gpu.global.u32 [%rd1+4], 0", schedule);
    EXPECT_EQ(run.text(), "");
    EXPECT_EQ(run.out[0], 8u);
  }
}

TEST(Atom, ALockOfExchangesWithFencesOrdersWhatItGuards) {
  const KernelRun run =
      locked_sum("atom.global.exch.b32 %r5, [%rd1+4], 1; fence.acq_rel.gpu",
                 "fence.acq_rel.gpu; atom.global.exch.b32 %r7, [%rd1+4], 0", Schedule::kRandom);
  EXPECT_EQ(run.text(), "");
  EXPECT_EQ(run.out[0], 8u);
}

TEST(Atom, ALockWithoutFencesIsARace) {
  const KernelRun run = locked_sum("atom.global.cas.b32 %r5, [%rd1+4], 0, 1",
                                   "atom.global.exch.b32 %r7, [%rd1+4], 0", Schedule::kNatural);
  EXPECT_EQ(run.out[0], 8u);
  EXPECT_TRUE(run.found(Check::kGlobalRace));
}

TEST(Atom, AtomicsOfOneAddressAreNoRaceAndPlainStoresAre) {
  const auto run = [](const char* statement) {
    return run_kernel({.body = std::string(statement) + "ret;", .threads = 64});
  };
  EXPECT_EQ(run("red.global.add.u32 [%rd1], 1;").text(), "");
  EXPECT_EQ(run("red.global.add.u32 [%rd1], 1;").out[0], 64u);
  EXPECT_TRUE(run("st.global.u32 [%rd1], %r1;").found(Check::kGlobalRace));
  EXPECT_TRUE(
      run("red.global.add.u32 [%rd1], 1; ld.global.u32 %r3, [%rd1];").found(Check::kGlobalRace));
}

// A counter that is waited for by adding nothing to it; the natural schedule runs the waiter first.
TEST(Atom, APollByAddingZeroLetsOthersRun) {
  const std::string body = R"(
  setp.ge.u32 %p1, %r1, 32;
  @%p1 bra arrive;
  setp.ne.u32 %p1, %r1, 0;
  @%p1 ret;
wait:
  atom.global.add.u32 %r3, [%rd1], 0;
  setp.ne.u32 %p2, %r3, 32;
  @%p2 bra wait;
  ret;
arrive:
  red.global.add.u32 [%rd1], 1;
  ret;
)";
  const KernelRun run = run_kernel({.body = body, .threads = 64});
  EXPECT_EQ(run.text(), "");
  EXPECT_EQ(run.out[0], 32u);
  const auto atomics = static_cast<int>(InstructionClass::kAtomic);
  EXPECT_LT(run.report.counters.warp_instructions[atomics], 20u);
}

// The waiter reads what the other thread wrote before it released by the statement given.
KernelRun released_by(const char* release) {
  const std::string body = fmt::format(R"(
  and.b32 %r4, %r1, 31;
  setp.ne.u32 %p1, %r4, 0;
  @%p1 ret;
  setp.ne.u32 %p1, %r1, 0;
  @%p1 bra post;
wait:
  ld.acquire.gpu.global.u32 %r3, [%rd1];
  setp.eq.u32 %p2, %r3, 0;
  @%p2 bra wait;
  ld.global.u32 %r3, [%rd1+4];
  st.global.u32 [%rd1+8], %r3;
  ret;
post:
  st.global.u32 [%rd1+4], 41;
  {}
  ret;
)",
                                       release);
  return run_kernel({.body = body, .threads = 64});
}

TEST(Atom, ReleasesWhereItSaysSo) {
  for (const char* release : {"red.release.gpu.global.add.u32 [%rd1], 1;",
                              "atom.release.gpu.global.exch.b32 %r5, [%rd1], 1;",
                              "atom.acq_rel.gpu.global.cas.b32 %r5, [%rd1], 0, 1;"}) {
    const KernelRun run = released_by(release);
    EXPECT_EQ(run.text(), "") << release;
    EXPECT_EQ(run.out[2], 41u) << release;
  }
  for (const char* release :
       {"red.global.add.u32 [%rd1], 1;", "atom.acquire.gpu.global.exch.b32 %r5, [%rd1], 1;",
        "atom.release.gpu.global.cas.b32 %r5, [%rd1], 7, 1; st.relaxed.gpu.global.u32 [%rd1], "
        "1;"}) {
    const KernelRun run = released_by(release);
    EXPECT_EQ(run.out[2], 41u) << release;
    EXPECT_TRUE(run.found(Check::kGlobalRace)) << release;
  }
}

// ---- values never written ----

TEST(Atom, OnMemoryNeverWrittenIsFoundUnlessItExchanges) {
  const auto run = [](const char* statement) {
    return run_kernel(
        {.body = fmt::format(".shared .align 4 .b8 cell[4]; {} ret;", statement), .threads = 1});
  };
  EXPECT_TRUE(run("red.shared.add.u32 [cell], 1;").found(Check::kUninitialised));
  EXPECT_TRUE(run("atom.shared.cas.b32 %r3, [cell], 1, 2;").found(Check::kUninitialised));
  EXPECT_EQ(run("atom.shared.exch.b32 %r3, [cell], 1;").text(), "");
  EXPECT_TRUE(run("atom.shared.exch.b32 %r3, [cell], 1; st.global.u32 [%rd1], %r3;")
                  .found(Check::kUninitialised));
}

TEST(Atom, OfAValueNeverWrittenIsFound) {
  const std::string body = R"(
  .shared .align 4 .b8 cell[4];
  ld.shared.u32 %r3, [cell];
  red.global.add.u32 [%rd1], %r3;
  ret;
)";
  EXPECT_TRUE(run_kernel({.body = body, .threads = 1}).found(Check::kUninitialised));
}

}  // namespace
}  // namespace moe::simt
