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

#include "harness/simt/check/shadow.h"
#include "harness/simt/machine/cluster.h"
#include "harness/simt/machine/device.h"
#include "harness/simt/machine/program.h"

namespace moe::simt {

class Launch {
 public:
  Launch(Device& device, const Kernel& kernel, const LaunchConfig& config,
         std::span<void* const> arguments);

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

  // Order through global memory, by the address of the aligned 4-byte word.
  std::unordered_map<std::uint64_t, Released> released;
  GlobalShadow shadow;
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
