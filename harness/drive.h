#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/cell.h"
#include "harness/work.h"
#include "kernels/contract/ceilings.h"

// A CPU strategy under the protocol that the drivers of other libraries follow (scripts/peers): one
// process, one layer, several batches; y is handed in, and calls are timed cold and hot.
namespace moe::harness {

struct DriveOptions {
  std::int64_t layers = 1;  // copies of the layer, walked through by cold calls
  std::int64_t samples = 20;
  std::int64_t warm_up = 3;
  double max_seconds = 3;  // of timing, a cache state; three samples are taken all the same, or
                           // one where that takes three times as long
  bool cold = true;
  bool hot = true;
  std::int64_t rounds = 1;       // through all cells; the first one's y is kept
  bool ceilings = false;         // measured around cold calls, with the cell's threads
  std::int64_t cache_bytes = 0;  // with cold and hot: hot is left out where one call reads twice as
                                 // much. 0: it never is
};

struct CallTimes {
  std::vector<double> samples_ns{};
  std::optional<double> foreign_cpu{};  // share of all CPUs that others used meanwhile; nothing
                                        // where it was too short to tell
  std::vector<Ceilings> ceilings{};     // of every sample, if asked for: the mean of the last one
                                        // before it and the first one after it
};

struct DriveResult {
  std::size_t cell = 0;  // its place among the cells
  std::int64_t round = 0;
  std::string fault{};       // unsupported, or another routing than token choice; else empty
  std::vector<float> y{};    // [T, H] of the cell's own routing
  double prepare_ns = 0;     // one layer
  CallTimes cold{}, hot{};   // empty where not asked for
  bool always_cold = false;  // hot was left out
  Work work{};               // of one call
};

// Cells of one layer and one strategy: same shape but for the tokens, same dtype, seed and
// strategy; the threads may differ. Throws UserError where they are not. The strategy prepares
// once, for the most tokens. One result for each round and cell, in that order, after one for each
// cell that it cannot be driven with.
std::vector<DriveResult> drive(const std::vector<Cell>& cells, const DriveOptions& options);

// The logits of a cold call: the experts that these logits choose take the numbers of the `step`th
// lot in a circle of all experts, in ascending order; the others fill the rest. Who shares an
// expert with whom stays. logits: [T, E].
std::vector<float> relabelled(const std::vector<float>& logits, const MoeShape& shape,
                              std::int64_t step);

}  // namespace moe::harness
