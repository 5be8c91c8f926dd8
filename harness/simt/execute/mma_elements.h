// The element types of matrix products, and how packed elements become numbers.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace moe::simt {

enum class Element : std::uint8_t { kF16, kBf16, kTf32, kE4m3, kE5m2, kS8, kU8, kS4, kU4, kF64 };
enum class Accumulator : std::uint8_t { kF16, kF32, kS32, kF64 };

// Of a modifier without its dot; nothing when it is no such type.
std::optional<Element> element_of(std::string_view word);
std::optional<Accumulator> accumulator_of(std::string_view word);

int bits_of(Element element);
bool is_integer(Element element);

// `count` elements, packed low to high, as floats: exact for each type but kF64, which this
// refuses. The count is a multiple of what 4 bytes hold. tf32 operands lose their low 13 bits.
void decode_elements(Element element, const void* packed, int count, float* values);

}  // namespace moe::simt
