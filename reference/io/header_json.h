#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace moe::reference {

// The JSON value of `text`. nlohmann alone would keep the last of two equal keys, stop at a NUL
// byte, skip a byte order mark and build values so deep that copying them overflows the stack; each
// of these is a UserError here, and so is text that is not JSON. `place` begins the sentence.
nlohmann::json parse_strict_json(std::string_view text, const std::string& place);

// `name` in quotation marks, control bytes escaped and a long one cut, for such a sentence.
std::string in_quotes(std::string_view name);

}  // namespace moe::reference
