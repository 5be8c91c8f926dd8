// What a test asks of the simulated device beyond the CUDA API. Only for programs that are linked
// to the stand-in runtime; a program for both links this only where it runs in the interpreter.
#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "harness/simt/check/finding.h"
#include "harness/simt/machine/counters.h"
#include "harness/simt/machine/device.h"
#include "harness/simt/machine/settings.h"

namespace moe::simt {

// The one device of this process, of the architecture MOEBENCH_SIM_ARCH names (90a).
Device& simulated_device();

// How the next launches are run; at first as the MOEBENCH_SIM_* variables say.
Settings& settings();

// All findings since the last call, of kernels and of runtime calls. Whoever takes them answers for
// them: findings that nobody took make the process exit with 3.
std::vector<Finding> take_findings();

// The counters of one launch.
struct NamedCounters {
  std::string kernel;  // mangled
  Dim3 grid, block;
  std::size_t dynamic_shared = 0;
  Counters counters;
};

// Those of every launch since the last call, in order.
std::vector<NamedCounters> take_counters();

// Forgets the error a faulting kernel left behind: as cudaDeviceReset, but memory, streams and
// modules stay. On a real device only the end of the process does this.
void clear_fault();

// `MOEBENCH_SIM_ARCH=90a MOEBENCH_SIM_SCHEDULE=random:7 ...`: repeats what is set now.
std::string settings_line();

}  // namespace moe::simt
