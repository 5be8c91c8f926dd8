// cp.async.bulk and cp.reduce.async.bulk. Source: PTX ISA 9.0, "Asynchronous Copy: Bulk copy".
#pragma once
#include <optional>

#include "harness/simt/execute/bulk_copy_transfer.h"
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

// The modifiers `async` and `bulk` (and `reduce`) are taken already; not the .tensor forms.
Instruction decode_bulk_copy(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                             bool reduces);
Instruction decode_bulk_commit(Decoder& decoder, const ptx::Instruction& source);
Instruction decode_bulk_wait(Decoder& decoder, const ptx::Instruction& source,
                             Modifiers& modifiers);
Instruction decode_bulk_prefetch(Decoder& decoder, const ptx::Instruction& source,
                                 Modifiers& modifiers);

// .tensor forms of both.
Instruction decode_tensor_copy(Decoder& decoder, const ptx::Instruction& source,
                               Modifiers& modifiers, bool reduces);
Instruction decode_tensor_prefetch(Decoder& decoder, const ptx::Instruction& source,
                                   Modifiers& modifiers);

// .add, .min ... of a reduction.
AtomicName take_reduction(Decoder& decoder, Modifiers& modifiers);
// The operation on elements of a type; nothing where the ISA has none.
std::optional<BulkReduction> bulk_reduction(AtomicName name, ptx::Type type);

// Which way a copy goes and how its end is told.
enum class BulkDirection : std::uint8_t { kGlobalToShared, kSharedToShared, kSharedToGlobal };
struct BulkWay {
  BulkDirection direction{};
  bool own_destination = false;  // .shared::cta: not of another block
};
// Takes two spaces (destination, source) and the completion mechanism that goes with them.
BulkWay take_way(Decoder& decoder, Modifiers& modifiers);

// The addresses that a shared address stands for in each block of a multicast mask. Faults for a
// mask that names blocks outside the cluster, or none.
std::vector<std::uint32_t> multicast_addresses(Warp& warp, const Instruction& at, int lane,
                                               std::uint32_t address, std::uint32_t mask);

// cp and its families: cp.async, cp.async.bulk, cp.reduce.async.bulk.
void add_copy_opcodes(OpcodeTable& table);

}  // namespace moe::simt
