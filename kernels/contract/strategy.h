#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/contract/matrix.h"
#include "kernels/contract/routing.h"
#include "kernels/contract/shape.h"

namespace moe {

struct ExpertWeights {      // row-major, already rounded to the shape's dtype
  std::vector<float> gate;  // [E, F, H]
  std::vector<float> up;    // [E, F, H]
  std::vector<float> down;  // [E, H, F]
};

// Numbers a matrix file may sweep. A strategy that does not know one ignores it.
struct Knobs {
  std::optional<double> capacity_factor{};  // tokens an expert takes, in even loads; else the
                                            // strategy's own default
};

// What stays the same from run to run.
struct Layer {
  MoeShape shape;  // shape.tokens: the most tokens a batch will have
  const ExpertWeights* weights = nullptr;
  Knobs knobs{};
};

// What changes from run to run. The values lie on the strategy's device; there, rows begin at
// multiples of 16 bytes.
struct Batch {
  MatrixView<const float> x;                 // [T, H]
  MatrixView<const float> logits;            // [T, E]
  MatrixView<const std::uint16_t> x16 = {};  // x in the bits of bf16 or f16; where the dtype is one
                                             // of 16 bits or less (e4m3: bf16), else empty
};

// One MoE layer and the tokens it is to work on: the same numbers for every strategy and for the
// reference. batch.x.rows == layer.shape.tokens.
struct Problem {
  Layer layer;
  Batch batch;
};

// What a strategy did besides writing y.
struct Dispatch {
  Routing routing{};               // what it really did, not what it was asked to do
  std::int64_t rows_computed = 0;  // expert rows multiplied, padding included
};

// Splits one run into named parts. Does nothing unless the harness asks for the split.
// The names are: route, group, permute, experts, combine.
class PhaseClock {
 public:
  virtual ~PhaseClock() = default;
  virtual void enter(std::string_view phase) = 0;
};

class Strategy {
 public:
  virtual ~Strategy() = default;

  // Once per layer, timed apart and reported: allocate, pack weights, upload. Sees no tokens, so
  // nothing of a run can be prepared in advance.
  virtual void prepare(const Layer& layer) = 0;

  // Timed, many times: route, dispatch, run the experts, combine. Writes every row of y [T, H].
  // Allocates nothing. The batch may differ from run to run and have fewer tokens than the layer.
  virtual void run(const Batch& batch, MatrixView<float> y, PhaseClock& clock) = 0;

  // Untimed: how the last run dispatched.
  virtual Dispatch read_back() = 0;

  // Bytes held besides the caller's weights, inputs and output.
  virtual std::int64_t workspace_bytes() const = 0;

  // What a library chose to multiply with in the runs so far, of those that choose by shape and
  // tell: the library, its version, the numbers of its algorithms. Empty: there is no such library.
  virtual std::string library_algorithms() const { return {}; }
};

// How a strategy of another backend goes about its work. What is said here is compared with what it
// is seen to do.
struct Execution {
  int host_syncs = 0;      // times a run waits for the device
  bool graph = false;      // a run can be recorded and launched again: nothing depends on the host
  bool repeatable = true;  // the same bits on every run; false: sums by atomic additions
  bool operator==(const Execution&) const = default;
};

// What one run of a strategy comes to under a given load: what its time is predicted from.
struct DispatchPlan {
  std::vector<std::int64_t> rows{};  // [E]: multiplied by each expert's weights
  std::int64_t waits = 1;            // times all threads are called and waited for
  double copied_bytes = 0;           // written to be read again, besides the products' own rows
};

// One per file in kernels/cpu and kernels/cuda. The name is the file's name with '-' for '_'.
struct StrategyInfo {
  std::string_view name;
  Backend backend;
  std::string_view summary;                                    // one sentence: the idea
  RoutingPolicy (*policy)(const Knobs&);                       // the routing it must produce
  std::optional<std::string> (*unsupported)(const MoeShape&);  // the reason, or nothing
  std::unique_ptr<Strategy> (*make)();
  Execution execution = {};
  // For token choice with tokens_per_expert: [E]; nullptr: its time is not predicted.
  DispatchPlan (*plan)(const MoeShape&, std::span<const std::int64_t> tokens_per_expert) = nullptr;
};

// How tests and logs write it: sort-and-group@cpu.
std::string full_name(const StrategyInfo& strategy);
inline void PrintTo(const StrategyInfo* s, std::ostream* os) { *os << full_name(*s); }

// Every strategy that was built, in name order. Written by kernels/CMakeLists.txt.
std::span<const StrategyInfo* const> all_strategies();

// What the CPU strategies multiply with, and the instruction set chosen for it: part of every
// record, since another one gives other times. Throws UserError for a bad MOEBENCH_ISA.
std::string matrix_product_library();

// The instruction sets the CPU strategies have kernels for and this machine can run, the best last.
// The environment variable MOEBENCH_ISA chooses among them.
std::vector<std::string> cpu_instruction_sets();

}  // namespace moe
