// Reads the initial values of a variable.
#include "harness/simt/ptx/parse_initial.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <utility>
#include <vector>

#include "harness/simt/ptx/immediate.h"

namespace moe::simt::ptx {
namespace {

// Chosen by us: an array of that size is filled by a kernel, not written out in the program.
constexpr std::int64_t kMostInitialBytes = 1 << 26;
constexpr int kPointerBytes = 8;

class InitialParser {
 public:
  InitialParser(Lexer& lexer, const ElementType& element, Variable& variable)
      : lexer_(lexer), type_(element.type), variable_(variable) {}

  void parse(const std::vector<std::int64_t>& counts, bool unsized);

 private:
  struct Address {
    std::string symbol;
    std::int64_t addend = 0;
    bool generic = false;
    bool operator==(const Address&) const = default;
  };

  void parse_level(std::size_t level, std::int64_t offset);
  void parse_element(std::int64_t offset);
  void store(const Token& at, std::int64_t offset, const Immediate& value);
  std::uint64_t element_bits(const Token& at, const Immediate& value) const;
  Address parse_address();
  void add_address(const Token& at, std::int64_t offset, Address address);
  void add_masked_address(const Token& at, std::int64_t offset, std::uint64_t mask,
                          Address address);
  void need_whole_address();

  std::int64_t element_bytes() const { return type_.total_bits() / 8; }

  Lexer& lexer_;
  Type type_;
  Variable& variable_;
  std::vector<std::int64_t> counts_;
  std::vector<std::int64_t> strides_;  // bytes of one element of that dimension
  bool unsized_ = false;
  Address masked_;  // whose bytes are being written one by one
  std::int64_t masked_begin_ = 0;
  int masked_bytes_ = 0;  // so many of them
};

void InitialParser::parse(const std::vector<std::int64_t>& counts, bool unsized) {
  counts_ = counts;
  unsized_ = unsized;
  strides_.resize(counts.size());
  std::int64_t stride = element_bytes();
  for (std::size_t level = counts.size(); level-- > 0;) {
    strides_[level] = stride;
    stride *= counts[level];
  }
  if (!unsized) variable_.initial.resize(static_cast<std::size_t>(stride));
  parse_level(0, 0);
  need_whole_address();
}

void InitialParser::parse_level(std::size_t level, std::int64_t offset) {
  if (level == counts_.size()) return parse_element(offset);
  lexer_.need('{');
  if (lexer_.take('}')) return;
  const bool grows = unsized_ && level == 0;
  std::int64_t count = 0;
  do {
    if (!grows && count == counts_[level]) {
      lexer_.fail(fmt::format("more than {} initial values", counts_[level]));
    }
    if (grows) {
      const auto bytes = static_cast<std::int64_t>(variable_.initial.size()) + strides_[0];
      if (bytes > kMostInitialBytes) lexer_.fail("too many initial values");
      variable_.initial.resize(static_cast<std::size_t>(bytes));
    }
    parse_level(level + 1, offset + count * strides_[level]);
    ++count;
  } while (lexer_.take(','));
  lexer_.need('}');
}

// 5, -1.5, 0f3F800000, a, a+4, generic(a)+4, 0xFF00(a)
void InitialParser::parse_element(std::int64_t offset) {
  const Token at = lexer_.peek();
  if (at.kind == Token::Kind::kWord) {
    return add_address(at, offset, parse_address());
  }
  const Immediate value = parse_immediate(lexer_);
  if (!lexer_.take('(')) return store(at, offset, value);
  Address address = parse_address();
  lexer_.need(')');
  add_masked_address(at, offset, value.bits, std::move(address));
}

void InitialParser::store(const Token& at, std::int64_t offset, const Immediate& value) {
  need_whole_address();
  const std::uint64_t bits = element_bits(at, value);
  std::memcpy(&variable_.initial[static_cast<std::size_t>(offset)], &bits,
              static_cast<std::size_t>(element_bytes()));
}

// As ptxas has it: numbers with a point for .f32, .f64 and .b types, whole numbers for the others.
std::uint64_t InitialParser::element_bits(const Token& at, const Immediate& value) const {
  const bool whole = value.kind == Immediate::Kind::kInteger;
  const bool real_type = type_.kind == Type::Kind::kFloat && type_.lanes == 1 && type_.bits >= 32;
  const bool bit_type = type_.kind == Type::Kind::kBits && type_.bits <= 64;
  const bool whole_type =
      bit_type || ((type_.kind == Type::Kind::kUnsigned || type_.kind == Type::Kind::kSigned) &&
                   type_.lanes == 1);
  const bool fits_bits =
      value.kind == Immediate::Kind::kSingle ? type_.bits == 32 : type_.bits == 64;
  if (whole ? !whole_type : !(real_type || (bit_type && fits_bits))) {
    lexer_.fail(at, fmt::format("{} cannot be the initial value of that type", at.text));
  }
  if (whole) {
    const int unused = 64 - type_.bits;
    const auto as_signed = static_cast<std::int64_t>(value.bits);
    const bool fits =
        value.bits << unused >> unused == value.bits || as_signed << unused >> unused == as_signed;
    if (!fits)
      lexer_.fail(at, fmt::format("an initial value that does not fit {} bits", type_.bits));
    return value.bits;
  }
  if (bit_type || fits_bits) return value.bits;
  if (type_.bits == 32) {
    const auto narrow = static_cast<float>(std::bit_cast<double>(value.bits));
    return std::bit_cast<std::uint32_t>(narrow);
  }
  const auto bits = static_cast<std::uint32_t>(value.bits);
  return std::bit_cast<std::uint64_t>(static_cast<double>(std::bit_cast<float>(bits)));
}

InitialParser::Address InitialParser::parse_address() {
  Address address;
  address.symbol = lexer_.need_word("the name of a variable or function");
  if (address.symbol == "generic" && lexer_.take('(')) {
    address.generic = true;
    address.symbol = lexer_.need_word("the name of a variable or function");
    lexer_.need(')');
  }
  if (lexer_.take('+')) {
    const Token at = lexer_.peek();
    const Immediate addend = parse_immediate(lexer_);
    if (addend.kind != Immediate::Kind::kInteger) lexer_.fail(at, "expected an integer offset");
    address.addend = static_cast<std::int64_t>(addend.bits);
  }
  return address;
}

void InitialParser::add_address(const Token& at, std::int64_t offset, Address address) {
  need_whole_address();
  const bool whole_type = type_.kind == Type::Kind::kBits || type_.kind == Type::Kind::kUnsigned ||
                          type_.kind == Type::Kind::kSigned;
  if (!whole_type || element_bytes() != kPointerBytes) {
    lexer_.fail(at, fmt::format("the address of {} needs 8 bytes", address.symbol));
  }
  variable_.relocations.push_back(
      {offset, std::move(address.symbol), address.addend, address.generic});
}

// nvcc writes a pointer in a packed struct as eight bytes: 0xFF(a), 0xFF00(a), ... They become one
// relocation; anything else done with masks is an error.
void InitialParser::add_masked_address(const Token& at, std::int64_t offset, std::uint64_t mask,
                                       Address address) {
  if (masked_bytes_ == 0) masked_begin_ = offset;
  const bool goes_on = masked_bytes_ == 0 || address == masked_;
  const bool adjacent = offset == masked_begin_ + masked_bytes_;
  if (element_bytes() != 1 || !goes_on || !adjacent ||
      mask != std::uint64_t{0xff} << (8 * masked_bytes_)) {
    lexer_.fail(at, "expected the eight bytes of one address in order, from 0xFF(...) on");
  }
  if (++masked_bytes_ < kPointerBytes) {
    masked_ = std::move(address);
    return;
  }
  masked_bytes_ = 0;
  variable_.relocations.push_back(
      {masked_begin_, std::move(address.symbol), address.addend, address.generic});
}

void InitialParser::need_whole_address() {
  if (masked_bytes_ == 0) return;
  lexer_.fail(
      fmt::format("only {} of the 8 bytes of the address of {}", masked_bytes_, masked_.symbol));
}

}  // namespace

void parse_initial(Lexer& lexer, const ElementType& element, Dimensions& dimensions,
                   Variable& variable) {
  // The lanes of a vector are written like one more dimension.
  std::vector<std::int64_t> counts = dimensions.counts;
  if (element.lanes > 1) counts.push_back(element.lanes);
  const Token at = lexer.peek();
  if (checked_bytes(lexer, at, element, dimensions) > kMostInitialBytes) {
    lexer.fail(at, fmt::format("{} is too large to have an initial value", variable.name));
  }
  InitialParser(lexer, element, variable).parse(counts, dimensions.unsized);
  if (!dimensions.unsized) return;
  std::int64_t row = element.bytes();
  for (std::size_t i = 1; i < dimensions.counts.size(); ++i) row *= dimensions.counts[i];
  if (row == 0) lexer.fail(at, fmt::format("{} has elements of no size", variable.name));
  dimensions.counts[0] = static_cast<std::int64_t>(variable.initial.size()) / row;
  dimensions.unsized = false;
}

}  // namespace moe::simt::ptx
