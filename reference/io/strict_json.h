#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace moe::reference {

// A value of a JSON file that knows where it stands, so that every complaint about it can name the
// file, the line and column and the path:
//   config.json:14:17: /matrix/routing/0/gen: unknown word "zipff" (did you mean "zipf"?); known: …
// All faults are UserErrors. Beyond the JSON grammar these are refused: duplicate keys, more than
// 64 levels, an empty text, more than 64 MB. `//` and `/* */` comments are allowed.
// Children share the document: they may outlive the value they were taken from.
class Json {
 public:
  static Json parse_file(const std::filesystem::path& path);
  // `name` stands for the file in messages.
  static Json parse_text(const std::string& text, const std::string& name);

  bool is_null() const { return value_->is_null(); }
  bool is_object() const { return value_->is_object(); }
  bool is_array() const { return value_->is_array(); }
  bool is_string() const { return value_->is_string(); }
  bool is_number() const { return value_->is_number(); }
  bool is_boolean() const { return value_->is_boolean(); }

  // Of objects. at() of a key that is missing fails and names the nearest one there is.
  bool has(const std::string& key) const;
  Json at(const std::string& key) const;
  std::vector<std::pair<std::string, Json>> members() const;  // in the order of their keys
  // Fails at the first key that is none of `known`.
  void allow_keys(std::span<const std::string> known) const;

  // Of arrays.
  std::vector<Json> items() const;

  // Of scalars. An integer must be written as one (8, not 8.0 or 1e3); both ends are included.
  std::int64_t integer(std::int64_t min, std::int64_t max) const;
  double number(double min, double max) const;
  bool boolean() const;
  std::string text() const;
  // `noun` says what the words are: unknown routing "zipff".
  std::string one_of(std::span<const std::string> known, const std::string& noun = "word") const;

  // Lives as long as any Json of the document.
  const nlohmann::json& value() const { return *value_; }

  // Throws UserError: `<place>: <what>`.
  [[noreturn]] void fail(const std::string& what) const;
  std::string place() const;  // config.json:14:17: /matrix/routing/0/gen

 private:
  struct Document;
  Json(std::shared_ptr<const Document> document, const nlohmann::json* value, std::string pointer);
  Json child(const nlohmann::json& value, const std::string& key) const;
  void expect(bool is, const char* wanted) const;

  std::shared_ptr<const Document> document_;
  const nlohmann::json* value_;
  std::string pointer_;  // RFC 6901, empty for the root
};

}  // namespace moe::reference
