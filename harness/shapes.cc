#include "harness/shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "kernels/contract/error.h"
#include "reference/io/strict_json.h"

namespace moe::harness {

extern const char kShapesJson[];

namespace {

using reference::Json;

std::string text_or_nothing(const Json& j, const std::string& key) {
  return j.has(key) && !j.at(key).is_null() ? j.at(key).text() : "";
}

ModelShape read(const Json& j) {
  static const std::vector<std::string> kKeys = {"name",   "hidden",  "ffn",    "experts",
                                                 "top_k",  "layers",  "shared", "renormalize",
                                                 "source", "routing", "note",   "verified"};
  j.allow_keys(kKeys);
  ModelShape m{};
  m.name = j.at("name").text();
  m.shape.hidden = j.at("hidden").integer(1, kMostHidden);
  m.shape.ffn = j.at("ffn").integer(1, kMostFfn);
  m.shape.experts = j.at("experts").integer(1, kMostExperts);
  m.shape.top_k = j.at("top_k").integer(1, m.shape.experts);
  if (!j.at("renormalize").is_null()) m.shape.renormalize = j.at("renormalize").boolean();
  if (!j.at("layers").is_null()) m.layers = j.at("layers").integer(1, 1000);
  m.shared = text_or_nothing(j, "shared");
  m.routing = text_or_nothing(j, "routing");
  m.source = j.at("source").text();
  m.verified = j.at("verified").boolean();
  m.note = text_or_nothing(j, "note");
  return m;
}

// `H=64`: the number behind the letter, or nothing.
std::optional<std::int64_t> size_part(std::string_view part, char letter, std::int64_t most) {
  if (part.size() < 3 || part[0] != letter || part[1] != '=') return {};
  std::int64_t n = 0;
  const char* end = part.data() + part.size();
  const auto [at, error] = std::from_chars(part.data() + 2, end, n);
  if (error != std::errc() || at != end || n < 1 || n > most) return {};
  return n;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (std::size_t comma = text.find(at); comma != std::string_view::npos; comma = text.find(at)) {
    parts.push_back(text.substr(0, comma));
    text.remove_prefix(comma + 1);
  }
  parts.push_back(text);
  return parts;
}

}  // namespace

std::span<const ModelShape> model_shapes() {
  static const std::vector<ModelShape> kAll = [] {
    std::vector<ModelShape> all;
    for (const Json& j : Json::parse_text(kShapesJson, "shapes.json").items()) {
      all.push_back(read(j));
    }
    return all;
  }();
  return kAll;
}

const ModelShape& model_shape(std::string_view name) {
  const auto found = std::ranges::find(model_shapes(), name, &ModelShape::name);
  if (found != model_shapes().end()) return *found;
  std::vector<std::string> names;
  for (const ModelShape& m : model_shapes()) names.push_back(m.name);
  throw UserError(fmt::format("unknown shape \"{}\"{}; known: {}", name, did_you_mean(name, names),
                              comma_separated(names)));
}

MoeShape parse_shape(std::string_view text) {
  if (text.find('=') == std::string_view::npos) return model_shape(text).shape;
  auto parts = split(text, ',');
  MoeShape s;
  s.renormalize = parts.back() != "all";
  if (!s.renormalize) parts.pop_back();
  const auto part = [&](std::size_t i, char letter, std::int64_t most) {
    const auto n = parts.size() == 4 ? size_part(parts[i], letter, most) : std::nullopt;
    if (n) return *n;
    throw UserError(fmt::format(
        "shape \"{}\": expected H=N,F=N,E=N,K=N or the same and \",all\", with N from 1 to {} for "
        "H, {} for F, {} for E, and K no more than E",
        text, kMostHidden, kMostFfn, kMostExperts));
  };
  s.hidden = part(0, 'H', kMostHidden);
  s.ffn = part(1, 'F', kMostFfn);
  s.experts = part(2, 'E', kMostExperts);
  s.top_k = part(3, 'K', s.experts);
  return s;
}

std::string shape_text(const MoeShape& s) {
  return fmt::format("H={},F={},E={},K={}{}", s.hidden, s.ffn, s.experts, s.top_k,
                     s.renormalize ? "" : ",all");
}

}  // namespace moe::harness
