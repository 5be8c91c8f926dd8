// ldmatrix, stmatrix and movmatrix from PTX to registers and shared memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/execute/mma_test_kernel.h"
#include "harness/simt/ptx/syntax.h"

namespace moe::simt {
namespace {

using testing::HasSubstr;

// Shared memory holds four 8x8 matrices of 16 bits; row r of matrix j stands at 128 j + 16 r, and
// element (r, c) of it is 0x100 * (8 j + r) + c. Lane l's address in %r4 is row l.
std::string fill() {
  return R"(
  mov.u32 %r1, tile;
  shl.b32 %r2, %r0, 4;
  add.u32 %r4, %r1, %r2;
  shl.b32 %r5, %r0, 24;
  shl.b32 %r6, %r0, 8;
  or.b32 %r5, %r5, %r6;
  add.u32 %r7, %r5, 0x00010000;
  st.shared.u32 [%r4], %r7;
  add.u32 %r7, %r5, 0x00030002;
  st.shared.u32 [%r4+4], %r7;
  add.u32 %r7, %r5, 0x00050004;
  st.shared.u32 [%r4+8], %r7;
  add.u32 %r7, %r5, 0x00070006;
  st.shared.u32 [%r4+12], %r7;
  bar.warp.sync 0xffffffff;
)";
}

std::uint32_t element(int matrix, int row, int column) {
  return 0x100 * (8 * matrix + row) + column;
}

MatrixRun run_on_tile(const std::string& body, int registers_out) {
  MatrixKernel kernel;
  kernel.body = fill() + body + store_registers("d", registers_out);
  kernel.out_words = 32 * registers_out;
  kernel.shared_bytes = 512;
  return run_matrix_kernel(kernel);
}

TEST(Ldmatrix, GivesLaneLTwoElementsOfRowLOver4) {
  const struct {
    const char* number;
    int matrices;
  } forms[] = {{"x1", 1}, {"x2", 2}, {"x4", 4}};
  for (const auto& form : forms) {
    for (const char* space : {".shared", ".shared::cta"}) {
      const MatrixRun run =
          run_on_tile(fmt::format("  ldmatrix.sync.aligned.m8n8.{}{}.b16 {}, [%r4];\n", form.number,
                                  space, registers("d", form.matrices)),
                      form.matrices);
      EXPECT_EQ(run.text(), "");
      for (int matrix = 0; matrix < form.matrices; ++matrix) {
        for (int lane = 0; lane < 32; ++lane) {
          const int row = lane / 4, column = lane % 4 * 2;
          EXPECT_EQ(run.out[32 * matrix + lane],
                    element(matrix, row, column) | element(matrix, row, column + 1) << 16);
        }
      }
    }
  }
}

TEST(Ldmatrix, TransposedGivesTwoElementsOfColumnLOver4) {
  const MatrixRun run = run_on_tile(
      "  ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%d0, %d1, %d2, %d3}, [%r4];\n", 4);
  EXPECT_EQ(run.text(), "");
  for (int matrix = 0; matrix < 4; ++matrix) {
    for (int lane = 0; lane < 32; ++lane) {
      const int row = lane % 4 * 2, column = lane / 4;
      EXPECT_EQ(run.out[32 * matrix + lane],
                element(matrix, row, column) | element(matrix, row + 1, column) << 16);
    }
  }
}

TEST(Ldmatrix, TakesAGenericAddressOfSharedMemory) {
  const MatrixRun run = run_on_tile(
      "  cvt.u64.u32 %rd7, %r4;\n  cvta.shared.u64 %rd8, %rd7;\n"
      "  ldmatrix.sync.aligned.m8n8.x1.b16 {%d0}, [%rd8];\n",
      1);
  EXPECT_EQ(run.text(), "");
  EXPECT_EQ(run.out[5], element(0, 1, 2) | element(0, 1, 3) << 16);
}

TEST(Ldmatrix, ReadsOnlyTheAddressesOfItsLanes) {
  // Lanes from 8 on have no valid address; x1 does not look at them.
  const MatrixRun run = run_on_tile(
      "  setp.ge.u32 %p1, %r0, 8;\n  @%p1 mov.b32 %r4, 0x7ffff1;\n"
      "  ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%d0}, [%r4];\n",
      1);
  EXPECT_EQ(run.text(), "");
}

TEST(Ldmatrix, AMisalignedRowIsFound) {
  const MatrixRun run = run_on_tile(
      "  add.u32 %r4, %r4, 8;\n  and.b32 %r4, %r4, 0xfff;\n"
      "  ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%d0}, [%r4];\n",
      1);
  EXPECT_TRUE(run.found(Check::kMisaligned)) << run.text();
}

TEST(Ldmatrix, AGlobalAddressIsFound) {
  const MatrixRun run = run_on_tile("  ldmatrix.sync.aligned.m8n8.x1.b16 {%d0}, [%rd4];\n", 1);
  EXPECT_TRUE(run.found(Check::kOutOfBounds));
}

TEST(Stmatrix, IsTheReverseOfLdmatrix) {
  for (const char* transpose : {"", ".trans"}) {
    // Register i of lane l is 1000 i + l; stored, read back word by word by one lane a row.
    const std::string body = fmt::format(R"(
  add.u32 %c0, %r0, 0;
  add.u32 %c1, %r0, 1000;
  add.u32 %c2, %r0, 2000;
  add.u32 %c3, %r0, 3000;
  stmatrix.sync.aligned.m8n8.x4{}.shared.b16 [%r4], {{%c0, %c1, %c2, %c3}};
  bar.warp.sync 0xffffffff;
  ld.shared.v4.u32 {{%d0, %d1, %d2, %d3}}, [%r4];
)",
                                         transpose);
    const MatrixRun run = run_on_tile(body, 4);
    EXPECT_EQ(run.text(), "");
    for (int address = 0; address < 32; ++address) {
      const int matrix = address / 8, row = address % 8;
      for (int column = 0; column < 8; ++column) {
        const int r = *transpose != 0 ? column : row, c = *transpose != 0 ? row : column;
        const int value = 1000 * matrix + 4 * r + c / 2;        // the lane with (r, c)
        const std::uint32_t expected = c % 2 == 0 ? value : 0;  // its upper half is 0
        EXPECT_EQ(run.out[32 * (column / 2) + address] >> (column % 2 * 16) & 0xffff, expected)
            << transpose << ' ' << matrix << ' ' << row << ' ' << column;
      }
    }
  }
}

TEST(Movmatrix, Transposes) {
  const MatrixRun run = run_on_tile(
      "  ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%c0}, [%r4];\n"
      "  movmatrix.sync.aligned.m8n8.trans.b16 %d0, %c0;\n",
      1);
  EXPECT_EQ(run.text(), "");
  for (int lane = 0; lane < 32; ++lane) {
    const int row = lane % 4 * 2, column = lane / 4;
    EXPECT_EQ(run.out[lane], element(0, row, column) | element(0, row + 1, column) << 16);
  }
}

// ldmatrix and mma by their definitions together: A row-major in shared memory, B as rows of n.
TEST(Ldmatrix, FeedsMma) {
  // A[m][k] = 1 where k = m (16x16), B[k][n] = 16 n + k in rows of k for each n; so D[m][n] = 16 n
  // + m.
  MatrixKernel kernel;
  kernel.body = R"(
  mov.u32 %r1, tile;
  shl.b32 %r2, %r0, 4;
  add.u32 %r4, %r1, %r2;
  mul.wide.u32 %rd6, %r0, 16;
  add.s64 %rd6, %rd3, %rd6;
  ld.global.v4.u32 {%c0, %c1, %c2, %c3}, [%rd6];
  st.shared.v4.u32 [%r4], {%c0, %c1, %c2, %c3};
  ld.global.v4.u32 {%c0, %c1, %c2, %c3}, [%rd6+512];
  st.shared.v4.u32 [%r4+512], {%c0, %c1, %c2, %c3};
  bar.warp.sync 0xffffffff;
  and.b32 %r5, %r0, 15;
  shl.b32 %r5, %r5, 5;
  shr.u32 %r6, %r0, 4;
  shl.b32 %r6, %r6, 4;
  add.u32 %r5, %r5, %r6;
  add.u32 %r5, %r1, %r5;
  ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%a0, %a1, %a2, %a3}, [%r5];
  and.b32 %r5, %r0, 7;
  shl.b32 %r5, %r5, 5;
  shr.u32 %r6, %r0, 3;
  and.b32 %r6, %r6, 1;
  shl.b32 %r6, %r6, 4;
  add.u32 %r5, %r5, %r6;
  add.u32 %r5, %r1, %r5;
  ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%b0, %b1}, [%r5+512];
  mov.b32 %c0, 0;
  mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%d0, %d1, %d2, %d3}, {%a0, %a1, %a2, %a3},
      {%b0, %b1}, {%c0, %c0, %c0, %c0};
)" + store_registers("d", 4);
  kernel.out_words = 128;
  kernel.shared_bytes = 1024;
  kernel.in.assign(256, 0);
  const auto put = [&](int row, int k, float value) {
    kernel.in[row * 8 + k / 2] |= to_f16(value) << (k % 2 * 16);
  };
  for (int m = 0; m < 16; ++m) put(m, m, 1);
  for (int n = 0; n < 8; ++n) {
    for (int k = 0; k < 16; ++k) put(16 + n, k, static_cast<float>(16 * n + k));
  }
  const MatrixRun run = run_matrix_kernel(kernel);
  EXPECT_EQ(run.text(), "");
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < 4; ++i) {
      const int m = lane / 4 + (i < 2 ? 0 : 8), n = lane % 4 * 2 + i % 2;
      EXPECT_EQ(std::bit_cast<float>(run.out[32 * i + lane]), 16.0f * n + m) << lane << ' ' << i;
    }
  }
}

TEST(LdmatrixRefuses, OtherShapes) {
  try {
    run_on_tile("  ldmatrix.sync.aligned.m16n16.x1.trans.shared.b8 {%d0, %d1}, [%r4];\n", 1);
    FAIL() << "was accepted";
  } catch (const ptx::Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("only the shape .m8n8"));
  }
}

}  // namespace
}  // namespace moe::simt
