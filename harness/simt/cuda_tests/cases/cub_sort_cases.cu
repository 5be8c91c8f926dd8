// CUB's device-wide radix sort, unmodified.
#include <algorithm>
#include <cub/device/device_radix_sort.cuh>
#include <numeric>

#include "harness/simt/cuda_tests/cases/cub_cases.h"
#include "harness/simt/cuda_tests/support/case.h"

namespace moe::simt::cuda_tests::cub_sort {
namespace {

// Sorts by bits [begin, end) of the key; what is equal there keeps its order.
template <class Key>
std::string sort_pairs(int n, int begin_bit, int end_bit) {
  Numbers numbers(111);
  std::vector<Key> keys(n);
  for (Key& key : keys) key = static_cast<Key>(numbers.bits());
  std::vector<int> values(n);
  std::iota(values.begin(), values.end(), 0);
  DeviceArray<Key> in(keys), out(n);
  DeviceArray<int> values_in(values), values_out(n);
  run_cub([&](void* temporary, std::size_t& bytes) {
    return cub::DeviceRadixSort::SortPairs(temporary, bytes, in.data(), out.data(),
                                           values_in.data(), values_out.data(), n, begin_bit,
                                           end_bit);
  });
  const int width = end_bit - begin_bit;
  auto digits = [&](int i) {
    const Key shifted = keys[i] >> begin_bit;
    return width == static_cast<int>(sizeof(Key)) * 8 ? shifted : shifted & ((Key{1} << width) - 1);
  };
  std::stable_sort(values.begin(), values.end(),
                   [&](int i, int j) { return digits(i) < digits(j); });
  std::vector<Key> want(n);
  for (int i = 0; i < n; ++i) want[i] = keys[values[i]];
  return first_of({same(values_out.get(), values, "value"), same(out.get(), want, "key")});
}

template <class Key>
std::string sort_keys(int n, bool descending) {
  Numbers numbers(112);
  std::vector<Key> keys(n);
  for (Key& key : keys) key = static_cast<Key>(static_cast<std::int64_t>(numbers.bits())) / 3;
  DeviceArray<Key> in(keys), out(n);
  run_cub([&](void* temporary, std::size_t& bytes) {
    return descending ? cub::DeviceRadixSort::SortKeysDescending(temporary, bytes, in.data(),
                                                                 out.data(), n)
                      : cub::DeviceRadixSort::SortKeys(temporary, bytes, in.data(), out.data(), n);
  });
  std::sort(keys.begin(), keys.end());
  if (descending) std::reverse(keys.begin(), keys.end());
  return same(out.get(), keys);
}

std::string small_pairs_32() {
  return for_small_sizes([](int n) { return sort_pairs<std::uint32_t>(n, 0, 32); });
}
std::string small_pairs_64() {
  return for_small_sizes([](int n) { return sort_pairs<std::uint64_t>(n, 0, 64); });
}
std::string some_bits() {
  return for_small_sizes([](int n) { return sort_pairs<std::uint32_t>(n, 3, 9); });
}
std::string small_keys() {
  return for_small_sizes([](int n) {
    return first_of({sort_keys<int>(n, false), sort_keys<float>(n, true)});
  });
}
// As many pairs as tokens have experts: the one-sweep passes with their look-back.
std::string large_pairs() { return sort_pairs<std::uint32_t>(kCubLarge, 0, 6); }
std::string large_keys() { return sort_keys<int>(kCubLarge, false); }

}  // namespace

Cases cases() {
  const Effort few = Effort::kFewSchedules;
  return {{"CubSortPairs32", {}, {}, small_pairs_32},  {"CubSortPairs64", {}, few, small_pairs_64},
          {"CubSortSomeBits", {}, {}, some_bits},      {"CubSortKeys", {}, few, small_keys},
          {"CubSortPairsLarge", {}, few, large_pairs}, {"CubSortKeysLarge", {}, few, large_keys}};
}

}  // namespace moe::simt::cuda_tests::cub_sort
