#include "harness/drive.h"

#include <fmt/format.h>
#include <omp.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <numeric>
#include <set>

#include "harness/judge.h"
#include "harness/load_stats.h"
#include "harness/number_format.h"
#include "harness/run_problem.h"
#include "harness/workload.h"
#include "kernels/contract/error.h"
#include "reference/route.h"

namespace moe::harness {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Seconds of CPU that anybody used since the machine started; steal is somebody's too.
double busy_seconds() {
  std::ifstream stat("/proc/stat");
  std::string cpu;
  double user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, steal = 0;
  stat >> cpu >> user >> nice >> system >> idle >> wait >> irq >> soft >> steal;
  return (user + nice + system + irq + soft + steal) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double own_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// What others used of the CPUs from its making on.
class ForeignCpu {
 public:
  std::optional<double> share() const {
    constexpr double kTooShort = 0.2;  // seconds; the kernel counts in ticks of 10 ms
    const double wall = seconds_since(start_);
    if (wall < kTooShort) return std::nullopt;
    const double foreign = busy_seconds() - busy_ - (own_seconds() - own_);
    return std::max(0.0, foreign) / (wall * static_cast<double>(sysconf(_SC_NPROCESSORS_ONLN)));
  }

 private:
  Clock::time_point start_ = Clock::now();
  double busy_ = busy_seconds();
  double own_ = own_seconds();
};

std::vector<std::uint16_t> bits_of_all(DType dtype, const std::vector<float>& values) {
  std::vector<std::uint16_t> bits;
  if (!has_16_bits(dtype)) return bits;
  bits.reserve(values.size());
  for (const float v : values) bits.push_back(bits_of(dtype, v));
  return bits;
}

// Tokens as a strategy takes them, with the memory they lie in.
class HeldBatch {
 public:
  explicit HeldBatch(const Workload& work)
      : shape_(work.shape), x_(work.x), x16_(bits_of_all(work.shape.dtype, work.x)) {}

  Batch with(const std::vector<float>& logits) const {
    const MoeShape& s = shape_;
    Batch batch{packed(x_.data(), s.tokens, s.hidden), packed(logits.data(), s.tokens, s.experts)};
    if (!x16_.empty()) batch.x16 = packed(x16_.data(), s.tokens, s.hidden);
    return batch;
  }

 private:
  MoeShape shape_;
  std::vector<float> x_;
  std::vector<std::uint16_t> x16_;
};

struct Call {
  Strategy* layer;
  Batch batch;
};

// Ceilings before and after every few milliseconds of calls.
class Surroundings {
 public:
  explicit Surroundings(DType dtype) : now_(dtype) {}

  void open() { before_ = now_.measure(); }

  // So many seconds of calls have passed since the last time.
  void passed(double seconds, CallTimes& times) {
    constexpr double kOften = 0.01;  // seconds
    spent_ += seconds;
    if (spent_ > kOften) close(times);
  }

  void close(CallTimes& times) {
    const Ceilings after = now_.measure();
    times.ceilings.resize(times.samples_ns.size(),
                          {std::midpoint(before_.bytes_per_second, after.bytes_per_second),
                           std::midpoint(before_.flops_per_second, after.flops_per_second)});
    before_ = after;
    spent_ = 0;
  }

 private:
  CeilingsOfTheMoment now_;
  Ceilings before_{};
  double spent_ = 0;
};

CallTimes timed(const std::vector<Call>& calls, MatrixView<float> y, const DriveOptions& options,
                Surroundings* surroundings = nullptr) {
  NoClock clock;
  std::size_t position = 0;
  const auto run_next = [&] {
    const Call& call = calls[position++ % calls.size()];
    const auto start = Clock::now();
    call.layer->run(call.batch, y, clock);
    return seconds_since(start);
  };
  for (std::int64_t i = 0; i < options.warm_up; ++i) {
    if (run_next() > options.max_seconds / 4) break;  // slow calls warm up in one
  }
  if (surroundings != nullptr) surroundings->open();
  CallTimes times;
  const ForeignCpu foreign;
  double spent = 0;
  while (std::ssize(times.samples_ns) < options.samples) {
    const double seconds = run_next();
    times.samples_ns.push_back(seconds * 1e9);
    spent += seconds;
    if (surroundings != nullptr) surroundings->passed(seconds, times);
    if (spent > options.max_seconds * (times.samples_ns.size() >= 3 ? 1 : 3)) break;
  }
  times.foreign_cpu = foreign.share();
  if (surroundings != nullptr) surroundings->close(times);
  return times;
}

std::set<std::int32_t> chosen_experts(const std::vector<float>& logits, const MoeShape& s) {
  const Routing routing =
      reference::route<float>(TokenChoice{}, s, packed(logits.data(), s.tokens, s.experts));
  return {routing.expert.begin(), routing.expert.end()};
}

// Layers of one strategy, prepared.
class Layers {
 public:
  Layers(const StrategyInfo& info, const MoeShape& shape, const Cell& cell, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      weights_.push_back(i == 0 ? make_weights(shape, cell.seed)
                                : std::make_shared<const ExpertWeights>(*weights_[0]));
      strategies_.push_back(info.make());
      const auto start = Clock::now();
      strategies_.back()->prepare({shape, weights_.back().get(), cell.knobs});
      prepare_ns_ += seconds_since(start) * 1e9;
    }
  }
  const std::shared_ptr<const ExpertWeights>& weights() const { return weights_[0]; }
  Strategy* at(std::int64_t i) const { return strategies_[i % strategies_.size()].get(); }
  std::int64_t count() const { return std::ssize(strategies_); }
  double prepare_ns() const { return prepare_ns_ / static_cast<double>(count()); }

 private:
  std::vector<std::shared_ptr<const ExpertWeights>> weights_;
  std::vector<std::unique_ptr<Strategy>> strategies_;
  double prepare_ns_ = 0;
};

Work work_of(const MoeShape& s, const std::vector<float>& logits) {
  const Routing routing =
      reference::route<float>(TokenChoice{}, s, packed(logits.data(), s.tokens, s.experts));
  return work_done(s, load_stats(s, routing, routing), routing.assignments());
}

DriveResult drive_one(const Layers& layers, const Cell& cell, DriveOptions options) {
  const Workload work = make_workload(cell.workload, cell.shape, layers.weights(), cell.seed);
  const MoeShape& s = cell.shape;
  const HeldBatch tokens(work);
  DriveResult result{.prepare_ns = layers.prepare_ns()};
  result.work = work_of(s, work.logits);
  result.y.resize(static_cast<std::size_t>(s.tokens * s.hidden));
  std::vector<float> scratch(result.y.size());
  const auto y = packed(scratch.data(), s.tokens, s.hidden);
  NoClock clock;
  const Batch own = tokens.with(work.logits);
  const auto start = Clock::now();
  layers.at(0)->run(own, packed(result.y.data(), s.tokens, s.hidden), clock);
  if (seconds_since(start) > options.max_seconds) options.warm_up = 0;  // that was enough
  const auto chosen = std::ssize(chosen_experts(work.logits, s));
  const double reads = static_cast<double>(chosen * 3 * s.ffn * s.hidden) * weight_bytes(s.dtype);
  result.always_cold = options.cold && options.hot && options.cache_bytes > 0 &&
                       reads >= 2 * static_cast<double>(options.cache_bytes);
  if (options.hot && !result.always_cold) {
    result.hot = timed({{layers.at(0), own}}, y, options);
  }
  if (!options.cold) return result;
  const std::int64_t circle = s.experts / std::gcd(chosen, s.experts);
  const std::int64_t count = std::min(options.samples + options.warm_up,
                                      layers.count() * std::max<std::int64_t>(1, circle));
  std::vector<std::vector<float>> logits;
  for (std::int64_t i = 0; i < count; ++i) {
    logits.push_back(relabelled(work.logits, s, i / layers.count()));
  }
  std::vector<Call> calls;
  for (std::int64_t i = 0; i < count; ++i) calls.push_back({layers.at(i), tokens.with(logits[i])});
  std::optional<Surroundings> surroundings;
  if (options.ceilings) surroundings.emplace(s.dtype);
  result.cold = timed(calls, y, options, surroundings ? &*surroundings : nullptr);
  return result;
}

// Why a strategy cannot be driven with a cell, or nothing.
std::string fault_of(const StrategyInfo& info, const Cell& cell) {
  if (!std::holds_alternative<TokenChoice>(info.policy(cell.knobs))) {
    return "it routes by another policy than token choice";
  }
  const auto why = info.unsupported(cell.shape);
  return why ? "unsupported: " + *why : "";
}

const StrategyInfo& cpu_strategy(const std::string& name) {
  std::vector<std::string> known;
  for (const StrategyInfo* s : all_strategies()) {
    if (s->backend != Backend::kCpu) continue;
    if (full_name(*s) == name) return *s;
    known.push_back(full_name(*s));
  }
  throw UserError(fmt::format("drive: unknown strategy of the CPU \"{}\"{}; known: {}", name,
                              did_you_mean(name, known), comma_separated(known)));
}

MoeShape without_tokens(MoeShape shape) {
  shape.tokens = 0;
  return shape;
}

}  // namespace

std::vector<float> relabelled(const std::vector<float>& logits, const MoeShape& s,
                              std::int64_t step) {
  const auto chosen = chosen_experts(logits, s);
  std::vector<std::int64_t> number(static_cast<std::size_t>(s.experts), -1);
  std::int64_t next = step * std::ssize(chosen);
  for (const std::int32_t e : chosen) number[e] = next++ % s.experts;
  for (auto& n : number) {
    if (n < 0) n = next++ % s.experts;
  }
  std::vector<float> out(logits.size());
  for (std::int64_t t = 0; t < s.tokens; ++t) {
    for (std::int64_t e = 0; e < s.experts; ++e) {
      out[t * s.experts + number[e]] = logits[t * s.experts + e];
    }
  }
  return out;
}

std::vector<DriveResult> drive(const std::vector<Cell>& cells, const DriveOptions& options) {
  const Cell& first = cells.at(0);
  for (const Cell& cell : cells) {
    if (without_tokens(cell.shape) != without_tokens(first.shape) || cell.seed != first.seed ||
        cell.strategy != first.strategy) {
      throw UserError(fmt::format("\"{}\" and \"{}\" are not of one layer and one strategy",
                                  first.name(), cell.name()));
    }
  }
  const StrategyInfo& info = cpu_strategy(first.strategy);
  std::vector<DriveResult> results;
  std::vector<std::size_t> able;
  MoeShape shape = first.shape;
  shape.tokens = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string fault = fault_of(info, cells[i]);
    if (!fault.empty()) {
      results.push_back({.cell = i, .fault = fault});
      continue;
    }
    able.push_back(i);
    shape.tokens = std::max(shape.tokens, cells[i].shape.tokens);
  }
  if (able.empty()) return results;
  const int threads = omp_get_max_threads();
  const Layers layers(info, shape, first, options.layers);
  for (std::int64_t round = 0; round < options.rounds; ++round) {
    for (const std::size_t i : able) {
      omp_set_num_threads(cells[i].threads > 0 ? cells[i].threads : threads);
      results.push_back(drive_one(layers, cells[i], options));
      results.back().cell = i;
      results.back().round = round;
      if (round > 0) results.back().y.clear();
    }
  }
  omp_set_num_threads(threads);
  return results;
}

}  // namespace moe::harness
