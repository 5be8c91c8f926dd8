// cvta and isspacep: addresses of a state space to and from generic ones. Global, constant and
// parameter addresses are generic addresses already; shared and local memory have windows
// (machine/block.h).
#include "harness/simt/execute/conversion.h"
#include "harness/simt/execute/elementwise_decode.h"
#include "harness/simt/machine/block.h"

namespace moe::simt {
namespace {

// src[0] plus immediate.
class Shift {
 public:
  explicit Shift(const Instruction& instruction)
      : by_(static_cast<std::uint64_t>(instruction.immediate)) {}
  std::uint64_t operator()(std::uint64_t address) const { return address + by_; }

 private:
  std::uint64_t by_;
};

std::uint64_t window_of(ptx::Space space) {
  switch (space) {
    case ptx::Space::kShared:
      return kSharedWindow;
    case ptx::Space::kLocal:
      return kLocalWindow;
    default:
      return 0;
  }
}

void need_64_bits(Decoder& decoder, ptx::Type type) {
  if (!is_integer(type) || type.bits != 64) decoder.fail("only 64-bit addresses are supported");
}

Instruction decode_cvta(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  const bool to_space = modifiers.take("to");
  const ptx::Space space = Decoder::take_space(modifiers);
  if (space == ptx::Space::kGeneric) decoder.fail("expected a state space");
  const ptx::Type type = modifiers.need_type();
  need_64_bits(decoder, type);
  Instruction instruction =
      decode_lanewise(decoder, source, &lanewise<Shift, U64, U64>, InstructionClass::kMove, {type});
  const std::uint64_t window = window_of(space);
  instruction.immediate = static_cast<std::int64_t>(to_space ? 0 - window : window);
  return instruction;
}

enum class Window { kGlobal, kLocal, kSharedOfBlock, kSharedOfCluster };

// option: the window asked for.
Outcome test_window(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const std::uint64_t* addresses = warp.value<std::uint64_t>(instruction.src[0]);
  const auto inside = [&](std::uint64_t address) {
    const std::uint64_t top = address >> 56 << 56;
    const std::uint32_t rank = static_cast<std::uint32_t>(address) >> kSharedOffsetBits;
    switch (static_cast<Window>(instruction.option)) {
      case Window::kGlobal:
        return top == 0;
      case Window::kLocal:
        return top == kLocalWindow;
      case Window::kSharedOfCluster:
        return top == kSharedWindow;
      default:
        return top == kSharedWindow && (rank == 0 || rank == warp.block.rank + 1);
    }
  };
  LaneMask result = 0;
  for_each_lane(lanes, [&](int lane) { result |= inside(addresses[lane]) ? 1u << lane : 0u; });
  write_predicate(warp, instruction.dst, lanes, result);
  return Outcome::kNext;
}

Window take_window(Decoder& decoder, Modifiers& modifiers) {
  if (modifiers.take("shared::cluster")) return Window::kSharedOfCluster;
  const ptx::Space space = Decoder::take_space(modifiers);
  if (space == ptx::Space::kGlobal) return Window::kGlobal;
  if (space == ptx::Space::kLocal) return Window::kLocal;
  if (space != ptx::Space::kShared) decoder.fail("expected .global, .local or .shared");
  return Window::kSharedOfBlock;
}

Instruction decode_isspacep(Decoder& decoder, const ptx::Instruction& source,
                            Modifiers& modifiers) {
  const Window window = take_window(decoder, modifiers);
  expect_operands(decoder, source, 2);
  if (decoder.register_bits(source.operands[1]) != 64) decoder.fail("expected a 64-bit address");
  Instruction instruction =
      decode_lanewise(decoder, source, &test_window, InstructionClass::kPredicate, {kBits64});
  instruction.option = static_cast<std::uint32_t>(window);
  return instruction;
}

}  // namespace

void add_address_opcodes(OpcodeTable& table) {
  table["cvta"] = decode_cvta;
  table["isspacep"] = decode_isspacep;
}

}  // namespace moe::simt
