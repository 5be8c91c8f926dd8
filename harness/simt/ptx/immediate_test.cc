// Numbers. Expected values: PTX ISA 9.0, "Constants".
#include <gtest/gtest.h>

#include <cstdint>

#include "harness/simt/ptx/parse_for_test.h"

namespace moe::simt::ptx {
namespace {

Operand immediate(const std::string& number) {
  const Operand operand = instruction(fmt::format("mov.b64 %rd1, {};", number)).operands.at(1);
  EXPECT_EQ(operand.kind, Operand::Kind::kImmediate) << number;
  return operand;
}

std::string error(const std::string& number) {
  return body_error(fmt::format("mov.b64 %rd1, {};", number));
}

TEST(Immediate, IsDecimalOctalHexadecimalOrBinary) {
  EXPECT_EQ(immediate("42").bits, 42u);
  EXPECT_EQ(immediate("052").bits, 42u);
  EXPECT_EQ(immediate("0x2a").bits, 42u);
  EXPECT_EQ(immediate("0X2A").bits, 42u);
  EXPECT_EQ(immediate("0b101010").bits, 42u);
  EXPECT_EQ(immediate("0").bits, 0u);
  EXPECT_EQ(immediate("18446744073709551615").bits, UINT64_MAX);
}

TEST(Immediate, MayEndInU) {
  EXPECT_EQ(immediate("7U").bits, 7u);
  EXPECT_EQ(immediate("0xffU").bits, 255u);
  EXPECT_EQ(immediate("0U").bits, 0u);
}

TEST(Immediate, NegativeIsTwosComplement) {
  EXPECT_EQ(immediate("-1").bits, UINT64_MAX);
  EXPECT_EQ(immediate("-0x10").bits, std::uint64_t{0} - 16);
  EXPECT_EQ(immediate("-9223372036854775808").bits, std::uint64_t{1} << 63);
}

TEST(Immediate, BitsOfAFloatAreKept) {
  const Operand one = immediate("0f3F800000");
  EXPECT_EQ(one.bits, 0x3f800000u);
  EXPECT_TRUE(one.is_float);
  EXPECT_FALSE(one.is_double);
  EXPECT_EQ(immediate("0FFF800000").bits, 0xff800000u);  // minus infinity
}

TEST(Immediate, BitsOfADoubleAreKept) {
  const Operand one = immediate("0d3FF0000000000000");
  EXPECT_EQ(one.bits, 0x3ff0000000000000u);
  EXPECT_TRUE(one.is_double);
  EXPECT_FALSE(one.is_float);
  EXPECT_EQ(immediate("0D8000000000000000").bits, 0x8000000000000000u);  // minus zero
}

TEST(Immediate, DecimalFloatIsADouble) {
  EXPECT_EQ(immediate("1.5").bits, 0x3ff8000000000000u);
  EXPECT_TRUE(immediate("1.5").is_double);
  EXPECT_EQ(immediate("-2.0").bits, 0xc000000000000000u);
  EXPECT_EQ(immediate("25e-2").bits, 0x3fd0000000000000u);
  EXPECT_EQ(immediate("2.5e+1").bits, 0x4039000000000000u);
  EXPECT_EQ(immediate("1E2").bits, 0x4059000000000000u);
}

TEST(Immediate, WithLettersInItIsRefused) {
  EXPECT_EQ(error("12ab"), "t.ptx:2: 12ab is not a number, mov.b64 %rd1, 12ab;");
  EXPECT_EQ(error("0x"), "t.ptx:2: 0x is not a number, mov.b64 %rd1, 0x;");
  EXPECT_EQ(error("0xfg"), "t.ptx:2: 0xfg is not a number, mov.b64 %rd1, 0xfg;");
  EXPECT_EQ(error("0b12"), "t.ptx:2: 0b12 is not a number, mov.b64 %rd1, 0b12;");
  EXPECT_EQ(error("09"), "t.ptx:2: 09 is not a number, mov.b64 %rd1, 09;");
  EXPECT_EQ(error("1.5x"), "t.ptx:2: 1.5x is not a number, mov.b64 %rd1, 1.5x;");
}

TEST(Immediate, OfTooManyDigitsIsRefused) {
  EXPECT_EQ(error("18446744073709551616"),
            "t.ptx:2: 18446744073709551616 does not fit 64 bits, mov.b64 %rd1, "
            "18446744073709551616;");
  EXPECT_EQ(error("0f3F8000001"),
            "t.ptx:2: 0f3F8000001 has not 8 hexadecimal digits, mov.b64 %rd1, 0f3F8000001;");
  EXPECT_EQ(error("0d3FF0"),
            "t.ptx:2: 0d3FF0 has not 16 hexadecimal digits, mov.b64 %rd1, 0d3FF0;");
}

TEST(Immediate, SignBeforeTheBitsOfAFloatIsRefused) {
  EXPECT_EQ(error("-0f3F800000"),
            "t.ptx:2: a sign before the bits of a float, mov.b64 %rd1, -0f3F800000;");
}

TEST(Immediate, SignWithoutANumberIsRefused) {
  EXPECT_EQ(error("-%rd2"), "t.ptx:2: expected a number, found %rd2, mov.b64 %rd1, -%rd2;");
  EXPECT_EQ(error("-"), "t.ptx:2: expected a number, found ;, mov.b64 %rd1, -;");
}

}  // namespace
}  // namespace moe::simt::ptx
