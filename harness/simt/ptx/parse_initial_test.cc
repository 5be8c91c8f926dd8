// Initial values. Source: PTX ISA 9.0, "Initializers"; bytes written out by hand, little-endian.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/ptx/parse_for_test.h"

namespace moe::simt::ptx {
namespace {

using testing::ElementsAre;

Variable variable(std::string_view text) { return parse(text, "t.ptx").variables.back(); }
auto initial(std::string_view text) { return variable(text).initial; }

TEST(Initial, BytesAreLittleEndian) {
  EXPECT_THAT(initial(".global .u32 x = 0x01020304;"), ElementsAre(4, 3, 2, 1));
  EXPECT_THAT(initial(".global .s16 x = -2;"), ElementsAre(0xfe, 0xff));
  EXPECT_THAT(initial(".global .u8 x = -56;"), ElementsAre(200));
  EXPECT_THAT(initial(".const .u64 x = 1;"), ElementsAre(1, 0, 0, 0, 0, 0, 0, 0));
}

TEST(Initial, WhatIsNotWrittenIsZero) {
  EXPECT_THAT(initial(".global .b8 x[4] = {1, 2};"), ElementsAre(1, 2, 0, 0));
  EXPECT_THAT(initial(".global .b8 x[3] = {};"), ElementsAre(0, 0, 0));
}

TEST(Initial, NestedBracesFillRows) {
  EXPECT_THAT(initial(".global .u8 x[2][3] = {{1, 2}, {3}};"), ElementsAre(1, 2, 0, 3, 0, 0));
}

TEST(Initial, LanesOfAVectorAreTheInnermostRow) {
  EXPECT_THAT(initial(".global .v2 .u8 x = {1, 2};"), ElementsAre(1, 2));
  EXPECT_THAT(initial(".global .v2 .u8 x[2] = {{1, 2}, {3, 4}};"), ElementsAre(1, 2, 3, 4));
}

TEST(Initial, FloatsAreBitsOrDecimal) {
  EXPECT_THAT(initial(".global .f32 x = 0f3FC00000;"), ElementsAre(0, 0, 0xc0, 0x3f));
  EXPECT_THAT(initial(".global .f32 x = 1.5;"), ElementsAre(0, 0, 0xc0, 0x3f));
  EXPECT_THAT(initial(".global .f64 x = 1.5;"), ElementsAre(0, 0, 0, 0, 0, 0, 0xf8, 0x3f));
  EXPECT_THAT(initial(".global .f64 x = 0f3FC00000;"), ElementsAre(0, 0, 0, 0, 0, 0, 0xf8, 0x3f));
  EXPECT_THAT(initial(".global .f32 x = 0d3FF8000000000000;"), ElementsAre(0, 0, 0xc0, 0x3f));
  EXPECT_THAT(initial(".global .b32 x = 0f3FC00000;"), ElementsAre(0, 0, 0xc0, 0x3f));
}

TEST(Initial, UnsizedArrayHasAsManyElementsAsAreWritten) {
  const Variable three = variable(".global .u16 x[] = {1, 2, 3};");
  EXPECT_EQ(three.bytes, 6);
  EXPECT_THAT(three.initial, ElementsAre(1, 0, 2, 0, 3, 0));
  EXPECT_EQ(variable(".global .u8 x[][4] = {{1}, {2}};").bytes, 8);
}

TEST(Initial, AddressesBecomeRelocations) {
  const Variable table = variable(
      ".func f; .global .u32 a; .global .u64 x[5] = {1, a, a+4, generic(a), generic(a)+8};");
  ASSERT_EQ(table.relocations.size(), 4u);
  EXPECT_EQ(table.initial.size(), 40u);
  EXPECT_EQ(table.relocations[0].offset, 8);
  EXPECT_EQ(table.relocations[0].symbol, "a");
  EXPECT_EQ(table.relocations[0].addend, 0);
  EXPECT_FALSE(table.relocations[0].generic);
  EXPECT_EQ(table.relocations[1].addend, 4);
  EXPECT_TRUE(table.relocations[2].generic);
  EXPECT_EQ(table.relocations[3].offset, 32);
  EXPECT_EQ(table.relocations[3].addend, 8);
  EXPECT_EQ(variable(".func f; .global .b64 x[1] = {f};").relocations.at(0).symbol, "f");
}

// What nvcc 13.0 writes for struct __attribute__((packed)) {char c; int* p; short q;}.
TEST(Initial, MaskedBytesOfAnAddressBecomeOneRelocation) {
  const Variable packed = variable(
      ".global .u32 a; .global .align 1 .u8 x[11] = {120, 0XFF(generic(a)+4), "
      "0xFF00(generic(a)+4), 0xFF0000(generic(a)+4), 0xFF000000(generic(a)+4), "
      "0xFF00000000(generic(a)+4), 0xFF0000000000(generic(a)+4), 0xFF000000000000(generic(a)+4), "
      "0xFF00000000000000(generic(a)+4), 5, 0};");
  ASSERT_EQ(packed.relocations.size(), 1u);
  EXPECT_EQ(packed.relocations[0].offset, 1);
  EXPECT_EQ(packed.relocations[0].addend, 4);
  EXPECT_TRUE(packed.relocations[0].generic);
  EXPECT_EQ(packed.initial.at(0), 120);
  EXPECT_EQ(packed.initial.at(9), 5);
}

TEST(Initial, PartsOfAMaskedAddressAreRefused) {
  EXPECT_EQ(error_of(".global .u32 a;\n.global .u8 x[4] = {0xff(a), 0xff00(a), 1};"),
            "t.ptx:2: only 2 of the 8 bytes of the address of a, "
            ".global .u8 x[4] = {0xff(a), 0xff00(a), 1};");
  EXPECT_EQ(error_of(".global .u32 a;\n.global .u8 x[4] = {0xff00(a)};"),
            "t.ptx:2: expected the eight bytes of one address in order, from 0xFF(...) on, "
            ".global .u8 x[4] = {0xff00(a)};");
  EXPECT_NE(error_of(".global .u32 a, b; .global .u8 x[8] = {0xff(a), 0xff00(b)};"), "");
  // All eight, but with a gap: the rows have five bytes.
  EXPECT_EQ(error_of(".global .u32 a;\n.global .u8 x[2][5] = {{0xff(a), 0xff00(a), 0xff0000(a), "
                     "0xff000000(a)},\n{0xff00000000(a), 0xff0000000000(a), "
                     "0xff000000000000(a), 0xff00000000000000(a)}};"),
            "t.ptx:3: expected the eight bytes of one address in order, from 0xFF(...) on, "
            "{0xff00000000(a), 0xff0000000000(a), 0xff000000000000(a), 0xff00000000000000(a)}};");
  EXPECT_NE(error_of(".global .u32 a; .global .u8 x[8] = {0xff(a)};"), "");
}

TEST(Initial, ValueOfTheWrongTypeIsRefused) {
  EXPECT_EQ(error_of(".global .f32 x = 2;"),
            "t.ptx:1: 2 cannot be the initial value of that type, .global .f32 x = 2;");
  EXPECT_EQ(error_of(".global .u32 x = 2.5;"),
            "t.ptx:1: 2.5 cannot be the initial value of that type, .global .u32 x = 2.5;");
  EXPECT_NE(error_of(".global .f16 x = 1.5;"), "");
  EXPECT_NE(error_of(".global .b64 x = 0f3F800000;"), "");
  EXPECT_NE(error_of(".global .b128 x = 1;"), "");
}

TEST(Initial, ValueThatDoesNotFitIsRefused) {
  EXPECT_EQ(error_of(".global .u16 x = 65536;"),
            "t.ptx:1: an initial value that does not fit 16 bits, .global .u16 x = 65536;");
  EXPECT_NE(error_of(".global .s8 x = -129;"), "");
  EXPECT_EQ(error_of(".global .s8 x = -128;"), "");
  EXPECT_EQ(error_of(".global .s8 x = 255;"), "");
}

TEST(Initial, TooManyValuesAreRefused) {
  EXPECT_EQ(error_of(".global .u32 x[2] = {1, 2, 3};"),
            "t.ptx:1: more than 2 initial values, .global .u32 x[2] = {1, 2, 3};");
  EXPECT_EQ(error_of(".global .u32 x[2] = 1;"),
            "t.ptx:1: expected {, found 1, .global .u32 x[2] = 1;");
  EXPECT_EQ(error_of(".global .u32 x = {1};"),
            "t.ptx:1: expected a number, found {, .global .u32 x = {1};");
}

TEST(Initial, AddressOfWhatIsNotThereIsRefused) {
  EXPECT_EQ(error_of(".global .u64 x = b;"), "t.ptx:1: unknown name b, .global .u64 x = b;");
  EXPECT_EQ(error_of(".global .u32 a;\n.global .u32 x = a;"),
            "t.ptx:2: the address of a needs 8 bytes, .global .u32 x = a;");
}

TEST(Initial, OnlyGlobalAndConstHaveOne) {
  EXPECT_EQ(error_of(".shared .u32 x = 1;"),
            "t.ptx:1: an initial value for a variable that is neither .global nor .const, "
            ".shared .u32 x = 1;");
}

TEST(Initial, OfAbsurdSizeIsRefused) {
  EXPECT_EQ(error_of(".global .b8 x[67108865] = {1};"),
            "t.ptx:1: x is too large to have an initial value, .global .b8 x[67108865] = {1};");
  EXPECT_EQ(error_of(".global .u32 x[][0] = {{}};"),
            "t.ptx:1: x has elements of no size, .global .u32 x[][0] = {{}};");
  const std::string five =
      ".global .b8 a[67108864]={}, b[67108864]={}, c[67108864]={},"
      " d[67108864]={}, e[1]={};";
  EXPECT_NE(error_of(five), "");
}

}  // namespace
}  // namespace moe::simt::ptx
