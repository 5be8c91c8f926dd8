// The first stages of a layer: who goes where, and at which row of the expert-major buffers.
// All pointers are device memory; all work is enqueued on the stream; nothing waits for the host.
//
// Words, as in kernels/common/slots.h: an *assignment* a = t * K + k is token t's k-th choice; a
// *slot* is a row of the expert-major buffers. -1 stands for a dropped assignment or an empty slot.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>

#include "kernels/cuda/detail/buffer.h"

namespace moe::cuda {

enum class Scores : std::uint8_t { kSoftmax, kSigmoid };

// Each token's K best experts, best first, ties to the lower expert. Selection compares logits.
struct TopK {
  const float* logits = nullptr;   // [T, E]
  std::int64_t logits_stride = 0;  // elements from one token's row to the next
  std::int64_t tokens = 0;
  int experts = 0;  // E <= 1024
  int top_k = 0;    // K <= min(E, 32)
  Scores scores = Scores::kSoftmax;
  bool renormalize = true;  // weights over the chosen K; else over all E (softmax), or as they are
  std::int32_t* expert = nullptr;  // [T, K]
  float* weight = nullptr;         // [T, K]
};
void select_top_k(const TopK& problem, cudaStream_t stream);

// ---- grouping ----------------------------------------------------------------------------------

enum class GroupingMethod : std::uint8_t {
  // Both one launch up to 32768 assignments, two beyond.
  kCountingSort,  // stable: the slots of an expert are in token order
  kAtomic,        // places by atomicAdd: the order within an expert changes from run to run
  kRadixSort,     // CUB: a radix sort of ceil(log2 E) bits, and one launch to read it off; stable
};

// Where the groups of the experts lie. `begin` is written by the exact methods, and by the caller
// (once) where every expert has a buffer of fixed height.
struct Slots {
  std::int32_t* of_assignment = nullptr;  // [T * K] -> slot or -1
  std::int32_t* token = nullptr;          // [slots] -> token or -1
  std::int32_t* begin = nullptr;          // [E + 1]: first slot of each expert
  std::int32_t* count = nullptr;          // [E]: used slots of each expert
};

// Grouping without drops: expert e's slots are begin[e] .. begin[e] + count[e], begin the exclusive
// prefix sums of count. Made once for the most assignments and reused.
class Grouping {
 public:
  Grouping() = default;
  Grouping(std::int64_t most_assignments, int experts, GroupingMethod method);
  // expert: [assignments], assignments = T * K.
  void run(const std::int32_t* expert, std::int64_t assignments, int top_k, const Slots& slots,
           cudaStream_t stream);
  std::int64_t workspace_bytes() const;
  int launches() const;  // kernels and memsets of a run with the most assignments

 private:
  GroupingMethod method_ = GroupingMethod::kCountingSort;
  int experts_ = 0;
  Buffer<std::uint8_t> workspace_;  // CUB's, and the sorted keys; per-block histograms
  int launches_ = 0;
};

// Every expert has `height` slots: those of expert e are e * height .. (e + 1) * height. All
// tokens' first choices are placed before any token's second (GShard); what finds its expert full
// gets slot -1, slots left free get token -1. Writes of_assignment, token and count (<= height).
// One launch. `height` may be the number of tokens: then nothing is dropped (the masked layout).
void place_with_height(const std::int32_t* expert, std::int64_t tokens, int top_k, int experts,
                       std::int64_t height, const Slots& slots, cudaStream_t stream);

// ---- expert choice -----------------------------------------------------------------------------

// Each expert takes the `takes` tokens with the highest probability for it, softmax over all E of
// a token; equal probabilities go to the lower token. Slots of expert e: e * takes .., in ascending
// token order. Our own radix select: one block an expert.
struct ExpertChoiceSelect {
  const float* logits = nullptr;  // [T, E]
  std::int64_t logits_stride = 0;
  std::int64_t tokens = 0;
  int experts = 0;
  std::int64_t takes = 0;         // 1 <= takes <= T
  float* probability = nullptr;   // [E, T], scratch and result
  std::int32_t* token = nullptr;  // [E * takes]
  float* weight = nullptr;        // [E * takes]: the probability
};
void select_for_experts(const ExpertChoiceSelect& problem, cudaStream_t stream);

// The inverse of ExpertChoiceSelect::token: for each token its slots, ascending by expert:
// slot_begin[T + 1], slot_of[E * takes]. Deterministic.
void list_slots_by_token(const std::int32_t* token, std::int64_t slots, std::int64_t tokens,
                         std::int32_t* slot_begin, std::int32_t* slot_of, cudaStream_t stream);

}  // namespace moe::cuda
