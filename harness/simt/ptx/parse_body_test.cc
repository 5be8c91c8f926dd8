// Statements of a function. Source: PTX ISA 9.0, "Instruction Statements" and "Directives".
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/ptx/parse_for_test.h"

namespace moe::simt::ptx {
namespace {

using testing::ElementsAre;

TEST(Body, InstructionIsOpcodeModifiersAndOperands) {
  const Instruction load = instruction("ld.shared::cta.v2.b32 {%r1, %r2}, [%r3+8];");
  EXPECT_EQ(load.opcode, "ld");
  EXPECT_THAT(load.modifiers, ElementsAre("shared::cta", "v2", "b32"));
  EXPECT_EQ(load.operands.size(), 2u);
  EXPECT_EQ(load.guard, -1);
  EXPECT_EQ(load.text, "ld.shared::cta.v2.b32 {%r1, %r2}, [%r3+8];");
}

TEST(Body, InstructionMayHaveNoOperands) {
  EXPECT_TRUE(instruction("ret;").operands.empty());
  EXPECT_THAT(instruction("wgmma.commit_group.sync.aligned;").modifiers,
              ElementsAre("commit_group", "sync", "aligned"));
}

TEST(Body, GuardIsAPredicate) {
  const Instruction plain = instruction("@%p1 ret;");
  EXPECT_EQ(plain.guard, kP0 + 1);
  EXPECT_FALSE(plain.guard_negated);
  EXPECT_EQ(plain.text, "@%p1 ret;");
  const Instruction negated = instruction("@!%p2 ret;");
  EXPECT_EQ(negated.guard, kP0 + 2);
  EXPECT_TRUE(negated.guard_negated);
  EXPECT_EQ(body_error("@%r1 ret;"), "t.ptx:2: expected a predicate behind @, @%r1 ret;");
  EXPECT_EQ(body_error("@%p1 { }"),
            "t.ptx:2: expected an instruction behind its guard, found {, @%p1 { }");
}

TEST(Body, PlaceIsTheLineAndTheLastLoc) {
  const Function k = body_of(
      "ret;\n.loc 3 17 5\nret;\n"
      ".loc\t4 825 9, function_name $L__info_string1, inlined_at 2 248 5\n"
      ".loc 5 1 2, function_name $L__info_string1 + 12, inlined_at 2 248 5\nL: @%p1\nret;");
  EXPECT_EQ(k.body[0].place.line, 2);
  EXPECT_EQ(k.body[0].place.source_line, 0);
  EXPECT_EQ(k.body[1].place.line, 4);
  EXPECT_EQ(k.body[1].place.source_file, 3);
  EXPECT_EQ(k.body[1].place.source_line, 17);
  EXPECT_EQ(k.body[2].place.line, 7);
  EXPECT_EQ(k.body[2].place.source_file, 5);
  EXPECT_EQ(k.body[2].place.source_line, 1);
}

TEST(Body, LocOfUnknownFormIsRefused) {
  EXPECT_EQ(body_error(".loc 1 2"), "t.ptx:3: expected a column, found }, }");
  EXPECT_EQ(body_error(".loc 1 2 3, inlined 4"),
            "t.ptx:2: expected function_name or inlined_at, found inlined, .loc 1 2 3, inlined 4");
}

TEST(Body, RegistersAreRangesAndLists) {
  const Function k =
      parse(".entry k { .reg .b32 %r<2>, x, %y<1>; .reg .f16x2 h; .reg .b128 q; }", "t.ptx")
          .functions.at(0);
  std::vector<std::string> names;
  for (const Register& declared : k.registers) names.push_back(declared.name);
  EXPECT_THAT(names, ElementsAre("%r0", "%r1", "x", "%y0", "h", "q"));
  EXPECT_EQ(k.registers[2].type, (Type{Type::Kind::kBits, 32, 1}));
  EXPECT_EQ(k.registers[4].type.total_bits(), 32);
  EXPECT_EQ(k.registers[5].type.total_bits(), 128);
}

TEST(Body, VectorRegisterIsItsComponents) {
  const Function k =
      body_of(".reg .v4 .f32 v; mov.f32 %f1, v.y; mov.f32 %f1, v.a; st.v4.f32 [%rd1], v;");
  EXPECT_EQ(k.registers[k.body[0].operands[1].reg].name, "v.y");
  EXPECT_EQ(k.registers[k.body[1].operands[1].reg].name, "v.w");
  EXPECT_EQ(k.body[2].operands[1].kind, Operand::Kind::kVector);
  EXPECT_EQ(k.body[2].operands[1].parts.size(), 4u);
}

TEST(Body, RegisterDeclaredTwiceIsRefused) {
  EXPECT_EQ(body_error(".reg .u32 %r1;"),
            "t.ptx:2: register %r1 is declared already, as a register, .reg .u32 %r1;");
  EXPECT_EQ(body_error(".reg .u32 %r<9>;"),
            "t.ptx:2: register %r0 is declared already, as a register, .reg .u32 %r<9>;");
  EXPECT_EQ(body_error(".reg .u32 a;"),
            "t.ptx:2: register a is declared already, as a variable, .reg .u32 a;");
}

TEST(Body, TooManyRegistersAreRefused) {
  EXPECT_EQ(body_error(".reg .u32 %q<99999999999>;"),
            "t.ptx:2: the number of registers is 99999999999, at most 262144 is possible, "
            ".reg .u32 %q<99999999999>;");
  EXPECT_EQ(body_error(".reg .u32 %q<262144>;"),
            "t.ptx:2: more than 262144 registers in one function, .reg .u32 %q<262144>;");
  EXPECT_EQ(body_error(".reg .v2 .u32 %q<2>;"),
            "t.ptx:2: a range of vector registers, .reg .v2 .u32 %q<2>;");
}

TEST(Body, VariablesOfTheBodyAreKept) {
  const Function k =
      body_of(".loc 1 2 3\n.shared .align 16 .b8 s[64];\n.local .b64 l; .param .b32 p;");
  ASSERT_EQ(k.variables.size(), 3u);
  EXPECT_EQ(k.variables[0].space, Space::kShared);
  EXPECT_EQ(k.variables[0].bytes, 64);
  EXPECT_EQ(k.variables[0].align, 16);
  EXPECT_EQ(k.variables[0].place.line, 3);
  EXPECT_EQ(k.variables[0].place.source_line, 2);
  EXPECT_EQ(k.variables[1].space, Space::kLocal);
  EXPECT_EQ(k.variables[2].space, Space::kParam);
}

TEST(Body, LabelsPointAtTheNextInstruction) {
  const Function k = body_of("$L__BB0_1:\nret;\nL2: L3: bra $L__BB0_1;\nend:");
  EXPECT_EQ(k.labels.at("$L__BB0_1"), 0);
  EXPECT_EQ(k.labels.at("L2"), 1);
  EXPECT_EQ(k.labels.at("L3"), 1);
  EXPECT_EQ(k.labels.at("end"), 2);
  EXPECT_EQ(k.body[1].operands[0].kind, Operand::Kind::kSymbol);
  EXPECT_EQ(k.body[1].operands[0].name, "$L__BB0_1");
}

TEST(Body, BranchTargetsAreATable) {
  const Function k =
      body_of("L1: ret;\ntable: .branchtargets L1, L2;\nbrx.idx %r1, table;\nL2: ret;");
  EXPECT_THAT(k.branch_targets.at("table"), ElementsAre("L1", "L2"));
  EXPECT_FALSE(k.labels.contains("table"));
  EXPECT_EQ(body_error("t: .branchtargets L9;"), "t.ptx:2: unknown name L9, t: .branchtargets");
  EXPECT_EQ(body_error("t: .branchtargets %r1;"),
            "t.ptx:2: %r1 is not a label, t: .branchtargets %r1;");
}

TEST(Body, CallTargetsAreATable) {
  const Function k = body_of("t: .calltargets k; call (%r1), %rd1, (%r2), t;");
  EXPECT_THAT(k.call_targets.at("t"), ElementsAre("k"));
  EXPECT_EQ(body_error("t: .calltargets g;"), "t.ptx:2: unknown name g, t: .calltargets");
}

// As nvcc 13.0 writes a call through a pointer.
TEST(Body, CallPrototypeIsAName) {
  const Function k = body_of(
      "{ // callseq 0, 0\n.param .b32 param0;\n"
      "prototype_0 : .callprototype (.param .b32 _)_ (.param .align 8 .b8 _[16], .param .b32 _);\n"
      "call \n%rd1, \n(\nparam0\n)\n, prototype_0;\n}\n"
      "p: .callprototype ()_ () .noreturn;\nq: .callprototype _;");
  EXPECT_EQ(k.body.at(0).operands.at(2).name, "prototype_0");
  EXPECT_FALSE(k.labels.contains("prototype_0"));
  EXPECT_EQ(body_error("p: .callprototype f;"),
            "t.ptx:2: expected _ for the name in a prototype, p: .callprototype f;");
}

TEST(Body, PragmaIsAHint) {
  EXPECT_EQ(body_error(".pragma \"nounroll\";\n.pragma \"used_bytes_mask 240\", \"x\";"), "");
  EXPECT_EQ(body_error(".pragma nounroll;"),
            "t.ptx:2: expected a string, found nounroll, .pragma nounroll;");
}

TEST(Body, UnknownDirectiveIsRefused) {
  EXPECT_EQ(body_error(".frobnicate 1;"), "t.ptx:2: unknown directive .frobnicate, .frobnicate 1;");
  EXPECT_EQ(body_error(".extern .shared .u32 x[];"),
            "t.ptx:2: unknown directive .extern, .extern .shared .u32 x[];");
}

TEST(Body, WhatIsNoStatementIsRefused) {
  EXPECT_EQ(body_error("ret;;"), "t.ptx:2: expected a statement, found ;, ret;;");
  EXPECT_EQ(body_error("12;"), "t.ptx:2: expected a statement, found 12, 12;");
  EXPECT_EQ(body_error("ret"), "t.ptx:3: expected an operand, found }, }");
  EXPECT_EQ(body_error("add.s32 %r1, %r2, 1\nret;"), "t.ptx:3: expected ;, found ret, ret;");
}

}  // namespace
}  // namespace moe::simt::ptx
