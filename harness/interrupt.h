#pragma once

namespace moe::harness {

// Ctrl-C, counted instead of obeyed: the first asks for an orderly end, a second for an immediate
// one. While an object lives, SIGINT and SIGTERM are caught.
class InterruptCounter {
 public:
  InterruptCounter();
  ~InterruptCounter();
  InterruptCounter(const InterruptCounter&) = delete;
  InterruptCounter& operator=(const InterruptCounter&) = delete;

  bool asked_to_stop() const;  // once or more
  bool asked_twice() const;
};

}  // namespace moe::harness
