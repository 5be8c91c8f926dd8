// Walks a matrix in 16-byte chunks, as its descriptor lays them out, joining neighbours to one
// access.
#include "harness/simt/execute/wgmma_operands.h"

#include <cstring>

namespace moe::simt {
namespace {

constexpr int kChunk = 16;
constexpr std::uint32_t kMaxRange = 128;  // so that poison stays near where it is

// The chunks of an operand in the order of its elements, read with as few accesses as can be.
class ChunkReader {
 public:
  ChunkReader(Block& block, std::span<const AsyncAgent> agents, const Instruction& at,
              std::byte* packed)
      : block_(block), agents_(agents), at_(at), packed_(packed) {}

  // Chunk number `index` of the operand is at `address`.
  void add(std::uint32_t address, int index) {
    const bool behind = address == begin_ + bytes_, before = address + kChunk == begin_;
    if (count_ == 0 || bytes_ == kMaxRange || !(behind || before)) {
      flush();
      begin_ = address;
    }
    if (before && count_ != 0) begin_ = address;
    bytes_ += kChunk;
    addresses_[count_] = address;
    indices_[count_++] = index;
  }

  void flush() {
    if (count_ == 0) return;
    const Access access{.address = begin_,
                        .space = ptx::Space::kShared,
                        .bytes = bytes_,
                        .alignment = kChunk,
                        .kind = AccessKind::kRead,
                        .async_proxy = true};
    Bytes bytes;
    for (const AsyncAgent& agent : agents_) bytes = block_.access(agent, access, at_);
    for (int i = 0; i < count_; ++i) {
      std::memcpy(packed_ + indices_[i] * kChunk, bytes.data + (addresses_[i] - begin_), kChunk);
      if (bytes.poisoned) poisoned_.set(indices_[i]);
    }
    count_ = 0;
    bytes_ = 0;
  }

  bool poisoned(int index) const { return poisoned_[index]; }

 private:
  Block& block_;
  std::span<const AsyncAgent> agents_;
  const Instruction& at_;
  std::byte* packed_;
  std::uint32_t begin_ = 0, bytes_ = 0;
  int count_ = 0;
  std::uint32_t addresses_[kMaxRange / kChunk];
  int indices_[kMaxRange / kChunk];
  std::bitset<2 * kMaxColumns> poisoned_;
};

// A line is two chunks: 32 bytes along K. Chunk 2 * line + half.
void read_k_major(ChunkReader& reader, const SharedOperand& operand) {
  const bool plain = operand.matrix.swizzle == Swizzle::kNone;
  const auto read = [&](int line, int half) {
    reader.add(k_major_chunk(operand.matrix, operand.first + line, half), 2 * line + half);
  };
  for (int block = 0; block < operand.lines; block += 8) {
    // In the order of addresses: without swizzle 8 lines of one half lie side by side.
    for (int i = 0; i < 16; ++i) plain ? read(block + i % 8, i / 8) : read(block + i / 2, i % 2);
  }
  reader.flush();
}

// A chunk is some lines at one k. Chunk k * (chunks of a k) + number.
void read_mn_major(ChunkReader& reader, const SharedOperand& operand) {
  const int lines_of_chunk = 128 / bits_of(operand.type);
  const int chunks = operand.lines / lines_of_chunk;
  const int first = operand.first / lines_of_chunk;
  const auto read = [&](int k, int chunk) {
    reader.add(mn_major_chunk(operand.matrix, first + chunk, k), k * chunks + chunk);
  };
  if (operand.matrix.swizzle == Swizzle::kNone) {
    for (int chunk = 0; chunk < chunks; ++chunk) {
      for (int k = 0; k < operand.depth; ++k) read(k, chunk);
    }
  } else {
    for (int k = 0; k < operand.depth; ++k) {
      for (int chunk = 0; chunk < chunks; ++chunk) read(k, chunk);
    }
  }
  reader.flush();
}

PoisonedLines poisoned_lines(const ChunkReader& reader, const SharedOperand& operand) {
  PoisonedLines poisoned;
  const int lines_of_chunk = 128 / bits_of(operand.type);
  for (int line = 0; line < operand.lines; ++line) {
    if (!operand.mn_major) {
      if (reader.poisoned(2 * line) || reader.poisoned(2 * line + 1)) poisoned.set(line);
      continue;
    }
    const int chunks = operand.lines / lines_of_chunk;
    for (int k = 0; k < operand.depth; ++k) {
      if (reader.poisoned(k * chunks + line / lines_of_chunk)) poisoned.set(line);
    }
  }
  return poisoned;
}

void transpose(const float* from, int rows, int columns, float* to) {
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) {
      to[column * rows + row] = from[row * columns + column];
    }
  }
}

}  // namespace

PoisonedLines read_operand(Block& block, std::span<const AsyncAgent> agents, const Instruction& at,
                           const SharedOperand& operand, bool by_line, float* values) {
  alignas(kChunk) std::byte packed[kMaxColumns * 2 * kChunk];
  ChunkReader reader(block, agents, at, packed);
  operand.mn_major ? read_mn_major(reader, operand) : read_k_major(reader, operand);
  const int count = operand.lines * operand.depth;
  // K-major chunks lie as [lines][depth], MN-major ones as [depth][lines].
  if (by_line != operand.mn_major) {
    decode_elements(operand.type, packed, count, values);
  } else {
    float plain[kMaxColumns * 32];
    decode_elements(operand.type, packed, count, plain);
    const int rows = operand.mn_major ? operand.depth : operand.lines;
    transpose(plain, rows, count / rows, values);
  }
  return poisoned_lines(reader, operand);
}

}  // namespace moe::simt
