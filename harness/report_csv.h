#pragma once
#include <string>
#include <vector>

#include "harness/record.h"

namespace moe::harness {

// Comma-separated values (RFC 4180, but with bare line ends): a header, then one row a record.
// Units are in the names of the columns. What does not exist is an empty field.
std::string csv_report(const std::vector<Record>& records);

}  // namespace moe::harness
