// The fatbins, kernels and variables that the objects of this program have registered.
#pragma once
#include <driver_types.h>

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/simt/machine/device.h"
#include "harness/simt/runtime/fatbin.h"

namespace moe::simt {

// One fatbin: parsed, decoded and placed in device memory when something of it is first used.
struct FatBinary {
  const std::byte* data = nullptr;
  std::shared_ptr<Program> program;      // null until loaded
  std::map<std::string, int> registers;  // from the cubin of this architecture, if there is one
  int ptx_capability = 0;                // of the entry chosen: 90
};

struct KernelHandle {
  FatBinary* binary = nullptr;
  std::string name;  // mangled
  const void* host_function = nullptr;
  std::shared_ptr<Kernel> kernel;  // null until used
  int max_dynamic_shared = -1;     // cudaFuncSetAttribute; -1: as the device gives without asking
  int carveout = -1;
  bool nonportable_cluster = false;
};

struct VariableHandle {
  FatBinary* binary = nullptr;
  std::string name;
  std::size_t bytes = 0;
  bool constant = false;
  void** managed = nullptr;  // the host's pointer to a __managed__ variable
};

class Modules {
 public:
  explicit Modules(Device& device) : device_(device) {}

  FatBinary* add_binary(const std::byte* data);
  // The object is going away (the end of the process, or dlclose).
  void remove_binary(FatBinary* binary);
  void add_function(FatBinary* binary, const void* host_function, std::string name);
  void add_variable(const void* host_variable, VariableHandle variable);

  // By the host's function or by a cudaKernel_t. Null if nothing of that address was registered.
  KernelHandle* find_function(const void* function);
  // The same, decoded. Throws ApiError: cudaErrorInvalidDeviceFunction, ...NoKernelImageForDevice,
  // ...InvalidPtx (printed, and the process cannot end well: this is a gap of the interpreter).
  KernelHandle& need_function(const void* function);
  const KernelInfo& info(const KernelHandle& handle) const { return device_.info(*handle.kernel); }

  struct Place {
    void* address = nullptr;
    std::size_t bytes = 0;
  };
  // Where a __device__, __constant__ or __managed__ variable lies. Throws ApiError
  // (cudaErrorInvalidSymbol).
  Place need_variable(const void* host_variable);

  // Gives every __managed__ variable of the fatbin its address, before the host looks at it.
  void place_managed(FatBinary& binary);

  // Registers a thread, or 0 where no cubin tells.
  int registers(const KernelHandle& handle) const;

  // cudaDeviceReset: everything is loaded again on next use.
  void unload_all();

 private:
  void load(FatBinary& binary);
  Device& device_;
  std::vector<std::unique_ptr<FatBinary>> binaries_;
  std::map<const void*, std::unique_ptr<KernelHandle>> functions_;  // by the host's address
  std::map<const void*, KernelHandle*> handles_;                    // by cudaKernel_t
  std::map<const void*, VariableHandle> variables_;
};

}  // namespace moe::simt
