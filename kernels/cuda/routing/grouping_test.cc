#include <algorithm>
#include <array>
#include <ostream>
#include <vector>

#include "kernels/common/slots.h"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/detail/testing.h"
#include "kernels/cuda/routing/grouping_kernels.h"
#include "kernels/cuda/routing/routing.h"

namespace moe::cuda {

// As a test's name and a failure call it.
void PrintTo(GroupingMethod method, std::ostream* os) {
  *os << std::array{"CountingSort", "Atomic", "RadixSort"}[static_cast<int>(method)];
}

namespace {

using simt::cuda_tests::few_ways;
using simt::cuda_tests::first_of;
using simt::cuda_tests::same;
using testing::DeviceArray;
using testing::expect_right;
using testing::Numbers;

// Whether each expert's slots hold its assignments, in whatever order, and of_assignment is right.
std::string same_but_for_order(const std::vector<std::int32_t>& expert, int top_k,
                               const std::vector<std::int32_t>& of_assignment,
                               const std::vector<std::int32_t>& token,
                               const std::vector<std::int32_t>& begin) {
  std::vector<std::int32_t> sorted = of_assignment, every(expert.size());
  for (std::size_t a = 0; a < expert.size(); ++a) {
    const std::int32_t slot = of_assignment[a];
    every[a] = static_cast<std::int32_t>(a);
    if (slot < begin[expert[a]] || slot >= begin[expert[a] + 1]) {
      return "assignment " + std::to_string(a) + " lies outside of its expert's slots";
    }
    if (token[slot] != static_cast<std::int32_t>(a) / top_k) {
      return "slot " + std::to_string(slot) + " has the wrong token";
    }
  }
  std::sort(sorted.begin(), sorted.end());
  return same(sorted, every, "sorted slot");
}

struct OnDevice {
  explicit OnDevice(std::size_t n, int experts)
      : of_assignment(n), token(n), begin(experts + 1), count(experts) {}
  cuda::Slots slots() { return {of_assignment, token, begin, count}; }
  DeviceArray<std::int32_t> of_assignment, token, begin, count;
};

std::string compare(const std::vector<std::int32_t>& expert, int top_k, int experts, bool stable,
                    const OnDevice& got) {
  moe::Slots want{std::vector<std::int32_t>(expert.size()),
                  std::vector<std::int32_t>(expert.size()),
                  std::vector<std::int32_t>(static_cast<std::size_t>(experts) + 1)};
  place_by_expert(expert, top_k, experts, want);
  std::vector<std::int32_t> count;
  for (int e = 0; e < experts; ++e) count.push_back(want.begin[e + 1] - want.begin[e]);
  const auto begin = got.begin.get(), of_assignment = got.of_assignment.get();
  const auto token = got.token.get();
  std::string wrong =
      first_of({same(begin, want.begin, "begin"), same(got.count.get(), count, "count")});
  if (wrong.empty() && stable) {
    wrong = first_of({same(of_assignment, want.of_assignment, "slot of assignment"),
                      same(token, want.token, "token")});
  }
  if (wrong.empty() && !stable) {
    wrong = same_but_for_order(expert, top_k, of_assignment, token, begin);
  }
  if (wrong.empty()) return {};
  return "E=" + std::to_string(experts) + " n=" + std::to_string(expert.size()) + ": " + wrong;
}

std::string group(const std::vector<std::int32_t>& expert, int top_k, int experts,
                  GroupingMethod method) {
  const auto n = static_cast<std::int64_t>(expert.size());
  DeviceArray<std::int32_t> on_device(expert);
  OnDevice got(expert.size(), experts);
  Grouping grouping(n + 5, experts, method);
  grouping.run(on_device, n, top_k, got.slots(), stream());
  check(cudaStreamSynchronize(stream()));
  return compare(expert, top_k, experts, method != GroupingMethod::kAtomic, got);
}

constexpr GroupingMethod kMethods[] = {GroupingMethod::kCountingSort, GroupingMethod::kAtomic,
                                       GroupingMethod::kRadixSort};

class GroupingBy : public ::testing::TestWithParam<GroupingMethod> {};

INSTANTIATE_TEST_SUITE_P(, GroupingBy, ::testing::ValuesIn(kMethods),
                         ::testing::PrintToStringParamName());

TEST_P(GroupingBy, IsTheHostsInEveryOrder) {
  expect_right([] {
    const auto method = GetParam();
    for (const int tokens : {0, 1, 17, 127}) {
      for (const int experts : {1, 7, 64}) {
        const auto expert = Numbers(tokens + 1).integers(2 * tokens, experts);
        if (const auto wrong = group(expert, 2, experts, method); !wrong.empty()) return wrong;
      }
    }
    return std::string();
  });
}

TEST_P(GroupingBy, IsTheHostsForEveryNumberOfExperts) {
  expect_right(
      [] {
        for (const int experts : {1, 2, 3, 8, 32, 60, 100, 128, 256, 384, 512, 1000, 1024}) {
          const auto expert = Numbers(experts).integers(8 * 129, experts);
          if (auto wrong = group(expert, 8, experts, GetParam()); !wrong.empty()) return wrong;
        }
        return std::string();
      },
      few_ways());
}

TEST_P(GroupingBy, PutsAllOnOneExpert) {
  expect_right(
      [] {
        for (const int one : {0, 5, 7}) {
          const std::vector<std::int32_t> expert(1000, one);
          if (auto wrong = group(expert, 4, 8, GetParam()); !wrong.empty()) return wrong;
        }
        return std::string();
      },
      few_ways());
}

// Enough for several blocks of one launch; for two launches; for CUB's way with many tiles.
TEST_P(GroupingBy, IsTheHostsForManyAssignments) {
  expect_right(
      [] {
        for (const auto& [n, experts] : {std::pair{7000, 34}, {33001, 9}}) {
          const auto expert = Numbers(n).integers(n, experts);
          if (auto wrong = group(expert, 1, experts, GetParam()); !wrong.empty()) return wrong;
        }
        return std::string();
      },
      {{}});
}

// Runs of a few assignments, in many orders of the blocks.
TEST(GroupingByRuns, IsTheHostsInEveryOrder) {
  expect_right([] {
    for (const bool stable : {true, false}) {
      for (const auto& [n, experts] : {std::pair{1000, 6}, {700, 40}}) {
        const auto expert = Numbers(n).integers(n, experts);
        DeviceArray<std::int32_t> on_device(expert), table(3 * experts);
        OnDevice got(expert.size(), experts);
        sort_by_runs({.expert = on_device,
                      .assignments = n,
                      .top_k = 2,
                      .experts = experts,
                      .slots = got.slots()},
                     3, stable, table, stream());
        check(cudaStreamSynchronize(stream()));
        if (auto wrong = compare(expert, 2, experts, stable, got); !wrong.empty()) return wrong;
      }
    }
    return std::string();
  });
}

TEST(GroupingLaunches, AreOneForFewAssignmentsAndTwoForMany) {
  for (const auto method : {GroupingMethod::kCountingSort, GroupingMethod::kAtomic}) {
    EXPECT_EQ(Grouping(32768, 8, method).launches(), 1);
    EXPECT_EQ(Grouping(32768, 8, method).workspace_bytes(), 0);
    EXPECT_EQ(Grouping(32769, 8, method).launches(), 2);
  }
  EXPECT_EQ(Grouping(100, 8, GroupingMethod::kRadixSort).launches(), 3);
}

}  // namespace
}  // namespace moe::cuda
