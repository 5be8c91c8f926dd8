// Plain reads beside atomics that are no race: the loop `old = *p; do { ... } while (!cas(p, old,
// new))` reads a first guess, and compare-and-swap finds out whether it was right. Such a conflict
// is held back until the reading thread does its compare-and-swap at that word; the rest are races.
#pragma once
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "harness/simt/check/finding.h"

namespace moe::simt {

class Guesses {
 public:
  struct Reader {
    std::uint64_t word = 0;  // address
    std::uint32_t block = 0;
    std::uint32_t slot = 0;
    auto operator<=>(const Reader&) const = default;
  };

  void add(const Reader& reader, Finding finding) {
    const std::lock_guard lock(mutex_);
    held_[reader].push_back(std::move(finding));
    any_ = true;
  }
  // The thread has compared and swapped there.
  void settle(const Reader& reader) {
    if (!any_) return;
    const std::lock_guard lock(mutex_);
    held_.erase(reader);
  }
  // What nobody settled.
  std::vector<Finding> take() {
    const std::lock_guard lock(mutex_);
    std::vector<Finding> races;
    for (auto& [reader, findings] : held_) {
      for (Finding& finding : findings) races.push_back(std::move(finding));
    }
    held_.clear();
    return races;
  }

 private:
  std::mutex mutex_;
  std::atomic<bool> any_{false};
  std::map<Reader, std::vector<Finding>> held_;
};

}  // namespace moe::simt
