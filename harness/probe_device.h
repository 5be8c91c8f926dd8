#pragma once
#include <string>

namespace moe::harness {

// The device of the CUDA strategies as it is on this machine.
struct DeviceState {
  std::string name{};        // NVIDIA H100 PCIe (sm_90, driver 13.0); empty where there is none
  std::string pci_bus_id{};  // 0000:3b:00.0; empty where it sits nowhere: a simulated one
  std::string fault{};  // why nothing can run on it, in the runtime's words; empty where it can
  bool usable() const { return fault.empty(); }
};

// Asked in a child process: once a process has talked to a GPU, its own children cannot.
DeviceState probe_device();

}  // namespace moe::harness
