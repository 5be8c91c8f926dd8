// Decodes cp.async.bulk.tensor, its reductions and prefetches.
#include <fmt/format.h>

#include "harness/simt/execute/memory_modifiers.h"
#include "harness/simt/execute/tensor_copy.h"

namespace moe::simt {
namespace {

// [map, {x, y ...}] and the .Nd before it.
void take_tensor(Decoder& decoder, Modifiers& modifiers, const ptx::Operand& operand,
                 TensorForm& form) {
  form.dims = 1 + modifiers.take_one_of({"1d", "2d", "3d", "4d", "5d"});
  modifiers.take("tile");
  for (const std::string& word : modifiers.words()) {
    if (word.starts_with("im2col") || word.starts_with("tile::") || word == "cta_group::2") {
      decoder.fail(fmt::format("tensor copies with .{} are not simulated", word));
    }
  }
  modifiers.take("cta_group::1");
  if (form.dims == 0 || operand.kind != ptx::Operand::Kind::kAddress || operand.parts.size() != 2 ||
      operand.parts[1].parts.size() != static_cast<std::size_t>(form.dims)) {
    decoder.fail("[map, {coordinates}] with as many coordinates as dimensions was expected");
  }
  form.map = address_operand(decoder, operand, ptx::Space::kGeneric);
  for (int dim = 0; dim < form.dims; ++dim) {
    form.coordinates[dim] = decoder.source(operand.parts[1].parts[dim], ptx::parse_type("s32"));
  }
}

}  // namespace

Instruction decode_tensor_copy(Decoder& decoder, const ptx::Instruction& source,
                               Modifiers& modifiers, bool reduces) {
  auto form = std::make_shared<TensorForm>();
  form->way = take_way(decoder, modifiers);
  const bool loads = form->way.direction == BulkDirection::kGlobalToShared;
  if (form->way.direction == BulkDirection::kSharedToShared) {
    decoder.fail("a tensor copy has one side in global memory");
  }
  if (reduces && loads) decoder.fail("a tensor reduction goes to global memory");
  form->reduces = reduces;
  if (reduces) form->reduction = take_reduction(decoder, modifiers);
  const bool multicast = loads && modifiers.take("multicast::cluster");
  const bool hint = take_cache_hints(modifiers, false);
  const std::vector<ptx::Operand>& operands = source.operands;
  const std::size_t expected = (loads ? 3u : 2u) + (multicast ? 1 : 0) + (hint ? 1 : 0);
  if (operands.size() != expected) {
    decoder.fail(fmt::format("{} operands where {} were expected", operands.size(), expected));
  }
  take_tensor(decoder, modifiers, operands[loads ? 1 : 0], *form);
  form->shared = address_operand(decoder, operands[loads ? 0 : 1], ptx::Space::kShared);
  if (loads) form->mbarrier = address_operand(decoder, operands[2], ptx::Space::kShared);
  if (multicast) form->mask = decoder.source(operands[3], ptx::parse_type("u16"));
  Instruction instruction;
  instruction.handler = run_tensor_copy;
  instruction.kind = InstructionClass::kAsyncCopy;
  instruction.src[0] = form->shared.base;
  instruction.src[1] = form->map.base;
  instruction.extra = std::move(form);
  return instruction;
}

Instruction decode_tensor_prefetch(Decoder& decoder, const ptx::Instruction& source,
                                   Modifiers& modifiers) {
  auto form = std::make_shared<TensorForm>();
  const bool hint = take_cache_hints(modifiers, false);
  if (!modifiers.take("L2") || !modifiers.take("global") ||
      source.operands.size() != (hint ? 2u : 1u)) {
    decoder.fail("cp.async.bulk.prefetch.tensor takes a map with coordinates");
  }
  take_tensor(decoder, modifiers, source.operands[0], *form);
  Instruction instruction;
  instruction.handler = run_tensor_prefetch;
  instruction.kind = InstructionClass::kAsyncCopy;
  instruction.src[0] = form->map.base;
  instruction.extra = std::move(form);
  return instruction;
}

}  // namespace moe::simt
