// What the names of a function body mean: a stack of scopes, one a pair of braces. A name is looked
// up from the inside out; labels may be used before they stand. Registers, variables and labels
// share one space of names. Source: PTX ISA 9.0, "Identifiers", "Labels and Function Names"; where
// it says nothing (labels in nested braces) this does what ptxas of CUDA 13.0 does.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "harness/simt/ptx/lexer.h"
#include "harness/simt/ptx/syntax.h"

namespace moe::simt::ptx {

// Lets a map of strings be asked for a string_view.
struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
template <class Value>
using NameMap = std::unordered_map<std::string, Value, StringHash, std::equal_to<>>;
using NameSet = std::unordered_set<std::string, StringHash, std::equal_to<>>;

struct Meaning {
  enum class Kind : std::uint8_t {
    kRegister,        // `index` into Function::registers
    kVectorRegister,  // `count` registers from `index` on
    kVariable,        // or parameter; `unique` is its name in the Function
    kLabel,           // also of .branchtargets, .calltargets and .callprototype
  };
  Kind kind = Kind::kRegister;
  int index = 0;
  int count = 1;
  std::string unique;
};

// Chosen by us: far above any real function, and small enough that a slip (`%r<99999999999>`) is
// told rather than run out of memory.
inline constexpr int kMostRegisters = 1 << 18;
inline constexpr int kMostScopes = 256;

class Scopes {
 public:
  // `module_names`: the variables and functions seen so far.
  Scopes(const Lexer& lexer, Function& function, const NameSet& module_names);

  // Throws Error, at `at`, when scopes are nested deeper than kMostScopes.
  void open(const Token& at);
  void close();  // also resolves what was used in the scope and stands there
  int depth() const { return static_cast<int>(scopes_.size()); }

  // Throw Error, at `at`, if the innermost scope has the name already.
  void add_register(const Token& at, std::string name, Type type);
  void add_vector_register(const Token& at, const std::string& name, Type element, int lanes);
  void expect_registers(std::int64_t count);                         // soon: room is made at once
  std::string add_variable(const Token& at, std::string_view name);  // -> its unique name
  std::string add_label(const Token& at, std::string_view name);     // -> its unique name

  // The register, vector register, variable, or label standing above in the innermost scope; null
  // for anything else: a label to come, a function, a variable of the module, an undefined name.
  const Meaning* find(std::string_view name) const;

  bool is_predicate(int register_index) const;

  // A name for which find() has given null; `symbol` is set to its meaning when a scope that has
  // the label closes. `symbol` must stay where it is, `line` and `text` are for the message.
  void resolve_later(std::string& symbol, int line, std::string text);
  // After the outermost scope: throws Error for what is not a name of the module either.
  void finish();

 private:
  struct Pending {
    std::string* symbol;
    int line;
    std::string text;
  };
  struct Scope {
    NameMap<Meaning> names;
    std::vector<Pending> pending;
  };
  void add(const Token& at, std::string name, Meaning meaning);
  int new_register(const Token& at, std::string name, Type type);

  const Lexer& lexer_;
  Function& function_;
  const NameSet& module_names_;
  std::vector<Scope> scopes_;
  std::vector<Pending> left_;  // what no scope knew
  NameSet taken_;              // by variables, anywhere in the function
  NameSet labels_taken_;
  int renamed_ = 0;
};

}  // namespace moe::simt::ptx
