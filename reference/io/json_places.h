#pragma once
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace moe::reference {

// Reading JSON with places: what strict_json.h is made of.

// The value of a text. Faults (json_places.cc lists them) are UserErrors: `name:line:column: what`.
nlohmann::json parse_strictly(std::string_view text, const std::string& name);

// The offset of the value, or of its key, at an RFC 6901 pointer that exists in `text`.
enum class Part : std::uint8_t { kKey, kValue };
std::size_t offset_of(std::string_view text, const std::string& pointer, Part part);

// `name:line:column`, both from 1; columns count characters, not bytes.
std::string line_and_column(std::string_view text, std::size_t offset, const std::string& name);

// One step of an RFC 6901 pointer: `/key`, escaped.
std::string pointer_step(std::string_view key);

}  // namespace moe::reference
