// One kernel launch while it runs.
#pragma once
#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <span>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "harness/simt/check/guesses.h"
#include "harness/simt/check/shadow.h"
#include "harness/simt/machine/cluster.h"
#include "harness/simt/machine/device.h"
#include "harness/simt/machine/program.h"

namespace moe::simt {

// What the workers of one launch share.
struct GridState {
  explicit GridState(bool parallel_in) : parallel(parallel_in), shadow(parallel_in) {}
  const bool parallel;
  std::atomic<std::uint64_t> next_cluster{0};
  std::atomic<std::uint64_t> progress{0};  // of all workers, at the end of their turns
  std::atomic<bool> failed{false};
  GlobalShadow shadow;
  Guesses guesses;
  std::mutex strong;  // held over strong accesses and atomics
  // Order through global memory, by the address of the aligned 4-byte word. Under `strong`.
  std::unordered_map<std::uint64_t, Released> released;
};

// One worker's part of it; with one worker, all of it.
class Launch {
 public:
  Launch(Device& device, const Kernel& kernel, const LaunchConfig& config, GridState& grid,
         std::uint32_t generation);

  GridState& grid;

  Device& device;
  const Kernel& kernel;
  const LaunchConfig config;
  const Settings settings;
  unsigned cluster_shape[3] = {1, 1, 1};
  const AlignedBytes& parameters;  // the parameter block
  std::size_t shared_bytes = 0;    // of one block, reserved kilobyte included
  std::uint32_t generation = 0;    // of shadow cells: one a launch

  std::uint64_t progress = 0;  // counts changes others can see; a machine without any is stuck
  Counters counters;

  void record(Finding finding);  // merged by check and statement
  std::vector<Finding> take_findings();

  Allocation* last_allocation = nullptr;  // the last one found: the next address is mostly in it

  // Frames of register files, reused by the next warp: their constants stay in place.
  std::byte* take_frame();
  void give_frame(std::byte* frame);

  std::uint64_t random();  // the schedule's generator
  // A number in [0, n).
  std::uint64_t random(std::uint64_t n) { return random() % n; }

 private:
  std::uint64_t state_;
  std::vector<std::unique_ptr<std::byte[]>> frames_;
  std::vector<std::byte*> free_frames_;
  std::map<std::tuple<Check, int, int>, Finding> findings_;
};

}  // namespace moe::simt
