// griddepcontrol, and where the asynchronous opcodes join the table.
#include "harness/simt/execute/bulk_copy.h"
#include "harness/simt/execute/cluster.h"
#include "harness/simt/execute/mbarrier.h"
#include "harness/simt/machine/decoder.h"

namespace moe::simt {
namespace {

Outcome run_nothing(Warp&, const Instruction&, LaneMask) { return Outcome::kNext; }

// Kernels run one after another, so the grids before this one are complete and their writes are
// seen: wait has nothing to wait for, and launch_dependents nobody to let go. Source: PTX ISA 9.0,
// "griddepcontrol".
Instruction decode_griddepcontrol(Decoder& decoder, const ptx::Instruction& source,
                                  Modifiers& modifiers) {
  if (modifiers.take_one_of({"launch_dependents", "wait"}) < 0 || !source.operands.empty()) {
    decoder.fail("griddepcontrol.launch_dependents or .wait was expected");
  }
  Instruction instruction;
  instruction.handler = run_nothing;
  instruction.kind = InstructionClass::kControl;
  return instruction;
}

}  // namespace

void add_async_opcodes(OpcodeTable& table) {
  add_copy_opcodes(table);
  add_mbarrier_opcodes(table);
  add_cluster_address_opcodes(table);
  add_cluster_store_opcodes(table);
  table["griddepcontrol"] = decode_griddepcontrol;
}

}  // namespace moe::simt
