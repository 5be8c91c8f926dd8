#include "harness/probe_device.h"

#include "harness/isolate.h"
#include "kernels/contract/device.h"

namespace moe::harness {
namespace {

constexpr double kTimeoutSeconds = 60;  // a driver that wakes many GPUs takes its time
constexpr char kName = 'n';
constexpr char kFault = 'f';
constexpr char kPlace = 'p';

}  // namespace

DeviceState probe_device() {
  if (cuda_device() == nullptr) return {.fault = "built without CUDA"};
  DeviceState state;
  const auto ask = [](ChildLink& link) {
    if (const auto why = cuda_device()->unusable()) {
      link.say(kFault + *why);
    } else {
      link.say(kName + cuda_device()->name());
      link.say(kPlace + cuda_device()->pci_bus_id());
    }
  };
  const auto hear = [&](const std::string& line) {
    std::string& part = line[0] == kFault   ? state.fault
                        : line[0] == kPlace ? state.pci_bus_id
                                            : state.name;
    part = line.substr(1);
  };
  const ChildExit ended = run_isolated(ask, {.on_line = hear}, kTimeoutSeconds);
  if (state.name.empty() && state.fault.empty())
    state.fault = "asking for it ended: " + ended.reason;
  return state;
}

}  // namespace moe::harness
