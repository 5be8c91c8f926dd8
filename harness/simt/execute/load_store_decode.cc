// ld, ldu and st: decoding.
#include <fmt/format.h>

#include "harness/simt/execute/load_store.h"
#include "harness/simt/execute/memory_modifiers.h"

namespace moe::simt {
namespace {

using Kind = ptx::Type::Kind;

ptx::Type take_memory_type(Decoder& decoder, Modifiers& modifiers) {
  const ptx::Type type = modifiers.need_type();
  const bool number = type.kind == Kind::kBits || type.kind == Kind::kUnsigned ||
                      type.kind == Kind::kSigned || (type.kind == Kind::kFloat && type.bits >= 32);
  if (!number || type.lanes != 1) decoder.fail("not a type of ld and st");
  return type;
}

void set_size(Decoder& decoder, MemoryOperation& operation, int elements, ptx::Type type) {
  operation.elements = elements;
  operation.element_bytes = type.bits / 8;
  operation.form.bytes = elements * operation.element_bytes;
  const ptx::Space space = operation.form.space;
  // 256 bits: .v8 of 32-bit elements or .v4 of 64-bit ones, in global memory.
  const bool wide_form = operation.form.bytes == 32 && type.bits >= 32 && type.bits <= 64;
  const bool wide_space = space == ptx::Space::kGlobal || space == ptx::Space::kGeneric;
  if (operation.form.bytes > 16 && !(wide_form && wide_space)) {
    decoder.fail(fmt::format("a vector of {} bytes", operation.form.bytes));
  }
  if (elements == 8 && !wide_form) decoder.fail(".v8 takes 32-bit elements");
}

// Strong accesses and volatile ones are for memory that others see.
void check_space(Decoder& decoder, const MemoryOperation& operation) {
  if (operation.order.scope != Scope::kNone && !seen_by_others(operation.form.space)) {
    decoder.fail("only global and shared memory have memory order");
  }
}

void set_load_destinations(Decoder& decoder, MemoryOperation& operation,
                           const ptx::Operand& operand, ptx::Type type, int* register_bits) {
  const std::vector<ptx::Operand> parts = elements_of(decoder, operand, operation.elements);
  *register_bits = 0;
  for (const ptx::Operand& part : parts) {
    if (part.kind == ptx::Operand::Kind::kSink) continue;
    const int bits = bits_of_register(decoder, part);
    if (bits < type.bits) decoder.fail("a destination register narrower than the type");
    if (*register_bits != 0 && bits != *register_bits) {
      decoder.fail("destination registers of different sizes");
    }
    *register_bits = bits;
  }
  if (*register_bits == 0) *register_bits = type.bits;
  for (int element = 0; element < operation.elements; ++element) {
    const bool sink = parts[element].kind == ptx::Operand::Kind::kSink;
    operation.values[element] =
        sink ? decoder.scratch(*register_bits / 8) : decoder.destination(parts[element]);
  }
}

void set_store_sources(Decoder& decoder, MemoryOperation& operation, const ptx::Operand& operand,
                       ptx::Type type) {
  const std::vector<ptx::Operand> parts = elements_of(decoder, operand, operation.elements);
  for (int element = 0; element < operation.elements; ++element) {
    const int bits = bits_of_register(decoder, parts[element]);
    if (bits != 0 && bits < type.bits) decoder.fail("a source register narrower than the type");
    operation.values[element] = decoder.source(parts[element], type);
    operation.wide[element] = bits == 64 && type.bits < 64;
  }
}

Instruction finish_load(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                        std::shared_ptr<MemoryOperation> operation, bool has_hint) {
  const int elements = take_vector(modifiers);
  const ptx::Type type = take_memory_type(decoder, modifiers);
  set_size(decoder, *operation, elements, type);
  check_space(decoder, *operation);
  check_policy(decoder, source, 2, has_hint);
  operation->form.kind = AccessKind::kRead;
  operation->form.scope = operation->order.scope;
  int register_bits = 0;
  set_load_destinations(decoder, *operation, source.operands[0], type, &register_bits);
  Instruction instruction;
  instruction.handler = load_handler(type, register_bits);
  instruction.kind = InstructionClass::kLoad;
  instruction.own_poison = true;
  instruction.dst = operation->values[0];
  instruction.extra = std::move(operation);
  return instruction;
}

}  // namespace

Instruction decode_load(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  auto operation = std::make_shared<MemoryOperation>();
  operation->order = take_load_order(decoder, modifiers);
  operation->form.space = Decoder::take_space(modifiers);
  const bool read_only = modifiers.take("nc");
  if (read_only &&
      (operation->form.space != ptx::Space::kGlobal || operation->order.scope != Scope::kNone)) {
    decoder.fail(".nc is for weak loads of .global");
  }
  set_address(decoder, source, 1, operation->form);
  modifiers.take_one_of({"ca", "cg", "cs", "lu", "cv"});
  const bool has_hint = take_cache_hints(modifiers, true);
  modifiers.take("unified");
  return finish_load(decoder, source, modifiers, std::move(operation), has_hint);
}

Instruction decode_uniform_load(Decoder& decoder, const ptx::Instruction& source,
                                Modifiers& modifiers) {
  auto operation = std::make_shared<MemoryOperation>();
  operation->form.space = Decoder::take_space(modifiers);
  if (operation->form.space != ptx::Space::kGlobal &&
      operation->form.space != ptx::Space::kGeneric) {
    decoder.fail("ldu is for .global");
  }
  set_address(decoder, source, 1, operation->form);
  return finish_load(decoder, source, modifiers, std::move(operation), false);
}

Instruction decode_store(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  auto operation = std::make_shared<MemoryOperation>();
  operation->order = take_store_order(decoder, modifiers);
  operation->form.space = Decoder::take_space(modifiers);
  set_address(decoder, source, 0, operation->form);
  if (operation->form.space == ptx::Space::kConst) decoder.fail(".const memory is read-only");
  modifiers.take_one_of({"wb", "cg", "cs", "wt"});
  const bool has_hint = take_cache_hints(modifiers, false);
  const int elements = take_vector(modifiers);
  const ptx::Type type = take_memory_type(decoder, modifiers);
  set_size(decoder, *operation, elements, type);
  check_space(decoder, *operation);
  check_policy(decoder, source, 2, has_hint);
  operation->form.kind = AccessKind::kWrite;
  operation->form.scope = operation->order.scope;
  set_store_sources(decoder, *operation, source.operands[1], type);
  Instruction instruction;
  instruction.handler = store_handler(type.bits);
  instruction.kind = InstructionClass::kStore;
  instruction.own_poison = true;
  instruction.extra = std::move(operation);
  return instruction;
}

}  // namespace moe::simt
