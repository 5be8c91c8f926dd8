// Names in nested braces. What ptxas of CUDA 13.0 takes and refuses was tried with each of these.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/ptx/parse_for_test.h"

namespace moe::simt::ptx {
namespace {

TEST(Scope, InnerRegisterHidesTheOuter) {
  const Function k = body_of("{ .reg .b64 %r1; mov.b64 %r1, 1; } mov.b32 %r1, 1;");
  const int inner = k.body[0].operands[0].reg;
  EXPECT_NE(inner, kR0 + 1);
  EXPECT_EQ(k.registers[inner].type.bits, 64);
  EXPECT_EQ(k.body[1].operands[0].reg, kR0 + 1);
}

TEST(Scope, HidingStartsAtTheDeclaration) {
  const Function k = body_of("{ mov.b32 %r1, 1; .reg .b64 %r1; mov.b64 %r1, 1; }");
  EXPECT_EQ(k.body[0].operands[0].reg, kR0 + 1);
  EXPECT_NE(k.body[1].operands[0].reg, kR0 + 1);
}

// CUB's inline assembly, many times in one function.
TEST(Scope, SameNamesInTwoBlocksAreTwoRegisters) {
  const std::string block =
      "{  .reg .s32 r0;  .reg .pred p;  shfl.sync.up.b32 r0|p, %r1, 1, 0, -1;  @p add.s32 r0, r0, "
      "%r1;  mov.s32 %r2, r0;}\n";
  const Function k = body_of(block + block);
  ASSERT_EQ(k.body.size(), 6u);
  EXPECT_NE(k.body[0].operands[0].parts[0].reg, k.body[3].operands[0].parts[0].reg);
  EXPECT_EQ(k.body[1].guard, k.body[0].operands[0].parts[1].reg);
  EXPECT_EQ(k.body[4].guard, k.body[3].operands[0].parts[1].reg);
}

TEST(Scope, RegisterEndsWithItsBlock) {
  EXPECT_EQ(body_error("{ .reg .u32 q; } mov.u32 %r1, q;"),
            "t.ptx:2: unknown name q, mov.u32 %r1, q;");
  EXPECT_EQ(body_error("{ .reg .u32 %q; } mov.u32 %r1, %q;"),
            "t.ptx:2: register %q is not declared, { .reg .u32 %q; } mov.u32 %r1, %q;");
}

TEST(Scope, SameLabelInTwoBlocksIsTwoLabels) {
  const Function k = body_of("{ L: ret; bra L; }\n{ L: ret; bra L; }");
  EXPECT_EQ(k.labels.size(), 2u);
  EXPECT_EQ(k.labels.at(k.body[1].operands[0].name), 0);
  EXPECT_EQ(k.labels.at(k.body[3].operands[0].name), 2);
}

TEST(Scope, ForwardBranchFindsTheLabelOfItsBlock) {
  const Function k = body_of("{ bra L; L: ret; }\n{ bra L; L: ret; }\nL: ret; bra L;");
  EXPECT_EQ(k.labels.at(k.body[0].operands[0].name), 1);
  EXPECT_EQ(k.labels.at(k.body[2].operands[0].name), 3);
  EXPECT_EQ(k.labels.at(k.body[5].operands[0].name), 4);
}

TEST(Scope, InnerLabelToComeHidesTheOuter) {
  const Function k = body_of("L: ret; { bra L; L: ret; }");
  EXPECT_EQ(k.labels.at(k.body[1].operands[0].name), 2);
}

TEST(Scope, BranchOutOfABlockFindsTheOuterLabel) {
  const Function k = body_of("M: ret; { { bra L; bra M; } } L: ret;");
  EXPECT_EQ(k.labels.at(k.body[1].operands[0].name), 3);
  EXPECT_EQ(k.labels.at(k.body[2].operands[0].name), 0);
}

TEST(Scope, BranchIntoABlockIsRefused) {
  EXPECT_EQ(body_error("bra L; { L: ret; }"), "t.ptx:2: unknown name L, bra L;");
  EXPECT_EQ(body_error("{ bra L; } { L: ret; }"), "t.ptx:2: unknown name L, bra L;");
}

TEST(Scope, LabelDefinedTwiceIsRefused) {
  EXPECT_EQ(body_error("L: ret;\nL: ret;"),
            "t.ptx:3: label L is declared already, as a label, L: ret;");
  EXPECT_EQ(body_error(".reg .u32 L;\nL: ret;"),
            "t.ptx:3: label L is declared already, as a register, L: ret;");
}

TEST(Scope, VariablesOfTwoBlocksHaveTwoNames) {
  const Function k = body_of(
      "{ .param .b32 param0; st.param.b32 [param0+0], 1; }\n"
      "{ .param .b32 param0; st.param.b32 [param0+0], 2; }");
  ASSERT_EQ(k.variables.size(), 2u);
  EXPECT_NE(k.variables[0].name, k.variables[1].name);
  EXPECT_EQ(k.body[0].operands[0].parts[0].name, k.variables[0].name);
  EXPECT_EQ(k.body[1].operands[0].parts[0].name, k.variables[1].name);
}

TEST(Scope, VariableOfTheBodyHidesTheModules) {
  const Module module = parse(
      ".global .u32 x;\n.entry k { .reg .b32 %r<2>; { .shared .u32 x; mov.u32 %r1, x; } mov.u32 "
      "%r1, x; }",
      "t.ptx");
  const Function& k = module.functions[0];
  EXPECT_NE(k.variables[0].name, "x");
  EXPECT_EQ(k.body[0].operands[1].name, k.variables[0].name);
  EXPECT_EQ(k.body[1].operands[1].name, "x");
}

TEST(Scope, VariableDeclaredTwiceIsRefused) {
  EXPECT_EQ(body_error(".shared .u32 x;\n.shared .u32 x;"),
            "t.ptx:3: variable x is declared already, as a variable, .shared .u32 x;");
  EXPECT_EQ(body_error(".shared .u32 a;"),
            "t.ptx:2: variable a is declared already, as a variable, .shared .u32 a;");
}

TEST(Scope, FunctionsAndVariablesOfTheModuleAreKnown) {
  EXPECT_EQ(error_of(".func f;\n.global .u32 x;\n.entry k { .reg .b64 %rd; mov.u64 %rd, x; call f; "
                     "call k; }"),
            "");
}

TEST(Scope, NamesOfTheModuleComeBeforeTheirUse) {
  EXPECT_EQ(error_of(".entry k { .reg .b64 r;\nmov.u64 r, x;\n}\n.global .u32 x;"),
            "t.ptx:2: unknown name x, mov.u64 r, x;");
}

TEST(Scope, TooManyBracesAreRefused) {
  EXPECT_EQ(body_error(std::string(255, '{') + std::string(255, '}')), "");
  EXPECT_THAT(body_error(std::string(256, '{') + std::string(256, '}')),
              testing::StartsWith("t.ptx:2: braces nested deeper than 256, {{{"));
}

}  // namespace
}  // namespace moe::simt::ptx
