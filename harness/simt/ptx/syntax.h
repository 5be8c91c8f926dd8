// What a PTX file says, as data. Source: PTX ISA 9.0, the text nvcc 13.0 emits.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace moe::simt::ptx {

// Where a statement stands: its PTX line (from 1), and the .cu line of the last `.loc` (0: none).
struct Place {
  int line = 0;
  int source_file = 0;  // key of Module::files
  int source_line = 0;
};

// Everything wrong with a PTX text: `file:line: what, the text`.
class Error : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Space : std::uint8_t { kGeneric, kGlobal, kShared, kLocal, kConst, kParam };

// The type of a register, an instruction's `.f32`, or a variable's elements.
struct Type {
  enum class Kind : std::uint8_t {
    kNone,
    kPredicate,
    kBits,      // .b8 .. .b128
    kUnsigned,  // .u8 .. .u64; .u16x2 has lanes == 2
    kSigned,
    kFloat,   // .f16 .f32 .f64; .f16x2 has lanes == 2
    kBfloat,  // .bf16 .bf16x2
    kTf32,    // 32 bits
    kE4m3,    // .e4m3x2: 8 bits, 2 lanes
    kE5m2,
  };
  Kind kind = Kind::kNone;
  int bits = 0;   // of one lane: 16 for .f16x2
  int lanes = 1;  // packed values: 2 for .f16x2
  int total_bits() const { return bits * lanes; }
  bool operator==(const Type&) const = default;
};

// `f16x2`, `u32`, `pred` ... without the dot; kNone when it is not a type.
Type parse_type(std::string_view word);

struct Operand {
  enum class Kind : std::uint8_t {
    kRegister,   // %r1, !%p1 (negated)
    kSink,       // _
    kImmediate,  // `bits`: two's complement of an integer, IEEE bits of 0f.../0d... or a decimal
                 // float
    kSpecial,    // `name`: %tid.x, %laneid, WARP_SZ, %clock64 ...
    kSymbol,     // `name` (+ offset): a variable, parameter, function or label
    kAddress,    // [parts[0] + offset]; more parts: [map, {x, y}], [parts[0], parts[1]]
    kVector,     // {parts...}
    kPair,       // a|p: parts[0], parts[1]
    kGroup,      // (parts...) of call
  };
  Kind kind = Kind::kSink;
  int reg = -1;  // index into Function::registers
  bool negated = false;
  bool is_double =
      false;  // an immediate written 0d...; 0f... and decimal floats keep f32 or f64 bits
  bool is_float = false;  // an immediate written 0f...
  std::uint64_t bits = 0;
  std::string name;
  std::int64_t offset = 0;
  std::vector<Operand> parts;
};

struct Instruction {
  std::string opcode;                  // "ld"
  std::vector<std::string> modifiers;  // "shared", "v4", "u32"; without dots, `::` kept
  std::vector<Operand> operands;
  int guard = -1;  // register index of @%p
  bool guard_negated = false;
  Place place;
  std::string text;  // as written, white space collapsed
};

struct Register {
  std::string name;
  Type type;
};

// A parameter or result of an entry or function; `offset` in its parameter block.
struct Parameter {
  std::string name;
  int offset = 0;
  int bytes = 0;
  int align = 0;
};

// The address of `symbol` + addend stands at `offset` of a variable's initial bytes.
struct Relocation {
  std::int64_t offset = 0;
  std::string symbol;
  std::int64_t addend = 0;
  bool generic = false;  // generic(symbol)
};

struct Variable {
  std::string name;
  Space space = Space::kGlobal;
  std::int64_t bytes = 0;  // 0: `.extern .shared x[]`, sized by the launch
  int align = 1;
  bool external = false;
  std::vector<std::uint8_t> initial;  // empty: not initialised (global and const: zero)
  std::vector<Relocation> relocations;
  Place place;
};

struct Function {
  std::string name;
  bool is_entry = false;
  bool is_declaration = false;
  std::vector<Parameter> parameters;
  std::vector<Parameter> results;
  int parameter_bytes = 0;
  std::vector<Register> registers;
  std::vector<Variable> variables;  // of the body: .shared, .local, .param; names made unique
  std::vector<Instruction> body;
  std::map<std::string, int> labels;  // -> index into body (may be body.size())
  std::map<std::string, std::vector<std::string>> branch_targets;  // of brx.idx
  std::map<std::string, std::vector<std::string>> call_targets;    // of call through a register
  int max_threads[3] = {0, 0, 0};                                  // .maxntid; 0: not given
  int required_threads[3] = {0, 0, 0};                             // .reqntid
  int cluster[3] = {0, 0, 0};                                      // .reqnctapercluster
  int min_blocks_per_sm = 0;
  Place place;
};

struct Module {
  std::string name;  // the file, for messages
  std::string version, target;
  std::map<int, std::string> files;  // of .file
  std::vector<Variable> variables;   // of module scope
  std::vector<Function> functions;
};

// Throws Error naming the line and its text for anything it does not know.
Module parse(std::string_view text, std::string name);

}  // namespace moe::simt::ptx
