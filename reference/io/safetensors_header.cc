#include "reference/io/safetensors_header.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <utility>

#include "kernels/contract/error.h"
#include "reference/io/header_json.h"

namespace moe::reference {
namespace {

using nlohmann::json;

constexpr std::array kTypes{TensorType::kF64,  TensorType::kF32, TensorType::kF16,
                            TensorType::kBf16, TensorType::kI64, TensorType::kI32,
                            TensorType::kU8,   TensorType::kBool};
constexpr std::uint64_t kMostBytes = std::numeric_limits<std::int64_t>::max();

// A JSON value in a sentence: short enough to read.
std::string shown(const json& value) {
  const std::string text = value.dump(-1, ' ', false, json::error_handler_t::replace);
  return text.size() > 80 ? text.substr(0, 80) + "..." : text;
}

// Checks one tensor's entry; every sentence begins with the file and the tensor.
class EntryParser {
 public:
  EntryParser(const std::string& file, const std::string& name)
      : place_(file + ": tensor " + in_quotes(name)) {}

  TensorEntry parse(const json& entry) const {
    if (!entry.is_object()) refuse("is " + shown(entry) + ", expected an object");
    for (const auto& [key, value] : entry.items()) {
      if (std::ranges::find(kKeys, key) == kKeys.end()) {
        refuse("has the key " + in_quotes(key) + ", expected " + comma_separated(kKeys) +
               did_you_mean(key, kKeys));
      }
    }
    for (const auto& key : kKeys) {
      if (!entry.contains(key)) refuse("has no " + in_quotes(key));
    }
    TensorEntry parsed{type(entry["dtype"]), shape(entry["shape"]), 0, 0};
    std::tie(parsed.begin, parsed.end) = offsets(entry["data_offsets"]);
    const auto bytes = stored_bytes(parsed.type, parsed.shape);
    if (!bytes) {
      refuse("has shape " + shown(entry["shape"]) + ", whose size in bytes passes 2^63");
    }
    if (*bytes != parsed.end - parsed.begin) {
      refuse("has data_offsets " + shown(entry["data_offsets"]) + ", expected " +
             std::to_string(*bytes) + " bytes for " + std::string(to_string(parsed.type)) +
             " of shape " + shown(entry["shape"]));
    }
    return parsed;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw UserError(place_ + " " + what); }

  TensorType type(const json& dtype) const {
    std::vector<std::string> known;
    known.reserve(kTypes.size());
    for (const auto t : kTypes) known.emplace_back(to_string(t));
    const auto found = std::ranges::find(known, dtype.is_string() ? dtype.get<std::string>() : "");
    if (found == known.end()) {
      refuse("has the dtype " + shown(dtype) + ", expected one of " + comma_separated(known));
    }
    return kTypes[static_cast<std::size_t>(found - known.begin())];
  }

  // A whole number from 0 to 2^63 - 1; `what` says of which list it is an entry.
  std::uint64_t whole(const json& number, const std::string& what) const {
    if (!number.is_number_unsigned() || number.get<std::uint64_t>() > kMostBytes) {
      refuse("has " + shown(number) + " in " + what + ", expected a whole number from 0 to 2^63-1");
    }
    return number.get<std::uint64_t>();
  }

  std::vector<std::int64_t> shape(const json& list) const {
    if (!list.is_array()) refuse("has the shape " + shown(list) + ", expected a list");
    std::vector<std::int64_t> shape;
    for (const auto& n : list) shape.push_back(static_cast<std::int64_t>(whole(n, "its shape")));
    return shape;
  }

  std::pair<std::uint64_t, std::uint64_t> offsets(const json& list) const {
    if (!list.is_array() || list.size() != 2) {
      refuse("has data_offsets " + shown(list) + ", expected [begin, end]");
    }
    const auto begin = whole(list[0], "its data_offsets");
    const auto end = whole(list[1], "its data_offsets");
    if (begin > end) refuse("has data_offsets " + shown(list) + ", expected begin <= end");
    return {begin, end};
  }

  static inline const std::vector<std::string> kKeys{"dtype", "shape", "data_offsets"};
  std::string place_;
};

std::map<std::string, std::string> parse_metadata(const json& object, const std::string& file) {
  if (!object.is_object()) {
    throw UserError(file + ": __metadata__ is " + shown(object) + ", expected an object");
  }
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : object.items()) {
    if (!value.is_string()) {
      throw UserError(file + ": __metadata__ " + in_quotes(key) + " is " + shown(value) +
                      ", expected a string");
    }
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

// The tensors must cover the data section exactly: no byte twice, none left out.
void check_cover(const std::map<std::string, TensorEntry>& entries, std::uint64_t data_bytes,
                 const std::string& file) {
  std::vector<const std::pair<const std::string, TensorEntry>*> order;
  order.reserve(entries.size());
  for (const auto& item : entries) order.push_back(&item);
  std::ranges::sort(
      order, {}, [](const auto* item) { return std::pair(item->second.begin, item->second.end); });
  std::uint64_t covered = 0;
  std::string last;
  for (const auto* item : order) {
    const auto& [name, entry] = *item;
    const std::string place = file + ": tensor " + in_quotes(name);
    if (entry.end > data_bytes) {
      throw UserError(place + " ends at byte " + std::to_string(entry.end) +
                      " of the data, where " + std::to_string(data_bytes) + " are in the file");
    }
    if (entry.begin != covered) {
      throw UserError(place + " begins at byte " + std::to_string(entry.begin) +
                      " of the data and " +
                      (entry.begin < covered ? "overlaps " : "leaves a gap after ") +
                      (last.empty() ? "the header" : "tensor " + in_quotes(last)) + ", expected " +
                      std::to_string(covered));
    }
    covered = entry.end;
    last = name;
  }
  if (covered != data_bytes) {
    throw UserError(file + ": " + std::to_string(data_bytes - covered) + " bytes follow the " +
                    (last.empty() ? "header" : "last tensor " + in_quotes(last)) +
                    ", expected none");
  }
}

}  // namespace

std::optional<std::uint64_t> stored_bytes(TensorType type, const std::vector<std::int64_t>& shape) {
  std::uint64_t bytes = element_bytes(type);
  for (const auto n : shape) {
    if (n < 0) return std::nullopt;
    const auto count = static_cast<std::uint64_t>(n);
    if (count != 0 && bytes > kMostBytes / count) return std::nullopt;
    bytes *= count;
  }
  return bytes;
}

SafetensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_bytes,
                                           const std::string& file) {
  const json header = parse_strict_json(text, file + ": the header");
  if (!header.is_object()) {
    throw UserError(file + ": the header is " + shown(header) + ", expected an object");
  }
  SafetensorsHeader parsed;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      parsed.metadata = parse_metadata(value, file);
    } else {
      parsed.entries.emplace(name, EntryParser(file, name).parse(value));
    }
  }
  check_cover(parsed.entries, data_bytes, file);
  parsed.data_start = kLengthBytes + text.size();
  return parsed;
}

SafetensorsHeader read_safetensors_header(const std::filesystem::path& path) {
  const std::string file = path.string();
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw UserError(file +
                    (std::filesystem::exists(path, error) ? ": is not a file" : ": no such file"));
  }
  const std::uint64_t size = std::filesystem::file_size(path, error);
  std::ifstream in(path, std::ios::binary);
  if (error || !in) throw UserError(file + ": cannot be read");
  if (size < kLengthBytes) {
    throw UserError(file + ": " + std::to_string(size) +
                    " bytes long, expected a header length of 8 bytes and a header");
  }
  std::uint64_t length = 0;
  in.read(reinterpret_cast<char*>(&length), sizeof length);
  if (length == 0 || length > size - kLengthBytes) {
    throw UserError(file + ": the header length is " + std::to_string(length) +
                    ", expected 1 to the " + std::to_string(size - kLengthBytes) +
                    " bytes that follow it");
  }
  if (length > kLongestHeader) {
    throw UserError(file + ": the header length is " + std::to_string(length) +
                    ", expected at most " + std::to_string(kLongestHeader));
  }
  std::string text(length, '\0');
  in.read(text.data(), static_cast<std::streamsize>(length));
  if (!in) throw UserError(file + ": cannot be read");
  return parse_safetensors_header(text, size - kLengthBytes - length, file);
}

std::string safetensors_header_text(const std::map<std::string, TensorSpec>& tensors,
                                    const std::map<std::string, std::string>& metadata) {
  std::string text = "{";
  if (!metadata.empty()) text += "\"__metadata__\":" + json(metadata).dump();
  std::uint64_t begin = 0;
  for (const auto& [name, spec] : tensors) {
    const auto bytes = stored_bytes(spec.type, spec.shape);
    if (!bytes || name == "__metadata__") {
      throw std::logic_error("safetensors_header_text: tensor " + in_quotes(name) +
                             " has a forbidden name or an impossible shape " +
                             json(spec.shape).dump());
    }
    if (text.size() > 1) text += ',';
    text += json(name).dump();
    text += ":{\"dtype\":\"" + std::string(to_string(spec.type));
    text += "\",\"shape\":" + json(spec.shape).dump();
    text += ",\"data_offsets\":" + json({begin, begin + *bytes}).dump() + "}";
    begin += *bytes;
  }
  text += "}";
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace moe::reference
