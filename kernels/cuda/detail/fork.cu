#include <utility>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/detail/fork.h"

namespace moe::cuda {

Fork::Fork(int streams) : streams_(streams), done_(streams + 1) {
  for (cudaStream_t& s : streams_) check(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
  for (cudaEvent_t& e : done_) check(cudaEventCreateWithFlags(&e, cudaEventDisableTiming));
}

Fork::Fork(Fork&& other) noexcept
    : streams_(std::exchange(other.streams_, {})), done_(std::exchange(other.done_, {})) {}

Fork& Fork::operator=(Fork&& other) noexcept {
  std::swap(streams_, other.streams_);
  std::swap(done_, other.done_);
  return *this;
}

Fork::~Fork() {
  for (const cudaStream_t s : streams_) cudaStreamDestroy(s);
  for (const cudaEvent_t e : done_) cudaEventDestroy(e);
}

void Fork::fork(cudaStream_t from) {
  check(cudaEventRecord(done_.back(), from));
  for (const cudaStream_t s : streams_) check(cudaStreamWaitEvent(s, done_.back(), 0));
}

void Fork::join(cudaStream_t into) {
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    check(cudaEventRecord(done_[i], streams_[i]));
    check(cudaStreamWaitEvent(into, done_[i], 0));
  }
}

}  // namespace moe::cuda
