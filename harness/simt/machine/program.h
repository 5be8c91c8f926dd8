// A module made ready to run: where its variables live, and each entry's decoded code.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "harness/simt/machine/device.h"
#include "harness/simt/machine/instruction.h"
#include "harness/simt/ptx/syntax.h"

namespace moe::simt {

// Registers that hold %tid.x and the like: set by the machine, never written by code.
enum class Special : std::uint8_t {
  kTidX,
  kTidY,
  kTidZ,
  kNtidX,
  kNtidY,
  kNtidZ,
  kCtaidX,
  kCtaidY,
  kCtaidZ,
  kNctaidX,
  kNctaidY,
  kNctaidZ,
  kLaneId,
  kWarpId,
  kNwarpId,
  kLaneMaskEq,
  kLaneMaskLe,
  kLaneMaskLt,
  kLaneMaskGe,
  kLaneMaskGt,
  kSmId,
  kNsmId,
  kGridId,
  kDynamicShared,
  kTotalShared,
  kClusterIdX,
  kClusterIdY,
  kClusterIdZ,
  kNclusterIdX,
  kNclusterIdY,
  kNclusterIdZ,
  kClusterCtaidX,
  kClusterCtaidY,
  kClusterCtaidZ,
  kClusterNctaidX,
  kClusterNctaidY,
  kClusterNctaidZ,
  kClusterCtaRank,
  kClusterNctaRank,
  kIsExplicitCluster,
  kZero,
  kCount
};

// A constant that fills a register row (or two, four) of every warp.
struct Constant {
  Reg reg = 0;
  int bytes = 4;
  std::uint64_t low = 0, high = 0;
};

// Memory whose first byte stands at a multiple of `alignment`.
class AlignedBytes {
 public:
  AlignedBytes() = default;
  AlignedBytes(std::size_t bytes, std::size_t alignment)
      : storage_(bytes + alignment),
        begin_((alignment - reinterpret_cast<std::uintptr_t>(storage_.data()) % alignment) %
               alignment),
        size_(bytes) {}
  std::byte* data() const { return const_cast<std::byte*>(storage_.data()) + begin_; }
  std::size_t size() const { return size_; }

 private:
  std::vector<std::byte> storage_;
  std::size_t begin_ = 0, size_ = 0;
};

// One entry with every function it can reach, in one code array.
class Kernel {
 public:
  const ptx::Function* function = nullptr;
  std::shared_ptr<Program> program;  // keeps the statements alive
  KernelInfo info;
  std::vector<Instruction> code;
  std::vector<Constant> constants;
  int file_bytes = 0;         // register file of one warp
  int local_bytes = 0;        // local memory of one lane: variables, call parameters
  int static_shared = 0;      // bytes behind kSharedBase, static variables
  int dynamic_shared_at = 0;  // offset of `extern __shared__` in shared memory
  AlignedBytes parameters;    // the parameter block of the launch that runs
  bool uses_async_proxy = false;
  bool uses_cp_async = false;

  Reg special(Special which) const { return static_cast<int>(which) * kRowBytes; }
};

// The address that stands for `extern __shared__` until a kernel's layout is known.
inline constexpr std::uint64_t kDynamicSharedSymbol = ~0ull;

class Program : public std::enable_shared_from_this<Program> {
 public:
  Program(Device& device, ptx::Module module);
  ~Program();

  // Decoded on first use. Null if there is no such entry.
  std::shared_ptr<Kernel> kernel(std::string_view name);

  struct Symbol {
    ptx::Space space;
    std::uint64_t address;  // global: the host address; shared: the offset
    std::uint64_t bytes;
  };
  const Symbol* symbol(std::string_view name) const;
  const ptx::Function* function(std::string_view name) const;
  // What a pointer to the function holds; it is code, not memory.
  std::uint64_t address_of(const ptx::Function& function) const;
  const ptx::Module& module() const { return module_; }
  // "file.cu:12" of a statement, or empty.
  std::string source_of(const ptx::Place& place) const;
  int shared_bytes() const { return shared_bytes_; }  // of module-scope shared variables
  int dynamic_align() const { return dynamic_align_; }

 private:
  void place_variables();
  Device& device_;
  ptx::Module module_;
  std::map<std::string, Symbol, std::less<>> symbols_;
  std::map<std::string, const ptx::Function*, std::less<>> functions_;
  std::map<std::string, std::weak_ptr<Kernel>, std::less<>> kernels_;
  std::vector<void*> owned_;
  int shared_bytes_ = 0;
  int dynamic_align_ = 16;
  std::mutex mutex_;
};

}  // namespace moe::simt
