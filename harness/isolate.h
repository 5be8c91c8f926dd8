#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

namespace moe::harness {

// How a child process ended.
struct ChildExit {
  enum class Kind : std::uint8_t {
    kFinished,
    kCrashed,
    kTimeout,
    kOutOfMemory,
    kUserError,
    kAborted
  };
  Kind kind = Kind::kFinished;
  std::string reason{};         // one sentence; empty when finished
  std::int64_t last_mark = -1;  // what the child marked last: where it was
};

// How the child speaks to its parent.
class ChildLink {
 public:
  ChildLink(int pipe, std::atomic<std::int64_t>& mark) : pipe_(pipe), mark_(mark) {}

  void say(const std::string& line);  // reaches the parent whole, in order
  // Remembered by the parent even if the child dies the next moment. Costs one store to memory.
  void mark(std::int64_t where) { mark_.store(where, std::memory_order_relaxed); }

 private:
  int pipe_;
  std::atomic<std::int64_t>& mark_;
};

struct ChildEvents {
  std::function<void(const std::string&)> on_line = [](const std::string&) {};  // what it said
  std::function<void(std::int64_t)> on_mark = [](std::int64_t) {};  // where it is; may skip some
  std::function<bool()> aborted = [] { return false; };             // end it at once?
};

// Runs `work` in a process of its own, so that whatever it does to itself costs nothing else. A
// child that says and marks nothing for `timeout_seconds` is ended. The parent must not have
// started any thread (OpenMP included). The child ignores interrupts: the parent decides.
ChildExit run_isolated(const std::function<void(ChildLink&)>& work, const ChildEvents& events,
                       double timeout_seconds);

}  // namespace moe::harness
