#include "reference/io/header_json.h"

#include <set>
#include <vector>

#include "kernels/contract/error.h"

namespace moe::reference {
namespace {

constexpr int kMaxDepth = 64;  // our files nest 3 deep; a config 5
constexpr std::size_t kLongestQuote = 200;

// The keys seen in each object that is still open, and the one whose value is being read.
struct OpenObject {
  std::set<std::string> keys;
  std::string current;
};

// `"dtype" in "lm_heads.0.out_layer.weight"`: the innermost key first.
std::string where(const std::vector<OpenObject>& open) {
  std::string path;
  for (auto object = open.rbegin(); object != open.rend(); ++object) {
    path += (path.empty() ? "" : " in ") + in_quotes(object->current);
  }
  return path;
}

}  // namespace

std::string in_quotes(std::string_view name) {
  const bool cut = name.size() > kLongestQuote;
  return nlohmann::json(name.substr(0, kLongestQuote))
             .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
         (cut ? "..." : "");
}

nlohmann::json parse_strict_json(std::string_view text, const std::string& place) {
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    throw UserError(place + " holds a NUL at byte " + std::to_string(nul) + ", expected JSON");
  }
  if (text.starts_with("\xEF\xBB\xBF")) {
    throw UserError(place + " begins with a byte order mark, expected JSON");
  }
  using Event = nlohmann::json::parse_event_t;
  std::vector<OpenObject> open;
  const auto watch = [&](int depth, Event event, nlohmann::json& parsed) {
    if (depth > kMaxDepth) {
      throw UserError(place + " nests deeper than " + std::to_string(kMaxDepth) +
                      " levels, expected flat JSON");
    }
    if (event == Event::object_start) open.emplace_back();
    if (event == Event::object_end) open.pop_back();
    if (event == Event::key) {
      open.back().current = parsed.get<std::string>();
      if (!open.back().keys.insert(open.back().current).second) {
        throw UserError(place + " has the key " + where(open) + " twice, expected it once");
      }
    }
    return true;
  };
  try {
    return nlohmann::json::parse(text, watch);
  } catch (const nlohmann::json::parse_error& error) {
    throw UserError(place + " is not JSON at byte " + std::to_string(error.byte));
  } catch (const nlohmann::json::exception&) {  // a number beyond double
    throw UserError(place + " holds a number too large to read" +
                    (open.empty() ? "" : " at " + where(open)));
  }
}

}  // namespace moe::reference
