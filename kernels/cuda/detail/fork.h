// Streams beside the main one: what is enqueued on them between fork() and join() may run at once.
#pragma once
#include <cuda_runtime.h>

#include <vector>

namespace moe::cuda {

class Fork {
 public:
  Fork() = default;
  explicit Fork(int streams);
  Fork(Fork&& other) noexcept;
  Fork& operator=(Fork&& other) noexcept;
  ~Fork();

  void fork(cudaStream_t from);  // all wait for what `from` was given until now
  void join(cudaStream_t into);  // `into` waits for all
  cudaStream_t operator[](int i) const { return streams_[i % streams_.size()]; }

 private:
  std::vector<cudaStream_t> streams_;
  std::vector<cudaEvent_t> done_;  // of each stream, and that of the fork
};

}  // namespace moe::cuda
