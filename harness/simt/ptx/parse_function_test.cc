// Headers of entries and functions. Source: PTX ISA 9.0, "Kernel and Function Directives".
#include <gtest/gtest.h>

#include "harness/simt/ptx/parse_for_test.h"

namespace moe::simt::ptx {
namespace {

Function function(std::string_view text) { return parse(text, "t.ptx").functions.at(0); }

TEST(Function, EntryOrFunctionWithABodyOrNot) {
  const Function entry = function(".visible .entry k()\n{ ret; }");
  EXPECT_EQ(entry.name, "k");
  EXPECT_TRUE(entry.is_entry);
  EXPECT_FALSE(entry.is_declaration);
  EXPECT_EQ(entry.body.size(), 1u);
  EXPECT_EQ(entry.place.line, 1);
  const Function declaration = function("\n.extern .func (.param .b32 r) f\n(.param .b64 a)\n;");
  EXPECT_FALSE(declaration.is_entry);
  EXPECT_TRUE(declaration.is_declaration);
  EXPECT_EQ(declaration.place.line, 2);
  EXPECT_EQ(function(".weak .func f { ret; }").name, "f");
  EXPECT_EQ(function(".entry k { ret; }").parameters.size(), 0u);
}

// Natural alignment: 0, 8 (4 skipped), 16, 17 -> 24 by .align 8.
TEST(Function, ParametersLieAtNaturalOffsets) {
  const Function k = function(
      ".entry k(.param .u32 a, .param .u64 b, .param .u8 c,\n.param .align 8 .b8 d[20]) { ret; }");
  ASSERT_EQ(k.parameters.size(), 4u);
  const int offsets[] = {0, 8, 16, 24}, bytes[] = {4, 8, 1, 20}, aligns[] = {4, 8, 1, 8};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(k.parameters[i].name, std::string(1, "abcd"[i]));
    EXPECT_EQ(k.parameters[i].offset, offsets[i]) << i;
    EXPECT_EQ(k.parameters[i].bytes, bytes[i]) << i;
    EXPECT_EQ(k.parameters[i].align, aligns[i]) << i;
  }
  EXPECT_EQ(k.parameter_bytes, 44);
}

TEST(Function, AlignmentBehindAPointerIsNotTheParameters) {
  const Function k = function(
      ".entry k(.param .u32 a, .param .u64 .ptr .global .align 256 b, .param .u64 .ptr .align 1 c) "
      "{ ret; }");
  EXPECT_EQ(k.parameters[1].offset, 8);
  EXPECT_EQ(k.parameters[1].align, 8);
  EXPECT_EQ(k.parameters[2].align, 8);
}

TEST(Function, ResultsHaveTheirOwnOffsets) {
  const Function f =
      function(".func (.param .b32 r, .param .align 16 .b8 s[16]) f(.param .b64 a) { ret; }");
  ASSERT_EQ(f.results.size(), 2u);
  EXPECT_EQ(f.results[1].offset, 16);
  EXPECT_EQ(f.results[1].bytes, 16);
  EXPECT_EQ(f.parameters.at(0).offset, 0);
}

TEST(Function, RegisterParametersAreRegisters) {
  const Function f = function(".func (.reg .u32 r) f(.reg .u32 x) { mov.u32 r, x; ret; }");
  EXPECT_EQ(f.parameters.at(0).name, "x");
  ASSERT_EQ(f.registers.size(), 2u);
  EXPECT_EQ(f.registers[f.body[0].operands[1].reg].name, "x");
  EXPECT_EQ(f.registers[f.body[0].operands[0].reg].name, "r");
}

TEST(Function, TuningDirectivesAreKept) {
  const Function k = function(
      ".entry k()\n.maxntid 128, 2\n.minnctapersm 3\n.maxnreg 64\n.maxnctapersm 4\n"
      ".explicitcluster\n.reqnctapercluster 2, 1, 1\n.maxclusterrank 8\n.blocksareclusters\n"
      ".pragma \"nounroll\";\n{ ret; }");
  EXPECT_EQ(k.max_threads[0], 128);
  EXPECT_EQ(k.max_threads[1], 2);
  EXPECT_EQ(k.max_threads[2], 1);
  EXPECT_EQ(k.min_blocks_per_sm, 3);
  EXPECT_EQ(k.cluster[0], 2);
  EXPECT_EQ(k.cluster[2], 1);
  EXPECT_EQ(k.required_threads[0], 0);
  const Function required = function(".entry k() .reqntid 64 { ret; }");
  EXPECT_EQ(required.required_threads[0], 64);
  EXPECT_EQ(required.required_threads[2], 1);
  EXPECT_EQ(required.max_threads[0], 0);
}

TEST(Function, MayNotReturn) {
  EXPECT_TRUE(function(".extern .func f(.param .b64 a) .noreturn;").is_declaration);
  EXPECT_TRUE(function(".extern .func .noreturn f(.param .b64 a);").is_declaration);
}

TEST(Function, DeclarationIsReplacedByItsDefinition) {
  const Module module = parse(".func f;\n.func f;\n.func f { ret; }\n.func f;", "t.ptx");
  ASSERT_EQ(module.functions.size(), 1u);
  EXPECT_FALSE(module.functions[0].is_declaration);
}

TEST(Function, DefinedTwiceIsRefused) {
  EXPECT_EQ(error_of(".func f { ret; }\n.func f { ret; }"),
            "t.ptx:2: function f is defined already, .func f { ret; }");
}

TEST(Function, UnknownDirectiveIsRefused) {
  EXPECT_EQ(error_of(".entry k()\n.maxthreads 3\n{ }"),
            "t.ptx:2: unknown directive .maxthreads, .maxthreads 3");
  EXPECT_EQ(error_of(".entry k()\n.maxntid many\n{ }"),
            "t.ptx:2: expected a number of threads, found many, .maxntid many");
  EXPECT_EQ(error_of(".entry k() ret;"), "t.ptx:1: expected { or ;, found ret, .entry k() ret;");
}

TEST(Function, ParameterOfNoKindIsRefused) {
  EXPECT_EQ(error_of(".entry k(.u64 a);"),
            "t.ptx:1: expected .param or .reg, found .u64, .entry k(.u64 a);");
  EXPECT_EQ(error_of(".func k(.param .b8 a[]);"),
            "t.ptx:1: a parameter without a size, .func k(.param .b8 a[]);");
  EXPECT_EQ(error_of(".func k(.reg .v2 .u32 a);"),
            "t.ptx:1: a .reg parameter that is a vector or an array, .func k(.reg .v2 .u32 a);");
  EXPECT_EQ(error_of(".func k(.param .b8 a[268435457]);"),
            "t.ptx:1: parameters of more than 2^28 bytes, .func k(.param .b8 a[268435457]);");
  EXPECT_EQ(error_of(".func k(.param .b8 a, .param .b8 a);"),
            "t.ptx:1: variable a is declared already, as a variable, "
            ".func k(.param .b8 a, .param .b8 a);");
}

}  // namespace
}  // namespace moe::simt::ptx
