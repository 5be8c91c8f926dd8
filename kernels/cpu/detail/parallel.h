#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>

namespace moe::cpu {

// Calls work(i) for every i in [0, tasks) on all threads, and returns when all are done. Which
// thread takes which task is open, so a task's result must not depend on it. `work` must not throw.
template <class Work>
void parallel_for(std::int64_t tasks, const Work& work) {
  if (tasks == 1) return work(0);  // a region costs more than many a single task
#pragma omp parallel for schedule(dynamic, 1)
  for (std::int64_t i = 0; i < tasks; ++i) work(i);
}

// Tasks that the threads of one parallel region claim one by one, for regions that do several
// things in turn.
class Tasks {
 public:
  explicit Tasks(std::int64_t count) : count_(count) {}

  // To be called by every thread: work(i, next) for the tasks it claims. `next` is the task this
  // thread will have after, so that it can prepare for it, or the count where there is none.
  template <class Work>
  void run(const Work& work) {
    for (std::int64_t i = claim(); i < count_;) {
      const std::int64_t next = claim();
      work(i, next);
      i = next;
    }
  }

 private:
  std::int64_t claim() { return std::min(unclaimed_.fetch_add(1), count_); }

  std::int64_t count_;
  std::atomic<std::int64_t> unclaimed_ = 0;
};

// Pieces of at most `block` that [0, n) falls into.
constexpr std::int64_t blocks_of(std::int64_t n, std::int64_t block) {
  return (n + block - 1) / block;
}

}  // namespace moe::cpu
