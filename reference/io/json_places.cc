#include "reference/io/json_places.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "kernels/contract/error.h"

namespace moe::reference {
namespace {

using nlohmann::json;

constexpr std::size_t kMostLevels = 64;  // deeper values crash nlohmann when copied or dumped

// A text, read one character at a time, and how many the lexer has taken. nlohmann's events carry
// no positions; this is where they come from.
class Counting {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  Counting(const char* at, std::size_t* taken) : at_(at), taken_(taken) {}
  reference operator*() const { return *at_; }
  Counting& operator++() {
    ++at_;
    ++*taken_;
    return *this;
  }
  bool operator==(const Counting& other) const { return at_ == other.at_; }
  bool operator!=(const Counting& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  std::size_t* taken_;
};

// Where the token starts that follows a token ending at `from`: past blanks, comments and the
// punctuation that makes no event of its own.
std::size_t next_token(std::string_view text, std::size_t from) {
  constexpr std::string_view kBetween = " \t\r\n,:]}";
  while (from < text.size()) {
    if (text[from] == '/') {
      const bool line = text.substr(from, 2) == "//";
      const std::size_t end = text.find(line ? "\n" : "*/", from + 2);
      from = end == std::string_view::npos ? text.size() : end + (line ? 1 : 2);
    } else if (kBetween.find(text[from]) != std::string_view::npos) {
      ++from;
    } else {
      break;
    }
  }
  return from;
}

// Half of nlohmann's SAX interface: turns its events into value(offset, scalar), open(offset,
// is_object), member(offset, key) and close() of `Reader`. Each returns whether to go on.
template <class Reader>
class Events {
 public:
  Events(std::string_view text, Reader& reader) : text_(text), reader_(reader) {
    if (text.starts_with("\xEF\xBB\xBF")) last_end_ = 3;  // a byte order mark, which nlohmann skips
  }

  bool run() {
    const char* end = text_.data() + text_.size();
    return json::sax_parse(Counting(text_.data(), &taken_), Counting(end, &taken_), this,
                           json::input_format_t::json, /*strict=*/true, /*ignore_comments=*/true);
  }

  bool null() { return reader_.value(begin(), nullptr); }
  bool boolean(bool b) { return reader_.value(begin(), b); }
  bool number_integer(std::int64_t n) { return reader_.value(begin(1), n); }
  bool number_unsigned(std::uint64_t n) { return reader_.value(begin(1), n); }
  bool number_float(double n, const std::string& /*text*/) { return reader_.value(begin(1), n); }
  bool string(std::string& s) { return reader_.value(begin(), std::move(s)); }
  bool binary(json::binary_t& /*b*/) { return false; }  // not in texts
  bool key(std::string& k) { return reader_.member(begin(), k); }
  bool start_object(std::size_t /*size*/) { return reader_.open(begin(), true); }
  bool start_array(std::size_t /*size*/) { return reader_.open(begin(), false); }
  bool end_object() { return reader_.close(); }
  bool end_array() { return reader_.close(); }
  bool parse_error(std::size_t position, const std::string& /*token*/, const json::exception& e) {
    reader_.fault(std::min(position - 1, text_.size()), e.what());
    return false;
  }

 private:
  // `read_ahead`: the lexer sees where a number ends only by taking the character after it.
  std::size_t begin(std::size_t read_ahead = 0) {
    const std::size_t start = next_token(text_, last_end_);
    last_end_ = taken_ - read_ahead;
    return start;
  }

  std::string_view text_;
  Reader& reader_;
  std::size_t taken_ = 0;
  std::size_t last_end_ = 0;
};

// Builds the value, and refuses what nlohmann would let pass.
class Builder {
 public:
  Builder(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  bool value(std::size_t /*offset*/, json&& scalar) {
    add(std::move(scalar));
    return true;
  }
  bool open(std::size_t offset, bool is_object) {
    if (open_.size() == kMostLevels) fail(offset, "more than 64 levels deep");
    open_.push_back(add(is_object ? json::object() : json::array()));
    return true;
  }
  bool member(std::size_t offset, const std::string& key) {
    if (open_.back()->contains(key)) fail(offset, "duplicate key \"" + key + "\"");
    key_ = key;
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  // nlohmann's words without its number, its own position and what it last read.
  void fault(std::size_t offset, std::string_view what) const {
    if (next_token(text_, 0) == text_.size() && open_.empty()) fail(offset, "there is no value");
    for (const std::string_view before : {"] ", ": "}) {
      const std::size_t at = what.find(before);
      if (at != std::string_view::npos) what.remove_prefix(at + before.size());
    }
    fail(offset, "not JSON: " + std::string(what.substr(0, what.find("; last read"))));
  }

  json take() { return std::move(root_); }

 private:
  // A pointer to an array's element stays good while the element is open: its parent cannot grow.
  json* add(json&& v) {
    if (open_.empty()) return &(root_ = std::move(v));
    if (open_.back()->is_object()) return &((*open_.back())[key_] = std::move(v));
    open_.back()->push_back(std::move(v));
    return &open_.back()->back();
  }
  [[noreturn]] void fail(std::size_t offset, const std::string& what) const {
    throw UserError(line_and_column(text_, offset, name_) + ": " + what);
  }

  std::string_view text_;
  const std::string& name_;
  json root_;
  std::vector<json*> open_;
  std::string key_;
};

// Looks for one pointer. Only complaints need places, so nothing is kept while a text is read.
class Finder {
 public:
  Finder(const std::string& pointer, Part part) : wanted_(pointer), part_(part) {}

  bool value(std::size_t offset, const json& /*scalar*/) { return arrive(offset); }
  bool open(std::size_t offset, bool is_object) {
    if (!arrive(offset)) return false;
    open_.push_back({at_.size(), is_object ? -1 : 0});
    return true;
  }
  bool member(std::size_t offset, const std::string& key) {
    at_.resize(open_.back().length);
    at_ += pointer_step(key);
    return part_ == Part::kValue || at_ != wanted_ || found(offset);
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  void fault(std::size_t /*offset*/, const char* /*what*/) {}

  std::size_t offset() const { return offset_; }

 private:
  struct Level {
    std::size_t length;  // of the pointer to this object or array
    std::int64_t next;   // index of an array's next element; -1 in objects
  };

  bool arrive(std::size_t offset) {
    if (!open_.empty() && open_.back().next >= 0) {
      at_.resize(open_.back().length);
      at_ += pointer_step(std::to_string(open_.back().next++));
    }
    return at_ != wanted_ || found(offset);
  }
  bool found(std::size_t offset) {
    offset_ = offset;
    return false;
  }

  const std::string& wanted_;
  Part part_;
  std::string at_;
  std::vector<Level> open_;
  std::size_t offset_ = 0;
};

}  // namespace

json parse_strictly(std::string_view text, const std::string& name) {
  // nlohmann takes a NUL byte for the end of the text, whatever follows.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    throw UserError(line_and_column(text, nul, name) + ": not JSON: a NUL byte");
  }
  Builder builder(text, name);
  Events(text, builder).run();
  return builder.take();
}

std::size_t offset_of(std::string_view text, const std::string& pointer, Part part) {
  Finder finder(pointer, part);
  Events(text, finder).run();
  return finder.offset();
}

std::string line_and_column(std::string_view text, std::size_t offset, const std::string& name) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line = static_cast<std::size_t>(std::ranges::count(before, '\n')) + 1;
  const std::size_t newline = before.rfind('\n');
  const std::string_view left = before.substr(newline == std::string_view::npos ? 0 : newline + 1);
  // A character of UTF-8 is one byte that is not 10xxxxxx, and those that follow it.
  const auto starts = std::ranges::count_if(left, [](char c) { return (c & 0xC0) != 0x80; });
  return name + ":" + std::to_string(line) + ":" + std::to_string(starts + 1);
}

std::string pointer_step(std::string_view key) {
  std::string step = "/";
  for (const char c : key) step += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return step;
}

}  // namespace moe::reference
