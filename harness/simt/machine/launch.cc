#include "harness/simt/machine/launch.h"

#include <algorithm>

#include "harness/simt/machine/block.h"

namespace moe::simt {
Launch::Launch(Device& device_in, const Kernel& kernel_in, const LaunchConfig& config_in,
               GridState& grid_in, std::uint32_t generation_in)
    : grid(grid_in),
      device(device_in),
      kernel(kernel_in),
      config(config_in),
      settings(device_in.settings),
      parameters(kernel_in.parameters),
      generation(generation_in),
      state_(settings.seed * 0x9e3779b97f4a7c15ull + 0x632be59bd9b4e019ull) {
  const bool own = kernel.info.cluster[0] > 0;
  const unsigned given[3] = {config.cluster.x, config.cluster.y, config.cluster.z};
  for (int i = 0; i < 3; ++i) {
    cluster_shape[i] = own ? static_cast<unsigned>(std::max(1, kernel.info.cluster[i])) : given[i];
  }
  shared_bytes = kernel.dynamic_shared_at + config.dynamic_shared;
}

void Launch::record(Finding finding) {
  const auto key = std::make_tuple(finding.check, finding.site.ptx_line,
                                   finding.has_other ? finding.other.ptx_line : 0);
  const auto [known, added] = findings_.try_emplace(key, std::move(finding));
  if (!added) ++known->second.count;
}

std::vector<Finding> Launch::take_findings() {
  std::vector<Finding> found;
  for (auto& [key, finding] : findings_) found.push_back(std::move(finding));
  findings_.clear();
  return found;
}

std::byte* Launch::take_frame() {
  if (free_frames_.empty()) {
    frames_.push_back(std::make_unique<std::byte[]>(kernel.file_bytes + 64));
    std::byte* frame = frames_.back().get();
    frame += (64 - reinterpret_cast<std::uintptr_t>(frame) % 64) % 64;
    for (const Constant& constant : kernel.constants) {
      if (constant.bytes == 8) {
        std::fill_n(reinterpret_cast<std::uint64_t*>(frame + constant.reg), kLanes, constant.low);
      } else {
        std::fill_n(reinterpret_cast<std::uint32_t*>(frame + constant.reg), kLanes,
                    static_cast<std::uint32_t>(constant.low));
      }
    }
    return frame;
  }
  std::byte* frame = free_frames_.back();
  free_frames_.pop_back();
  return frame;
}

void Launch::give_frame(std::byte* frame) { free_frames_.push_back(frame); }

// xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016.
std::uint64_t Launch::random() {
  state_ ^= state_ >> 12;
  state_ ^= state_ << 25;
  state_ ^= state_ >> 27;
  return state_ * 0x2545f4914f6cdd1dull;
}

}  // namespace moe::simt
