#include "kernels/contract/ceilings.h"

#include <omp.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>

#include "kernels/cpu/detail/isa/micro_kernels.h"
#include "kernels/cpu/detail/page_buffer.h"

namespace moe {
namespace {

constexpr int kRepetitions = 5;
constexpr std::int64_t kRounds = 1'000'000;  // a few milliseconds
constexpr std::size_t kLeastMemory = std::size_t{256} << 20;
constexpr std::size_t kMostMemory = std::size_t{1} << 30;
constexpr std::int64_t kCacheBytes = std::int64_t{16} << 20;
constexpr std::int64_t kFloatsPerPiece = 1
                                         << 20;  // of a thread's share: four streams of a megabyte

// Work of all threads in one second, the best of a few: work(thread) returns what it did. What else
// the machine does can only make it less.
template <class Work>
double best_rate(const Work& work) {
  double best = 0;
  for (int repetition = 0; repetition < kRepetitions; ++repetition) {
    double done = 0;
    std::chrono::steady_clock::time_point begin;
#pragma omp parallel reduction(+ : done)
    {
#pragma omp barrier
#pragma omp master
      begin = std::chrono::steady_clock::now();
      done += work(omp_get_thread_num());
    }
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    best = std::max(best, done / taken.count());
  }
  return best;
}

// Work of all threads in one second, each at it again until that many have passed: piece() returns
// what it did.
template <class Piece>
double rate_within(double seconds, const Piece& piece) {
  using Seconds = std::chrono::duration<double>;
  double done = 0;
  const auto begin = std::chrono::steady_clock::now();
#pragma omp parallel reduction(+ : done)
  while (Seconds(std::chrono::steady_clock::now() - begin).count() < seconds) done += piece();
  return done / Seconds(std::chrono::steady_clock::now() - begin).count();
}

double best_rate_of_calls(double calls) {
  double best = 0;
  for (int repetition = 0; repetition < kRepetitions; ++repetition) {
    const auto begin = std::chrono::steady_clock::now();
    for (double i = 0; i < calls; ++i) {
#pragma omp parallel
      asm volatile("" ::: "memory");  // or the region would be left out
    }
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    best = std::max(best, calls / taken.count());
  }
  return best;
}

double read_all(const cpu::MicroKernels& kernels, const float* from, std::int64_t floats) {
  volatile float sum = 0;
  for (std::int64_t i = 0; i + kFloatsPerPiece <= floats; i += kFloatsPerPiece) {
    sum = sum + kernels.read(from + i, kFloatsPerPiece);
  }
  return static_cast<double>(floats / kFloatsPerPiece * kFloatsPerPiece * 4);
}

// Twice the last-level cache, but no more than a machine may be asked for in passing.
std::size_t memory_to_read() {
  const auto cache = static_cast<std::size_t>(std::max(0L, sysconf(_SC_LEVEL3_CACHE_SIZE)));
  return std::clamp(2 * cache, kLeastMemory, kMostMemory);
}

}  // namespace

CpuCeilings measure_cpu_ceilings() {
  const cpu::MicroKernels& kernels = cpu::micro_kernels(cpu::chosen_isa());
  const int threads = omp_get_max_threads();
  const cpu::PageBuffer memory(memory_to_read());
  const auto share = static_cast<std::int64_t>(memory.bytes()) / 4 / threads;
  const auto begin = [&](int thread) { return memory.as<float>() + thread * share; };
#pragma omp parallel
  std::memset(begin(omp_get_thread_num()), 1, static_cast<std::size_t>(share) * 4);
  CpuCeilings ceilings;
  ceilings.cache_bytes = std::max(0L, sysconf(_SC_LEVEL3_CACHE_SIZE));
  ceilings.core_cache_bytes = threads * std::max(0L, sysconf(_SC_LEVEL2_CACHE_SIZE));
  ceilings.memory_bytes_per_second =
      best_rate([&](int thread) { return read_all(kernels, begin(thread), share); });
  ceilings.cache_bytes_per_second = best_rate([&](int thread) {
    double done = 0;
    for (int i = 0; i < 8; ++i) {
      done += read_all(kernels, begin(thread), std::min(share, kCacheBytes / 4));
    }
    return done;
  });
  const auto peak = [](double (*multiply_add)(std::int64_t, float*)) {
    return best_rate([&](int) {
      float sink[16] = {0x1p-20F, 0x1p-20F};
      return multiply_add(kRounds, sink);
    });
  };
  ceilings.flops_per_second = peak(kernels.multiply_add);
  if (kernels.native_bf16.multiply_add != nullptr) {
    ceilings.bf16_flops_per_second = peak(kernels.native_bf16.multiply_add);
  }
  constexpr double kCalls = 1000;
  ceilings.call_seconds = 1 / best_rate_of_calls(kCalls);
  return ceilings;
}

struct CeilingsOfTheMoment::State {
  double (*multiply_add)(std::int64_t, float*);
  cpu::PageBuffer memory{memory_to_read()};
  std::atomic<std::int64_t> next_piece = 0;

  std::int64_t pieces() const {
    return static_cast<std::int64_t>(memory.bytes()) / 4 / kFloatsPerPiece;
  }
  const float* take_piece() {
    return memory.as<float>() + next_piece++ % pieces() * kFloatsPerPiece;
  }
};

CeilingsOfTheMoment::CeilingsOfTheMoment(DType dtype) : state_(std::make_unique<State>()) {
  const cpu::MicroKernels& kernels = cpu::micro_kernels(cpu::chosen_isa());
  auto* const native = kernels.native_bf16.multiply_add;
  state_->multiply_add = dtype == DType::kBf16 && native != nullptr ? native : kernels.multiply_add;
#pragma omp parallel for
  for (std::int64_t piece = 0; piece < state_->pieces(); ++piece) {
    std::memset(state_->memory.as<float>() + piece * kFloatsPerPiece, 1, kFloatsPerPiece * 4);
  }
}

CeilingsOfTheMoment::~CeilingsOfTheMoment() = default;

Ceilings CeilingsOfTheMoment::measure() {
  constexpr double kReading = 0.008;  // seconds
  constexpr double kMultiplying = 0.004;
  const cpu::MicroKernels& kernels = cpu::micro_kernels(cpu::chosen_isa());
  Ceilings ceilings;
  ceilings.bytes_per_second = rate_within(
      kReading, [&] { return read_all(kernels, state_->take_piece(), kFloatsPerPiece); });
  ceilings.flops_per_second = rate_within(kMultiplying, [&] {
    constexpr std::int64_t kShortRounds = 10'000;
    float sink[32] = {0x1p-20F, 0x1p-20F};
    return state_->multiply_add(kShortRounds, sink);
  });
  return ceilings;
}

}  // namespace moe
