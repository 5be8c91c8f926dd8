#pragma once
#include <cstdint>
#include <memory>

#include "kernels/contract/shape.h"

namespace moe {

// The most a device was seen to move and to multiply, in this process.
struct Ceilings {
  double bytes_per_second = 0;
  double flops_per_second = 0;
};

// What the processor does with all threads at this moment, in about a third of a second.
struct CpuCeilings {
  double memory_bytes_per_second = 0;  // reads of memory beyond every cache
  std::int64_t cache_bytes = 0;        // size of the last-level cache as the system states it
  std::int64_t core_cache_bytes = 0;   // of the caches that belong to the cores, all together
  double cache_bytes_per_second = 0;   // reads of the last-level cache, 16 MiB a thread
  double flops_per_second = 0;       // f32 multiplications and additions on registers alone, by the
                                     // instruction set that was chosen for the kernels
  double bf16_flops_per_second = 0;  // the same of bf16; 0 where they widen it to f32
  double call_seconds = 0;           // to call all threads and wait for them, with no work
};
CpuCeilings measure_cpu_ceilings();

// For layers of this dtype, of which whole numbers are not measured and count as f32.
inline double flops_per_second(const CpuCeilings& c, DType dtype) {
  return dtype == DType::kBf16 && c.bf16_flops_per_second > 0 ? c.bf16_flops_per_second
                                                              : c.flops_per_second;
}

// The two ceilings of the next twelve milliseconds, as often as they are asked for: on a machine
// that others use too they are other ones a second later.
class CeilingsOfTheMoment {
 public:
  explicit CeilingsOfTheMoment(DType dtype);
  ~CeilingsOfTheMoment();
  // Of all threads that OpenMP has now. Reads from where it left off last time, so never a cache.
  Ceilings measure();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace moe
