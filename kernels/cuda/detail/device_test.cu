// The contract's device on the simulated one.
#include <array>
#include <stdexcept>

#include "kernels/cuda/detail/check.h"
#include "kernels/cuda/detail/device.h"
#include "kernels/cuda/detail/hold.h"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/detail/testing.h"

namespace moe::cuda {
namespace {

using Four = std::array<int, 4>;

__global__ void add_one(int* values) { ++values[threadIdx.x]; }

void add_one_to(int* values) {
  add_one<<<1, 4, 0, stream()>>>(values);
  check_launch();
}

struct Memory {
  int* values = static_cast<int*>(device().allocate(sizeof(Four)));
  explicit Memory(const Four& from) { device().to_device(values, from.data(), sizeof from); }
  ~Memory() { device().release(values); }
  Four get() const {
    Four to{};
    device().to_host(to.data(), values, sizeof to);
    return to;
  }
};

TEST(CudaDevice, IsUsableAndSaysWhatItIs) {
  EXPECT_EQ(device().unusable(), std::nullopt);
  EXPECT_TRUE(is_simulated());
  EXPECT_TRUE(device().name().starts_with("simulated ")) << device().name();
  EXPECT_NE(device().name().find(", driver "), std::string::npos) << device().name();
}

TEST(CudaDevice, KeepsTheOrderOfWork) {
  const Memory memory({1, 2, 3, 4});
  add_one_to(memory.values);
  EXPECT_EQ(memory.get(), (Four{2, 3, 4, 5}));
}

TEST(CudaDevice, HasNoTimeWhereItIsSimulated) {
  const auto from = device().mark();
  const auto to = device().mark();
  device().finish();
  EXPECT_THROW(device().elapsed_ns(*from, *to), std::logic_error);
}

TEST(CudaDevice, RunsARecordingAsOftenAsItIsLaunched) {
  const Memory memory({0, 0, 0, 0});
  const auto recording = device().record([&] { add_one_to(memory.values); });
  ASSERT_NE(recording, nullptr);
  EXPECT_EQ(memory.get(), (Four{0, 0, 0, 0}));
  recording->launch();
  recording->launch();
  EXPECT_EQ(memory.get(), (Four{2, 2, 2, 2}));
}

TEST(CudaDevice, DoesNotRecordWorkThatWaits) {
  const Memory memory({0, 0, 0, 0});
  EXPECT_EQ(device().record([] { check(cudaStreamSynchronize(stream())); }), nullptr);
  add_one_to(memory.values);  // the stream is as before
  EXPECT_EQ(memory.get(), (Four{1, 1, 1, 1}));
}

TEST(CudaDevice, PassesOnWhatRecordedWorkThrows) {
  EXPECT_THROW(device().record([] { throw std::out_of_range("not the device's"); }),
               std::out_of_range);
  EXPECT_NE(device().record([] {}), nullptr);
}

TEST(CudaDevice, HoldsAndReleasesNothingWhereWorkRunsAsItComes) {
  const Memory memory({0, 0, 0, 0});
  device().hold_work();
  add_one_to(memory.values);
  device().flush_cache();
  device().release_work();
  EXPECT_EQ(memory.get(), (Four{1, 1, 1, 1}));
}

TEST(CudaDevice, SaysThatMemoryIsFull) {
  EXPECT_THROW(device().allocate(std::size_t{1} << 50), std::bad_alloc);
}

}  // namespace
}  // namespace moe::cuda
