// Address operands of asynchronous instructions.
#include "harness/simt/execute/cp_async_address.h"

#include <fmt/format.h>

#include "harness/simt/machine/warp_access.h"

namespace moe::simt {

AddressOperand address_operand(Decoder& decoder, const ptx::Operand& operand, ptx::Space said) {
  const Decoder::Address address = decoder.address(operand);
  const ptx::Space space = address.space == ptx::Space::kGeneric ? said : address.space;
  return {address.base, address.narrow, address.offset, space};
}

std::uint64_t lane_address(Warp& warp, const AddressOperand& operand, int lane) {
  const std::uint64_t base = operand.narrow ? warp.value<std::uint32_t>(operand.base)[lane]
                                            : warp.value<std::uint64_t>(operand.base)[lane];
  return base + static_cast<std::uint64_t>(operand.offset);
}

std::uint32_t shared_address(Warp& warp, const Instruction& at, const AddressOperand& operand,
                             int lane) {
  const std::uint64_t address = lane_address(warp, operand, lane);
  if (operand.space == ptx::Space::kShared) return static_cast<std::uint32_t>(address);
  if (operand.space != ptx::Space::kGeneric || address >> 32 != kSharedWindow >> 32) {
    warp.block.fault(Check::kBadArgument, warp.first_thread() + lane, at,
                     fmt::format("the address {:#x} does not lie in shared memory", address));
  }
  return static_cast<std::uint32_t>(address);
}

std::uint32_t own_shared_address(Warp& warp, const Instruction& at, const AddressOperand& operand,
                                 int lane) {
  const std::uint32_t address = shared_address(warp, at, operand, lane);
  const std::uint32_t tag = address >> kSharedOffsetBits;
  if (tag != 0 && tag != warp.block.rank + 1) {
    warp.block.fault(Check::kBadArgument, warp.first_thread() + lane, at,
                     fmt::format("the shared address belongs to block {} of the cluster, and the "
                                 "operand must lie in the executing block's own",
                                 tag - 1));
  }
  return address;
}

std::uint32_t with_rank(const Block& block, std::uint32_t address) {
  constexpr std::uint32_t kOffset = (1u << kSharedOffsetBits) - 1;
  return (block.rank + 1) << kSharedOffsetBits | (address & kOffset);
}

void need_defined(Warp& warp, const Instruction& at, LaneMask lanes, Reg reg, const char* use) {
  if (const LaneMask poisoned = warp.poison(reg) & lanes; poisoned != 0) {
    report_poison(warp, at, poisoned, use);
  }
}

void order_access(Block& block, const View& view, const Located& located, std::uint32_t bytes,
                  AccessKind kind, bool async_proxy, const Instruction& at, Scope scope) {
  const Conflict conflict = block.order(view, located, bytes, kind, scope, async_proxy, at);
  if (conflict.found) block.report_conflict(conflict, view, located, kind, at);
}

}  // namespace moe::simt
