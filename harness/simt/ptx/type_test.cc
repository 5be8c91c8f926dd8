// Names of types. Expected sizes: PTX ISA 9.0, "Fundamental Types" and "Packed Data Types".
#include <gtest/gtest.h>

#include <tuple>

#include "harness/simt/ptx/syntax.h"

namespace moe::simt::ptx {
namespace {

using Kind = Type::Kind;

TEST(ParseType, KnowsTheFundamentalTypes) {
  const std::tuple<const char*, Kind, int> expected[] = {
      {"pred", Kind::kPredicate, 1}, {"b8", Kind::kBits, 8},       {"b16", Kind::kBits, 16},
      {"b32", Kind::kBits, 32},      {"b64", Kind::kBits, 64},     {"b128", Kind::kBits, 128},
      {"u8", Kind::kUnsigned, 8},    {"u16", Kind::kUnsigned, 16}, {"u32", Kind::kUnsigned, 32},
      {"u64", Kind::kUnsigned, 64},  {"s8", Kind::kSigned, 8},     {"s16", Kind::kSigned, 16},
      {"s32", Kind::kSigned, 32},    {"s64", Kind::kSigned, 64},   {"f16", Kind::kFloat, 16},
      {"f32", Kind::kFloat, 32},     {"f64", Kind::kFloat, 64},    {"bf16", Kind::kBfloat, 16},
      {"tf32", Kind::kTf32, 32},     {"e4m3", Kind::kE4m3, 8},     {"e5m2", Kind::kE5m2, 8},
  };
  for (const auto& [word, kind, bits] : expected) {
    EXPECT_EQ(parse_type(word), (Type{kind, bits, 1})) << word;
  }
}

TEST(ParseType, KnowsThePackedTypes) {
  const std::tuple<const char*, Kind, int> expected[] = {
      {"u16x2", Kind::kUnsigned, 16}, {"s16x2", Kind::kSigned, 16}, {"f16x2", Kind::kFloat, 16},
      {"bf16x2", Kind::kBfloat, 16},  {"f32x2", Kind::kFloat, 32},  {"e4m3x2", Kind::kE4m3, 8},
      {"e5m2x2", Kind::kE5m2, 8},
  };
  for (const auto& [word, kind, bits] : expected) {
    EXPECT_EQ(parse_type(word), (Type{kind, bits, 2})) << word;
    EXPECT_EQ(parse_type(word).total_bits(), 2 * bits) << word;
  }
}

TEST(ParseType, GivesNoneForOtherWords) {
  for (const char* word : {"", "u", "u33", "U32", ".u32", "u32 ", "global", "v4", "f8", "b256"}) {
    EXPECT_EQ(parse_type(word).kind, Kind::kNone) << word;
  }
}

}  // namespace
}  // namespace moe::simt::ptx
