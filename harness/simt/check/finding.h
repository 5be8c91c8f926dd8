// What a check found, with everything a reader needs to go and look.
#pragma once
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace moe::simt {

enum class Check : std::uint8_t {
  kSharedRace,
  kGlobalRace,
  kOutOfBounds,
  kUseAfterFree,
  kUninitialised,
  kMisaligned,
  kDivergence,  // a collective not reached by all its lanes, or reached at two places
  kBarrier,     // barrier misuse: two sites, wrong counts, mbarrier over-arrival, not initialised
  kProxyFence,  // generic writes read by the async proxy without fence.proxy
  kAsyncWait,   // an asynchronous copy's or wgmma's data touched before its wait
  kWgmma,       // missing wgmma.fence / commit
  kDeadlock,
  kBadArgument,  // an operand the instruction forbids (tensor map, descriptor, size)
  kDoubleFree,
  kTrap,
  kCount
};

std::string_view name_of(Check check);  // "shared-race"

// One side of it: who stood where.
struct Site {
  std::array<unsigned, 3> block{}, thread{};
  int ptx_line = 0;
  std::string ptx_text;
  std::string source;  // "file.cu:12", or empty without -lineinfo
};

struct Finding {
  Check check{};
  std::string kernel;  // mangled
  Site site;
  bool has_other = false;
  Site other;               // the earlier access of a race
  std::string message;      // one sentence: address, sizes, expectation
  std::uint64_t count = 1;  // how often at this statement
};

// Several lines for a terminal.
std::string describe(const Finding& finding);

// Thrown where a kernel cannot go on (the finding is already recorded): the launch fails.
class KernelFault : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace moe::simt
