// The modifiers that ld, st, atom and red share: strength, scope, cache hints, vector size.
// Source: PTX ISA 9.0, "ld", "st", "atom", "red" and "Cache Operators"; checked against ptxas 13.0.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "harness/simt/machine/decoder.h"
#include "harness/simt/machine/warp_access.h"

namespace moe::simt {

inline constexpr int kMaxElements = 8;  // of .v8

// How strong an access is in the memory consistency model.
struct MemoryOrder {
  Scope scope = Scope::kNone;  // kNone: weak
  bool acquire = false;
  bool release = false;
};

// A load, store or atomic as its handler needs it. `values` are the registers of the elements:
// where a load writes, what a store or an atomic's second operand reads.
struct MemoryOperation : Extra {
  AccessForm form;
  MemoryOrder order;
  int elements = 1;
  int element_bytes = 0;
  std::array<Reg, kMaxElements> values{};
  // Of a store: the source is a 64-bit register, cut to 32 or fewer.
  std::array<bool, kMaxElements> wide{};

  void registers(std::vector<Reg>& read, std::vector<Reg>& written) const override;
};

// `.cta` `.cluster` `.gpu` `.sys`; kNone if there is none. (.sys is kDevice: there is one device.)
Scope take_scope(Modifiers& modifiers);

// .weak .volatile .relaxed .acquire (ld) .release (st) .mmio, with their scope.
MemoryOrder take_load_order(Decoder& decoder, Modifiers& modifiers);
MemoryOrder take_store_order(Decoder& decoder, Modifiers& modifiers);
// .relaxed (the default) .acquire .release .acq_rel and a scope (default .gpu); red has no acquire.
MemoryOrder take_atomic_order(Decoder& decoder, Modifiers& modifiers, bool may_acquire);

// 1, or N of .vN.
int take_vector(Modifiers& modifiers);

// Eviction priorities, prefetch sizes and `.L2::cache_hint`: true for the last, which brings a
// 64-bit operand. They change nothing that a kernel can see.
bool take_cache_hints(Modifiers& modifiers, bool prefetches);

// Operand number `at`, an address, into `form`: base, width, offset, and the space of a symbol.
void set_address(Decoder& decoder, const ptx::Instruction& source, std::size_t at,
                 AccessForm& form);

// The declared size of a register; 0 when the operand is none.
int bits_of_register(const Decoder& decoder, const ptx::Operand& operand);

// The elements of an operand: its parts if `count` > 1 (must be that many), else itself.
std::vector<ptx::Operand> elements_of(Decoder& decoder, const ptx::Operand& operand, int count);

// The cache policy of `.L2::cache_hint` is operand `at`; checks that there is exactly it, or
// nothing.
void check_policy(Decoder& decoder, const ptx::Instruction& source, std::size_t at, bool has_hint);

// Shared and global memory may be seen by others: changing them is progress.
bool seen_by_others(ptx::Space space);

}  // namespace moe::simt
