// Blocks of a cluster that reach into each other's shared memory too early or too late. sm_90 and
// later.
#include "harness/simt/cuda_tests/kernels/bulk_copy.cuh"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"
#include "harness/simt/cuda_tests/support/planted_bug.h"

namespace moe::simt::cuda_tests::cluster {
namespace {

// compute_80 has no clusters; there the kernel is empty and not launched.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
#define MOE_CLUSTER_OF_2
#else
#define MOE_CLUSTER_OF_2 __cluster_dims__(2)
#endif

enum class Defect { kNone, kReadsTooEarly, kPeerMayBeGone, kAddressNotMapped };

// Each of two blocks reads what the other one has put down.
template <Defect kDefect>
__global__ void MOE_CLUSTER_OF_2 exchange(const int* x, int* out) {
#if __CUDA_ARCH__ >= 900
  __shared__ int mine[32];
  mine[threadIdx.x] = x[blockIdx.x * 32 + threadIdx.x];
  if (kDefect != Defect::kReadsTooEarly) kernels::cluster_sync();
  const std::uint32_t other = kernels::cluster_rank() ^ 1u;
  const std::uint32_t from = kDefect == Defect::kAddressNotMapped
                                 ? kernels::shared_address(&mine[threadIdx.x])
                                 : kernels::map_shared(&mine[threadIdx.x], other);
  out[blockIdx.x * 32 + threadIdx.x] = kernels::load_remote(from);
  if (kDefect != Defect::kPeerMayBeGone) kernels::cluster_sync();
#endif
}

template <Defect kDefect>
std::string run() {
  const std::vector<int> v = Numbers(291).integers(4 * 32, 1000);
  DeviceArray<int> x(v), out(4 * 32);
  exchange<kDefect><<<4, 32>>>(x, out);
  finish_launch();
  std::vector<int> want(4 * 32);
  for (int i = 0; i < 4 * 32; ++i) want[i] = v[i ^ 32];
  return same(out.get(), want);
}

}  // namespace

PlantedBugs bugs() {
  const auto twin = run<Defect::kNone>;
  return {
      {"no cluster barrier before reading the peer's shared memory",
       FoundBy::kNaturalOrder,
       {Check::kSharedRace, Check::kUninitialised},
       Needs::kHopper,
       run<Defect::kReadsTooEarly>,
       twin},
      {"peer's shared memory read after the peer may have exited",
       FoundBy::kSchedules,
       {Check::kOutOfBounds, Check::kUseAfterFree, Check::kBarrier, Check::kSharedRace},
       Needs::kHopper,
       run<Defect::kPeerMayBeGone>,
       twin},
      {"shared address not mapped to the peer",
       FoundBy::kValues,
       {},
       Needs::kHopper,
       run<Defect::kAddressNotMapped>,
       twin},
  };
}

}  // namespace moe::simt::cuda_tests::cluster
