// The product under every strategy, and why a layer reaches what share of its roof: one
// micro-kernel with weights from near and from far, and all experts with a given number of rows
// each. Shares are of what this machine was measured to do in the same minute.
#include <omp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <vector>

#include "bench/parts/problem.h"
#include "kernels/contract/ceilings.h"
#include "kernels/cpu/detail/expert_ffn.h"

namespace moe::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double peak_of_one_thread(double (*multiply_add)(std::int64_t, float*)) {
  double best = 0;
  for (int i = 0; i < 5; ++i) {
    float sink[16] = {0x1p-20F, 0x1p-20F};
    const auto start = Clock::now();
    const double done = multiply_add(1'000'000, sink);
    best = std::max(best, done / seconds_since(start));
  }
  return best;
}

// Where a piece of weights comes from: all calls read the same one, or each another of so many
// bytes.
struct Origin {
  const char* name;
  std::int64_t bytes;
};
constexpr std::array<Origin, 3> kOrigins = {{{"first-level cache", 16 << 10},
                                             {"second-level cache", 1 << 20},
                                             {"memory", std::int64_t{768} << 20}}};

// One thread, bf16, 256 of depth a call. ahead: the next piece is fetched meanwhile.
void MicroKernel(benchmark::State& state) {
  const auto& kernels = cpu::micro_kernels(cpu::chosen_isa());
  const std::int64_t m = state.range(0);
  if (m > kernels.tall_rows) {
    state.SkipWithError("more rows than a call takes");
    return;
  }
  const Origin& origin = kOrigins.at(static_cast<std::size_t>(state.range(1)));
  constexpr std::int64_t kDepth = 256;
  const std::int64_t piece = cpu::panel_bytes(DType::kBf16, kDepth);
  const std::int64_t pieces = origin.bytes / piece;
  const cpu::PageBuffer weights(static_cast<std::size_t>(origin.bytes + piece));
  const cpu::PageBuffer rows(static_cast<std::size_t>(m * kDepth) * sizeof(float));
  std::fill_n(weights.as<char>(), weights.bytes(), char{1});
  alignas(64) float tile[cpu::kMostTallRows * cpu::kPanelColumns] = {};
  const double peak = peak_of_one_thread(kernels.multiply_add);
  std::int64_t at = 0;
  double seconds = 0;
  std::int64_t calls = 0;
  for (auto _ : state) {
    const auto start = Clock::now();
    for (int i = 0; i < 64; ++i) {
      const char* const panel = weights.as<char>() + at * piece;
      at = (at + 1) % pieces;
      const cpu::Ahead ahead{weights.as<char>() + at * piece,
                             cpu::panel_bytes(DType::kBf16, cpu::kDepthStep)};
      kernels.bf16[m - 1](rows.as<float>(), panel, kDepth, tile, true,
                          state.range(2) != 0 ? ahead : cpu::Ahead{}, {});
    }
    const double taken = seconds_since(start);
    state.SetIterationTime(taken);
    seconds += taken;
    calls += 64;
  }
  const double flops = 2.0 * static_cast<double>(calls * m * cpu::kPanelColumns * kDepth);
  state.SetLabel(origin.name);
  state.counters["GB/s"] = static_cast<double>(calls * piece) / seconds / 1e9;
  state.counters["share of peak"] = flops / seconds / peak;
}
BENCHMARK(MicroKernel)
    ->ArgNames({"rows", "from", "ahead"})
    ->ArgsProduct({{1, 2, 3, 4, 5, 6, 8, 12, 14, 16, 20, 23}, {0, 1, 2}, {0, 1}})
    ->UseManualTime();

// One thread, rows of bf16 by an instruction that multiplies bf16: 8 blocks of rows by 8 panels,
// `KiB` of a panel a call. Rows and sums come from the second-level cache, as in a layer.
void NativeBf16(benchmark::State& state) {
  const cpu::Bf16Kernels& native = cpu::micro_kernels(cpu::chosen_isa()).native_bf16;
  if (native.product == nullptr) {
    state.SkipWithError("no instruction of this processor multiplies bf16 by bf16");
    return;
  }
  constexpr std::int64_t kBlocks = 8;
  const std::int64_t m = std::min(state.range(0), native.rows);
  const std::int64_t piece = state.range(1) << 10;
  const std::int64_t depth = piece / cpu::panel_bytes(DType::kBf16, 1);
  const cpu::PageBuffer weights(static_cast<std::size_t>(kBlocks * piece));
  const cpu::PageBuffer rows(static_cast<std::size_t>(kBlocks * m * depth) * sizeof(std::uint16_t));
  const std::int64_t tile = m * cpu::kPanelColumns;
  const cpu::PageBuffer tiles(static_cast<std::size_t>(kBlocks * kBlocks * tile) * sizeof(float));
  constexpr char kByte = 0x3f;  // twice makes 0.75 in bf16
  std::fill_n(weights.as<char>(), weights.bytes(), kByte);
  std::fill_n(rows.as<char>(), rows.bytes(), kByte);
  double seconds = 0;
  double flops = 0;
  for (auto _ : state) {
    const auto start = Clock::now();
    for (std::int64_t i = 0; i < kBlocks * kBlocks; ++i) {
      native.product(rows.as<std::uint16_t>() + i % kBlocks * m * depth, m,
                     weights.as<char>() + i / kBlocks * piece, depth, tiles.as<float>() + i * tile,
                     true, {}, {}, {});
    }
    const double taken = seconds_since(start);
    state.SetIterationTime(taken);
    seconds += taken;
    flops += 2.0 * static_cast<double>(kBlocks * kBlocks * tile * depth);
  }
  if (native.finish != nullptr) native.finish();
  state.counters["share of peak"] = flops / seconds / peak_of_one_thread(native.multiply_add);
}
BENCHMARK(NativeBf16)
    ->ArgNames({"rows", "KiB"})
    ->ArgsProduct({{1, 14, 16, 32}, {16, 32, 64}})
    ->UseManualTime();

double median(std::vector<double> of) {
  std::ranges::nth_element(of, of.begin() + std::ssize(of) / 2);
  return of[of.size() / 2];
}

// All experts of a layer whose weights are more than a last-level cache holds, `rows` tokens for
// each.
class AllExperts {
 public:
  AllExperts(std::int64_t rows, DType dtype) : shape_{rows * 8, 4096, 1792, 8, 1, true, dtype} {
    for (std::int32_t e = 0; e < shape_.experts; ++e) groups_.push_back({e, e * rows, rows});
    for (std::int32_t t = 0; t < shape_.tokens; ++t) token_.push_back(t);
    weight_.assign(token_.size(), 1);
    x_.assign(static_cast<std::size_t>(shape_.tokens * shape_.hidden), 0.5F);
    y_.resize(x_.size());
    static std::map<DType, Kept> kept;  // of any number of tokens, until the program ends
    Kept& mine = kept[dtype];
    if (!mine.weights) {
      mine.weights = harness::make_weights(shape_, 1);
      mine.packed = cpu::shared_packed_weights(shape_, *mine.weights);
    }
    packed_ = mine.packed.get();
    ffn_.prepare(shape_, *mine.weights, shape_.tokens);
  }

  double seconds_of_a_call() {
    const auto start = Clock::now();
    ffn_.run(groups_, {packed(x_.data(), shape_.tokens, shape_.hidden), token_},
             {token_, weight_, packed(y_.data(), shape_.tokens, shape_.hidden)});
    return seconds_since(start);
  }
  double weight_bytes() const { return static_cast<double>(packed_->bytes()); }
  double flops() const {
    return 6.0 * static_cast<double>(shape_.tokens * shape_.hidden * shape_.ffn);
  }

 private:
  struct Kept {
    std::shared_ptr<const ExpertWeights> weights{};
    std::shared_ptr<const cpu::PackedWeights> packed{};
  };

  MoeShape shape_;
  std::vector<cpu::RowGroup> groups_{};
  std::vector<std::int32_t> token_{};
  std::vector<float> weight_{}, x_{}, y_{};
  const cpu::PackedWeights* packed_;
  cpu::ExpertFfn ffn_{};
};

// bf16 by all threads. The roofs are measured right before each call, since a machine that others
// use has other ones a second later; shares are medians of each call's own.
void ExpertRows(benchmark::State& state) {
  AllExperts experts(state.range(0), DType::kBf16);
  CeilingsOfTheMoment ceilings(DType::kBf16);
  std::vector<double> of_memory;
  std::vector<double> of_peak;
  std::vector<double> of_roof;
  for (auto _ : state) {
    const Ceilings roofs = ceilings.measure();
    const double taken = experts.seconds_of_a_call();
    state.SetIterationTime(taken);
    of_memory.push_back(experts.weight_bytes() / roofs.bytes_per_second / taken);
    of_peak.push_back(experts.flops() / roofs.flops_per_second / taken);
    of_roof.push_back(std::max(of_memory.back(), of_peak.back()));
  }
  const bool memory = median(of_memory) > median(of_peak);
  state.SetLabel(memory ? "bound by memory" : "bound by computing");
  state.counters["share of memory"] = median(of_memory);
  state.counters["share of peak"] = median(of_peak);
  state.counters["share of roof"] = median(of_roof);
}
BENCHMARK(ExpertRows)
    ->ArgName("rows")
    ->ArgsProduct({{1, 2, 3, 4, 5, 6, 8, 12, 14, 16, 20, 28, 40, 64, 256}})
    ->UseManualTime();

// How many times as fast whole numbers are decoded as bf16: a call of each in turn, medians of the
// ratios within a turn. Each call's weights leave the cache in the other two.
void DecodedAgainstBf16(benchmark::State& state) {
  AllExperts bf16(state.range(0), DType::kBf16);
  AllExperts int8(state.range(0), DType::kInt8);
  AllExperts int4(state.range(0), DType::kInt4);
  std::vector<double> of_int8;
  std::vector<double> of_int4;
  for (auto _ : state) {
    const double base = bf16.seconds_of_a_call();
    state.SetIterationTime(base);
    of_int8.push_back(base / int8.seconds_of_a_call());
    of_int4.push_back(base / int4.seconds_of_a_call());
  }
  state.counters["int8"] = median(of_int8);
  state.counters["int4"] = median(of_int4);
}
BENCHMARK(DecodedAgainstBf16)->ArgName("rows")->DenseRange(1, 4)->UseManualTime();

}  // namespace
}  // namespace moe::bench
