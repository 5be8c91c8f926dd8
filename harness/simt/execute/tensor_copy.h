// cp.async.bulk.tensor and cp.reduce.async.bulk.tensor, tiled mode, as decoded.
// Source: PTX ISA 9.0, "Asynchronous Copy: Tensor copy".
#pragma once
#include <array>

#include "harness/simt/execute/bulk_copy.h"
#include "harness/simt/execute/cp_async_address.h"
#include "harness/simt/execute/tensor_map.h"

namespace moe::simt {

struct TensorForm : Extra {
  BulkWay way;
  int dims = 0;
  AddressOperand map, shared, mbarrier;
  std::array<Reg, kMostTensorDims> coordinates{};
  Reg mask = kNoReg;  // of .multicast::cluster
  bool reduces = false;
  AtomicName reduction{};
};

// Handlers.
Outcome run_tensor_copy(Warp& warp, const Instruction& at, LaneMask lanes);
Outcome run_tensor_prefetch(Warp& warp, const Instruction& at, LaneMask lanes);

}  // namespace moe::simt
