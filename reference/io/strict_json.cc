#include "reference/io/strict_json.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>

#include "kernels/contract/error.h"
#include "reference/io/json_places.h"

namespace moe::reference {
namespace {

using nlohmann::json;

constexpr std::size_t kMostBytes = std::size_t{64} << 20;
constexpr std::size_t kMostShown = 60;  // characters of a found value in a message

std::string quoted(const std::string& s) {
  return json(s).dump(-1, ' ', false, json::error_handler_t::replace);
}

// A value as a message shows it.
std::string found(const json& v) {
  if (v.is_object()) return "an object";
  if (v.is_array()) return "a list";
  const std::string shown = v.dump(-1, ' ', false, json::error_handler_t::replace);
  if (shown.size() <= kMostShown) return shown;
  return v.is_string() ? "a string of " + std::to_string(shown.size() - 2) + " bytes"
                       : shown.substr(0, kMostShown) + "...";
}

// The value of an integer that fits into 64 bits with its sign.
std::optional<std::int64_t> whole(const json& v) {
  if (v.is_number_unsigned() && v.get<std::uint64_t>() > std::uint64_t{INT64_MAX}) return {};
  if (!v.is_number_integer()) return {};
  return v.get<std::int64_t>();
}

std::vector<std::string> keys(const json& object) {
  std::vector<std::string> all;
  for (const auto& [key, value] : object.items()) all.push_back(key);
  return all;
}

}  // namespace

struct Json::Document {
  std::string text;
  std::string name;
  json root;
};

Json::Json(std::shared_ptr<const Document> document, const json* value, std::string pointer)
    : document_(std::move(document)), value_(value), pointer_(std::move(pointer)) {}

Json Json::parse_file(const std::filesystem::path& path) {
  std::error_code none;
  if (std::filesystem::is_directory(path, none)) {
    throw UserError(path.string() + ": is a folder; expected a JSON file");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) throw UserError(path.string() + ": cannot be read; expected a JSON file");
  // Not by the file's size, which pipes do not have.
  std::string text;
  std::vector<char> part(std::size_t{1} << 16);
  while (text.size() <= kMostBytes && file) {
    file.read(part.data(), static_cast<std::streamsize>(part.size()));
    text.append(part.data(), static_cast<std::size_t>(file.gcount()));
  }
  return parse_text(text, path.string());
}

Json Json::parse_text(const std::string& text, const std::string& name) {
  if (text.empty()) throw UserError(name + ": is empty; expected JSON");
  if (text.size() > kMostBytes) throw UserError(name + ": more than 64 MB of JSON");
  auto document = std::make_shared<Document>(Document{text, name, parse_strictly(text, name)});
  const json* root = &document->root;
  return {std::move(document), root, ""};
}

bool Json::has(const std::string& key) const {
  expect(is_object(), "an object");
  return value_->contains(key);
}

Json Json::at(const std::string& key) const {
  if (!has(key)) fail("the key \"" + key + "\" is missing" + did_you_mean(key, keys(*value_)));
  return child(value_->at(key), key);
}

std::vector<std::pair<std::string, Json>> Json::members() const {
  expect(is_object(), "an object");
  std::vector<std::pair<std::string, Json>> all;
  for (const auto& [key, value] : value_->items()) all.emplace_back(key, child(value, key));
  return all;
}

void Json::allow_keys(std::span<const std::string> known) const {
  for (const auto& [key, member] : members()) {
    if (std::ranges::find(known, key) != known.end()) continue;
    const std::size_t offset = offset_of(document_->text, member.pointer_, Part::kKey);
    throw UserError(line_and_column(document_->text, offset, document_->name) + ": " +
                    member.pointer_ + ": unknown key " + quoted(key) + did_you_mean(key, known) +
                    "; known: " + comma_separated(known));
  }
}

std::vector<Json> Json::items() const {
  expect(is_array(), "a list");
  std::vector<Json> all;
  for (const json& item : *value_) all.push_back(child(item, std::to_string(all.size())));
  return all;
}

std::int64_t Json::integer(std::int64_t min, std::int64_t max) const {
  const auto n = whole(*value_);
  if (n && min <= *n && *n <= max) return *n;
  fail("expected an integer from " + std::to_string(min) + " to " + std::to_string(max) +
       ", found " + found(*value_));
}

double Json::number(double min, double max) const {
  const double n = is_number() ? value_->get<double>() : 0;
  if (is_number() && min <= n && n <= max) return n;
  fail("expected a number from " + found(min) + " to " + found(max) + ", found " + found(*value_));
}

bool Json::boolean() const {
  expect(is_boolean(), "true or false");
  return value_->get<bool>();
}

std::string Json::text() const {
  expect(is_string(), "a string");
  return value_->get<std::string>();
}

std::string Json::one_of(std::span<const std::string> known, const std::string& noun) const {
  std::string word = text();
  if (std::ranges::find(known, word) != known.end()) return word;
  fail("unknown " + noun + " " + found(*value_) + did_you_mean(word, known) +
       "; known: " + comma_separated(known));
}

void Json::fail(const std::string& what) const { throw UserError(place() + ": " + what); }

std::string Json::place() const {
  const std::size_t offset = offset_of(document_->text, pointer_, Part::kValue);
  return line_and_column(document_->text, offset, document_->name) +
         (pointer_.empty() ? "" : ": " + pointer_);
}

Json Json::child(const json& value, const std::string& key) const {
  return {document_, &value, pointer_ + pointer_step(key)};
}

void Json::expect(bool is, const char* wanted) const {
  if (!is) fail(std::string("expected ") + wanted + ", found " + found(*value_));
}

}  // namespace moe::reference
