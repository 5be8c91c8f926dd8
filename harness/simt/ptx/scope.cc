// What the names of a function body mean.
#include "harness/simt/ptx/scope.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace moe::simt::ptx {
namespace {

std::string_view kind_name(Meaning::Kind kind) {
  switch (kind) {
    case Meaning::Kind::kRegister:
    case Meaning::Kind::kVectorRegister:
      return "register";
    case Meaning::Kind::kVariable:
      return "variable";
    case Meaning::Kind::kLabel:
      break;
  }
  return "label";
}

}  // namespace

Scopes::Scopes(const Lexer& lexer, Function& function, const NameSet& module_names)
    : lexer_(lexer), function_(function), module_names_(module_names), scopes_(1) {}

void Scopes::open(const Token& at) {
  if (depth() == kMostScopes) {
    lexer_.fail(at, fmt::format("braces nested deeper than {}", kMostScopes));
  }
  scopes_.emplace_back();
}

void Scopes::close() {
  Scope scope = std::move(scopes_.back());
  scopes_.pop_back();
  std::vector<Pending>& outside = scopes_.empty() ? left_ : scopes_.back().pending;
  for (Pending& pending : scope.pending) {
    const auto found = scope.names.find(*pending.symbol);
    if (found != scope.names.end() && found->second.kind == Meaning::Kind::kLabel) {
      *pending.symbol = found->second.unique;
    } else {
      outside.push_back(std::move(pending));
    }
  }
}

void Scopes::add(const Token& at, std::string name, Meaning meaning) {
  const auto kind = meaning.kind;
  const auto [place, is_new] =
      scopes_.back().names.try_emplace(std::move(name), std::move(meaning));
  if (is_new) return;
  lexer_.fail(at, fmt::format("{} {} is declared already, as a {}", kind_name(kind), place->first,
                              kind_name(place->second.kind)));
}

int Scopes::new_register(const Token& at, std::string name, Type type) {
  if (std::ssize(function_.registers) >= kMostRegisters) {
    lexer_.fail(at, fmt::format("more than {} registers in one function", kMostRegisters));
  }
  function_.registers.push_back({std::move(name), type});
  return static_cast<int>(function_.registers.size()) - 1;
}

void Scopes::expect_registers(std::int64_t count) {
  auto& names = scopes_.back().names;
  names.reserve(names.size() + static_cast<std::size_t>(count));
}

void Scopes::add_register(const Token& at, std::string name, Type type) {
  const int index = new_register(at, name, type);
  add(at, std::move(name), {.kind = Meaning::Kind::kRegister, .index = index, .unique = {}});
}

void Scopes::add_vector_register(const Token& at, const std::string& name, Type element,
                                 int lanes) {
  const int first = static_cast<int>(function_.registers.size());
  add(at, name,
      {.kind = Meaning::Kind::kVectorRegister, .index = first, .count = lanes, .unique = {}});
  for (int i = 0; i < lanes; ++i) {
    new_register(at, fmt::format("{}.{}", name, "xyzw"[i]), element);
    for (const char component : {"xyzw"[i], "rgba"[i]}) {
      add(at, fmt::format("{}.{}", name, component),
          {.kind = Meaning::Kind::kRegister, .index = first + i, .unique = {}});
    }
  }
}

// A `#` cannot stand in a PTX name, so a name made with one is new.
std::string Scopes::add_variable(const Token& at, std::string_view name) {
  std::string unique(name);
  if (module_names_.contains(name) || !taken_.insert(unique).second) {
    unique = fmt::format("{}#{}", name, ++renamed_);
  }
  add(at, std::string(name), {.kind = Meaning::Kind::kVariable, .unique = unique});
  return unique;
}

std::string Scopes::add_label(const Token& at, std::string_view name) {
  std::string unique(name);
  if (!labels_taken_.insert(unique).second) unique = fmt::format("{}#{}", name, ++renamed_);
  add(at, std::string(name), {.kind = Meaning::Kind::kLabel, .unique = unique});
  return unique;
}

const Meaning* Scopes::find(std::string_view name) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    const auto found = scope->names.find(name);
    if (found == scope->names.end()) continue;
    // A label of an outer scope may yet be hidden by one further down in this scope.
    const bool may_be_hidden =
        found->second.kind == Meaning::Kind::kLabel && scope != scopes_.rbegin();
    return may_be_hidden ? nullptr : &found->second;
  }
  return nullptr;
}

bool Scopes::is_predicate(int register_index) const {
  const Register& found = function_.registers[static_cast<std::size_t>(register_index)];
  return found.type.kind == Type::Kind::kPredicate;
}

void Scopes::resolve_later(std::string& symbol, int line, std::string text) {
  scopes_.back().pending.push_back({&symbol, line, std::move(text)});
}

void Scopes::finish() {
  for (const Pending& pending : left_) {
    if (module_names_.contains(*pending.symbol)) continue;
    lexer_.fail(pending.line, pending.text, fmt::format("unknown name {}", *pending.symbol));
  }
}

}  // namespace moe::simt::ptx
