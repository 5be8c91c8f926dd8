// Instructions of thread block clusters: addresses in other blocks' shared memory, the cluster's
// barrier, stores and reductions that signal an mbarrier.
#pragma once
#include "harness/simt/machine/decoder.h"

namespace moe::simt {

// barrier.cluster.arrive and .wait; the modifier `cluster` is taken already.
Instruction decode_cluster_barrier(Decoder& decoder, const ptx::Instruction& source,
                                   Modifiers& modifiers);

// mapa, getctarank.
void add_cluster_address_opcodes(OpcodeTable& table);
// st.async and red.async, as table["st.async"] and table["red.async"].
void add_cluster_store_opcodes(OpcodeTable& table);

}  // namespace moe::simt
