// Token choice as one grouped product: route, place, (permute,) two products, combine. What the
// strategies of this family differ in is a plan.
#pragma once
#include <memory>

#include "kernels/cuda/detail/layer.h"

namespace moe::cuda {

struct GroupedPlan {
  enum class Layout : std::uint8_t {
    kSorted,    // experts' rows lie behind each other, no row is empty
    kCapacity,  // every expert has capacity() rows; empty ones are multiplied, too many are dropped
    kMasked,    // every expert has room for all tokens; only rows in use are touched
  };
  enum class Input : std::uint8_t {
    kPermuted,  // x is copied into the experts' order
    kGathered,  // the first product picks the rows of x itself
  };
  enum class Output : std::uint8_t {
    kGatherAndSum,  // expert rows are stored, and summed by token in a fixed order
    kAtomicAdd,     // the second product adds to y itself
  };
  Layout layout = Layout::kSorted;
  GroupingMethod grouping = GroupingMethod::kCountingSort;
  Input input = Input::kPermuted;
  Output output = Output::kGatherAndSum;
  // For a batch of so many tokens.
  ProductKernel (*kernel)(const MoeShape& shape, std::int64_t tokens) = [](const MoeShape& shape,
                                                                           std::int64_t tokens) {
    return common_product(shape.dtype, average_rows(shape, tokens));
  };
};

// A quarter of slack over an even load, as Switch Transformers train with (arXiv 2101.03961).
TokenChoiceCapped capped_policy(const Knobs& knobs);

std::optional<std::string> unsupported_grouped(const GroupedPlan& plan, const MoeShape& shape);
std::unique_ptr<Strategy> make_grouped(const GroupedPlan& plan);

}  // namespace moe::cuda
