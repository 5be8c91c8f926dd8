#include "bench/parts/support/cuda_part.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <random>

namespace moe::bench {
namespace {

constexpr int kRunsOfAGraph = 20;
constexpr std::int64_t kPatternWords = 1 << 19;

using cuda::check;

class Event {
 public:
  Event() { check(cudaEventCreate(&event_)); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

// Many runs as one launch.
class Runs {
 public:
  explicit Runs(const std::function<void(cudaStream_t)>& enqueue) {
    cudaGraph_t graph = nullptr;
    check(cudaStreamBeginCapture(cuda::stream(), cudaStreamCaptureModeRelaxed));
    for (int i = 0; i < kRunsOfAGraph; ++i) enqueue(cuda::stream());
    check(cudaStreamEndCapture(cuda::stream(), &graph));
    const cudaError_t made = cudaGraphInstantiate(&runs_, graph, 0);
    cudaGraphDestroy(graph);
    check(made);
  }
  ~Runs() { cudaGraphExecDestroy(runs_); }
  Runs(const Runs&) = delete;
  Runs& operator=(const Runs&) = delete;
  void launch() const { check(cudaGraphLaunch(runs_, cuda::stream())); }

 private:
  cudaGraphExec_t runs_ = nullptr;
};

std::vector<float> normal_logits(std::int64_t count) {
  std::mt19937_64 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(random);
  return values;
}

}  // namespace

void on_device(benchmark::State& state, const std::function<void()>& body) {
  int devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  if (error != cudaSuccess || devices == 0) {
    state.SkipWithError(error != cudaSuccess ? cudaGetErrorString(error) : "no CUDA device");
    return;
  }
  try {
    body();
  } catch (const std::exception& fault) {
    state.SkipWithError(fault.what());
  }
}

void time_on_device(benchmark::State& state, const std::function<void(cudaStream_t)>& enqueue) {
  enqueue(cuda::stream());  // the first launch of a kernel loads its code
  check(cudaStreamSynchronize(cuda::stream()));
  const Runs runs(enqueue);
  const Event begin, end;
  for (auto _ : state) {
    check(cudaEventRecord(begin.get(), cuda::stream()));
    runs.launch();
    check(cudaEventRecord(end.get(), cuda::stream()));
    check(cudaEventSynchronize(end.get()));
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin.get(), end.get()));
    state.SetIterationTime(milliseconds / 1e3 / kRunsOfAGraph);
  }
}

void report_on_device(benchmark::State& state, std::int64_t tokens, double bytes, double flops) {
  using benchmark::Counter;
  state.counters["tokens/s"] =
      Counter(static_cast<double>(tokens), Counter::kIsIterationInvariantRate);
  state.counters["bytes/s"] = Counter(bytes, Counter::kIsIterationInvariantRate, Counter::kIs1000);
  if (flops > 0) state.counters["flop/s"] = Counter(flops, Counter::kIsIterationInvariantRate);
}

void fill(void* memory, std::int64_t bytes) {
  static const std::vector<std::uint16_t> pattern = [] {
    std::mt19937 random(2);
    std::vector<std::uint16_t> words(kPatternWords);
    for (auto& word : words) word = static_cast<std::uint16_t>(0x3f80 | (random() & 0x7f));
    return words;
  }();
  for (std::int64_t at = 0; at < bytes; at += kPatternWords * 2) {
    const auto some = static_cast<std::size_t>(std::min(bytes - at, kPatternWords * 2));
    cuda::copy_to_device(static_cast<char*>(memory) + at, pattern.data(), some);
  }
}

void register_part(const std::string& name, const Part& part) {
  for (const char* shape_name : kCudaShapes) {
    for (const std::int64_t tokens : kCudaTokens) {
      MoeShape shape = harness::parse_shape(shape_name);
      shape.tokens = tokens;
      const auto full = fmt::format("{}/{}/T={}", name, shape_name, tokens);
      benchmark::RegisterBenchmark(full.c_str(), [=](benchmark::State& state) {
        on_device(state, [&] { part(state, shape); });
      })->UseManualTime();
    }
  }
}

int run_parts(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

RoutedLayer::RoutedLayer(const MoeShape& shape)
    : shape_(shape),
      logits_(upload(normal_logits(shape.tokens * shape.experts))),
      weight_(shape.tokens * shape.top_k),
      expert_(shape.tokens * shape.top_k),
      of_assignment_(shape.tokens * shape.top_k),
      token_(shape.tokens * shape.top_k),
      begin_(shape.experts + 1),
      count_(shape.experts) {
  cuda::select_top_k(top_k(), cuda::stream());
  cuda::Grouping grouping(assignments(), experts(), cuda::GroupingMethod::kCountingSort);
  grouping.run(expert(), assignments(), choices(), slots(), cuda::stream());
  check(cudaStreamSynchronize(cuda::stream()));
  std::vector<std::int32_t> count(static_cast<std::size_t>(shape.experts));
  check(cudaMemcpy(count.data(), count_.data(), static_cast<std::size_t>(count_.bytes()),
                   cudaMemcpyDeviceToHost));
  experts_hit_ = static_cast<int>(std::ranges::count_if(count, [](auto c) { return c > 0; }));
}

cuda::TopK RoutedLayer::top_k() const {
  cuda::TopK problem;
  problem.logits = logits_.data();
  problem.logits_stride = shape_.experts;
  problem.tokens = shape_.tokens;
  problem.experts = experts();
  problem.top_k = choices();
  problem.renormalize = shape_.renormalize;
  problem.expert = expert_.data();
  problem.weight = weight_.data();
  return problem;
}

cuda::Slots RoutedLayer::slots() const {
  return {of_assignment_.data(), token_.data(), begin_.data(), count_.data()};
}

}  // namespace moe::bench
