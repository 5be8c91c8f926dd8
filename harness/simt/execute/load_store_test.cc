#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/machine/test_kernel.h"

namespace moe::simt {
namespace {

using testing::HasSubstr;

// Little-endian: words 0x807f01ff, 0x12348000, then 0x11111111 * i.
constexpr const char* kData = R"(
.global .align 32 .b32 data[16] = {0x807f01ff, 0x12348000, 0x22222222, 0x33333333, 0x44444444,
  0x55555555, 0x66666666, 0x77777777, 0x88888888, 0x99999999, 0xaaaaaaaa, 0xbbbbbbbb, 0xcccccccc,
  0xdddddddd, 0xeeeeeeee, 0xffffffff};
.const .align 8 .b32 fixed[2] = {0xc0ffee, 0xbeef};
)";

struct Extension {
  const char* load;  // type and register: written as `ld.global.<type> <register>, [data + offset]`
  const char* reg;
  int offset;
  std::uint64_t expected;  // of the register's own width
};

// PTX ISA "ld": a signed type is extended by its sign to the register's width, others by zeros
// ("Relaxed type-checking rules for destination operands").
const Extension kExtensions[] = {
    {"u8", "%h1", 0, 0xff},
    {"s8", "%h1", 0, 0xffff},
    {"s8", "%h1", 1, 0x0001},
    {"b8", "%h1", 3, 0x80},
    {"u8", "%r3", 0, 0xff},
    {"s8", "%r3", 0, 0xffffffff},
    {"s8", "%r3", 2, 0x7f},
    {"s8", "%r3", 3, 0xffffff80},
    {"b8", "%r3", 3, 0x80},
    {"s8", "%rd3", 3, 0xffffffffffffff80},
    {"s8", "%rd3", 2, 0x7f},
    {"u8", "%rd3", 3, 0x80},
    {"u16", "%h1", 0, 0x01ff},
    {"s16", "%h1", 2, 0x807f},
    {"u16", "%r3", 2, 0x807f},
    {"s16", "%r3", 2, 0xffff807f},
    {"s16", "%r3", 0, 0x01ff},
    {"b16", "%r3", 2, 0x807f},
    {"s16", "%rd3", 4, 0xffffffffffff8000},
    {"u16", "%rd3", 4, 0x8000},
    {"u32", "%r3", 0, 0x807f01ff},
    {"s32", "%r3", 0, 0x807f01ff},
    {"f32", "%f1", 4, 0x12348000},
    {"u32", "%rd3", 0, 0x807f01ff},
    {"s32", "%rd3", 0, 0xffffffff807f01ff},
    {"s32", "%rd3", 4, 0x12348000},
    {"b32", "%rd3", 0, 0x807f01ff},
    {"u64", "%rd3", 0, 0x12348000807f01ff},
    {"s64", "%rd3", 8, 0x3333333322222222},
};

TEST(Load, ExtendsToTheRegistersWidth) {
  std::string body;
  for (std::size_t i = 0; i < std::size(kExtensions); ++i) {
    const Extension& vector = kExtensions[i];
    const std::string reg = vector.reg;
    const char* width = reg[1] == 'h' ? "b16" : reg.starts_with("%rd") ? "b64" : "b32";
    body += fmt::format("ld.global.{} {}, [data+{}];\nst.global.{} [%rd1+{}], {};\n", vector.load,
                        reg, vector.offset, width, 8 * i, reg);
  }
  const KernelRun run =
      run_kernel({.body = body + "ret;", .threads = 1, .out_words = 64, .module_scope = kData});
  EXPECT_EQ(run.text(), "");
  for (std::size_t i = 0; i < std::size(kExtensions); ++i) {
    const std::uint64_t found = run.out[2 * i] | std::uint64_t{run.out[2 * i + 1]} << 32;
    EXPECT_EQ(found, kExtensions[i].expected) << kExtensions[i].load << " " << kExtensions[i].reg;
  }
}

// The upper bits of a 16-bit register must not come out when it is widened.
TEST(Load, LeavesNothingAboveA16BitRegister) {
  const std::string body = R"(
  ld.global.s8 %h1, [data];
  setp.eq.u16 %p1, %h1, 0xffff;
  selp.b32 %r3, 1, 2, %p1;
  st.global.u32 [%rd1], %r3;
  ret;
)";
  EXPECT_EQ(run_kernel({.body = body, .threads = 1, .module_scope = kData}).out[0], 1u);
}

TEST(Load, FillsTheElementsOfAVector) {
  const std::string body = R"(
  ld.global.v2.u32 {%r3, %r4}, [data+8];
  st.global.v2.u32 [%rd1], {%r3, %r4};
  ld.global.v4.f32 {%f1, _, %f2, %f3}, [data+16];
  st.global.v4.f32 [%rd1+16], {%f3, %f2, %f1, 0f3f800000};
  ld.global.v4.s8 {%r3, %r4, %r5, %r6}, [data];
  st.global.v4.u32 [%rd1+32], {%r3, %r4, %r5, %r6};
  ld.global.v2.b64 {%rd3, %rd4}, [data+32];
  st.global.v2.b64 [%rd1+48], {%rd4, %rd3};
  ld.global.v8.b32 {%r3, %r4, %r5, %r6, %r7, %r8, %r9, _}, [data];
  st.global.v4.b32 [%rd1+64], {%r9, %r8, %r7, %r6};
  ld.global.v4.b64 {_, %rd3, %rd4, %rd5}, [data+32];
  st.global.v4.b64 [%rd1+96], {%rd5, %rd4, %rd3, %rd3};
  ld.global.v4.u8 {%h1, %h2, %h3, %h4}, [data];
  st.global.v4.u8 [%rd1+128], {%h4, %h3, %h2, %h1};
  ld.global.nc.L1::no_allocate.L2::128B.v2.u16 {%h1, %h2}, [data];
  st.global.v2.u16 [%rd1+132], {%h2, %h1};
  ret;
)";
  const KernelRun run = run_kernel({.body = body, .threads = 1, .module_scope = kData});
  EXPECT_EQ(run.text(), "");
  const std::vector<std::uint32_t> expected = {
      0x22222222, 0x33333333, 0,          0,          0x77777777, 0x66666666, 0x44444444,
      0x3f800000, 0xffffffff, 0x1,        0x7f,       0xffffff80, 0xaaaaaaaa, 0xbbbbbbbb,
      0x88888888, 0x99999999, 0x66666666, 0x55555555, 0x44444444, 0x33333333, 0,
      0,          0,          0,          0xeeeeeeee, 0xffffffff, 0xcccccccc, 0xdddddddd,
      0xaaaaaaaa, 0xbbbbbbbb, 0xaaaaaaaa, 0xbbbbbbbb, 0xff017f80, 0x01ff807f};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(run.out[i], expected[i]) << i;
}

TEST(Load, Moves128Bits) {
  const std::string body = R"(
  .reg .b128 %q1;
  ld.global.b128 %q1, [data+16];
  st.global.b128 [%rd1+32], %q1;
  ret;
)";
  const KernelRun run = run_kernel({.body = body, .threads = 2, .module_scope = kData});
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(run.out[8 + i], 0x11111111u * (4 + i)) << i;
}

TEST(Store, CutsAWiderRegister) {
  // Both lanes store the same bytes: the values of lane 1 are as right as those of lane 0.
  const std::string body = R"(
  ld.global.u64 %rd3, [data];
  ld.global.u32 %r3, [data];
  st.global.b32 [%rd1], %rd3;
  st.global.b16 [%rd1+4], %rd3;
  st.global.b8 [%rd1+8], %rd3;
  st.global.u16 [%rd1+12], %r3;
  st.global.u8 [%rd1+16], %r3;
  st.global.v2.b32 [%rd1+24], {%rd3, %rd3};
  st.global.u32 [%rd1+32], 77;
  st.global.u64 [%rd1+40], -1;
  ret;
)";
  const KernelRun run = run_kernel({.body = body, .threads = 2, .module_scope = kData});
  const std::vector<std::uint32_t> expected = {0x807f01ff, 0x01ff, 0xff,       0x01ff,
                                               0xff,       0,      0x807f01ff, 0x807f01ff,
                                               77,         0,      0xffffffff, 0xffffffff};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(run.out[i], expected[i]) << i;
}

TEST(Load, ReachesEverySpaceByNameAndByGenericAddress) {
  const std::string body = R"(
  .shared .align 8 .b8 cell[8];
  .local .align 8 .b8 own[8];
  st.shared.u32 [cell], 5;
  st.local.u32 [own], 6;
  ld.shared.u32 %r3, [cell];
  ld.local.u32 %r4, [own];
  ld.const.u32 %r5, [fixed];
  st.global.v2.u32 [%rd1], {%r3, %r4};
  st.global.u32 [%rd1+8], %r5;
  cvta.shared.u64 %rd3, cell;
  ld.u32 %r3, [%rd3];
  cvta.local.u64 %rd4, own;
  ld.u32 %r4, [%rd4];
  cvta.const.u64 %rd5, fixed;
  ld.u32 %r5, [%rd5+4];
  st.u32 [%rd1+12], %r3;
  st.u32 [%rd1+16], %r4;
  st.u32 [%rd1+20], %r5;
  ld.param.b64 %rd6, [out];
  ld.param.b32 %r6, [out];
  sub.s64 %rd6, %rd6, %rd1;
  st.global.u64 [%rd1+24], %rd6;
  cvt.u32.u64 %r7, %rd1;
  sub.s32 %r6, %r6, %r7;
  st.global.u32 [%rd1+32], %r6;
  ret;
)";
  const KernelRun run = run_kernel({.body = body, .threads = 1, .module_scope = kData});
  EXPECT_EQ(run.text(), "");
  const std::vector<std::uint32_t> expected = {5, 6, 0xc0ffee, 5, 6, 0xbeef, 0, 0, 0};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(run.out[i], expected[i]) << i;
}

// ---- values never written ----

TEST(Load, OfMemoryNeverWrittenIsFoundWhereItsValueIsUsed) {
  const std::string body = R"(
  .shared .align 4 .b8 cell[4];
  ld.shared.u32 %r3, [cell];
  add.s32 %r3, %r3, 1;
  st.global.u32 [%rd1], %r3;
  ret;
)";
  const KernelRun run = run_kernel({.body = body, .threads = 1});
  EXPECT_TRUE(run.found(Check::kUninitialised));
}

TEST(Load, OfAVectorPoisonsOnlyTheElementsNeverWritten) {
  const auto body = [](const char* used) {
    return fmt::format(R"(
  .shared .align 8 .b8 cell[8];
  st.shared.u32 [cell+4], 9;
  ld.shared.v2.u32 {{%r3, %r4}}, [cell];
  st.global.u32 [%rd1], {};
  ret;
)",
                       used);
  };
  const KernelRun good = run_kernel({.body = body("%r4"), .threads = 1});
  EXPECT_EQ(good.text(), "");
  EXPECT_EQ(good.out[0], 9u);
  EXPECT_TRUE(run_kernel({.body = body("%r3"), .threads = 1}).found(Check::kUninitialised));
}

TEST(Store, OfAnUnknownValueLeavesSharedMemoryUnknown) {
  const std::string body = R"(
  .shared .align 8 .b8 cell[8];
  ld.shared.u32 %r3, [cell];
  st.shared.u32 [cell+4], %r3;
  ld.shared.u32 %r4, [cell+4];
  st.global.u32 [%rd1], %r4;
  ret;
)";
  EXPECT_TRUE(run_kernel({.body = body, .threads = 1}).found(Check::kUninitialised));
}

// ---- faults ----

TEST(Load, OfAnAddressThatIsNoMultipleOfItsSizeFaults) {
  const KernelRun run =
      run_kernel({.body = "ld.global.v2.u32 {%r3, %r4}, [%rd1+4]; ret;", .threads = 1});
  EXPECT_FALSE(run.report.ok);
  EXPECT_TRUE(run.found(Check::kMisaligned));
}

TEST(Store, BehindTheEndFaults) {
  const KernelRun run =
      run_kernel({.body = "st.global.u32 [%rd1+256], %r1; ret;", .threads = 1, .out_words = 64});
  EXPECT_FALSE(run.report.ok);
  EXPECT_TRUE(run.found(Check::kOutOfBounds));
}

// ---- order ----

// Warp 0 waits for warp 1's flag, then reads its datum. The natural schedule runs warp 0 first.
std::string message(const char* wait, const char* datum, const char* post) {
  return fmt::format(R"(
  .shared .align 8 .b8 flag[4];
  .shared .align 8 .b8 datum[4];
  setp.ne.u32 %p1, %r1, 0;
  @%p1 bra cleared;
  st.shared.u32 [flag], 0;
cleared:
  bar.sync 0;
  setp.eq.u32 %p1, %r1, 0;
  @%p1 bra wait;
  setp.ne.u32 %p1, %r1, 32;
  @%p1 bra done;
  st.shared.u32 [datum], 41;
  {}
  bra done;
wait:
  {}
  setp.eq.u32 %p2, %r4, 0;
  @%p2 bra wait;
  {}
  ld.shared.u32 %r3, [datum];
  st.global.u32 [%rd1], %r3;
done:
  ret;
)",
                     post, wait, datum);
}

KernelRun run_message(const char* post, const char* wait, const char* after,
                      Schedule schedule = Schedule::kNatural) {
  KernelCase test{.body = message(wait, after, post), .threads = 64};
  test.settings.schedule = schedule;
  return run_kernel(test);
}

TEST(Order, ReleaseAndAcquireCarryTheData) {
  for (const Schedule schedule : {Schedule::kNatural, Schedule::kReversed, Schedule::kRandom}) {
    const KernelRun run = run_message("st.release.cta.shared.u32 [flag], 1;",
                                      "ld.acquire.cta.shared.u32 %r4, [flag];", "", schedule);
    EXPECT_EQ(run.text(), "");
    EXPECT_EQ(run.out[0], 41u);
  }
}

TEST(Order, FencesAndRelaxedAccessesCarryTheData) {
  for (const char* fence :
       {"fence.acq_rel.cta;", "fence.sc.gpu;", "membar.cta;", "membar.gl;", "fence.cluster;"}) {
    const std::string post = fmt::format("{} st.relaxed.cta.shared.u32 [flag], 1;", fence);
    const KernelRun run =
        run_message(post.c_str(), "ld.relaxed.cta.shared.u32 %r4, [flag];", fence);
    EXPECT_EQ(run.text(), "") << fence;
    EXPECT_EQ(run.out[0], 41u);
  }
}

TEST(Order, VolatileFlagsWithFencesCarryTheData) {
  const KernelRun run = run_message("membar.cta; st.volatile.shared.u32 [flag], 1;",
                                    "ld.volatile.shared.u32 %r4, [flag];", "membar.cta;");
  EXPECT_EQ(run.text(), "");
  EXPECT_EQ(run.out[0], 41u);
}

// Warp 0, which the natural schedule runs first, would otherwise poll for a whole time slice.
TEST(Order, APollThatFailsLetsOthersRun) {
  for (const char* load : {"ld.volatile.global", "ld.relaxed.gpu.global", "ld.acquire.sys"}) {
    const std::string body = fmt::format(R"(
  setp.ge.u32 %p1, %r1, 32;
  @%p1 bra post;
wait:
  {}.u32 %r3, [%rd1];
  setp.eq.u32 %p2, %r3, 0;
  @%p2 bra wait;
  ret;
post:
  st.volatile.global.u32 [%rd1], 1;
  ret;
)",
                                         load);
    const KernelRun run = run_kernel({.body = body, .threads = 64});
    EXPECT_EQ(run.text(), "");
    const auto loads = static_cast<int>(InstructionClass::kLoad);
    EXPECT_LT(run.report.counters.warp_instructions[loads], 10u) << load;
  }
}

TEST(Order, RelaxedAccessesAloneDoNotCarryTheData) {
  const KernelRun run = run_message("st.relaxed.cta.shared.u32 [flag], 1;",
                                    "ld.relaxed.cta.shared.u32 %r4, [flag];", "");
  EXPECT_EQ(run.out[0], 41u);
  EXPECT_TRUE(run.found(Check::kSharedRace)) << run.text();
}

TEST(Order, AFenceOnOneSideOnlyDoesNotCarryTheData) {
  EXPECT_TRUE(run_message("membar.cta; st.relaxed.cta.shared.u32 [flag], 1;",
                          "ld.relaxed.cta.shared.u32 %r4, [flag];", "")
                  .found(Check::kSharedRace));
  EXPECT_TRUE(run_message("st.relaxed.cta.shared.u32 [flag], 1;",
                          "ld.relaxed.cta.shared.u32 %r4, [flag];", "membar.cta;")
                  .found(Check::kSharedRace));
}

// A flag of a finished block's scope does not reach another block.
TEST(Order, BlockScopeDoesNotReachAnotherBlock) {
  const auto run = [](const char* scope) {
    const std::string body = fmt::format(R"(
  setp.ne.u32 %p1, %r1, 0;
  @%p1 ret;
  setp.eq.u32 %p1, %r2, 1;
  @%p1 bra reader;
  st.global.u32 [%rd1], 41;
  st.release.{0}.global.u32 [%rd1+4], 1;
  ret;
reader:
  ld.acquire.{0}.global.u32 %r4, [%rd1+4];
  setp.eq.u32 %p2, %r4, 0;
  @%p2 bra reader;
  ld.global.u32 %r3, [%rd1];
  st.global.u32 [%rd1+8], %r3;
  ret;
)",
                                         scope);
    return run_kernel({.body = body, .blocks = 2});
  };
  EXPECT_EQ(run("gpu").text(), "");
  EXPECT_TRUE(run("cta").found(Check::kGlobalRace));
}

// ---- forms ----

// Decodes one statement in an entry; empty, or the error.
std::string refusal(const std::string& statement) {
  const KernelCase test{.body = ".reg .b128 %q<4>; .reg .f64 %d<4>;\n" + statement + "\nret;",
                        .module_scope = kData};
  Device device(architecture("90a"));
  try {
    const auto program = device.load(module_of(test), "test.ptx");
    device.kernel(program, "kernel");
  } catch (const ptx::Error& error) {
    return error.what();
  }
  return "";
}

// Each of them was given to ptxas 13.0, which takes it.
TEST(LoadStore, TakesTheFormsThatPtxasTakes) {
  for (const char* statement :
       {"ld.global.volatile.u32 %r3, [%rd1];",
        "ld.relaxed.gpu.global.u32 %r3, [%rd1];",
        "ld.acquire.cta.shared::cta.u32 %r3, [%rd1];",
        "ld.mmio.relaxed.sys.global.u32 %r3, [%rd1];",
        "ld.global.ca.nc.u32 %r3, [%rd1];",
        "ld.global.L2::cache_hint.u32 %r3, [%rd1], %rd3;",
        "ld.weak.global.cs.u32 %r3, [%rd1];",
        "ldu.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1];",
        "ldu.u32 %r3, [%rd1];",

        "ld.global.b32 {%r3}, [%rd1];",
        "ld.global.relaxed.gpu.L2::256B.f32 %f1, [%rd1];",
        "ld.acquire.sys.global.b128 %q1, [%rd1];",
        "ld.shared::cluster.u32 %r3, [%r4];",
        "ld.b32 %r3, [%rd1+-4];",
        "ld.global.b16 %f1, [%rd1];",
        "ld.global.L2::evict_last.v8.f32 {%f1, _, %f2, %f3, %f4, %f5, %f6, %f7}, [%rd1];",
        "st.release.gpu.global.u32 [%rd1], %r3;",
        "st.volatile.shared.u32 [%r4], %r3;",
        "st.global.wt.u32 [%rd1], %r3;",
        "st.global.L2::cache_hint.u32 [%rd1], %r3, %rd3;",
        "st.global.v2.u32 [%rd1], {1, %r3};",
        "st.global.L1::no_allocate.f64 [%rd1], %d1;",
        "prefetch.global.L1 [%rd1];",
        "prefetch.L2 [%rd1];",
        "prefetch.global.L2::evict_last [%rd1];",
        "prefetch.tensormap [%rd1];",
        "prefetch.param.tensormap [%rd1];",
        "prefetchu.L1 [%rd1];",
        "applypriority.global.L2::evict_normal [%rd1], 128;",
        "discard.global.L2 [%rd1], 128;",
        "createpolicy.fractional.L2::evict_last.b64 %rd3;",
        "createpolicy.fractional.L2::evict_last.L2::evict_first.b64 %rd3, 0.5;",
        "createpolicy.range.global.L2::evict_last.L2::evict_first.b64 %rd3, [%rd1], 256, 512;",
        "createpolicy.cvt.L2.b64 %rd3, %rd4;"}) {
    EXPECT_EQ(refusal(statement), "") << statement;
  }
}

// Each of them was given to ptxas 13.0, which refuses it.
TEST(LoadStore, RefusesTheFormsThatPtxasRefusesNamingThem) {
  for (const char* statement : {"ld.global.f16 %h1, [%rd1];",
                                "ld.global.f16x2 %r3, [%rd1];",
                                "ld.global.b32 %h1, [%rd1];",
                                "ld.shared.v8.b32 {%r1, %r2, %r3, %r4, %r5, %r6, %r7, %r8}, [%r4];",
                                "ld.shared.v4.b64 {%rd1, %rd2, %rd3, %rd4}, [%r4];",
                                "ld.global.v2.b128 {%q1, %q2}, [%rd1];",
                                "ld.global.v2.s8 {%h1, %rd3}, [%rd1];",
                                "ld.relaxed.global.u32 %r3, [%rd1];",
                                "ld.mmio.acquire.sys.global.u32 %r3, [%rd1];",
                                "ld.nc.u32 %r3, [%rd1];",
                                "ld.shared.nc.u32 %r3, [%r4];",
                                "ld.global.u32 %r3, [%rd1], %rd3;",
                                "ld.global.L2::cache_hint.u32 %r3, [%rd1];",
                                "ld.const.relaxed.gpu.u32 %r3, [%rd1];",
                                "ld.local.volatile.u32 %r3, [%rd1];",
                                "ldu.shared.u32 %r3, [%r4];",
                                "st.global.b32 [%rd1], %h1;",
                                "st.release.global.u32 [%rd1], %r3;",
                                "st.const.u32 [%rd1], %r3;",
                                "st.const.u32 [fixed], %r3;",
                                "st.global.ca.u32 [%rd1], %r3;",
                                "st.global.L2::128B.u32 [%rd1], %r3;",
                                "st.mmio.release.sys.global.u32 [%rd1], %r3;",
                                "ld.pred %p1, [%rd1];",
                                "ld.global.v3.b32 {%r1, %r2, %r3}, [%rd1];",
                                "ld.global.v2.b32 %rd3, [%rd1];",
                                "ld.global.v2.b32 {%r1, %r2, %r3}, [%rd1];",
                                "ld.volatile.gpu.global.u32 %r3, [%rd1];",
                                "st.global.v2.f16x2 [%rd1], {%r3, %r4};",
                                "prefetch.global.L2::evict_first [%rd1];",
                                "prefetch.shared.L1 [%r4];",
                                "prefetch.global.tensormap [%rd1];",
                                "discard.global.L2 [%rd1], 64;"}) {
    const std::string found = refusal(statement);
    EXPECT_THAT(found, HasSubstr("test.ptx:")) << statement;
  }
}

}  // namespace
}  // namespace moe::simt
