// mma.sync from PTX to registers: every dense shape and type against a triple loop in double.
#include "harness/simt/execute/mma.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/execute/fragments_isa.h"
#include "harness/simt/execute/mma_test_kernel.h"
#include "harness/simt/ptx/syntax.h"

namespace moe::simt {
namespace {

using testing::HasSubstr;

struct Case {
  const char* shape;
  int rows, depth;
  const char *d, *a, *b;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.shape << '.' << c.d << '.' << c.a << '.' << c.b;
}

using Matrix = std::vector<std::vector<double>>;

Matrix matrix(int rows, int columns) { return Matrix(rows, std::vector<double>(columns)); }

struct Problem {
  Case shape;
  Element a_type, b_type;
  Accumulator d_type;
  Matrix a, b, c;

  int a_registers() const { return shape.rows * shape.depth * bits_of(a_type) / 1024; }
  int b_registers() const { return shape.depth * 8 * bits_of(b_type) / 1024; }
  int d_registers() const { return shape.rows * 8 / 32 / halves(); }
  int halves() const { return d_type == Accumulator::kF16 ? 2 : 1; }
};

Problem make_problem(const Case& shape, bool fractions, unsigned seed) {
  std::mt19937 random(seed);
  Problem p{.shape = shape,
            .a_type = *element_of(shape.a),
            .b_type = *element_of(shape.b),
            .d_type = *accumulator_of(shape.d),
            .a = matrix(shape.rows, shape.depth),
            .b = matrix(shape.depth, 8),
            .c = matrix(shape.rows, 8)};
  for (auto& row : p.a) {
    for (double& value : row) value = random_number(p.a_type, fractions, random);
  }
  for (auto& row : p.b) {
    for (double& value : row) value = random_number(p.b_type, fractions, random);
  }
  for (auto& row : p.c) {
    for (double& value : row) value = static_cast<double>(random() % 201) - 100;
  }
  return p;
}

// The fragments, packed by the ISA's own formulas: words of A, then B, then C, 32 lanes a register.
std::vector<std::uint32_t> pack(const Problem& p) {
  std::vector<std::uint32_t> words(32 * (p.a_registers() + p.b_registers() + p.d_registers()));
  const int bits = bits_of(p.a_type), packed = 32 / bits;
  const auto put = [&](int first, int lane, int i, int per, std::uint32_t code) {
    words[32 * (first + i / per) + lane] |= code << (i % per * 32 / per);
  };
  for (const ShapeOfA& rule : kShapesOfA) {
    if (rule.rows != p.shape.rows || rule.depth != p.shape.depth || rule.bits != bits) continue;
    for (int lane = 0; lane < 32; ++lane) {
      for (int i = 0; i < rule.elements; ++i) {
        const Position at = rule.rule(lane >> 2, lane % 4, i);
        put(0, lane, i, packed, element_code(p.a_type, p.a[at.row][at.column]));
      }
    }
  }
  for (const ShapeOfB& rule : kShapesOfB) {
    if (rule.depth != p.shape.depth || rule.bits != bits) continue;
    for (int lane = 0; lane < 32; ++lane) {
      for (int i = 0; i < rule.elements; ++i) {
        const Position at = rule.rule(lane >> 2, lane % 4, i);
        put(p.a_registers(), lane, i, packed, element_code(p.b_type, p.b[at.row][at.column]));
      }
    }
  }
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < p.d_registers() * p.halves(); ++i) {
      const Position at = position_in_c_of_the_isa(lane >> 2, lane % 4, i);
      const float value = static_cast<float>(p.c[at.row][at.column]);
      const std::uint32_t code = p.d_type == Accumulator::kF16 ? to_f16(value)
                                 : p.d_type == Accumulator::kF32
                                     ? std::bit_cast<std::uint32_t>(value)
                                     : static_cast<std::uint32_t>(static_cast<int>(value));
      put(p.a_registers() + p.b_registers(), lane, i, p.halves(), code);
    }
  }
  return words;
}

std::string statement(const Problem& p, const std::string& more = "") {
  const Case& s = p.shape;
  return fmt::format("  mma.sync.aligned.{}.row.col{}.{}.{}.{}.{} {}, {}, {}, {};\n", s.shape, more,
                     s.d, s.a, s.b, s.d, registers("d", p.d_registers()),
                     registers("a", p.a_registers()), registers("b", p.b_registers()),
                     registers("c", p.d_registers()));
}

MatrixKernel kernel_of(const Problem& p, const std::string& mma) {
  MatrixKernel kernel;
  kernel.body = load_registers("a", p.a_registers(), 0) +
                load_registers("b", p.b_registers(), 32 * p.a_registers()) +
                load_registers("c", p.d_registers(), 32 * (p.a_registers() + p.b_registers())) +
                mma + store_registers("d", p.d_registers());
  kernel.in = pack(p);
  kernel.out_words = 32 * p.d_registers();
  return kernel;
}

void expect_product(const Problem& p, const std::vector<std::uint32_t>& out) {
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < p.d_registers() * p.halves(); ++i) {
      const Position at = position_in_c_of_the_isa(lane >> 2, lane % 4, i);
      double exact = p.c[at.row][at.column], magnitude = std::abs(exact);
      for (int k = 0; k < p.shape.depth; ++k) {
        exact += p.a[at.row][k] * p.b[k][at.column];
        magnitude += std::abs(p.a[at.row][k] * p.b[k][at.column]);
      }
      const double found =
          accumulator_number(p.d_type, out[32 * (i / p.halves()) + lane], i % p.halves());
      ASSERT_LE(std::abs(found - exact), error_bound(p.d_type, p.shape.depth, magnitude, exact))
          << "row " << at.row << " column " << at.column << ": " << found << ", not " << exact;
    }
  }
}

const Case kCases[] = {
    {"m16n8k8", 16, 8, "f32", "f16", "f16"},     {"m16n8k8", 16, 8, "f16", "f16", "f16"},
    {"m16n8k16", 16, 16, "f32", "f16", "f16"},   {"m16n8k16", 16, 16, "f16", "f16", "f16"},
    {"m16n8k8", 16, 8, "f32", "bf16", "bf16"},   {"m16n8k16", 16, 16, "f32", "bf16", "bf16"},
    {"m16n8k4", 16, 4, "f32", "tf32", "tf32"},   {"m16n8k8", 16, 8, "f32", "tf32", "tf32"},
    {"m16n8k16", 16, 16, "f32", "e4m3", "e4m3"}, {"m16n8k16", 16, 16, "f16", "e5m2", "e4m3"},
    {"m16n8k32", 16, 32, "f32", "e4m3", "e5m2"}, {"m16n8k32", 16, 32, "f32", "e5m2", "e5m2"},
    {"m16n8k32", 16, 32, "f16", "e4m3", "e4m3"}, {"m8n8k16", 8, 16, "s32", "s8", "s8"},
    {"m8n8k16", 8, 16, "s32", "u8", "s8"},       {"m16n8k16", 16, 16, "s32", "s8", "u8"},
    {"m16n8k32", 16, 32, "s32", "s8", "s8"},     {"m16n8k32", 16, 32, "s32", "u8", "u8"},
    {"m8n8k32", 8, 32, "s32", "s4", "u4"},       {"m16n8k32", 16, 32, "s32", "u4", "s4"},
    {"m16n8k64", 16, 64, "s32", "s4", "s4"},     {"m16n8k64", 16, 64, "s32", "u4", "u4"},
};

class Mma : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(EveryDenseShape, Mma, testing::ValuesIn(kCases));

TEST_P(Mma, MultipliesSmallIntegersExactly) {
  const Problem p = make_problem(GetParam(), false, 11);
  const MatrixRun run = run_matrix_kernel(kernel_of(p, statement(p)));
  EXPECT_TRUE(run.report.ok);
  EXPECT_EQ(run.text(), "");
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < p.d_registers() * p.halves(); ++i) {
      const Position at = position_in_c_of_the_isa(lane >> 2, lane % 4, i);
      double exact = p.c[at.row][at.column];
      for (int k = 0; k < p.shape.depth; ++k) exact += p.a[at.row][k] * p.b[k][at.column];
      ASSERT_EQ(accumulator_number(p.d_type, run.out[32 * (i / p.halves()) + lane], i % p.halves()),
                exact)
          << at.row << ',' << at.column;
    }
  }
}

TEST_P(Mma, IsWithinItsBoundOfTheExactProduct) {
  for (const unsigned seed : {1u, 2u, 3u}) {
    const Problem p = make_problem(GetParam(), true, seed);
    const MatrixRun run = run_matrix_kernel(kernel_of(p, statement(p)));
    EXPECT_EQ(run.text(), "");
    expect_product(p, run.out);
  }
}

TEST_P(Mma, PoisonReachesItsRowAndNoOther) {
  const Problem p = make_problem(GetParam(), false, 5);
  MatrixKernel kernel = kernel_of(p, statement(p));
  kernel.unwritten = {4 * 3};  // a's register 0 of lane 12: row 3
  const MatrixRun run = run_matrix_kernel(kernel);
  // Reported where it is stored: lanes 12 to 15 and no others.
  std::set<unsigned> threads;
  for (const Finding& finding : run.report.findings) {
    EXPECT_EQ(finding.check, Check::kUninitialised) << describe(finding);
    threads.insert(finding.site.thread[0]);
  }
  ASSERT_FALSE(threads.empty());
  for (const unsigned thread : threads) EXPECT_EQ(thread / 4, 3u);
}

// Worked by hand: A has ones in row 0, B has k + 1 in column 0, so that D[0][0] is 1 + .. + 16 =
// 136 more than C's 1000.
TEST(MmaByHand, SumsOverK) {
  const Case shape = {"m16n8k16", 16, 16, "f32", "f16", "f16"};
  Problem p = make_problem(shape, false, 1);
  p.a = matrix(16, 16), p.b = matrix(16, 8), p.c = matrix(16, 8);
  for (int k = 0; k < 16; ++k) p.a[0][k] = 1, p.b[k][0] = k + 1;
  p.c[0][0] = 1000;
  const MatrixRun run = run_matrix_kernel(kernel_of(p, statement(p)));
  EXPECT_EQ(run.out[0], std::bit_cast<std::uint32_t>(1136.0f));
  for (unsigned i = 1; i < 128; ++i) EXPECT_EQ(run.out[i], 0u) << i;
}

TEST(MmaByHand, SaturatesWhereAsked) {
  const Case shape = {"m16n8k32", 16, 32, "s32", "u8", "u8"};
  Problem p = make_problem(shape, false, 1);
  MatrixKernel kernel = kernel_of(p, statement(p, ".satfinite"));
  const unsigned c = 32 * (p.a_registers() + p.b_registers());
  for (unsigned i = c; i < kernel.in.size(); ++i) kernel.in[i] = 0x7fffffff;
  for (const std::uint32_t word : run_matrix_kernel(kernel).out) EXPECT_EQ(word, 0x7fffffffu);
  kernel.body = kernel_of(p, statement(p)).body;
  for (const std::uint32_t word : run_matrix_kernel(kernel).out) EXPECT_GE(word, 0x80000000u);
}

TEST(MmaByHand, DMayBeCInAnotherOrder) {
  const Case shape = {"m16n8k8", 16, 8, "f32", "bf16", "bf16"};
  const Problem p = make_problem(shape, false, 9);
  const std::string crossed =
      "  mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%c1, %c0, %c3, %c2}, {%a0, %a1}, "
      "{%b0}, "
      "{%c0, %c1, %c2, %c3};\n  mov.b32 %d0, %c1; mov.b32 %d1, %c0; mov.b32 %d2, %c3; mov.b32 %d3, "
      "%c2;\n";
  expect_product(p, run_matrix_kernel(kernel_of(p, crossed)).out);
}

TEST(MmaByHand, DoublesAreMultipliedAsDoubles) {
  struct Shape {
    const char* text;
    int rows, depth;
  };
  for (const Shape& s :
       {Shape{"m8n8k4", 8, 4}, {"m16n8k4", 16, 4}, {"m16n8k8", 16, 8}, {"m16n8k16", 16, 16}}) {
    const int a = s.rows * s.depth / 32, b = s.depth * 8 / 32, c = s.rows * 8 / 32;
    // Element i of A is 1 + tid + 64 i and so on, made in registers; tell D's by the ISA's
    // formulas.
    std::string body = "  cvt.rn.f64.u32 %w39, %r0;\n";
    std::string names[3];
    int next = 0;
    const int counts[3] = {a, b, c};
    for (int operand = 0; operand < 3; ++operand) {
      for (int i = 0; i < counts[operand]; ++i) {
        const auto bits = std::bit_cast<std::uint64_t>(1.0 + 64 * i + 1000 * operand);
        body += fmt::format("  add.f64 %w{}, %w39, 0d{:016X};\n", next, bits);
        names[operand] += fmt::format("{}%w{}", i == 0 ? "" : ", ", next++);
      }
    }
    body += fmt::format(
        "  mma.sync.aligned.{}.row.col.f64.f64.f64.f64 {{{}}}, {{{}}}, {{{}}}, {{{}}};\n", s.text,
        names[2], names[0], names[1], names[2]);
    body += "  add.s64 %rd2, %rd2, %rd5;\n";
    for (int i = 0; i < c; ++i)
      body += fmt::format("  st.global.f64 [%rd2+{}], %w{};\n", 256 * i, a + b + i);
    MatrixKernel kernel{.body = body, .out_words = static_cast<unsigned>(64 * c)};
    const MatrixRun run = run_matrix_kernel(kernel);
    EXPECT_EQ(run.text(), "");

    Matrix left = matrix(s.rows, s.depth), right = matrix(s.depth, 8);
    for (const ShapeOfA& rule : kShapesOfA) {
      if (rule.rows != s.rows || rule.depth != s.depth || rule.bits != 64) continue;
      for (int lane = 0; lane < 32; ++lane) {
        for (int i = 0; i < a; ++i) {
          const Position at = rule.rule(lane / 4, lane % 4, i);
          left[at.row][at.column] = 1.0 + lane + 64 * i;
        }
      }
    }
    for (const ShapeOfB& rule : kShapesOfB) {
      if (rule.depth != s.depth || rule.bits != 64) continue;
      for (int lane = 0; lane < 32; ++lane) {
        for (int i = 0; i < b; ++i) {
          const Position at = rule.rule(lane / 4, lane % 4, i);
          right[at.row][at.column] = 1001.0 + lane + 64 * i;
        }
      }
    }
    for (int lane = 0; lane < 32; ++lane) {
      for (int i = 0; i < c; ++i) {
        const Position at = position_in_c_of_the_isa(lane / 4, lane % 4, i);
        double exact = 2001.0 + lane + 64 * i;
        for (int k = 0; k < s.depth; ++k) exact += left[at.row][k] * right[k][at.column];
        double found;
        std::memcpy(&found, &run.out[64 * i + 2 * lane], 8);
        EXPECT_EQ(found, exact) << s.text << ' ' << lane << ' ' << i;
      }
    }
  }
}

TEST(MmaRefuses, WhatItDoesNotImplement) {
  const auto message = [](const std::string& text) -> std::string {
    try {
      run_matrix_kernel({.body = text});
    } catch (const ptx::Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message("mma.sp.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%d0,%d1,%d2,%d3}, "
                      "{%a0,%a1}, {%b0,%b1}, {%c0,%c1,%c2,%c3}, %r1, 0x0;"),
              HasSubstr("sparse mma is not supported"));
  EXPECT_THAT(message("mma.sync.aligned.m8n8k4.row.col.f32.f16.f16.f32 "
                      "{%d0,%d1,%d2,%d3,%d4,%d5,%d6,%d7}, {%a0,%a1}, {%b0,%b1}, "
                      "{%c0,%c1,%c2,%c3,%c4,%c5,%c6,%c7};"),
              HasSubstr("m8n8k4 of .f16"));
  EXPECT_THAT(message("mma.sync.aligned.m16n8k16.row.col.f32.bf16.f16.f32 {%d0,%d1,%d2,%d3}, "
                      "{%a0,%a1,%a2,%a3}, {%b0,%b1}, {%c0,%c1,%c2,%c3};"),
              HasSubstr("cannot multiply these two types"));
  EXPECT_THAT(message("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%d0,%d1,%d2,%d3}, "
                      "{%a0,%a1,%a2}, {%b0,%b1}, {%c0,%c1,%c2,%c3};"),
              HasSubstr("operand a has 3 registers, this shape and type need 4"));
  EXPECT_THAT(message("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f16 {%d0,%d1,%d2,%d3}, "
                      "{%a0,%a1,%a2,%a3}, {%b0,%b1}, {%c0,%c1};"),
              HasSubstr("same type for C and D"));
  EXPECT_THAT(message("mma.sync.aligned.kind::f8f6f4.m16n8k32.row.col.f32.e4m3.e4m3.f32 "
                      "{%d0,%d1,%d2,%d3}, {%a0,%a1,%a2,%a3}, {%b0,%b1}, {%c0,%c1,%c2,%c3};"),
              HasSubstr("kind::f8f6f4"));
}

TEST(MmaFinds, AWarpWithExitedLanes) {
  const Case shape = {"m16n8k8", 16, 8, "f32", "bf16", "bf16"};
  const Problem p = make_problem(shape, false, 9);
  MatrixKernel kernel = kernel_of(p, statement(p));
  kernel.body = "  setp.eq.u32 %p1, %r0, 7;\n  @%p1 exit;\n" + kernel.body;
  EXPECT_TRUE(run_matrix_kernel(kernel).found(Check::kDivergence));
}

TEST(MmaFinds, ALaneThatGoesAnotherWay) {
  const Case shape = {"m16n8k8", 16, 8, "f32", "bf16", "bf16"};
  const Problem p = make_problem(shape, false, 9);
  const std::string divided = "  setp.eq.u32 %p1, %r0, 7;\n  @%p1 bra other;\n" + statement(p) +
                              "  bra end;\nother:\n" + statement(p) + "end:\n";
  const MatrixRun run = run_matrix_kernel(kernel_of(p, divided));
  EXPECT_FALSE(run.report.ok);
  EXPECT_NE(run.text(), "");
}

TEST(MmaCounts, InstructionsAndMultiplyAdds) {
  const Case shape = {"m16n8k16", 16, 16, "f32", "f16", "f16"};
  const Problem p = make_problem(shape, false, 1);
  const MatrixRun run = run_matrix_kernel(kernel_of(p, statement(p) + statement(p)));
  EXPECT_EQ(run.report.counters.mma, 2u);
  EXPECT_EQ(run.report.counters.multiply_adds, 2u * 16 * 8 * 16);
}

}  // namespace
}  // namespace moe::simt
