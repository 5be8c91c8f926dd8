// Executes ldmatrix, stmatrix and movmatrix.
#include "harness/simt/execute/ldmatrix.h"

#include <fmt/format.h>

#include <cstring>

#include "harness/simt/execute/mma_collective.h"
#include "harness/simt/machine/block.h"

namespace moe::simt {
namespace {

constexpr int kRowsOfMatrix = 8;

// Addresses come from the first 8, 16 or 32 lanes.
LaneMask address_lanes(const MatrixMove& move) {
  const std::size_t lanes = move.matrices.size() * kRowsOfMatrix;
  return lanes == kLanes ? kAllLanes : (1u << lanes) - 1;
}

// Without a state space the address is generic, and must be one of shared memory.
void require_shared(Warp& warp, const Instruction& instruction, const MatrixMove& move) {
  if (move.access.space != ptx::Space::kGeneric) return;
  for_each_lane(address_lanes(move), [&](int lane) {
    const std::uint64_t address =
        warp.value<std::uint64_t>(move.access.base)[lane] + move.access.offset;
    if (address >= kSharedWindow && address < kLocalWindow) return;
    warp.block.fault(Check::kOutOfBounds, warp.first_thread() + lane, instruction,
                     fmt::format("address {:#x} is not in shared memory", address));
  });
}

// Reads row by row into the fragment, which is what an untransposed load gives.
Fragment8x8 read_matrix(Warp& warp, const MatrixMove& move, const LaneBytes& rows, int matrix,
                        LaneMask* poisoned) {
  Fragment8x8 fragment;
  *poisoned = 0;
  for (int row = 0; row < kRowsOfMatrix; ++row) {
    const int lane = matrix * kRowsOfMatrix + row;
    std::memcpy(fragment.lanes + 4 * row, rows.data[lane], 16);
    if (!has_lane(rows.poisoned, lane)) continue;
    for (int part = 0; part < 4; ++part) {
      if (unwritten(warp, lane, move.access, rows.data[lane] + 4 * part, 4)) {
        *poisoned |= 1u << (4 * row + part);
      }
    }
  }
  return fragment;
}

Outcome run_ldmatrix(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  if (!collect_warp(warp, instruction, lanes)) return Outcome::kBlocked;
  const MatrixMove& move = instruction.as<MatrixMove>();
  require_shared(warp, instruction, move);
  const LaneBytes rows = resolve(warp, instruction, move.access, address_lanes(move));
  for (std::size_t matrix = 0; matrix < move.matrices.size(); ++matrix) {
    LaneMask poisoned = 0;
    Fragment8x8 fragment = read_matrix(warp, move, rows, static_cast<int>(matrix), &poisoned);
    if (move.transpose) {
      fragment = transposed(fragment);
      poisoned = transposed_poison(poisoned);
    }
    std::memcpy(warp.value<std::uint32_t>(move.matrices[matrix]), fragment.lanes,
                sizeof fragment.lanes);
    warp.set_poison(move.matrices[matrix], kAllLanes, poisoned);
  }
  return Outcome::kNext;
}

// A row is poisoned as a whole when any lane that holds a part of it is.
LaneMask poisoned_rows(const LaneMask* poisoned, std::size_t matrices) {
  LaneMask rows = 0;
  for (std::size_t matrix = 0; matrix < matrices; ++matrix) {
    for_each_lane(poisoned[matrix],
                  [&](int lane) { rows |= 1u << (matrix * kRowsOfMatrix + lane / 4); });
  }
  return rows;
}

Outcome run_stmatrix(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  if (!collect_warp(warp, instruction, lanes)) return Outcome::kBlocked;
  const MatrixMove& move = instruction.as<MatrixMove>();
  require_shared(warp, instruction, move);
  Fragment8x8 fragments[4];
  LaneMask poisoned[4] = {};
  const std::size_t count = move.matrices.size();
  for (std::size_t matrix = 0; matrix < count; ++matrix) {
    const Reg reg = move.matrices[matrix];
    std::memcpy(fragments[matrix].lanes, warp.value<std::uint32_t>(reg),
                sizeof fragments[matrix].lanes);
    poisoned[matrix] = warp.poison(reg);
    if (move.transpose) {
      fragments[matrix] = transposed(fragments[matrix]);
      poisoned[matrix] = transposed_poison(poisoned[matrix]);
    }
  }
  const LaneBytes rows =
      resolve(warp, instruction, move.access, address_lanes(move), poisoned_rows(poisoned, count));
  for_each_lane(address_lanes(move), [&](int lane) {
    std::memcpy(rows.data[lane], fragments[lane / 8].lanes + 4 * (lane % 8), 16);
  });
  return Outcome::kNext;
}

Outcome run_movmatrix(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  if (!collect_warp(warp, instruction, lanes)) return Outcome::kBlocked;
  Fragment8x8 fragment;
  std::memcpy(fragment.lanes, warp.value<std::uint32_t>(instruction.src[0]), sizeof fragment.lanes);
  fragment = transposed(fragment);
  const LaneMask poisoned = transposed_poison(warp.poison(instruction.src[0]));
  std::memcpy(warp.value<std::uint32_t>(instruction.dst), fragment.lanes, sizeof fragment.lanes);
  warp.set_poison(instruction.dst, kAllLanes, poisoned);
  return Outcome::kNext;
}

Instruction collective(Handler handler, InstructionClass kind) {
  Instruction instruction;
  instruction.handler = handler;
  instruction.splits = true;
  instruction.own_poison = true;
  instruction.kind = kind;
  return instruction;
}

// `.sync.aligned.m8n8.num{.trans}{.shared}.b16` and the operands, the address at `address`.
std::shared_ptr<MatrixMove> decode_move(Decoder& decoder, const ptx::Instruction& source,
                                        Modifiers& modifiers, std::size_t address) {
  take_sync_aligned(decoder, modifiers);
  if (!modifiers.take("m8n8")) decoder.fail("only the shape .m8n8 is supported");
  const int number = modifiers.take_one_of({"x1", "x2", "x4"});
  if (number < 0) decoder.fail("needs .x1, .x2 or .x4");
  auto move = std::make_shared<MatrixMove>();
  move->transpose = modifiers.take("trans");
  move->access.space = Decoder::take_space(modifiers);
  if (move->access.space != ptx::Space::kShared && move->access.space != ptx::Space::kGeneric) {
    decoder.fail("matrices lie in shared memory");
  }
  if (!modifiers.take("b16")) decoder.fail("only elements of .b16 are supported");
  if (source.operands.size() != 2) decoder.fail("needs two operands");
  const Decoder::Address where = decoder.address(source.operands[address]);
  move->access.base = where.base;
  move->access.narrow = where.narrow;
  move->access.offset = where.offset;
  move->access.bytes = 16;
  move->matrices.resize(std::size_t{1} << number);
  return move;
}

}  // namespace

Fragment8x8 transposed(const Fragment8x8& fragment) {
  Fragment8x8 result = {};
  for (int row = 0; row < 8; ++row) {
    for (int column = 0; column < 8; ++column) {
      const std::uint32_t element = fragment.lanes[4 * column + row / 2] >> (row % 2 * 16) & 0xffff;
      result.lanes[4 * row + column / 2] |= element << (column % 2 * 16);
    }
  }
  return result;
}

LaneMask transposed_poison(LaneMask poisoned) {
  LaneMask result = 0;
  for_each_lane(poisoned, [&](int lane) {
    for (int half = 0; half < 2; ++half) {
      const int row = lane / 4, column = 2 * (lane % 4) + half;
      result |= 1u << (4 * column + row / 2);
    }
  });
  return result;
}

Instruction decode_ldmatrix(Decoder& decoder, const ptx::Instruction& source,
                            Modifiers& modifiers) {
  auto move = decode_move(decoder, source, modifiers, 1);
  move->access.kind = AccessKind::kRead;
  move->matrices = vector_destinations(decoder, source.operands[0], move->matrices.size(), "r");
  Instruction instruction = collective(run_ldmatrix, InstructionClass::kTensorLoad);
  instruction.extra = std::move(move);
  return instruction;
}

Instruction decode_stmatrix(Decoder& decoder, const ptx::Instruction& source,
                            Modifiers& modifiers) {
  auto move = decode_move(decoder, source, modifiers, 0);
  move->access.kind = AccessKind::kWrite;
  move->loads = false;
  move->matrices = vector_sources(decoder, source.operands[1], move->matrices.size(),
                                  {.kind = ptx::Type::Kind::kBits, .bits = 32}, "r");
  Instruction instruction = collective(run_stmatrix, InstructionClass::kStore);
  instruction.extra = std::move(move);
  return instruction;
}

Instruction decode_movmatrix(Decoder& decoder, const ptx::Instruction& source,
                             Modifiers& modifiers) {
  take_sync_aligned(decoder, modifiers);
  for (const char* word : {"m8n8", "trans", "b16"}) {
    if (!modifiers.take(word)) decoder.fail(fmt::format("movmatrix needs .{}", word));
  }
  if (source.operands.size() != 2) decoder.fail("movmatrix needs two operands");
  Instruction instruction = collective(run_movmatrix, InstructionClass::kShuffle);
  instruction.dst = decoder.destination(source.operands[0]);
  instruction.src[0] =
      decoder.source(source.operands[1], {.kind = ptx::Type::Kind::kBits, .bits = 32});
  return instruction;
}

}  // namespace moe::simt
