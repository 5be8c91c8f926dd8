// Conversions of operand elements, written as plain loops that vectorise.
#include "harness/simt/execute/mma_elements.h"

#include <cassert>

#include "harness/simt/execute/formats.h"

namespace moe::simt {
namespace {

template <class Word, class Decode>
void decode_words(const void* packed, int count, float* values, Decode decode) {
  const auto* words = static_cast<const Word*>(packed);
  for (int i = 0; i < count; ++i) values[i] = decode(words[i]);
}

void decode_nibbles(const void* packed, int count, bool is_signed, float* values) {
  const auto* bytes = static_cast<const std::uint8_t*>(packed);
  const int wrap = is_signed ? 8 : 16;  // values from here on are negative
  for (int i = 0; i < count; ++i) {
    const int value = bytes[i / 2] >> (i % 2 * 4) & 15;
    values[i] = static_cast<float>(value >= wrap ? value - 16 : value);
  }
}

}  // namespace

std::optional<Element> element_of(std::string_view word) {
  constexpr std::string_view kWords[] = {"f16", "bf16", "tf32", "e4m3", "e5m2",
                                         "s8",  "u8",   "s4",   "u4",   "f64"};
  for (int i = 0; i < 10; ++i) {
    if (word == kWords[i]) return static_cast<Element>(i);
  }
  return std::nullopt;
}

std::optional<Accumulator> accumulator_of(std::string_view word) {
  if (word == "f16") return Accumulator::kF16;
  if (word == "f32") return Accumulator::kF32;
  if (word == "s32") return Accumulator::kS32;
  if (word == "f64") return Accumulator::kF64;
  return std::nullopt;
}

int bits_of(Element element) {
  constexpr int kBits[] = {16, 16, 32, 8, 8, 8, 8, 4, 4, 64};
  return kBits[static_cast<int>(element)];
}

bool is_integer(Element element) {
  return element == Element::kS8 || element == Element::kU8 || element == Element::kS4 ||
         element == Element::kU4;
}

void decode_elements(Element element, const void* packed, int count, float* values) {
  switch (element) {
    case Element::kF16:
      return decode_words<std::uint16_t>(packed, count, values,
                                         [](std::uint32_t code) { return from_f16(code); });
    case Element::kBf16:
      return decode_words<std::uint16_t>(packed, count, values,
                                         [](std::uint32_t code) { return from_bf16(code); });
    case Element::kTf32:
      return decode_words<std::uint32_t>(packed, count, values,
                                         [](std::uint32_t code) { return from_tf32(code); });
    case Element::kE4m3:
      return decode_words<std::uint8_t>(packed, count, values,
                                        [](std::uint32_t code) { return from_e4m3(code); });
    case Element::kE5m2:
      return decode_words<std::uint8_t>(packed, count, values,
                                        [](std::uint32_t code) { return from_e5m2(code); });
    case Element::kS8:
      return decode_words<std::int8_t>(packed, count, values,
                                       [](int code) { return static_cast<float>(code); });
    case Element::kU8:
      return decode_words<std::uint8_t>(packed, count, values,
                                        [](int code) { return static_cast<float>(code); });
    case Element::kS4:
    case Element::kU4:
      return decode_nibbles(packed, count, element == Element::kS4, values);
    case Element::kF64:
      break;
  }
  assert(false && "f64 is not decoded to float");
}

}  // namespace moe::simt
