// Counters as JSON, under the names they have in C++: to be kept beside a kernel and compared with
// the next version's. Counts only: what the interpreter does says nothing about time.
#pragma once
#include <nlohmann/json_fwd.hpp>

#include "harness/simt/machine/counters.h"

namespace moe::simt {

// Every field; of the instruction classes only those that occurred.
nlohmann::ordered_json to_json(const Counters& counters);

// Reads it back. A class that is not there is zero. UserError for a field that is missing, unknown,
// or not a count.
Counters counters_from_json(const nlohmann::ordered_json& json);

}  // namespace moe::simt
