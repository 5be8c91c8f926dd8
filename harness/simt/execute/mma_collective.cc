// The warp-wide rendezvous and the operand vectors of tensor instructions.
#include "harness/simt/execute/mma_collective.h"

#include <fmt/format.h>

#include <bit>

#include "harness/simt/machine/block.h"

namespace moe::simt {
namespace {

void need_vector(Decoder& decoder, const ptx::Operand& operand, std::size_t count,
                 const char* name) {
  if (operand.kind != ptx::Operand::Kind::kVector) {
    decoder.fail(fmt::format("operand {} must be a vector {{...}} of {} registers", name, count));
  }
  if (operand.parts.size() != count) {
    decoder.fail(fmt::format("operand {} has {} registers, this shape and type need {}", name,
                             operand.parts.size(), count));
  }
}

}  // namespace

bool collect_warp(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  if (!collect(warp, instruction, lanes, kAllLanes)) return false;
  if (warp.exited != 0) {
    warp.block.report(
        Check::kDivergence, warp.first_thread() + std::countr_zero(lanes), instruction,
        fmt::format("{} lanes of the warp have exited (or the block has no threads for "
                    "them); all 32 must execute this instruction",
                    std::popcount(warp.exited)));
  }
  return true;
}

std::vector<Reg> vector_sources(Decoder& decoder, const ptx::Operand& operand, std::size_t count,
                                ptx::Type type, const char* name) {
  need_vector(decoder, operand, count, name);
  std::vector<Reg> registers;
  for (const ptx::Operand& part : operand.parts) registers.push_back(decoder.source(part, type));
  return registers;
}

std::vector<Reg> vector_destinations(Decoder& decoder, const ptx::Operand& operand,
                                     std::size_t count, const char* name) {
  need_vector(decoder, operand, count, name);
  std::vector<Reg> registers;
  for (const ptx::Operand& part : operand.parts) registers.push_back(decoder.destination(part));
  return registers;
}

void take_sync_aligned(Decoder& decoder, Modifiers& modifiers) {
  if (!modifiers.take("sync") || !modifiers.take("aligned")) {
    decoder.fail("needs the modifiers .sync.aligned");
  }
}

}  // namespace moe::simt
