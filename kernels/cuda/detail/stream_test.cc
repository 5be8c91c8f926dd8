#include "kernels/cuda/detail/stream.h"

#include "kernels/cuda/detail/testing.h"

namespace moe::cuda {
namespace {

TEST(DeviceTraits, AreThoseOfTheSimulatedDevice) {
  const DeviceTraits& traits = device_traits();
  EXPECT_GE(traits.major, 8);
  EXPECT_GT(traits.multiprocessors, 0);
  EXPECT_GE(traits.shared_bytes_a_block, 160 * 1024);
}

}  // namespace
}  // namespace moe::cuda
