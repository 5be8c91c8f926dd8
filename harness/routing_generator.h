#pragma once
#include <cstdint>
#include <variant>
#include <vector>

#include "kernels/contract/shape.h"

namespace moe::harness {

// The laws by which tokens choose experts.
struct Balanced {};  // every expert and every expert-parallel rank equally
struct Uniform {};   // every expert equally likely
struct Zipf {        // the r-th most popular expert in proportion to r^-exponent
  double exponent = 1;
};
struct Dirichlet {  // by one draw of the symmetric Dirichlet distribution, for all tokens
  double alpha = 0.1;
};
struct Hot {  // a share of the tokens must include one of the hot experts
  std::int64_t experts = 1;
  double fraction = 1;
};
struct Collapse {};             // every token takes the same K
struct Correlated {             // each sequence of tokens by its own draw of Dir(A/E, ..., A/E)
  double concentration = 8;     // A
  std::int64_t sequence = 128;  // tokens
};
using RoutingGenerator =
    std::variant<Balanced, Uniform, Zipf, Dirichlet, Hot, Collapse, Correlated>;

struct Selection {
  std::vector<std::int32_t> ids{};  // [T, K] distinct per row, first choice first
  double requested_share = 0;       // the busiest expert's, from the probabilities asked for. A
                                    // token takes an expert once, so no more than 1/K can come true
};

// Needs 1 <= top_k <= experts. Which expert is the popular one depends on the seed. The same
// selection from every compiler and number of threads: probabilities are whole multiples of 2^-32,
// and sampling is integer arithmetic.
Selection generate_selection(const RoutingGenerator& generator, const MoeShape& shape,
                             std::uint64_t seed);

}  // namespace moe::harness
