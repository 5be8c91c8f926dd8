// Declarations of variables. Source: PTX ISA 9.0, "Variables".
#include <gtest/gtest.h>

#include "harness/simt/ptx/parse_for_test.h"

namespace moe::simt::ptx {
namespace {

Variable variable(std::string_view text) { return parse(text, "t.ptx").variables.at(0); }

TEST(Variable, HasASpaceASizeAndAnAlignment) {
  const Variable global = variable(".visible .global .align 16 .b8 x[20];");
  EXPECT_EQ(global.name, "x");
  EXPECT_EQ(global.space, Space::kGlobal);
  EXPECT_EQ(global.bytes, 20);
  EXPECT_EQ(global.align, 16);
  EXPECT_FALSE(global.external);
  EXPECT_TRUE(global.initial.empty());
  EXPECT_EQ(variable(".const .f64 x;").space, Space::kConst);
  EXPECT_EQ(variable(".shared .u16 x[2][3];").bytes, 12);
  EXPECT_EQ(variable(".shared .u16 x[2][3];").space, Space::kShared);
}

TEST(Variable, IsAlignedToItsElement) {
  EXPECT_EQ(variable(".global .u8 x[20];").align, 1);
  EXPECT_EQ(variable(".global .f64 x;").align, 8);
  EXPECT_EQ(variable(".global .b128 x;").align, 16);
  EXPECT_EQ(variable(".global .v4 .f32 x;").align, 16);
  EXPECT_EQ(variable(".global .v4 .f32 x[2];").bytes, 32);
}

TEST(Variable, ManySharedOneDeclaration) {
  const Module module = parse(".global .u32 x, y[3],\n z;", "t.ptx");
  ASSERT_EQ(module.variables.size(), 3u);
  EXPECT_EQ(module.variables[1].name, "y");
  EXPECT_EQ(module.variables[1].bytes, 12);
  EXPECT_EQ(module.variables[2].place.line, 2);
}

TEST(Variable, ExternSharedIsSizedByTheLaunch) {
  const Variable shared = variable(".extern .shared .align 1024 .b8 raw[];");
  EXPECT_TRUE(shared.external);
  EXPECT_EQ(shared.bytes, 0);
  EXPECT_EQ(shared.align, 1024);
}

TEST(Variable, MayBeManagedOrUnified) {
  EXPECT_EQ(variable(".visible .global .attribute(.managed) .align 4 .u32 m;").bytes, 4);
  EXPECT_EQ(variable(".global .attribute(.managed, .unified(19, 95)) .u64 m;").bytes, 8);
  EXPECT_EQ(error_of(".global .attribute(.x) .u32 m;"),
            "t.ptx:1: expected .managed or .unified, found .x, .global .attribute(.x) .u32 m;");
}

TEST(Variable, MayBeWeakOrCommon) {
  EXPECT_EQ(variable(".weak .global .u32 m;").name, "m");
  EXPECT_EQ(variable(".common .global .u32 m;").name, "m");
}

TEST(Variable, ExternIsReplacedByItsDefinition) {
  const Module module =
      parse(".extern .global .u32 x;\n.global .u32 x = 3;\n.extern .global .u32 x;", "t.ptx");
  ASSERT_EQ(module.variables.size(), 1u);
  EXPECT_FALSE(module.variables[0].external);
  EXPECT_EQ(module.variables[0].initial.at(0), 3);
}

TEST(Variable, DefinedTwiceIsRefused) {
  EXPECT_EQ(error_of(".global .u32 x;\n.global .u32 x;"),
            "t.ptx:2: variable x is defined already, .global .u32 x;");
  EXPECT_EQ(error_of(".func x;\n.global .u32 x;"),
            "t.ptx:2: x is declared already, as a function, .global .u32 x;");
  EXPECT_EQ(error_of(".global .u32 x;\n.func x;"),
            "t.ptx:2: x is declared already, as a variable, .func x;");
}

TEST(Variable, OfUnknownTypeIsRefused) {
  EXPECT_EQ(error_of(".global .texref x;"), "t.ptx:1: unknown type .texref, .global .texref x;");
  EXPECT_EQ(error_of(".global x;"), "t.ptx:1: expected a type, found x, .global x;");
  EXPECT_EQ(error_of(".global .u32 .u8 x;"), "t.ptx:1: a second type, .global .u32 .u8 x;");
  EXPECT_EQ(error_of(".global .pred x;"),
            "t.ptx:1: a variable in memory cannot be .pred, .global .pred x;");
}

TEST(Variable, WithoutSizeIsRefused) {
  EXPECT_EQ(error_of(".global .u32 x[];"), "t.ptx:1: x has no size, .global .u32 x[];");
  EXPECT_EQ(error_of(".global .u32 x[2][];"),
            "t.ptx:1: expected a number of elements, found ], .global .u32 x[2][];");
}

TEST(Variable, OfAbsurdSizeIsRefused) {
  EXPECT_EQ(error_of(".global .u32 x[1099511627776];"),
            "t.ptx:1: x is larger than 2^40 bytes, .global .u32 x[1099511627776];");
  EXPECT_EQ(error_of(".global .u32 x[0][1099511627776];"),
            "t.ptx:1: x is larger than 2^40 bytes, .global .u32 x[0][1099511627776];");
  EXPECT_EQ(error_of(".global .u32 x[1099511627777];"),
            "t.ptx:1: a number of elements is 1099511627777, at most 1099511627776 is possible, "
            ".global .u32 x[1099511627777];");
  std::string dimensions;
  for (int i = 0; i < 33; ++i) dimensions += "[1]";
  EXPECT_EQ(error_of(".global .u32 x" + dimensions + ";"),
            "t.ptx:1: more than 32 dimensions, .global .u32 x" + dimensions + ";");
}

TEST(Variable, AlignmentIsAPowerOfTwo) {
  EXPECT_EQ(error_of(".global .align 12 .u32 x;"),
            "t.ptx:1: an alignment that is no power of two, .global .align 12 .u32 x;");
  EXPECT_EQ(error_of(".global .align 0 .u32 x;"),
            "t.ptx:1: an alignment that is no power of two, .global .align 0 .u32 x;");
}

TEST(Variable, OfAnotherSpaceIsRefused) {
  EXPECT_EQ(error_of(".local .u32 x;"), "t.ptx:1: unknown directive .local, .local .u32 x;");
  EXPECT_EQ(error_of(".reg .u32 x;"), "t.ptx:1: unknown directive .reg, .reg .u32 x;");
}

}  // namespace
}  // namespace moe::simt::ptx
