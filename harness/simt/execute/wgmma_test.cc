// wgmma.mma_async from PTX to registers: types, shapes, layouts, arguments.
#include "harness/simt/execute/wgmma.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/execute/wgmma_test_kernel.h"
#include "harness/simt/ptx/syntax.h"

namespace moe::simt {
namespace {

using testing::HasSubstr;

void expect_right(const WgmmaProblem& p) {
  const MatrixRun run = run_matrix_kernel(wgmma_kernel(p));
  EXPECT_TRUE(run.report.ok);
  EXPECT_EQ(run.text(), "");
  EXPECT_LE(worst_error(p, run.out), 1) << p.columns << ' ' << p.d << ' ' << p.a << ' ' << p.b
                                        << ' ' << p.a_layout.name << ' ' << p.b_layout.name;
}

TEST(Wgmma, MultipliesEveryType) {
  struct Types {
    const char *d, *a, *b;
  };
  for (const Types& t : {Types{"f32", "f16", "f16"},
                         {"f16", "f16", "f16"},
                         {"f32", "bf16", "bf16"},
                         {"f32", "tf32", "tf32"},
                         {"f32", "e4m3", "e4m3"},
                         {"f16", "e4m3", "e5m2"},
                         {"f32", "e5m2", "e4m3"},
                         {"s32", "s8", "s8"},
                         {"s32", "u8", "s8"},
                         {"s32", "u8", "u8"}}) {
    for (const bool in_registers : {false, true}) {
      WgmmaProblem p{.columns = 24, .d = t.d, .a = t.a, .b = t.b};
      p.a_in_registers = in_registers;
      expect_right(p);
      p.fractions = true;
      expect_right(p);
    }
  }
}

TEST(Wgmma, MultipliesEveryWidth) {
  for (int columns = 8; columns <= 256; columns += columns < 32 ? 8 : 56) {
    expect_right({.columns = columns, .fractions = true});
  }
  expect_right({.columns = 256});
}

TEST(Wgmma, ReadsEveryLayoutKMajor) {
  for (const TileLayout& a : kTileLayouts) {
    for (const TileLayout& b : kTileLayouts) {
      expect_right({.columns = 16, .a_layout = a, .b_layout = b});
    }
    expect_right({.columns = 16, .a = "tf32", .b = "tf32", .a_layout = a, .b_layout = a});
    expect_right({.columns = 16, .a = "e5m2", .b = "e5m2", .a_layout = a, .b_layout = a});
  }
}

TEST(Wgmma, ReadsEveryLayoutMnMajor) {
  for (const TileLayout& layout : kTileLayouts) {
    for (const int columns : {8, 64, 128, 192}) {
      expect_right({.columns = columns, .b_layout = layout, .b_mn_major = true});
    }
    expect_right({.columns = 16, .a_layout = layout, .a_mn_major = true});
    expect_right({.columns = 64,
                  .a = "f16",
                  .b = "f16",
                  .a_layout = layout,
                  .b_layout = layout,
                  .a_mn_major = true,
                  .b_mn_major = true});
    expect_right({.columns = 64, .b_layout = layout, .b_mn_major = true, .a_in_registers = true});
  }
}

TEST(Wgmma, ScaleDChoosesBetweenAddingAndOverwriting) {
  const WgmmaProblem p;
  const std::string end = std::string(kWgmmaCommit) + kWgmmaWait;
  const auto run = [&](const std::string& before, const std::string& scale_d) {
    return run_matrix_kernel(
        wgmma_kernel(p, before + kWgmmaFence + wgmma_statement(p, scale_d) + end));
  };
  EXPECT_EQ(worst_error(p, run("", "1").out), 0);
  EXPECT_EQ(worst_error(p, run("", "0").out, 0), 0);
  const std::string set = "  setp.lt.u32 %p2, %r0, 1000;\n";
  EXPECT_EQ(worst_error(p, run(set, "%p2").out), 0);
  EXPECT_EQ(worst_error(p, run(set, "!%p2").out, 0), 0);
}

TEST(Wgmma, NegatesTheProductWhenOneScaleIsMinusOne) {
  const WgmmaProblem p;
  for (const int a : {1, -1}) {
    for (const int b : {1, -1}) {
      const MatrixRun run = run_matrix_kernel(
          wgmma_kernel(p, kWgmmaFence + wgmma_statement(p, "1", a, b) + kWgmmaCommit + kWgmmaWait));
      EXPECT_EQ(worst_error(p, run.out, 1, a * b), 0) << a << ' ' << b;
    }
  }
}

TEST(Wgmma, SaturatesIntegersWhereAsked) {
  const WgmmaProblem p{.d = "s32", .a = "u8", .b = "u8"};
  MatrixKernel kernel = wgmma_kernel(
      p, kWgmmaFence + wgmma_statement(p, "1", 1, 1, ".satfinite") + kWgmmaCommit + kWgmmaWait);
  for (int i = 0; i < 128 * p.d_registers(); ++i) kernel.in[p.image_bytes() / 4 + i] = 0x7fffffff;
  for (const std::uint32_t word : run_matrix_kernel(kernel).out) EXPECT_EQ(word, 0x7fffffffu);
}

// Worked by hand: A is all ones, B[k][n] = n, so that D[m][n] = 16 n.
TEST(WgmmaByHand, SumsOverK) {
  const WgmmaProblem p;
  MatrixKernel kernel =
      wgmma_kernel(p, kWgmmaFence + wgmma_statement(p, "0") + kWgmmaCommit + kWgmmaWait);
  // 128-byte swizzle, K-major: row n is 128 bytes from 128 n, and k16 its first 32 bytes, moved
  // within the row by whole chunks: fill the row.
  for (int word = 0; word < 64 * 32; ++word) kernel.in[word] = 0x3f803f80;
  const std::uint32_t bf16[8] = {0, 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0, 0x40e0};
  for (int n = 0; n < 8; ++n) {
    for (int word = 0; word < 32; ++word)
      kernel.in[p.b_offset() / 4 + 32 * n + word] = bf16[n] * 0x10001;
  }
  const MatrixRun run = run_matrix_kernel(kernel);
  for (int thread = 0; thread < 128; ++thread) {
    for (int i = 0; i < 4; ++i) {
      const float expected = 16.0f * (thread % 4 * 2 + i % 2);
      EXPECT_EQ(std::bit_cast<float>(run.out[128 * i + thread]), expected) << thread << ' ' << i;
    }
  }
}

TEST(Wgmma, PoisonOfAnOperandReachesItsRowOfD) {
  const WgmmaProblem p;
  MatrixKernel kernel = wgmma_kernel(p);
  kernel.unwritten = {35 * 32};  // a word of A's row 35, chunk 3 moved to the front: not read
  EXPECT_EQ(run_matrix_kernel(kernel).text(), "");
  kernel.unwritten = {32 * 32};  // row 32, chunk 0
  const MatrixRun run = run_matrix_kernel(kernel);
  ASSERT_NE(run.text(), "");
  for (const Finding& finding : run.report.findings) {
    EXPECT_EQ(finding.check, Check::kUninitialised) << describe(finding);
    EXPECT_EQ(finding.site.thread[0] / 4, 64u / 4) << "row 32 is in lanes 0 to 3 of warp 2";
  }
}

TEST(Wgmma, CountsOnceAWarpgroup) {
  const MatrixRun run = run_matrix_kernel(wgmma_kernel(WgmmaProblem{.columns = 64}));
  EXPECT_EQ(run.report.counters.wgmma, 1u);
  EXPECT_EQ(run.report.counters.multiply_adds, 64u * 64 * 16);
}

TEST(WgmmaRefuses, WhatTheIsaDoesNotList) {
  const auto message = [](const WgmmaProblem& p, const std::string& text) -> std::string {
    try {
      run_matrix_kernel({.body = make_descriptors(p) + text, .shared_bytes = 1024});
    } catch (const ptx::Error& error) {
      return error.what();
    }
    return "";
  };
  const std::string w = "wgmma.mma_async.sync.aligned.";
  const WgmmaProblem p;
  EXPECT_THAT(
      message(p, w + "m64n12k16.f32.bf16.bf16 {%d0,%d1,%d2,%d3,%d4,%d5}, %x0, %y0, 1, 1, 1, 0, 0;"),
      HasSubstr("N = 12"));
  EXPECT_THAT(message(p, w + "m64n8k8.f32.bf16.bf16 {%d0,%d1,%d2,%d3}, %x0, %y0, 1, 1, 1, 0, 0;"),
              HasSubstr("K = 8"));
  EXPECT_THAT(message(p, w + "m64n8k16.f16.bf16.bf16 {%d0,%d1}, %x0, %y0, 1, 1, 1, 0, 0;"),
              HasSubstr("does not accumulate"));
  EXPECT_THAT(message(p, w + "m64n8k16.f32.bf16.bf16 {%d0,%d1,%d2,%d3}, %x0, %y0, 1;"),
              HasSubstr("takes 8 operands"));
  EXPECT_THAT(message(p, w + "m64n8k16.f32.bf16.bf16 {%d0,%d1,%d2,%d3}, %x0, %y0, 1, 2, 1, 0, 0;"),
              HasSubstr("imm-scale-a must be 1 or -1"));
  EXPECT_THAT(message(p,
                      "wgmma.mma_async.sp.sync.aligned.m64n8k32.f32.bf16.bf16 {%d0,%d1,%d2,%d3}, "
                      "%x0, %y0, %r1, 0, 1, 1, 1, 0, 0;"),
              HasSubstr("sparse"));
  EXPECT_THAT(message(p, "setmaxnreg.inc.sync.aligned.u32 25;"), HasSubstr("steps of 8"));
  EXPECT_THAT(message(p, "setmaxnreg.dec.sync.aligned.u32 16;"), HasSubstr("24 to 256"));
}

}  // namespace
}  // namespace moe::simt
