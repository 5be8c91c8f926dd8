// How kernels are run, and what is checked.
#pragma once
#include <cstdint>

namespace moe::simt {

// Which of the runnable warps goes on next, and for how long.
enum class Schedule : std::uint8_t {
  kNatural,   // ascending warps and blocks, each as far as it gets
  kReversed,  // descending
  kRandom,    // drawn from the seed after 1 to 64 instructions; warps are split at random as well
};

// When an asynchronous copy or wgmma is done, within what its waits allow.
enum class AsyncCompletion : std::uint8_t { kEarly, kLate, kRandom };

struct Settings {
  Schedule schedule = Schedule::kNatural;
  std::uint64_t seed = 1;
  AsyncCompletion async = AsyncCompletion::kLate;
  bool check_races = true;
  bool count = true;         // the counters of each kernel
  int workers = 1;           // host threads over blocks; only with the natural schedule
  int resident_blocks = 16;  // blocks that run interleaved, as on a multiprocessor
  std::uint64_t stuck_after =
      4'000'000;  // warp instructions without progress before a deadlock is called
};

}  // namespace moe::simt
