#pragma once
#include <string>

#include "harness/routing_generator.h"

namespace moe::harness {

// "zipf:1.2" as a generator; missing parameters take their defaults. Throws UserError on an unknown
// name, and on a parameter that is no number, out of range for the shape, or one too many.
RoutingGenerator parse_generator(const std::string& name, const MoeShape& shape);

}  // namespace moe::harness
