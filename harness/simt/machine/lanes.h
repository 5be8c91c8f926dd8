// The 32 lanes of a warp, as bits.
#pragma once
#include <bit>
#include <cstdint>

namespace moe::simt {

inline constexpr int kLanes = 32;
using LaneMask = std::uint32_t;
inline constexpr LaneMask kAllLanes = 0xffffffffu;

inline constexpr bool has_lane(LaneMask lanes, int lane) { return (lanes >> lane) & 1u; }

// for_each_lane(lanes, [&](int lane) { ... }): in ascending order.
template <class Body>
inline void for_each_lane(LaneMask lanes, Body&& body) {
  for (; lanes != 0; lanes &= lanes - 1) body(std::countr_zero(lanes));
}

}  // namespace moe::simt
