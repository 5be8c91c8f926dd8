#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>

namespace moe::cpu {

// Calls work(i) for every i in [0, tasks) on all threads, and returns when all are done. Which
// thread takes which task is open, so a task's result must not depend on it. `work` must not throw.
// The region is opened even for one task: the library behind gemm.h looks at that.
template <class Work>
void parallel_for(std::int64_t tasks, const Work& work) {
#pragma omp parallel for schedule(dynamic, 1)
  for (std::int64_t i = 0; i < tasks; ++i) work(i);
}

// The same for tasks that can prepare for the one after: work(i, next) knows which task this thread
// will take next, or that there is none: next == tasks.
template <class Work>
void parallel_for_with_next(std::int64_t tasks, const Work& work) {
  std::atomic<std::int64_t> unclaimed = 0;
#pragma omp parallel
  for (std::int64_t i = unclaimed.fetch_add(1); i < tasks;) {
    const std::int64_t next = std::min(unclaimed.fetch_add(1), tasks);
    work(i, next);
    i = next;
  }
}

// Pieces of at most `block` that [0, n) falls into.
constexpr std::int64_t blocks_of(std::int64_t n, std::int64_t block) {
  return (n + block - 1) / block;
}

}  // namespace moe::cpu
