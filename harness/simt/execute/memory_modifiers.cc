// The modifiers that ld, st, atom and red share.
#include "harness/simt/execute/memory_modifiers.h"

#include <fmt/format.h>

namespace moe::simt {
namespace {

// Exactly one of the words may be there; -1: none.
int take_single(Decoder& decoder, Modifiers& modifiers,
                std::initializer_list<std::string_view> words) {
  const int found = modifiers.take_one_of(words);
  if (found >= 0 && modifiers.take_one_of(words) >= 0) decoder.fail("two memory orders");
  return found;
}

Scope need_scope(Decoder& decoder, Modifiers& modifiers) {
  const Scope scope = take_scope(modifiers);
  if (scope == Scope::kNone) decoder.fail("a scope is needed: .cta, .cluster, .gpu or .sys");
  return scope;
}

// `strong` is .acquire of a load or .release of a store.
MemoryOrder take_access_order(Decoder& decoder, Modifiers& modifiers, std::string_view strong,
                              bool MemoryOrder::*effect) {
  MemoryOrder order;
  const bool mmio = modifiers.take("mmio");
  switch (take_single(decoder, modifiers, {"weak", "volatile", "relaxed", strong})) {
    case 1:  // like .relaxed with system scope, and never merged
      order.scope = Scope::kDevice;
      break;
    case 2:
      order.scope = need_scope(decoder, modifiers);
      break;
    case 3:
      order.scope = need_scope(decoder, modifiers);
      order.*effect = true;
      break;
    default:
      break;
  }
  if (mmio && (order.scope != Scope::kDevice || order.*effect)) {
    decoder.fail(".mmio needs .relaxed.sys");
  }
  return order;
}

}  // namespace

void MemoryOperation::registers(std::vector<Reg>& read, std::vector<Reg>& written) const {
  read.push_back(form.base);
  std::vector<Reg>& side = form.kind == AccessKind::kRead ? written : read;
  side.insert(side.end(), values.begin(), values.begin() + elements);
}

Scope take_scope(Modifiers& modifiers) {
  switch (modifiers.take_one_of({"cta", "cluster", "gpu", "sys"})) {
    case 0:
      return Scope::kBlock;
    case 1:
      return Scope::kCluster;
    case 2:
    case 3:
      return Scope::kDevice;
    default:
      return Scope::kNone;
  }
}

MemoryOrder take_load_order(Decoder& decoder, Modifiers& modifiers) {
  return take_access_order(decoder, modifiers, "acquire", &MemoryOrder::acquire);
}

MemoryOrder take_store_order(Decoder& decoder, Modifiers& modifiers) {
  return take_access_order(decoder, modifiers, "release", &MemoryOrder::release);
}

MemoryOrder take_atomic_order(Decoder& decoder, Modifiers& modifiers, bool may_acquire) {
  MemoryOrder order;
  const int which = take_single(decoder, modifiers, {"relaxed", "release", "acquire", "acq_rel"});
  if (which >= 2 && !may_acquire) decoder.fail("red has no acquire semantics");
  order.release = which == 1 || which == 3;
  order.acquire = which >= 2;
  order.scope = take_scope(modifiers);
  if (order.scope == Scope::kNone) order.scope = Scope::kDevice;
  return order;
}

int take_vector(Modifiers& modifiers) {
  switch (modifiers.take_one_of({"v2", "v4", "v8"})) {
    case 0:
      return 2;
    case 1:
      return 4;
    case 2:
      return 8;
    default:
      return 1;
  }
}

bool take_cache_hints(Modifiers& modifiers, bool prefetches) {
  modifiers.take_one_of({"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first",
                         "L1::evict_last", "L1::no_allocate"});
  modifiers.take_one_of({"L2::evict_normal", "L2::evict_first", "L2::evict_last"});
  if (prefetches) modifiers.take_one_of({"L2::64B", "L2::128B", "L2::256B"});
  return modifiers.take("L2::cache_hint");
}

void set_address(Decoder& decoder, const ptx::Instruction& source, std::size_t at,
                 AccessForm& form) {
  if (source.operands.size() <= at) decoder.fail("an address is needed");
  const Decoder::Address address = decoder.address(source.operands[at]);
  form.base = address.base;
  form.narrow = address.narrow;
  form.offset = address.offset;
  if (address.space != ptx::Space::kGeneric) form.space = address.space;
}

int bits_of_register(const Decoder& decoder, const ptx::Operand& operand) {
  return decoder.is_register(operand) ? decoder.register_bits(operand) : 0;
}

std::vector<ptx::Operand> elements_of(Decoder& decoder, const ptx::Operand& operand, int count) {
  if (operand.kind != ptx::Operand::Kind::kVector) {
    if (count != 1) decoder.fail(fmt::format("{{...}} of {} elements is needed", count));
    return {operand};
  }
  if (static_cast<int>(operand.parts.size()) != count) {
    decoder.fail(fmt::format("{} elements in {{...}}, {} are needed", operand.parts.size(), count));
  }
  return operand.parts;
}

void check_policy(Decoder& decoder, const ptx::Instruction& source, std::size_t at, bool has_hint) {
  const std::size_t needed = at + (has_hint ? 1 : 0);
  if (source.operands.size() != needed) {
    decoder.fail(fmt::format("{} operands, {} are needed", source.operands.size(), needed));
  }
  if (has_hint) decoder.source(source.operands[at], {ptx::Type::Kind::kBits, 64});
}

bool seen_by_others(ptx::Space space) {
  return space == ptx::Space::kGlobal || space == ptx::Space::kShared ||
         space == ptx::Space::kGeneric;
}

}  // namespace moe::simt
