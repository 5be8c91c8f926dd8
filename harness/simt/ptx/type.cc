// The fundamental types of PTX by name. Source: PTX ISA 9.0, "Types" and "Packed Data Types".
#include <array>

#include "harness/simt/ptx/syntax.h"

namespace moe::simt::ptx {
namespace {

struct Named {
  std::string_view word;
  Type type;
};

using Kind = Type::Kind;

constexpr std::array kTypes = {
    Named{"pred", {Kind::kPredicate, 1}},     Named{"b8", {Kind::kBits, 8}},
    Named{"b16", {Kind::kBits, 16}},          Named{"b32", {Kind::kBits, 32}},
    Named{"b64", {Kind::kBits, 64}},          Named{"b128", {Kind::kBits, 128}},
    Named{"u8", {Kind::kUnsigned, 8}},        Named{"u16", {Kind::kUnsigned, 16}},
    Named{"u32", {Kind::kUnsigned, 32}},      Named{"u64", {Kind::kUnsigned, 64}},
    Named{"u16x2", {Kind::kUnsigned, 16, 2}}, Named{"s8", {Kind::kSigned, 8}},
    Named{"s16", {Kind::kSigned, 16}},        Named{"s32", {Kind::kSigned, 32}},
    Named{"s64", {Kind::kSigned, 64}},        Named{"s16x2", {Kind::kSigned, 16, 2}},
    Named{"f16", {Kind::kFloat, 16}},         Named{"f32", {Kind::kFloat, 32}},
    Named{"f64", {Kind::kFloat, 64}},         Named{"f16x2", {Kind::kFloat, 16, 2}},
    Named{"f32x2", {Kind::kFloat, 32, 2}},    Named{"bf16", {Kind::kBfloat, 16}},
    Named{"bf16x2", {Kind::kBfloat, 16, 2}},  Named{"tf32", {Kind::kTf32, 32}},
    Named{"e4m3", {Kind::kE4m3, 8}},          Named{"e4m3x2", {Kind::kE4m3, 8, 2}},
    Named{"e5m2", {Kind::kE5m2, 8}},          Named{"e5m2x2", {Kind::kE5m2, 8, 2}},
};

}  // namespace

Type parse_type(std::string_view word) {
  for (const Named& named : kTypes)
    if (named.word == word) return named.type;
  return {};
}

}  // namespace moe::simt::ptx
