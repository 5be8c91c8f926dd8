// atom and red: decoding.
#include "harness/simt/execute/atomics.h"

namespace moe::simt {
namespace {

using namespace atomics;
using Kind = ptx::Type::Kind;

AtomicName take_name(Decoder& decoder, Modifiers& modifiers) {
  const int which =
      modifiers.take_one_of({"add", "inc", "dec", "min", "max", "and", "or", "xor", "exch", "cas"});
  if (which < 0) decoder.fail("an operation is needed: .add, .min, .cas ...");
  return static_cast<AtomicName>(which);
}

// The handler and the functions for the operation on the type; fails where the ISA has none.
Handler choose(Decoder& decoder, AtomicOperation& operation, ptx::Type type, bool noftz) {
  const AtomicName name = operation.name;
  const bool half = (type.kind == Kind::kFloat && type.bits == 16) || type.kind == Kind::kBfloat;
  if (half != noftz) decoder.fail(".noftz goes with f16 and bf16 types, always");
  const bool swaps = name == AtomicName::kExchange || name == AtomicName::kCompareAndSwap;
  if (swaps && operation.elements == 1) {
    if (const Handler handler = swap_handler(name, type)) return handler;
  }
  if (!swaps) operation.function = atomic_function(name, type, operation.elements > 1);
  if (operation.function == nullptr) decoder.fail("there is no such operation on that type");
  operation.shared_function = operation.function;
  if (operation.function == add_f32) operation.function = add_f32_flushing;
  return combine_handler(type.total_bits());
}

void check_form(Decoder& decoder, const AtomicOperation& operation, ptx::Type type) {
  const ptx::Space space = operation.form.space;
  if (!seen_by_others(space)) decoder.fail("atomics are for global and shared memory");
  if (operation.elements > 1 && space == ptx::Space::kShared) {
    decoder.fail("vector atomics are for global memory");
  }
  if (operation.elements == 8 && type.total_bits() != 16) decoder.fail(".v8 takes .f16 and .bf16");
}

void set_registers(Decoder& decoder, const ptx::Instruction& source, AtomicOperation& operation,
                   ptx::Type type) {
  const std::size_t first = operation.has_result ? 1 : 0;  // the address operand
  const int bytes = type.total_bits() / 8;
  const auto check = [&](const ptx::Operand& operand) {
    const int found = bits_of_register(decoder, operand);
    if (found != 0 && found != 8 * bytes) decoder.fail("a register of another size than the type");
  };
  const auto values = elements_of(decoder, source.operands[first + 1], operation.elements);
  for (int element = 0; element < operation.elements; ++element) {
    check(values[element]);
    operation.values[element] = decoder.source(values[element], type);
  }
  if (operation.name == AtomicName::kCompareAndSwap) {
    check(source.operands[first + 2]);
    operation.swap = decoder.source(source.operands[first + 2], type);
  }
  if (!operation.has_result) return;
  const bool sink = source.operands[0].kind == ptx::Operand::Kind::kSink;
  if (sink) {
    operation.has_result = false;
    return;
  }
  const auto results = elements_of(decoder, source.operands[0], operation.elements);
  for (int element = 0; element < operation.elements; ++element) {
    const bool unused = results[element].kind == ptx::Operand::Kind::kSink;
    check(results[element]);
    operation.results[element] =
        unused ? decoder.scratch(bytes) : decoder.destination(results[element]);
  }
}

Instruction decode(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                   bool has_result) {
  auto operation = std::make_shared<AtomicOperation>();
  operation->has_result = has_result;
  operation->order = take_atomic_order(decoder, modifiers, has_result);
  operation->form.space = Decoder::take_space(modifiers);
  set_address(decoder, source, has_result ? 1 : 0, operation->form);
  operation->name = take_name(decoder, modifiers);
  const bool compares = operation->name == AtomicName::kCompareAndSwap;
  const bool exchanges = operation->name == AtomicName::kExchange;
  if (!has_result && (compares || exchanges)) decoder.fail("red has no .cas and no .exch");
  const bool noftz = modifiers.take("noftz");
  const bool has_hint = take_cache_hints(modifiers, false);
  operation->elements = take_vector(modifiers);
  const ptx::Type type = modifiers.need_type();
  operation->element_bytes = type.total_bits() / 8;
  operation->form.bytes = operation->elements * operation->element_bytes;
  operation->form.kind = AccessKind::kAtomic;
  operation->form.scope = operation->order.scope;
  check_form(decoder, *operation, type);
  check_policy(decoder, source, 2 + (has_result ? 1 : 0) + (compares ? 1 : 0), has_hint);
  Instruction instruction;
  instruction.handler = choose(decoder, *operation, type, noftz);
  instruction.kind = InstructionClass::kAtomic;
  instruction.own_poison = true;
  set_registers(decoder, source, *operation, type);
  if (operation->has_result) instruction.dst = operation->results[0];
  instruction.extra = std::move(operation);
  return instruction;
}

}  // namespace

Instruction decode_atom(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  return decode(decoder, source, modifiers, true);
}

Instruction decode_red(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  return decode(decoder, source, modifiers, false);
}

}  // namespace moe::simt
