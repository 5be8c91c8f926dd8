#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "harness/record.h"

namespace moe::harness {

// JUnit's XML, for what shows test results: a suite per problem, a case per cell. wrong, mistrusted
// and suspect are failures; crashed, timeout and oom are errors; unsupported and skipped are
// skipped. The time of a case is the median of its samples, seconds.
std::string junit_report(const std::vector<Record>& records);

// Text within an XML attribute or element. Characters XML 1.0 cannot hold become spaces.
std::string xml_escaped(std::string_view text);

}  // namespace moe::harness
