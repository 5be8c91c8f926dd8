#include <gtest/gtest.h>

#include "harness/simt/machine/test_kernel.h"

namespace moe::simt {
namespace {

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

TEST(Store, OfAVectorLeavesOnlyTheUnknownElementsUnknown) {
  const auto body = [](const char* used) {
    return fmt::format(R"(
  .shared .align 8 .b8 cell[16];
  ld.shared.u32 %r3, [cell];
  st.shared.v2.u32 [cell+8], {{%r3, 9}};
  ld.shared.u32 %r4, [cell+{}];
  st.global.u32 [%rd1+4], %r4;
  ret;
)",
                       used);
  };
  const KernelRun good = run_kernel({.body = body("12"), .threads = 2});
  EXPECT_FALSE(good.found(Check::kUninitialised)) << good.text();
  EXPECT_EQ(good.out[1], 9u);
  EXPECT_TRUE(run_kernel({.body = body("8"), .threads = 2}).found(Check::kUninitialised));
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

}  // namespace
}  // namespace moe::simt
