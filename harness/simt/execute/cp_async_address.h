// The address operands of asynchronous instructions, lane by lane, and the accesses made there.
#pragma once
#include <cstdint>

#include "harness/simt/machine/block.h"
#include "harness/simt/machine/decoder.h"
#include "harness/simt/machine/warp.h"

namespace moe::simt {

struct AddressOperand {
  Reg base = kNoReg;
  bool narrow = false;
  std::int64_t offset = 0;
  ptx::Space space = ptx::Space::kGeneric;
};

// `said`: the space the instruction names; a variable's own overrides it.
AddressOperand address_operand(Decoder& decoder, const ptx::Operand& operand, ptx::Space said);

// As it stands in the register, with the offset: generic, or in the operand's space.
std::uint64_t lane_address(Warp& warp, const AddressOperand& operand, int lane);

// The 32-bit shared address an operand names. Faults (kBadArgument) where a generic address lies
// elsewhere.
std::uint32_t shared_address(Warp& warp, const Instruction& at, const AddressOperand& operand,
                             int lane);

// The same, for operands that must lie in the executing block's own shared memory (.shared::cta).
std::uint32_t own_shared_address(Warp& warp, const Instruction& at, const AddressOperand& operand,
                                 int lane);

// The address to use from another block: with the rank of `block`, whose own address it is.
std::uint32_t with_rank(const Block& block, std::uint32_t address);

// Reports lanes whose register depends on values never written. `use`: what it is used as.
void need_defined(Warp& warp, const Instruction& at, LaneMask lanes, Reg reg, const char* use);

// Records an access of located bytes and reports what it races with.
void order_access(Block& block, const View& view, const Located& located, std::uint32_t bytes,
                  AccessKind kind, bool async_proxy, const Instruction& at,
                  Scope scope = Scope::kNone);

}  // namespace moe::simt
