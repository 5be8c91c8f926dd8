// Reads mma statements: which shapes and types go together, and how many registers they take.
#include <fmt/format.h>

#include <algorithm>

#include "harness/simt/execute/fragments.h"
#include "harness/simt/execute/mma.h"
#include "harness/simt/execute/mma_collective.h"

namespace moe::simt {
namespace {

struct Shape {
  const char* word;
  int rows, depth;
};
constexpr Shape kShapes[] = {{"m8n8k4", 8, 4},     {"m8n8k16", 8, 16},  {"m8n8k32", 8, 32},
                             {"m16n8k4", 16, 4},   {"m16n8k8", 16, 8},  {"m16n8k16", 16, 16},
                             {"m16n8k32", 16, 32}, {"m16n8k64", 16, 64}};

// PTX ISA 9.0, "mma": the dense products, for elements of the given number of bits.
bool listed(Element element, int rows, int depth) {
  const auto is_any_of = [depth](std::initializer_list<int> depths) {
    return std::find(depths.begin(), depths.end(), depth) != depths.end();
  };
  switch (element) {
    case Element::kF16:
    case Element::kBf16:
      return rows == 16 && is_any_of({8, 16});
    case Element::kTf32:
      return rows == 16 && is_any_of({4, 8});
    case Element::kE4m3:
    case Element::kE5m2:
      return rows == 16 && is_any_of({16, 32});
    case Element::kS8:
    case Element::kU8:
      return rows == 16 ? is_any_of({16, 32}) : depth == 16;
    case Element::kS4:
    case Element::kU4:
      return rows == 16 ? is_any_of({32, 64}) : depth == 32;
    case Element::kF64:
      return rows == 16 ? is_any_of({4, 8, 16}) : depth == 4;
  }
  return false;
}

bool accumulates_in(Element element, Accumulator accumulator) {
  if (element == Element::kF64) return accumulator == Accumulator::kF64;
  if (is_integer(element)) return accumulator == Accumulator::kS32;
  if (accumulator == Accumulator::kF32) return true;
  const bool half = element == Element::kF16 || bits_of(element) == 8;
  return half && accumulator == Accumulator::kF16;
}

// A and B may differ within e4m3 and e5m2, s8 and u8, s4 and u4.
bool multiply_together(Element a, Element b) {
  return a == b || (bits_of(a) == bits_of(b) && bits_of(a) <= 8 && is_integer(a) == is_integer(b));
}

void refuse_unsupported(Decoder& decoder, const ptx::Instruction& source) {
  for (const std::string& word : source.modifiers) {
    if (word == "sp" || word.starts_with("sp::")) decoder.fail("sparse mma is not supported");
    if (word.starts_with("kind::") || word == "block_scale") {
      decoder.fail(fmt::format("mma with .{} (sm_100 and later) is not supported", word));
    }
    if (word == "b1") decoder.fail("single-bit mma is not supported");
  }
}

const Shape& take_shape(Decoder& decoder, Modifiers& modifiers) {
  const Shape* found = std::find_if(std::begin(kShapes), std::end(kShapes),
                                    [&](const Shape& shape) { return modifiers.take(shape.word); });
  if (found == std::end(kShapes)) decoder.fail("mma needs a shape: .m8n8k4 .. .m16n8k64");
  return *found;
}

struct Types {
  Accumulator d, c;
  Element a, b;
};

// .dtype.atype.btype.ctype, the last four modifiers.
Types take_types(Decoder& decoder, Modifiers& modifiers) {
  const std::vector<std::string> words = modifiers.words();
  if (words.size() != 4) {
    decoder.fail(
        fmt::format("mma has modifiers it does not know, or types missing: {}", modifiers.left()));
  }
  const auto d = accumulator_of(words[0]), c = accumulator_of(words[3]);
  const auto a = element_of(words[1]), b = element_of(words[2]);
  if (!d || !a || !b || !c)
    decoder.fail(fmt::format("mma does not know the types {}", modifiers.left()));
  for (const std::string& word : words) modifiers.take(word);
  return {*d, *c, *a, *b};
}

ptx::Type accumulator_type(Accumulator accumulator) {
  using Kind = ptx::Type::Kind;
  switch (accumulator) {
    case Accumulator::kF32:
      return {.kind = Kind::kFloat, .bits = 32};
    case Accumulator::kF64:
      return {.kind = Kind::kFloat, .bits = 64};
    case Accumulator::kS32:
      return {.kind = Kind::kSigned, .bits = 32};
    case Accumulator::kF16:
      break;
  }
  return {.kind = Kind::kBits, .bits = 32};
}

void check(Decoder& decoder, const Shape& shape, const Types& types, bool saturate) {
  if (types.a == Element::kF16 && shape.rows == 8) {
    decoder.fail("mma.m8n8k4 of .f16 (four products a warp, sm_70) is not supported");
  }
  if (types.d != types.c) decoder.fail("mma needs the same type for C and D");
  if (!multiply_together(types.a, types.b)) decoder.fail("mma cannot multiply these two types");
  if (!accumulates_in(types.a, types.d)) {
    decoder.fail("mma does not accumulate this element type in this type");
  }
  if (!listed(types.a, shape.rows, shape.depth)) {
    decoder.fail(fmt::format("mma has no shape {} for this element type", shape.word));
  }
  if (saturate && types.d != Accumulator::kS32) decoder.fail(".satfinite is for .s32 only");
}

}  // namespace

Instruction decode_mma(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  refuse_unsupported(decoder, source);
  take_sync_aligned(decoder, modifiers);
  const Shape& shape = take_shape(decoder, modifiers);
  if (!modifiers.take("row") || !modifiers.take("col")) decoder.fail("mma needs .row.col");
  const bool saturate = modifiers.take("satfinite");
  const bool to_nearest = modifiers.take("rn");
  const Types types = take_types(decoder, modifiers);
  check(decoder, shape, types, saturate);
  if (to_nearest && types.d != Accumulator::kF64) decoder.fail(".rn is for .f64 only");
  if (source.operands.size() != 4) decoder.fail("mma needs the operands d, a, b, c");

  auto form = std::make_shared<MmaForm>();
  form->rows = shape.rows;
  form->depth = shape.depth;
  form->a_type = types.a;
  form->b_type = types.b;
  form->accumulation = {.type = types.d, .saturate = saturate};
  const ptx::Type element = {.kind = ptx::Type::Kind::kBits,
                             .bits = types.a == Element::kF64 ? 64 : 32};
  const ptx::Type accumulator = accumulator_type(types.d);
  const int per_register = kLanes * packed_elements(bits_of(types.a));
  const int accumulators = accumulator_registers(types.d, shape.rows, 8);
  form->d = vector_destinations(decoder, source.operands[0], accumulators, "d");
  form->a = vector_sources(decoder, source.operands[1], shape.rows * shape.depth / per_register,
                           element, "a");
  form->b =
      vector_sources(decoder, source.operands[2], shape.depth * 8 / per_register, element, "b");
  form->c = vector_sources(decoder, source.operands[3], accumulators, accumulator, "c");

  Instruction instruction;
  instruction.handler = run_mma;
  instruction.splits = true;
  instruction.own_poison = true;
  instruction.kind = InstructionClass::kTensorProduct;
  instruction.extra = std::move(form);
  return instruction;
}

}  // namespace moe::simt
