#include "harness/matrix_draft.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/matrix_keys.h"
#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

using reference::Json;

std::vector<std::string> key_names(bool measured_only) {
  std::vector<std::string> names;
  for (const CellKey& key : cell_keys()) {
    if (key.measured || !measured_only) names.push_back(key.name);
  }
  return names;
}

void set_base(MatrixDraft& draft, const std::string& key, const Json& value) {
  draft.base.insert_or_assign(key, value);
  draft.axes.erase(key);
}

// Lays a file or a preset over what is there.
void lay_over(MatrixDraft& draft, const Json& layer) {
  if (layer.has("base")) {
    for (const auto& [key, value] : settings(layer.at("base"), false)) set_base(draft, key, value);
  }
  if (layer.has("axes")) {
    for (const auto& [key, value] : settings(layer.at("axes"), true)) {
      draft.axes.insert_or_assign(key, value);
    }
  }
  if (layer.has("include")) draft.include = layer.at("include").items();
  if (layer.has("exclude")) draft.exclude = layer.at("exclude").items();
}

// `axes.tokens=[1,2]`
void lay_over(MatrixDraft& draft, const std::string& set) {
  const std::size_t dot = set.find('.');
  const std::size_t equals = set.find('=');
  const std::string part = set.substr(0, dot);
  if (equals == std::string::npos || dot > equals || (part != "base" && part != "axes")) {
    throw UserError(
        fmt::format("--set \"{}\": expected base.KEY=VALUE or axes.KEY=[VALUE,...]", set));
  }
  const std::string key = set.substr(dot + 1, equals - dot - 1);
  const auto known = key_names(part == "axes");
  if (std::ranges::find(known, key) == known.end()) {
    throw UserError(fmt::format("--set \"{}\": unknown key \"{}\" of {}{}; known: {}", set, key,
                                part, did_you_mean(key, known), comma_separated(known)));
  }
  const std::string name = "--set " + set.substr(0, equals);
  const std::string text = set.substr(equals + 1);
  const Json value = [&] {
    try {
      return Json::parse_text(text, name);
    } catch (const UserError&) {  // not JSON: zipf:1.0 needs no quotes
      return Json::parse_text(
          nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
          name);
    }
  }();
  if (part == "base") {
    set_base(draft, key, value);
  } else {
    draft.axes.insert_or_assign(key, value);
  }
}

// The file's presets, every one checked, and the chosen one laid over the draft.
std::vector<std::string> choose_preset(MatrixDraft& draft, const Json& file,
                                       const std::string& chosen) {
  static const std::vector<std::string> kKeys = {"base", "axes", "include", "exclude"};
  std::vector<std::string> names;
  MatrixDraft with_preset = draft;
  if (file.has("presets")) {
    for (const auto& [name, preset] : file.at("presets").members()) {
      preset.allow_keys(kKeys);
      MatrixDraft laid = draft;
      lay_over(laid, preset);
      if (name == chosen) with_preset = std::move(laid);
      names.push_back(name);
    }
  }
  if (!chosen.empty() && std::ranges::find(names, chosen) == names.end()) {
    file.fail(fmt::format("--preset: unknown preset \"{}\"{}; known: {}", chosen,
                          did_you_mean(chosen, names), comma_separated(names)));
  }
  draft = std::move(with_preset);
  return names;
}

}  // namespace

MatrixDraft draft_matrix(const Json& file, const std::string& preset,
                         const std::vector<std::string>& sets) {
  MatrixDraft draft;
  lay_over(draft, file);
  draft.presets = choose_preset(draft, file, preset);
  for (const std::string& set : sets) lay_over(draft, set);
  return draft;
}

Settings settings(const Json& object, bool measured_only) {
  object.allow_keys(key_names(measured_only));
  Settings all;
  for (auto& [key, value] : object.members()) all.insert_or_assign(key, value);
  return all;
}

}  // namespace moe::harness
