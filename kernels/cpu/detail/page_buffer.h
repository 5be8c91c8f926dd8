#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

namespace moe::cpu {

// Zeroed memory on huge pages where the system gives them: with 4 KiB pages a walk through weights
// waits for page tables as often as for the weights. Aligned to a cache line at least. Pages are
// there once they are written to, near the processor that does.
class PageBuffer {
 public:
  PageBuffer() = default;
  explicit PageBuffer(std::size_t bytes);  // throws std::bad_alloc

  // Brings all pages in now, so that a first run does not wait for them.
  void touch() const;

  template <class T>
  T* as() const {
    return static_cast<T*>(memory_.get());
  }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Unmap {
    std::size_t bytes;
    void operator()(void* memory) const;
  };
  std::unique_ptr<void, Unmap> memory_;
  std::size_t bytes_ = 0;
};

}  // namespace moe::cpu
