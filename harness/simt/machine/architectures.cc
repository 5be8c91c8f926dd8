// The devices that can be simulated, by the numbers their runtime reports.
#include <fmt/format.h>

#include <array>
#include <string>
#include <vector>

#include "harness/simt/machine/device.h"
#include "kernels/contract/error.h"

namespace moe::simt {
namespace {

constexpr int kKilobyte = 1024;

// Shared memory, threads and blocks of a multiprocessor: CUDA C++ programming guide 13.0, "Compute
// Capabilities", table "Technical Specifications per Compute Capability", columns 8.0, 9.0
// and 10.0. Multiprocessors and L2 cache: the whitepapers "NVIDIA A100 Tensor Core GPU
// Architecture" (SXM4: 108, 40 MB), "NVIDIA H100 Tensor Core GPU Architecture" (SXM5: 132, 50 MB)
// and the "Blackwell Tuning Guide" (126 MB); a B200's runtime reports 148 and 132644864 bytes,
// which are 126.5 MB.
const std::array<Architecture, 3>& table() {
  static const std::array<Architecture, 3> architectures = {{
      {.name = "80",
       .device = "A100",
       .major = 8,
       .minor = 0,
       .multiprocessors = 108,
       .shared_per_block_optin = 163 * kKilobyte,
       .shared_per_multiprocessor = 164 * kKilobyte,
       .l2_bytes = 40 * kKilobyte * kKilobyte},
      {.name = "90a",
       .device = "H100",
       .major = 9,
       .minor = 0,
       .multiprocessors = 132,
       .shared_per_block_optin = 227 * kKilobyte,
       .shared_per_multiprocessor = 228 * kKilobyte,
       .l2_bytes = 50 * kKilobyte * kKilobyte},
      {.name = "100a",
       .device = "B200",
       .major = 10,
       .minor = 0,
       .multiprocessors = 148,
       .shared_per_block_optin = 227 * kKilobyte,
       .shared_per_multiprocessor = 228 * kKilobyte,
       .l2_bytes = 132'644'864},
  }};
  return architectures;
}

}  // namespace

std::span<const Architecture> architectures() { return table(); }

const Architecture& architecture(std::string_view name) {
  std::vector<std::string> known;
  for (const Architecture& each : table()) {
    if (each.name == name) return each;
    known.push_back(each.name);
  }
  throw UserError(fmt::format("no architecture is named \"{}\"{}; there are: {}", name,
                              did_you_mean(name, known), comma_separated(known)));
}

}  // namespace moe::simt
