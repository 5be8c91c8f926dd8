// st.async and red.async: a store or reduction in the cluster's shared memory whose end an mbarrier
// is told. Source: PTX ISA 9.0, "st.async", "red.async".
#include <array>
#include <cstring>

#include "harness/simt/execute/bulk_copy.h"
#include "harness/simt/execute/cluster.h"
#include "harness/simt/execute/cp_async_address.h"
#include "harness/simt/execute/memory_modifiers.h"

namespace moe::simt {
namespace {

struct StoreForm : Extra {
  AddressOperand to, mbarrier;
  int elements = 1;
  int element_bytes = 4;
  std::array<Reg, 4> values{};
  BulkReduction reduction;
};

// The lane's elements side by side; whether all are defined.
bool gather(Warp& warp, const StoreForm& form, int lane, std::byte* bytes) {
  bool defined = true;
  for (int i = 0; i < form.elements; ++i) {
    const Reg reg = form.values[i];
    const std::uint64_t value = form.element_bytes == 8 ? warp.value<std::uint64_t>(reg)[lane]
                                                        : warp.value<std::uint32_t>(reg)[lane];
    std::memcpy(bytes + i * form.element_bytes, &value, form.element_bytes);
    defined = defined && !has_lane(warp.poison(reg), lane);
  }
  return defined;
}

Outcome run_store(Warp& warp, const Instruction& at, LaneMask lanes) {
  const auto& form = at.as<StoreForm>();
  need_defined(warp, at, lanes, form.to.base, "the address of an asynchronous store");
  need_defined(warp, at, lanes, form.mbarrier.base, "the address of an mbarrier");
  const auto bytes = static_cast<std::uint32_t>(form.elements * form.element_bytes);
  for_each_lane(lanes, [&](int lane) {
    const int thread = warp.first_thread() + lane;
    const std::uint32_t to = shared_address(warp, at, form.to, lane);
    const std::uint32_t mbarrier = shared_address(warp, at, form.mbarrier, lane);
    std::uint32_t offset = 0;
    if (&warp.block.block_of(to, &offset) != &warp.block.block_of(mbarrier, &offset)) {
      warp.block.fault(
          Check::kBadArgument, thread, at,
          "the mbarrier does not lie in the same block's shared memory as the destination");
    }
    std::array<std::byte, 32> value{};
    const bool defined = gather(warp, form, lane, value.data());
    auto transfer = std::make_shared<BulkTransfer>(warp.block, thread, at, form.reduction, false);
    const Located located = transfer->destination(to, ptx::Space::kShared, bytes, bytes);
    transfer->add_value(located, value.data(), bytes, defined);
    transfer->start_for_mbarriers({mbarrier}, bytes);
  });
  return Outcome::kNext;
}

Instruction decode(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                   bool reduces) {
  auto form = std::make_shared<StoreForm>();
  modifiers.take("async");
  if (reduces) {
    if (!modifiers.take("relaxed") || !modifiers.take("cluster")) {
      decoder.fail("red.async is .relaxed.cluster");
    }
  } else {
    modifiers.take("weak");
  }
  modifiers.take("shared::cluster");
  if (!modifiers.take("mbarrier::complete_tx::bytes")) {
    decoder.fail("only the forms with .mbarrier::complete_tx::bytes are simulated");
  }
  form->elements = reduces ? 1 : take_vector(modifiers);
  AtomicName reduction{};
  if (reduces) reduction = take_reduction(decoder, modifiers);
  const ptx::Type type = modifiers.need_type();
  form->element_bytes = type.total_bits() / 8;
  const bool is_known =
      (form->element_bytes == 4 || form->element_bytes == 8) && form->elements <= 4;
  if (!is_known || source.operands.size() != 3) decoder.fail("an unknown form");
  if (reduces) {
    const auto found = bulk_reduction(reduction, type);
    if (!found || type.kind == ptx::Type::Kind::kFloat) decoder.fail("no such reduction exists");
    form->reduction = *found;
  }
  form->to = address_operand(decoder, source.operands[0], ptx::Space::kShared);
  const auto elements = elements_of(decoder, source.operands[1], form->elements);
  for (int i = 0; i < form->elements; ++i) form->values[i] = decoder.source(elements[i], type);
  form->mbarrier = address_operand(decoder, source.operands[2], ptx::Space::kShared);
  Instruction instruction;
  instruction.handler = run_store;
  instruction.kind = InstructionClass::kAsyncCopy;
  instruction.src[0] = form->to.base;
  instruction.src[1] = form->mbarrier.base;
  instruction.extra = std::move(form);
  return instruction;
}

}  // namespace

void add_cluster_store_opcodes(OpcodeTable& table) {
  table["st.async"] = [](Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
    return decode(decoder, source, modifiers, false);
  };
  table["red.async"] = [](Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
    return decode(decoder, source, modifiers, true);
  };
}

}  // namespace moe::simt
