// Reads wgmma statements.
#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "harness/simt/execute/mma_collective.h"
#include "harness/simt/execute/wgmma.h"

namespace moe::simt {
namespace {

using OperandKind = ptx::Operand::Kind;

struct Shape {
  int columns, depth;
};

// "m64n128k16"
std::optional<Shape> shape_of(std::string_view word) {
  if (!word.starts_with("m64n")) return std::nullopt;
  Shape shape{};
  const char* const end = word.data() + word.size();
  const auto [k, error] = std::from_chars(word.data() + 4, end, shape.columns);
  if (error != std::errc() || k == end || *k != 'k') return std::nullopt;
  const auto [rest, depth_error] = std::from_chars(k + 1, end, shape.depth);
  if (depth_error != std::errc() || rest != end) return std::nullopt;
  return shape;
}

Shape take_shape(Decoder& decoder, Modifiers& modifiers) {
  std::optional<Shape> shape;
  const std::vector<std::string> words = modifiers.words();
  for (const std::string& word : words) {
    if (shape) break;
    shape = shape_of(word);
    if (shape) modifiers.take(word);
  }
  if (!shape) decoder.fail("wgmma.mma_async needs a shape: .m64n8k16 and the like");
  return *shape;
}

// PTX ISA 9.0, "Matrix Shape": N in steps of 8, for integers of 16 from 32 on.
void check_shape(Decoder& decoder, const WgmmaForm& form) {
  const bool integer = is_integer(form.a_type);
  const bool wide_steps = integer && form.columns != 8 && form.columns != 24;
  if (form.columns < 8 || form.columns > 256 || form.columns % (wide_steps ? 16 : 8) != 0) {
    decoder.fail(fmt::format("wgmma has no N = {} for this type", form.columns));
  }
  if (form.depth * bits_of(form.a_type) != 256) {
    decoder.fail(fmt::format("wgmma has no K = {} for this type", form.depth));
  }
}

// .dtype.atype.btype
void take_types(Decoder& decoder, Modifiers& modifiers, WgmmaForm& form) {
  const std::vector<std::string> words = modifiers.words();
  if (words.size() != 3) {
    decoder.fail(fmt::format("wgmma has modifiers it does not know, or types missing: {}",
                             modifiers.left()));
  }
  const auto d = accumulator_of(words[0]);
  const auto a = element_of(words[1]), b = element_of(words[2]);
  if (!d || !a || !b) {
    decoder.fail(fmt::format("wgmma does not know the types {}", modifiers.left()));
  }
  for (const std::string& word : words) modifiers.take(word);
  form.a_type = *a;
  form.b_type = *b;
  form.accumulation.type = *d;
}

void check_types(Decoder& decoder, const WgmmaForm& form) {
  const Element a = form.a_type, b = form.b_type;
  const Accumulator d = form.accumulation.type;
  const int bits = bits_of(a);
  const bool known = bits == 8 || bits == 16 || a == Element::kTf32;
  const bool together = a == b || (bits == 8 && bits_of(b) == 8 && is_integer(a) == is_integer(b));
  if (!known || !together) decoder.fail("wgmma cannot multiply these two types");
  const bool to_half = a == Element::kF16 || (bits == 8 && !is_integer(a));
  const bool right = is_integer(a) ? d == Accumulator::kS32
                                   : d == Accumulator::kF32 || (to_half && d == Accumulator::kF16);
  if (!right) decoder.fail("wgmma does not accumulate this element type in this type");
  if (form.accumulation.saturate && d != Accumulator::kS32) {
    decoder.fail(".satfinite is for .s32 only");
  }
}

std::int64_t immediate(Decoder& decoder, const ptx::Operand& operand, const char* name) {
  if (operand.kind != OperandKind::kImmediate) {
    decoder.fail(fmt::format("{} must be an immediate", name));
  }
  return static_cast<std::int64_t>(operand.bits);
}

bool take_negation(Decoder& decoder, const ptx::Operand& operand, const char* name) {
  const std::int64_t value = immediate(decoder, operand, name);
  if (value != 1 && value != -1) {
    decoder.fail(fmt::format("{} must be 1 or -1, not {}", name, value));
  }
  return value == -1;
}

bool take_transposition(Decoder& decoder, const ptx::Operand& operand, const char* name) {
  const std::int64_t value = immediate(decoder, operand, name);
  if (value != 0 && value != 1) {
    decoder.fail(fmt::format("{} must be 0 or 1, not {}", name, value));
  }
  return value == 1;
}

// scale-d, imm-scale-a, imm-scale-b, imm-trans-a, imm-trans-b: as many as the types allow.
void take_arguments(Decoder& decoder, const std::vector<ptx::Operand>& operands, WgmmaForm& form) {
  const bool scales = !is_integer(form.a_type);
  const bool transposes = bits_of(form.a_type) == 16;
  const bool a_in_shared = form.a.empty();
  const std::size_t wanted = 4 + (scales ? 2 : 0) + (transposes ? (a_in_shared ? 2 : 1) : 0);
  if (operands.size() != wanted) {
    decoder.fail(
        fmt::format("wgmma of this type takes {} operands, here are {}", wanted, operands.size()));
  }
  if (operands[3].kind == OperandKind::kImmediate) {
    form.adds = operands[3].bits != 0;
  } else {
    form.scale_d = decoder.source(operands[3], {.kind = ptx::Type::Kind::kPredicate, .bits = 1});
  }
  if (scales) {
    const bool a = take_negation(decoder, operands[4], "imm-scale-a");
    const bool b = take_negation(decoder, operands[5], "imm-scale-b");
    form.accumulation.negate = a != b;
  }
  if (transposes) {
    std::size_t next = 6;
    if (a_in_shared) form.a_mn_major = take_transposition(decoder, operands[next++], "imm-trans-a");
    form.b_mn_major = take_transposition(decoder, operands[next], "imm-trans-b");
  }
}

Instruction decode_mma_async(Decoder& decoder, const ptx::Instruction& source,
                             Modifiers& modifiers) {
  auto form = std::make_shared<WgmmaForm>();
  const Shape shape = take_shape(decoder, modifiers);
  form->columns = shape.columns;
  form->depth = shape.depth;
  form->accumulation.saturate = modifiers.take("satfinite");
  take_types(decoder, modifiers, *form);
  check_types(decoder, *form);
  check_shape(decoder, *form);
  if (source.operands.size() < 4) decoder.fail("wgmma.mma_async needs d, a, b-desc, scale-d");
  const ptx::Type bits32 = {.kind = ptx::Type::Kind::kBits, .bits = 32};
  const ptx::Type bits64 = {.kind = ptx::Type::Kind::kBits, .bits = 64};
  // D is read too, but read and written it is the same register.
  form->d = vector_destinations(
      decoder, source.operands[0],
      accumulator_registers(form->accumulation.type, kWarpRows, form->columns), "d");
  if (source.operands[1].kind == OperandKind::kVector) {
    form->a = vector_sources(decoder, source.operands[1], 4, bits32, "a");
  } else {
    form->a_descriptor = decoder.source(source.operands[1], bits64);
  }
  form->b_descriptor = decoder.source(source.operands[2], bits64);
  take_arguments(decoder, source.operands, *form);

  Instruction instruction;
  instruction.handler = run_wgmma;
  instruction.kind = InstructionClass::kTensorProduct;
  instruction.extra = std::move(form);
  return instruction;
}

Instruction decode_wait(Decoder& decoder, const ptx::Instruction& source) {
  if (source.operands.size() != 1) decoder.fail("wgmma.wait_group needs one operand");
  Instruction instruction;
  instruction.handler = run_wgmma_wait;
  instruction.immediate = immediate(decoder, source.operands[0], "N");
  if (instruction.immediate < 0) decoder.fail("wgmma.wait_group needs N >= 0");
  return instruction;
}

}  // namespace

Instruction decode_wgmma(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const int which = modifiers.take_one_of({"mma_async", "fence", "commit_group", "wait_group"});
  if (which < 0) {
    decoder.fail("wgmma needs .mma_async (dense), .fence, .commit_group or .wait_group");
  }
  if (modifiers.take("sp")) decoder.fail("sparse wgmma is not supported");
  take_sync_aligned(decoder, modifiers);
  Instruction instruction;
  if (which == 0) {
    instruction = decode_mma_async(decoder, source, modifiers);
  } else if (which == 3) {
    instruction = decode_wait(decoder, source);
  } else {
    instruction.handler = which == 1 ? run_wgmma_fence : run_wgmma_commit;
    if (!source.operands.empty()) decoder.fail("takes no operands");
  }
  if (which != 0) instruction.kind = InstructionClass::kFence;
  instruction.splits = true;
  instruction.own_poison = true;
  return instruction;
}

void add_warpgroup_opcodes(OpcodeTable& table) {
  table["wgmma"] = decode_wgmma;
  table["setmaxnreg"] = decode_setmaxnreg;
}

}  // namespace moe::simt
