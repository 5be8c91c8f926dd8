// Memory, order and time of the CUDA device.
#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <string_view>

#include "kernels/cuda/detail/buffer.h"
#include "kernels/cuda/detail/ceilings.h"
#include "kernels/cuda/detail/clock.h"
#include "kernels/cuda/detail/device.h"
#include "kernels/cuda/detail/hold.h"
#include "kernels/cuda/detail/stream.h"

namespace moe::cuda {
namespace {

// A cache that replaces at random still holds some of the old lines after one sweep of its size.
constexpr std::int64_t kSweepsOfCache = 2;
constexpr std::int64_t kLeastFlush = std::int64_t{256} << 20;  // bytes

cudaDeviceProp properties() {
  int which = 0;
  check(cudaGetDevice(&which));
  cudaDeviceProp found{};
  check(cudaGetDeviceProperties(&found, which));
  return found;
}

class Event final : public Moment {
 public:
  Event() {
    check(cudaEventCreate(&event_));
    check(cudaEventRecord(event_, stream()));
  }
  ~Event() override { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

class GraphRecording final : public Recording {
 public:
  explicit GraphRecording(cudaGraph_t graph) {
    check(cudaGraphGetNodes(graph, nullptr, &operations_));
    check(cudaGraphInstantiate(&exec_, graph, 0));
  }
  ~GraphRecording() override { cudaGraphExecDestroy(exec_); }
  GraphRecording(const GraphRecording&) = delete;
  GraphRecording& operator=(const GraphRecording&) = delete;
  void launch() override { check(cudaGraphLaunch(exec_, stream())); }
  std::int64_t operations() const override { return static_cast<std::int64_t>(operations_); }

 private:
  cudaGraphExec_t exec_ = nullptr;
  std::size_t operations_ = 0;
};

// The errors of work that waits, or joins another stream, while it is recorded.
bool cannot_be_recorded(cudaError_t error) {
  return error >= cudaErrorStreamCaptureUnsupported && error <= cudaErrorStreamCaptureWrongThread;
}

cudaEvent_t event_of(const Moment& moment) { return dynamic_cast<const Event&>(moment).get(); }

// The first call asks the driver; what it says does not change while the process lives.
std::optional<std::string> why_unusable() {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess || count == 0) {
    cudaGetLastError();
    return std::string(cudaGetErrorName(error))
        .append(": ")
        .append(error == cudaSuccess ? "no CUDA device" : cudaGetErrorString(error))
        .append(
            "; this needs an NVIDIA GPU of compute capability 8.0 or newer and its driver for "
            "CUDA 13.0 or newer (see nvidia-smi, CUDA_VISIBLE_DEVICES)");
  }
  const cudaDeviceProp found = properties();
  if (found.major >= 8) return std::nullopt;
  return std::string(found.name)
      .append(" has compute capability ")
      .append(std::to_string(found.major) + "." + std::to_string(found.minor))
      .append("; these kernels need 8.0 or newer: choose another one by CUDA_VISIBLE_DEVICES");
}

class CudaDevice final : public Device {
 public:
  std::optional<std::string> unusable() override {
    static const std::optional<std::string> why = why_unusable();
    return why;
  }

  std::string name() override {
    const cudaDeviceProp found = properties();
    int driver = 0;
    check(cudaDriverGetVersion(&driver));
    return std::string(found.name)
        .append(" (sm_" + std::to_string(found.major) + std::to_string(found.minor))
        .append(", driver " + std::to_string(driver / 1000) + ".")
        .append(std::to_string(driver % 1000 / 10) + ")");
  }

  std::string pci_bus_id() override {
    if (is_simulated()) return {};
    const cudaDeviceProp found = properties();
    char text[32];
    std::snprintf(text, sizeof text, "%04x:%02x:%02x.0", found.pciDomainID, found.pciBusID,
                  found.pciDeviceID);
    return text;
  }

  void* allocate(std::size_t bytes) override {
    void* memory = nullptr;
    if (bytes > 0) check(cudaMalloc(&memory, bytes));
    return memory;
  }
  void release(void* memory) override { check(cudaFree(memory)); }

  void to_device(void* to, const void* from, std::size_t bytes) override {
    if (bytes > 0) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream()));
  }
  void to_host(void* to, const void* from, std::size_t bytes) override {
    hold_.release();  // work that is held would never be waited for to its end
    if (bytes > 0) check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream()));
    check(cudaStreamSynchronize(stream()));
  }
  void finish() override {
    hold_.release();
    check(cudaStreamSynchronize(stream()));
  }

  std::unique_ptr<Moment> mark() override { return std::make_unique<Event>(); }
  double elapsed_ns(const Moment& from, const Moment& to) override {
    if (is_simulated()) throw std::logic_error("a simulated device has no clock");
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, event_of(from), event_of(to)));
    return static_cast<double>(milliseconds) * 1e6;
  }

  void hold_work() override {
    if (!is_simulated()) hold_.hold(stream());
  }
  void release_work() override { hold_.release(); }

  std::optional<double> clock_mhz() override { return cuda::clock_mhz(); }

  std::optional<Ceilings> ceilings(DType dtype) override { return cuda::ceilings(dtype); }

  void flush_cache() override {
    if (is_simulated()) return;
    if (flush_.count() == 0) {
      const std::int64_t cache = properties().l2CacheSize;
      flush_ = Buffer<std::uint8_t>(std::max(kSweepsOfCache * cache, kLeastFlush));
    }
    check(cudaMemsetAsync(flush_.data(), 0, static_cast<std::size_t>(flush_.bytes()), stream()));
  }

  std::unique_ptr<Recording> record(const std::function<void()>& work) override;

 private:
  Hold hold_;
  Buffer<std::uint8_t> flush_;
};

std::unique_ptr<Recording> CudaDevice::record(const std::function<void()>& work) {
  check(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeThreadLocal));
  std::exception_ptr thrown;
  try {
    work();
  } catch (...) {
    thrown = std::current_exception();
  }
  cudaGraph_t graph = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(stream(), &graph);
  if (ended != cudaSuccess) cudaGetLastError();  // told by the return value
  const std::unique_ptr<CUgraph_st, decltype(&cudaGraphDestroy)> owned(graph, cudaGraphDestroy);
  try {
    if (thrown) std::rethrow_exception(thrown);
    check(ended);
  } catch (const CudaError& error) {
    if (cannot_be_recorded(error.code())) return nullptr;
    throw;
  }
  return std::make_unique<GraphRecording>(graph);
}

}  // namespace

Device& device() {
  // Never destroyed: at the end of the process the runtime may be gone before it.
  static CudaDevice& one = *new CudaDevice;
  return one;
}

bool is_simulated() {
  static const bool simulated = std::string_view(properties().name).starts_with("simulated ");
  return simulated;
}

}  // namespace moe::cuda
