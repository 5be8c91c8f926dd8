// A layer's call is timed from outside, so whatever it asks of the system is in its time: after the
// first call, nothing may be allocated.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

#include "kernels/contract/strategy.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MOEBENCH_CANNOT_COUNT 1  // it has an operator new of its own, and no room for another
#endif
#endif

namespace {

std::atomic<std::int64_t> allocations = 0;

}  // namespace

#ifndef MOEBENCH_CANNOT_COUNT
namespace {

// Not inlined, or the compiler would see that the halves of a pair do not match.
[[gnu::noinline]] void* counted(std::size_t bytes, std::size_t alignment) {
  ++allocations;
  const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
  void* const p = std::aligned_alloc(alignment, whole > 0 ? whole : alignment);
  if (p == nullptr) throw std::bad_alloc();
  return p;
}

[[gnu::noinline]] void give_back(void* p) { std::free(p); }

}  // namespace

// Those of arrays and those that do not throw end in these.
void* operator new(std::size_t bytes) { return counted(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept { give_back(p); }
void operator delete(void* p, std::size_t) noexcept { give_back(p); }
void operator delete(void* p, std::align_val_t) noexcept { give_back(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { give_back(p); }
#endif

namespace moe {
namespace {

struct NoClock final : PhaseClock {
  void enter(std::string_view) override {}
};

TEST(Allocation, OfStrategiesOfTheCpuEndsWithTheFirstCall) {
  for (const StrategyInfo* info : all_strategies()) {
    if (info->backend != Backend::kCpu) continue;
    for (const DType dtype : {DType::kF32, DType::kBf16, DType::kInt8, DType::kInt4}) {
      for (const std::int64_t tokens : {1, 16, 90}) {
        const MoeShape s{tokens, 96, 64, 8, 2, true, dtype};
        if (info->unsupported(s)) continue;
        const ExpertWeights weights{std::vector<float>(8 * 64 * 96, 0.25F),
                                    std::vector<float>(8 * 64 * 96, 0.5F),
                                    std::vector<float>(8 * 96 * 64, 0.125F)};
        const std::vector<float> x(tokens * 96, 1);
        std::vector<float> logits;
        for (std::int64_t i = 0; i < tokens * 8; ++i) logits.push_back((i * i * 7) % 31);
        std::vector<float> y(x.size());
        const auto strategy = info->make();
        strategy->prepare({s, &weights, {}});
        const Batch batch{packed(x.data(), tokens, 96), packed(logits.data(), tokens, 8)};
        NoClock clock;
        strategy->run(batch, packed(y.data(), tokens, 96), clock);
        const std::int64_t before = allocations;
        strategy->run(batch, packed(y.data(), tokens, 96), clock);
        EXPECT_EQ(allocations - before, 0)
            << info->name << ", " << to_string(dtype) << ", " << tokens << " tokens";
      }
    }
  }
}

TEST(Allocation, IsCounted) {
#ifdef MOEBENCH_CANNOT_COUNT
  GTEST_SKIP() << "the thread sanitizer allocates by itself";
#endif
  const std::int64_t before = allocations;
  const std::vector<int> some(10);
  EXPECT_GT(allocations, before);
}

}  // namespace
}  // namespace moe
