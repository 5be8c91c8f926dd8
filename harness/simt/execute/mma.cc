// Executes mma.sync for a whole warp: unpacks A and B into plain matrices, multiplies, adds to C.
#include "harness/simt/execute/mma.h"

#include <cstring>

#include "harness/simt/execute/fragments.h"
#include "harness/simt/execute/mma_collective.h"
#include "harness/simt/execute/mma_product.h"
#include "harness/simt/execute/mma_unpack.h"
#include "harness/simt/machine/block.h"
#include "harness/simt/machine/launch.h"
#include "harness/simt/machine/warp.h"

namespace moe::simt {
namespace {

constexpr int kColumns = 8;
constexpr int kMaxRows = 16;
constexpr int kMaxDepth = 64;  // m16n8k64 of .s4

// A as [rows][depth], and the rows that hold poison.
void unpack_a(Warp& warp, const MmaForm& form, float* a, OperandPoison& poison) {
  const int packed = packed_elements(bits_of(form.a_type));
  float values[kLanes * 8];
  for (int reg = 0; reg < static_cast<int>(form.a.size()); ++reg) {
    decode_elements(form.a_type, warp.value<std::uint32_t>(form.a[reg]), kLanes * packed, values);
    unpack_a_register(values, packed, reg, form.rows, form.depth, a);
    for_each_lane(warp.poison(form.a[reg]), [&](int lane) {
      poison.rows |= 1u << position_in_a(lane, reg * packed, packed, form.rows).row;
    });
  }
}

// B as [depth][8], and the columns that hold poison.
void unpack_b(Warp& warp, const MmaForm& form, float* b, OperandPoison& poison) {
  const int packed = packed_elements(bits_of(form.b_type));
  float values[kLanes * 8];
  for (int reg = 0; reg < static_cast<int>(form.b.size()); ++reg) {
    decode_elements(form.b_type, warp.value<std::uint32_t>(form.b[reg]), kLanes * packed, values);
    unpack_b_register(values, packed, reg, b);
    for_each_lane(warp.poison(form.b[reg]), [&](int lane) {
      poison.columns.set(position_in_b(lane, reg * packed, packed).column);
    });
  }
}

void multiply_floats(Warp& warp, const MmaForm& form) {
  float a[kMaxRows * kMaxDepth], b[kMaxDepth * kColumns], sums[kMaxRows * kColumns];
  OperandPoison poison;
  unpack_a(warp, form, a, poison);
  unpack_b(warp, form, b, poison);
  multiply(a, b, sums, form.rows, kColumns, form.depth);

  // All of C first: its registers may be those of D in another order.
  std::uint32_t c[4][kLanes];
  LaneMask c_poison[4];
  for (std::size_t i = 0; i < form.c.size(); ++i) {
    std::memcpy(c[i], warp.value<std::uint32_t>(form.c[i]), sizeof c[i]);
    c_poison[i] = warp.poison(form.c[i]);
  }
  for (std::size_t i = 0; i < form.d.size(); ++i) {
    const int index = static_cast<int>(i);
    accumulate(form.accumulation, sums, kColumns, index, c[i],
               warp.value<std::uint32_t>(form.d[i]));
    warp.set_poison(form.d[i], kAllLanes,
                    c_poison[i] | poisoned_lanes(form.accumulation.type, index, poison));
  }
}

// f64 products are sums of doubles, k ascending, added to C.
void multiply_doubles(Warp& warp, const MmaForm& form) {
  double a[kMaxRows][16] = {}, b[16][kColumns] = {}, d[4][kLanes];
  OperandPoison poison;
  for (int reg = 0; reg < static_cast<int>(form.a.size()); ++reg) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const Position at = position_in_a(lane, reg, 1, form.rows);
      a[at.row][at.column] = warp.value<double>(form.a[reg])[lane];
      if (has_lane(warp.poison(form.a[reg]), lane)) poison.rows |= 1u << at.row;
    }
  }
  for (int reg = 0; reg < static_cast<int>(form.b.size()); ++reg) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const Position at = position_in_b(lane, reg, 1);
      b[at.row][at.column] = warp.value<double>(form.b[reg])[lane];
      if (has_lane(warp.poison(form.b[reg]), lane)) poison.columns.set(at.column);
    }
  }
  LaneMask d_poison[4];
  for (int reg = 0; reg < static_cast<int>(form.c.size()); ++reg) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const Position at = position_in_c(lane, reg);
      double sum = 0;
      for (int k = 0; k < form.depth; ++k) sum += a[at.row][k] * b[k][at.column];
      d[reg][lane] = warp.value<double>(form.c[reg])[lane] + sum;
    }
    d_poison[reg] = warp.poison(form.c[reg]) | poisoned_lanes(Accumulator::kF64, reg, poison);
  }
  for (std::size_t reg = 0; reg < form.d.size(); ++reg) {
    std::memcpy(warp.value<double>(form.d[reg]), d[reg], sizeof d[reg]);
    warp.set_poison(form.d[reg], kAllLanes, d_poison[reg]);
  }
}

}  // namespace

void MmaForm::registers(std::vector<Reg>& read, std::vector<Reg>& written) const {
  read.insert(read.end(), a.begin(), a.end());
  read.insert(read.end(), b.begin(), b.end());
  read.insert(read.end(), c.begin(), c.end());
  written.insert(written.end(), d.begin(), d.end());
}

Outcome run_mma(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  if (!collect_warp(warp, instruction, lanes)) return Outcome::kBlocked;
  const MmaForm& form = instruction.as<MmaForm>();
  if (form.accumulation.type == Accumulator::kF64) {
    multiply_doubles(warp, form);
  } else {
    multiply_floats(warp, form);
  }
  Counters& counters = warp.block.launch.counters;
  counters.mma += 1;
  counters.multiply_adds += std::uint64_t{1} * form.rows * kColumns * form.depth;
  return Outcome::kNext;
}

}  // namespace moe::simt
