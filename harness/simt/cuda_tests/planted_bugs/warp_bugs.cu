// Lanes that rely on running in step, or on lanes that are not there.
#include "harness/simt/cuda_tests/kernels/ptx.cuh"
#include "harness/simt/cuda_tests/kernels/warp_sums.cuh"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"
#include "harness/simt/cuda_tests/support/planted_bug.h"

namespace moe::simt::cuda_tests::warp {
namespace {

using kernels::kWholeWarp;

template <bool kBroken>
__global__ void missing_syncwarp(const int* x, int* out) {
  __shared__ int tile[32];
  tile[threadIdx.x] = x[threadIdx.x];
  if (!kBroken) __syncwarp();
  out[threadIdx.x] = tile[threadIdx.x ^ 1];
}

// A shuffle makes the lanes meet; it orders no memory.
template <bool kBroken>
__global__ void shuffle_as_fence(const int* x, int* out) {
  __shared__ int tile[32];
  tile[threadIdx.x] = x[threadIdx.x];
  const int first = __shfl_sync(kWholeWarp, x[threadIdx.x], 0);
  if (!kBroken) __syncwarp();
  out[threadIdx.x] = tile[threadIdx.x ^ 1] + 0 * first;
}

// The mask names lanes that are elsewhere.
template <bool kBroken>
__global__ void shuffle_names_absent_lanes(const int* x, int* out) {
  int value = x[threadIdx.x];
  if (threadIdx.x < 16) value = __shfl_sync(kBroken ? kWholeWarp : 0xffffu, value, 3);
  __syncwarp();
  out[threadIdx.x] = value;
}

// Lanes take part that the mask does not name.
template <bool kBroken>
__global__ void shuffle_by_unnamed_lanes(const int* x, int* out) {
  out[threadIdx.x] = __shfl_sync(kBroken ? 0xffffu : kWholeWarp, x[threadIdx.x], 3);
}

// The lane whose value is asked for does not take part.
template <bool kBroken>
__global__ void shuffle_from_absent_lane(const int* x, int* out) {
  int value = x[threadIdx.x];
  if (threadIdx.x < 16) value = __shfl_sync(0xffffu, value, kBroken ? 20 : 3);
  out[threadIdx.x] = value;
}

// The vote of a loop's condition where some lanes have already left the loop.
template <bool kBroken>
__global__ void vote_after_lanes_left(const int* x, int* out) {
  int rounds = x[threadIdx.x] % 4;
  unsigned voted = 0;
  if constexpr (kBroken) {
    while (rounds > 0) {
      voted |= __ballot_sync(kWholeWarp, rounds == 1);
      --rounds;
    }
  } else {
    while (__any_sync(kWholeWarp, rounds > 0)) {
      voted |= __ballot_sync(kWholeWarp, rounds == 1);
      --rounds;
    }
  }
  __syncwarp();
  out[threadIdx.x] = static_cast<int>(voted);
}

// ldmatrix takes row addresses from lanes in order; two lanes swapped are two rows swapped.
template <bool kBroken>
__global__ void swapped_ldmatrix_rows(const uint4* x, std::uint32_t* out) {
  __shared__ __align__(16) uint4 rows[32];
  rows[threadIdx.x] = x[threadIdx.x];
  __syncwarp();
  std::uint32_t r[4];
  kernels::load_matrices(r, &rows[kBroken ? threadIdx.x ^ 1 : threadIdx.x]);
  for (int i = 0; i < 4; ++i) out[threadIdx.x * 4 + i] = r[i];
}

// ---- programs ----------------------------------------------------------------------------------

std::vector<int> input() { return Numbers(211).integers(32, 100); }

// out[lane] = want(values, lane)
template <class Want>
std::string one_warp(void (*kernel)(const int*, int*), Want&& want_of) {
  const std::vector<int> v = input();
  DeviceArray<int> x(v), out(32);
  kernel<<<1, 32>>>(x, out);
  finish_launch();
  std::vector<int> want(32);
  for (int lane = 0; lane < 32; ++lane) want[lane] = want_of(v, lane);
  return same(out.get(), want);
}

int neighbour(const std::vector<int>& v, int lane) { return v[lane ^ 1]; }
int third_in_lower_half(const std::vector<int>& v, int lane) { return lane < 16 ? v[3] : v[lane]; }
int third(const std::vector<int>& v, int) { return v[3]; }
int lanes_with_a_round(const std::vector<int>& v, int) {
  unsigned lanes = 0;
  for (int lane = 0; lane < 32; ++lane) lanes |= v[lane] % 4 > 0 ? 1u << lane : 0u;
  return static_cast<int>(lanes);
}

template <bool kBroken>
std::string syncwarp() {
  return one_warp(missing_syncwarp<kBroken>, neighbour);
}
template <bool kBroken>
std::string shuffle_fence() {
  return one_warp(shuffle_as_fence<kBroken>, neighbour);
}
template <bool kBroken>
std::string absent_lanes() {
  return one_warp(shuffle_names_absent_lanes<kBroken>, third_in_lower_half);
}
template <bool kBroken>
std::string unnamed_lanes() {
  return one_warp(shuffle_by_unnamed_lanes<kBroken>, third);
}
template <bool kBroken>
std::string absent_source() {
  return one_warp(shuffle_from_absent_lane<kBroken>, third_in_lower_half);
}
template <bool kBroken>
std::string vote_in_loop() {
  return one_warp(vote_after_lanes_left<kBroken>, lanes_with_a_round);
}

template <bool kBroken>
std::string ldmatrix_rows() {
  Numbers numbers(212);
  std::vector<std::uint16_t> v(256);
  for (auto& each : v) each = static_cast<std::uint16_t>(numbers.bits());
  std::vector<uint4> rows(32);
  memcpy(rows.data(), v.data(), 512);
  DeviceArray<uint4> x(rows);
  DeviceArray<std::uint32_t> out(128);
  swapped_ldmatrix_rows<kBroken><<<1, 32>>>(x, out);
  finish_launch();
  std::vector<std::uint32_t> want;
  for (int lane = 0; lane < 32; ++lane) {
    for (int m = 0; m < 4; ++m) {
      const std::uint16_t* pair = &v[m * 64 + lane / 4 * 8 + lane % 4 * 2];
      want.push_back(pair[0] | static_cast<std::uint32_t>(pair[1]) << 16);
    }
  }
  return same(out.get(), want);
}

}  // namespace

PlantedBugs bugs() {
  const FoundBy natural = FoundBy::kNaturalOrder;
  return {
      {"missing __syncwarp", natural, {Check::kSharedRace}, {}, syncwarp<true>, syncwarp<false>},
      {"shuffle as a fence",
       natural,
       {Check::kSharedRace},
       {},
       shuffle_fence<true>,
       shuffle_fence<false>},
      {"shuffle names absent lanes",
       natural,
       {Check::kDivergence, Check::kDeadlock},
       {},
       absent_lanes<true>,
       absent_lanes<false>},
      {"shuffle by lanes the mask does not name",
       natural,
       {Check::kDivergence},
       {},
       unnamed_lanes<true>,
       unnamed_lanes<false>},
      {"shuffle from an absent lane",
       natural,
       {Check::kDivergence, Check::kUninitialised},
       {},
       absent_source<true>,
       absent_source<false>},
      {"vote after lanes left the loop",
       natural,
       {Check::kDivergence, Check::kDeadlock},
       {},
       vote_in_loop<true>,
       vote_in_loop<false>},
      {"swapped rows of ldmatrix",
       FoundBy::kValues,
       {},
       {},
       ldmatrix_rows<true>,
       ldmatrix_rows<false>},
  };
}

}  // namespace moe::simt::cuda_tests::warp
