#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "kernels/contract/ceilings.h"
#include "kernels/contract/shape.h"

namespace moe {

// A point in the device's own order of work.
class Moment {
 public:
  virtual ~Moment() = default;
};

// Work recorded once, to be launched again as a whole (a CUDA graph).
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void launch() = 0;
  virtual std::int64_t operations() const = 0;  // kernels, copies and fills in it
};

// Where strategies of another backend than the CPU keep their numbers and do their work: memory,
// order, and time. Work is enqueued, in order; finish() waits for it. What goes wrong on the device
// is thrown by the next call (std::bad_alloc: no memory left; otherwise with the runtime's words).
class Device {
 public:
  virtual ~Device() = default;

  // Why nothing can run here, in the runtime's own words and with what to do about it; nothing
  // where something can.
  virtual std::optional<std::string> unusable() = 0;
  virtual std::string name() = 0;                  // NVIDIA H100 PCIe (sm_90, driver 13.0)
  virtual std::string pci_bus_id() { return {}; }  // "0000:3b:00.0"; empty: it sits nowhere

  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* memory) = 0;
  virtual void to_device(void* to, const void* from, std::size_t bytes) = 0;
  virtual void to_host(void* to, const void* from, std::size_t bytes) = 0;  // waits
  virtual void finish() = 0;

  // Between two moments of finished work lie nanoseconds of the device's clock. A simulated device
  // has none: elapsed_ns throws std::logic_error there.
  virtual std::unique_ptr<Moment> mark() = 0;
  virtual double elapsed_ns(const Moment& from, const Moment& to) = 0;

  // Keeps the device from starting what is enqueued next until release_work(): the host is far
  // ahead by then, and what is measured is the device and not the speed of launching.
  virtual void hold_work() = 0;
  virtual void release_work() = 0;

  // The clock of the processors right after work, in megahertz; nothing where it is not known.
  virtual std::optional<double> clock_mhz() = 0;

  // Measured anew by each call; nothing where they cannot be.
  virtual std::optional<Ceilings> ceilings(DType dtype) = 0;

  // Writes memory larger than the last-level cache, so that the next run finds nothing there.
  virtual void flush_cache() = 0;

  // What `work` enqueues, recorded and not run; nullptr where it did what cannot be recorded.
  virtual std::unique_ptr<Recording> record(const std::function<void()>& work) = 0;
};

// The device of the CUDA strategies this program was built with; nullptr without any.
Device* cuda_device();

}  // namespace moe
