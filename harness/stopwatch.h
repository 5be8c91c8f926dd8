#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "kernels/contract/device.h"
#include "kernels/contract/strategy.h"

namespace moe::harness {

// Takes the time of a piece of work where it is done: on the CPU by the clock of the wall, on a
// device by its own events around the work.
class Stopwatch {
 public:
  virtual ~Stopwatch() = default;

  // Nanoseconds of `runs` times `work`, each of which enqueues or does one run.
  virtual double time(std::int64_t runs, const std::function<void()>& work) = 0;

  // How the time of one run splits into the phases it names: `work` is called with the clock.
  virtual std::map<std::string, double> split(const std::function<void(PhaseClock&)>& work) = 0;

  // State of the caches when a sample begins, as the record writes it.
  virtual std::string cache() const = 0;
  // Whether a sample must be one run, because something is done before each.
  virtual bool one_run_a_sample() const = 0;
};

// device: nullptr for the CPU. On a device the last-level cache is overwritten before each sample,
// and the work waits behind a kernel that holds it back until all of it is enqueued, so that the
// time is the device's and not that of launching; `execution` says whether a run waits for the
// device itself, and then it is not held back.
std::unique_ptr<Stopwatch> make_stopwatch(Device* device, const Execution& execution);

}  // namespace moe::harness
