#pragma once
#include <cstdint>

#include "kernels/cpu/detail/isa/micro_kernels.h"

namespace moe::cpu {

// Has the second-level cache filled with what is wanted next, in two streams side by side: where
// lines of several pages are asked for in turn, the processor fetches more of each by itself. One
// stream left 5 % of the layer's time unused. V: that each processor's code has its own.
template <class V>
class Fetcher {
 public:
  // For `depth` of a product, with `fetches` calls of fetch() for each kDepthStep, an even number.
  [[gnu::always_inline]] Fetcher(Ahead ahead, std::int64_t depth, std::int64_t fetches)
      : line_(ahead.from),
        apart_(ahead.from == nullptr ? 0 : ahead.bytes * depth / kDepthStep / kStreams),
        step_(ahead.from == nullptr ? 0 : ahead.bytes / fetches) {}

  // i: 0, 1, 2 ... within a step, known when compiled.
  [[gnu::always_inline]] void fetch(int i) {
    __builtin_prefetch(line_ + i % kStreams * apart_, 0, 1);
    if (i % kStreams == kStreams - 1) line_ += step_;
  }

 private:
  static constexpr std::int64_t kStreams = 2;

  const char* line_;
  std::int64_t apart_;
  std::int64_t step_;
};

// The same a few lines at a time, after each of so many steps, where a step takes long. kNear: into
// the first-level cache.
template <class V, bool kNear>
class LineFetcher {
 public:
  // `bytes` from `from` on in all; nullptr: none.
  [[gnu::always_inline]] LineFetcher(const char* from, std::int64_t bytes, std::int64_t steps)
      : line_(from), lines_(from == nullptr ? 0 : (bytes + steps * kLine - 1) / (steps * kLine)) {}
  [[gnu::always_inline]] void fetch() {
    for (std::int64_t i = 0; i < lines_; ++i, line_ += kLine) {
      if constexpr (kNear) {
        __builtin_prefetch(line_, 0, 3);
      } else {
        __builtin_prefetch(line_, 0, 1);
      }
    }
  }

 private:
  static constexpr std::int64_t kLine = 64;

  const char* line_;
  std::int64_t lines_;
};

}  // namespace moe::cpu
