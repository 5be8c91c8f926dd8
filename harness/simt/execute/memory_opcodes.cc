// The opcodes of memory: loads, stores, atomics, fences, cache control.
#include "harness/simt/execute/atomics.h"
#include "harness/simt/execute/cache_control.h"
#include "harness/simt/execute/fences.h"
#include "harness/simt/execute/load_store.h"
#include "harness/simt/machine/decoder.h"

namespace moe::simt {
namespace {

// st.async, st.bulk and red.async are asynchronous operations: their family decodes them, under a
// name of their own in the table.
bool has_word(const Modifiers& modifiers, std::string_view wanted) {
  for (const std::string& word : modifiers.words()) {
    if (word == wanted) return true;
  }
  return false;
}

Instruction decode_elsewhere(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers,
                             std::string_view name) {
  const auto found = all_opcodes().find(name);
  if (found == all_opcodes().end()) decoder.fail("no such instruction is known here");
  return found->second(decoder, source, modifiers);
}

Instruction decode_any_store(Decoder& decoder, const ptx::Instruction& source,
                             Modifiers& modifiers) {
  if (has_word(modifiers, "async")) return decode_elsewhere(decoder, source, modifiers, "st.async");
  if (has_word(modifiers, "bulk")) return decode_elsewhere(decoder, source, modifiers, "st.bulk");
  return decode_store(decoder, source, modifiers);
}

Instruction decode_any_red(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  if (has_word(modifiers, "async"))
    return decode_elsewhere(decoder, source, modifiers, "red.async");
  return decode_red(decoder, source, modifiers);
}

}  // namespace

void add_memory_opcodes(OpcodeTable& table) {
  table["ld"] = decode_load;
  table["ldu"] = decode_uniform_load;
  table["st"] = decode_any_store;
  table["atom"] = decode_atom;
  table["red"] = decode_any_red;
  table["fence"] = decode_fence;
  table["membar"] = decode_membar;
  table["prefetch"] = decode_prefetch;
  table["prefetchu"] = decode_prefetchu;
  table["applypriority"] = decode_applypriority;
  table["discard"] = decode_discard;
  table["createpolicy"] = decode_createpolicy;
}

}  // namespace moe::simt
