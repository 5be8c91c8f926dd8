// Shuffles, votes, matches and reductions against their definitions (PTX ISA 9.0, shfl.sync,
// vote.sync, match.sync, redux.sync), lane by lane.
#include <algorithm>
#include <numeric>

#include "harness/simt/cuda_tests/kernels/warp.cuh"
#include "harness/simt/cuda_tests/support/case.h"
#include "harness/simt/cuda_tests/support/compare.h"
#include "harness/simt/cuda_tests/support/device_array.h"

namespace moe::simt::cuda_tests::warp {
namespace {

std::vector<int> values() { return Numbers(11).integers(32, 200); }

// The lanes of `lanes` for which `holds` is true, as bits.
template <class Holds>
unsigned lanes_that(unsigned lanes, Holds&& holds) {
  unsigned bits = 0;
  for (int lane = 0; lane < 32; ++lane) {
    if ((lanes >> lane & 1u) != 0 && holds(lane)) bits |= 1u << lane;
  }
  return bits;
}

std::string votes() {
  const std::vector<int> v = values();
  DeviceArray<int> x(v);
  DeviceArray<unsigned> out(8 * 32);
  kernels::warp_votes<<<1, 32>>>(x, out);
  finish_launch();

  const unsigned all = ~0u;
  std::vector<unsigned> want(8 * 32);
  for (int lane = 0; lane < 32; ++lane) {
    want[0 * 32 + lane] = lanes_that(all, [&](int i) { return v[i] % 3 == 0; });
    want[1 * 32 + lane] = lanes_that(all, [&](int i) { return v[i] == 7; }) != 0;
    want[2 * 32 + lane] = 1;
    want[3 * 32 + lane] = lanes_that(all, [&](int i) { return v[i] % 5 == v[lane] % 5; });
    want[4 * 32 + lane] = 0;  // the values differ
    want[5 * 32 + lane] = all;
    want[6 * 32 + lane] = 1;
    want[7 * 32 + lane] =
        lane < 16 ? lanes_that(0xffffu, [&](int i) { return v[i] % 2 == 1; })
                  : lanes_that(0xffff0000u, [&](int i) { return v[i] % 4 == v[lane] % 4; });
  }
  return same(out.get(), want);
}

std::string shuffles() {
  const std::vector<int> v = values();
  DeviceArray<int> x(v), out(8 * 32);
  kernels::warp_shuffles<<<1, 32>>>(x, out);
  finish_launch();

  std::vector<int> want(8 * 32);
  for (int lane = 0; lane < 32; ++lane) {
    want[0 * 32 + lane] = v[5];
    want[1 * 32 + lane] = v[lane * 7 % 32];
    want[2 * 32 + lane] = lane < 3 ? v[lane] : v[lane - 3];
    want[3 * 32 + lane] = lane + 6 > 31 ? v[lane] : v[lane + 6];
    want[4 * 32 + lane] = v[lane ^ 21];
    want[5 * 32 + lane] = v[lane / 8 * 8 + (lane + 1) % 8];
    want[6 * 32 + lane] = lane % 4 < 2 ? v[lane] : v[lane - 2];
    want[7 * 32 + lane] = lane % 16 == 15 ? v[lane] : v[lane + 1];
  }
  return same(out.get(), want);
}

std::string reductions() {
  const std::vector<int> v = values();
  DeviceArray<int> x(v), out(8 * 32);
  kernels::warp_reductions<<<1, 32>>>(x, out);
  finish_launch();

  int all_bits = ~0, any_bits = 0, parity = 0, odd_lanes = 0;
  for (int lane = 0; lane < 32; ++lane) {
    all_bits &= v[lane] | 0xff00;
    any_bits |= v[lane];
    parity ^= v[lane];
    if (lane % 2 == 1) odd_lanes += v[lane];
  }
  const int sum = std::accumulate(v.begin(), v.end(), 0);
  const auto [smallest, largest] = std::minmax_element(v.begin(), v.end());
  const int each[7] = {sum, *smallest, *largest, *largest, all_bits, any_bits, parity};
  std::vector<int> want;
  for (int value : each) want.insert(want.end(), 32, value);
  for (int lane = 0; lane < 32; ++lane) want.push_back(lane % 2 == 1 ? odd_lanes : 0);
  return same(out.get(), want);
}

std::string block_sum() {
  const std::vector<float> v = Numbers(12).floats(1000);
  DeviceArray<float> x(v);
  auto out = DeviceArray<float>::zeros(1);
  kernels::block_sum<96><<<3, 96>>>(x, 1000, out);
  finish_launch();
  double sum = 0, magnitude = 0;
  for (float each : v) {
    sum += each;
    magnitude += std::fabs(each);
  }
  return near(out.get(), {sum}, {30 * kFloatUnit * magnitude});  // 30 additions on any path
}

std::string sum_by_reduce_add() {
  const std::vector<int> v = Numbers(13).integers(700, 1000);
  DeviceArray<int> x(v);
  auto out = DeviceArray<int>::zeros(1);
  kernels::sum_by_reduce_add<<<2, 96>>>(x, 700, out);
  finish_launch();
  return same(out.get(), {std::accumulate(v.begin(), v.end(), 0)});
}

}  // namespace

Cases cases() {
  return {{"Votes", {}, {}, votes},
          {"Shuffles", {}, {}, shuffles},
          {"Reductions", {}, {}, reductions},
          {"BlockSum", {}, {}, block_sum},
          {"ReduceAddSync", {}, {}, sum_by_reduce_add}};
}

}  // namespace moe::simt::cuda_tests::warp
