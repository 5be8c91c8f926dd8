// Sums and names of counters.
#include "harness/simt/machine/counters.h"

#include <stdexcept>

namespace moe::simt {
namespace {

void add_traffic(Counters::Traffic& to, const Counters::Traffic& more) {
  to.requests += more.requests;
  to.bytes += more.bytes;
  to.sectors += more.sectors;
  to.ideal += more.ideal;
}

}  // namespace

void Counters::add(const Counters& other) {
  for (std::size_t i = 0; i < warp_instructions.size(); ++i) {
    warp_instructions[i] += other.warp_instructions[i];
    thread_instructions[i] += other.thread_instructions[i];
  }
  add_traffic(global_load, other.global_load);
  add_traffic(global_store, other.global_store);
  add_traffic(shared_load, other.shared_load);
  add_traffic(shared_store, other.shared_store);
  add_traffic(local_load, other.local_load);
  add_traffic(local_store, other.local_store);
  global_atomics += other.global_atomics;
  shared_atomics += other.shared_atomics;
  async_copy_bytes += other.async_copy_bytes;
  mma += other.mma;
  wgmma += other.wgmma;
  multiply_adds += other.multiply_adds;
  barriers += other.barriers;
  divergent_branches += other.divergent_branches;
  blocks += other.blocks;
}

std::string_view name_of(InstructionClass kind) {
  switch (kind) {
    case InstructionClass::kInteger:
      return "integer";
    case InstructionClass::kFloat:
      return "float";
    case InstructionClass::kHalf:
      return "half";
    case InstructionClass::kDouble:
      return "double";
    case InstructionClass::kConversion:
      return "conversion";
    case InstructionClass::kPredicate:
      return "predicate";
    case InstructionClass::kMove:
      return "move";
    case InstructionClass::kControl:
      return "control";
    case InstructionClass::kBarrier:
      return "barrier";
    case InstructionClass::kShuffle:
      return "shuffle";
    case InstructionClass::kLoad:
      return "load";
    case InstructionClass::kStore:
      return "store";
    case InstructionClass::kAtomic:
      return "atomic";
    case InstructionClass::kAsyncCopy:
      return "async_copy";
    case InstructionClass::kTensorLoad:
      return "tensor_load";
    case InstructionClass::kTensorProduct:
      return "tensor_product";
    case InstructionClass::kFence:
      return "fence";
    case InstructionClass::kOther:
      return "other";
    case InstructionClass::kCount:
      break;
  }
  throw std::logic_error("name_of: not an instruction class");
}

}  // namespace moe::simt
