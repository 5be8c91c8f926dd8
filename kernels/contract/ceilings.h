#pragma once
#include <cstdint>

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
  double flops_per_second = 0;  // f32 multiplications and additions on registers alone, by the
                                // instruction set that was chosen for the kernels
  double call_seconds = 0;      // to call all threads and wait for them, with no work
};
CpuCeilings measure_cpu_ceilings();

}  // namespace moe
