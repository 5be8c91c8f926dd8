#include "kernels/cuda/detail/buffer.h"
#include "kernels/cuda/detail/clock.h"
#include "kernels/cuda/detail/device.h"
#include "kernels/cuda/detail/ptx.cuh"
#include "kernels/cuda/detail/stream.h"

namespace moe::cuda {
namespace {

// The global timer ticks about once a microsecond on some devices: this many ticks make it one in a
// thousand.
constexpr std::uint64_t kNanoseconds = 1'000'000;

struct Elapsed {
  std::uint64_t cycles, nanoseconds;
};

__global__ void count_cycles(Elapsed* elapsed) {
  const std::uint64_t begin_ns = global_timer();
  const auto begin = static_cast<std::uint64_t>(clock64());
  std::uint64_t now = begin_ns;
  while (now - begin_ns < kNanoseconds) now = global_timer();
  *elapsed = {static_cast<std::uint64_t>(clock64()) - begin, now - begin_ns};
}

}  // namespace

std::optional<double> clock_mhz() {
  if (is_simulated()) return std::nullopt;
  static const Buffer<Elapsed>& on_device = *new Buffer<Elapsed>(1);
  count_cycles<<<1, 1, 0, stream()>>>(on_device.data());
  check_launch();
  Elapsed elapsed{};
  check(cudaMemcpyAsync(&elapsed, on_device.data(), sizeof elapsed, cudaMemcpyDeviceToHost,
                        stream()));
  check(cudaStreamSynchronize(stream()));
  return 1e3 * static_cast<double>(elapsed.cycles) / static_cast<double>(elapsed.nanoseconds);
}

}  // namespace moe::cuda
