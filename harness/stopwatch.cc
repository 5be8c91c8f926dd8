#include "harness/stopwatch.h"

#include <chrono>
#include <utility>
#include <vector>

namespace moe::harness {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) {
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

// Adds up the time between one enter() and the next.
class WallPhases final : public PhaseClock {
 public:
  void enter(std::string_view phase) override {
    finish();
    phase_ = phase;
    start_ = Clock::now();
  }
  void finish() {
    if (!phase_.empty()) total[phase_] += since(start_);
    phase_.clear();
  }
  std::map<std::string, double> total;

 private:
  std::string phase_;
  Clock::time_point start_;
};

class WallStopwatch final : public Stopwatch {
 public:
  double time(std::int64_t runs, const std::function<void()>& work) override {
    const auto start = Clock::now();
    for (std::int64_t i = 0; i < runs; ++i) work();
    return since(start);
  }
  std::map<std::string, double> split(const std::function<void(PhaseClock&)>& work) override {
    WallPhases clock;
    work(clock);
    clock.finish();
    return clock.total;
  }
  std::string cache() const override { return "warm"; }
  bool one_run_a_sample() const override { return false; }
};

// Notes a moment of the device wherever a phase begins.
class DevicePhases final : public PhaseClock {
 public:
  explicit DevicePhases(Device& device) : device_(device) {}
  void enter(std::string_view phase) override { begun_.emplace_back(phase, device_.mark()); }

  // Once the work is finished; `end` is its last moment.
  std::map<std::string, double> totals(const Moment& end) const {
    std::map<std::string, double> total;
    for (std::size_t i = 0; i < begun_.size(); ++i) {
      const Moment& next = i + 1 < begun_.size() ? *begun_[i + 1].second : end;
      total[begun_[i].first] += device_.elapsed_ns(*begun_[i].second, next);
    }
    return total;
  }

 private:
  Device& device_;
  std::vector<std::pair<std::string, std::unique_ptr<Moment>>> begun_;
};

class DeviceStopwatch final : public Stopwatch {
 public:
  DeviceStopwatch(Device& device, bool hold) : device_(device), hold_(hold) {}

  double time(std::int64_t runs, const std::function<void()>& work) override {
    device_.flush_cache();
    if (hold_) device_.hold_work();
    const auto begin = device_.mark();
    for (std::int64_t i = 0; i < runs; ++i) work();
    const auto end = device_.mark();
    if (hold_) device_.release_work();
    device_.finish();
    return device_.elapsed_ns(*begin, *end);
  }

  std::map<std::string, double> split(const std::function<void(PhaseClock&)>& work) override {
    device_.flush_cache();
    if (hold_) device_.hold_work();
    DevicePhases clock(device_);
    work(clock);
    const auto end = device_.mark();
    if (hold_) device_.release_work();
    device_.finish();
    return clock.totals(*end);
  }

  std::string cache() const override {
    return "cold: the last-level cache is overwritten before each sample";
  }
  bool one_run_a_sample() const override { return true; }

 private:
  Device& device_;
  bool hold_;
};

}  // namespace

std::unique_ptr<Stopwatch> make_stopwatch(Device* device, const Execution& execution) {
  if (device == nullptr) return std::make_unique<WallStopwatch>();
  return std::make_unique<DeviceStopwatch>(*device, execution.host_syncs == 0);
}

}  // namespace moe::harness
