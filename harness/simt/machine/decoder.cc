#include "harness/simt/machine/decoder.h"

#include <fmt/format.h>

#include <algorithm>

namespace moe::simt {

Modifiers::Modifiers(const ptx::Instruction& source) : source_(source), words_(source.modifiers) {}

bool Modifiers::take(std::string_view word) {
  const auto found = std::find(words_.begin(), words_.end(), word);
  if (found == words_.end()) return false;
  words_.erase(found);
  return true;
}

int Modifiers::take_one_of(std::initializer_list<std::string_view> words) {
  int index = 0;
  for (const std::string_view word : words) {
    if (take(word)) return index;
    ++index;
  }
  return -1;
}

ptx::Type Modifiers::take_type() {
  for (auto word = words_.begin(); word != words_.end(); ++word) {
    const ptx::Type type = ptx::parse_type(*word);
    if (type.kind == ptx::Type::Kind::kNone) continue;
    words_.erase(word);
    return type;
  }
  return {};
}

ptx::Type Modifiers::need_type() {
  const ptx::Type type = take_type();
  if (type.kind == ptx::Type::Kind::kNone) {
    throw ptx::Error(
        fmt::format("line {}: a type is missing: {}", source_.place.line, source_.text));
  }
  return type;
}

bool Modifiers::any_left() const { return !words_.empty(); }

std::string Modifiers::left() const {
  std::string text;
  for (const std::string& word : words_) text += fmt::format(".{}", word);
  return text;
}

ptx::Space Decoder::take_space(Modifiers& modifiers) {
  using ptx::Space;
  static constexpr std::pair<std::string_view, Space> kSpaces[] = {
      {"global", Space::kGlobal},      {"shared", Space::kShared},
      {"shared::cta", Space::kShared}, {"shared::cluster", Space::kShared},
      {"local", Space::kLocal},        {"const", Space::kConst},
      {"param", Space::kParam},        {"param::entry", Space::kParam},
      {"param::func", Space::kParam},
  };
  for (const auto& [word, space] : kSpaces) {
    if (modifiers.take(word)) return space;
  }
  return Space::kGeneric;
}

const OpcodeTable& all_opcodes() {
  static const OpcodeTable table = [] {
    OpcodeTable opcodes;
    add_integer_opcodes(opcodes);
    add_float_opcodes(opcodes);
    add_conversion_opcodes(opcodes);
    add_memory_opcodes(opcodes);
    add_warp_opcodes(opcodes);
    add_control_opcodes(opcodes);
    add_tensor_opcodes(opcodes);
    add_warpgroup_opcodes(opcodes);
    add_async_opcodes(opcodes);
    return opcodes;
  }();
  return table;
}

}  // namespace moe::simt
