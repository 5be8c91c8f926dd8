// The run loop: decoded instructions of one warp, fragment by fragment.
#pragma once
#include <cstdint>

#include "harness/simt/machine/warp.h"

namespace moe::simt {

enum class SliceEnd : std::uint8_t {
  kSpent,     // the budget is used up
  kBlocked,   // no fragment can go on
  kYielded,   // it polls: let others run
  kFinished,  // all lanes have left
};

// Runs at most `budget` warp instructions. `rotate`: fragments take turns even where the natural
// choice would keep to one (a warp whose lanes wait for each other).
SliceEnd execute(Warp& warp, std::uint32_t budget, bool rotate, std::uint64_t* executed);

}  // namespace moe::simt
