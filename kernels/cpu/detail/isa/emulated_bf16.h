#pragma once
// For tests: instructions that multiply bf16 by bf16, on processors that have none.
#include <array>
#include <bit>
#include <cstring>

#include "kernels/cpu/detail/isa/dot_product.h"
#include "kernels/cpu/detail/isa/tile_product.h"

namespace moe::cpu {

inline float bf16_value(std::uint16_t v) { return std::bit_cast<float>(std::uint32_t{v} << 16); }

// The tile registers of a thread. What a tile holds beyond its shape is NaN, so that a wrong shape
// shows; whatever is asked of a tile that has no rows throws out of range.
struct EmulatedTile {
  std::size_t rows = 0;
  std::size_t row_bytes = 0;
  std::array<std::array<char, kTileBytes>, kTileRows> bytes{};
};

struct EmulatedTiles {
  using Tile = EmulatedTile;
  inline static thread_local std::array<Tile, 8> tiles;

  static void set(const TileShape& s) {
    const std::array<std::int64_t, 8> rows = {s.rows, s.rows,   s.others,    s.others,
                                              s.rows, s.others, s.depth / 2, s.depth / 2};
    for (std::size_t t = 0; t < 8; ++t) {
      tiles[t].rows = static_cast<std::size_t>(rows[t]);
      tiles[t].row_bytes = static_cast<std::size_t>(t == 4 || t == 5 ? s.depth * 2 : kTileBytes);
      std::memset(&tiles[t].bytes, 0xFF, sizeof tiles[t].bytes);
    }
  }
  static void release() { tiles = {}; }
  template <int kTile>
  static void zero() {
    for (std::size_t r = 0; r < tiles[kTile].rows; ++r) tiles[kTile].bytes.at(r).fill(0);
  }
  template <int kTile>
  static void load(const void* from, std::int64_t stride) {
    Tile& t = tiles[kTile];
    for (std::size_t r = 0; r < t.rows; ++r) {
      const char* const row =
          static_cast<const char*>(from) + static_cast<std::int64_t>(r) * stride;
      std::memcpy(t.bytes.at(r).data(), row, t.row_bytes);
    }
  }
  template <int kTile>
  static void load_once(const void* from, std::int64_t stride) {
    load<kTile>(from, stride);
  }
  template <int kTile>
  static void store(void* to, std::int64_t stride) {
    const Tile& t = tiles[kTile];
    for (std::size_t r = 0; r < t.rows; ++r) {
      char* const row = static_cast<char*>(to) + static_cast<std::int64_t>(r) * stride;
      std::memcpy(row, t.bytes.at(r).data(), t.row_bytes);
    }
  }
  template <int kSum, int kRows, int kWeights>
  static void multiply() {
    Tile& sum = tiles[kSum];
    const Tile& a = tiles[kRows];
    const Tile& b = tiles[kWeights];
    for (std::size_t i = 0; i < sum.rows; ++i) {
      const auto row = std::bit_cast<std::array<std::uint16_t, 32>>(a.bytes.at(i));
      auto sums = std::bit_cast<std::array<float, 16>>(sum.bytes.at(i));
      for (std::size_t k = 0; k < a.row_bytes / 4; ++k) {
        const auto weights = std::bit_cast<std::array<std::uint16_t, 32>>(b.bytes.at(k));
        for (std::size_t j = 0; j < sums.size(); ++j) {
          sums[j] += bf16_value(row[2 * k]) * bf16_value(weights[2 * j]);
          sums[j] += bf16_value(row[2 * k + 1]) * bf16_value(weights[2 * j + 1]);
        }
      }
      sum.bytes.at(i) = std::bit_cast<std::array<char, kTileBytes>>(sums);
    }
  }
};

// A vector with the instruction of AVX512-BF16.
struct EmulatedDots {
  using Register = std::array<float, 16>;
  using Pairs = std::array<std::uint16_t, 32>;
  static constexpr int kWidth = 16;
  static constexpr int kMostRows = 14;
  static Register zero() { return {}; }
  static Register load(const float* p) {
    Register v;
    std::memcpy(v.data(), p, sizeof v);
    return v;
  }
  static void store(float* p, const Register& v) { std::memcpy(p, v.data(), sizeof v); }
  static Pairs load_bf16_pairs(const std::uint16_t* p) {
    Pairs v;
    std::memcpy(v.data(), p, sizeof v);
    return v;
  }
  static Pairs broadcast_bf16_pair(const std::uint16_t* p) {
    Pairs v;
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = p[i % 2];
    return v;
  }
  static Register dot(Register sum, const Pairs& a, const Pairs& b) {
    for (std::size_t i = 0; i < sum.size(); ++i) {
      sum[i] += bf16_value(a[2 * i]) * bf16_value(b[2 * i]);
      sum[i] += bf16_value(a[2 * i + 1]) * bf16_value(b[2 * i + 1]);
    }
    return sum;
  }
};

}  // namespace moe::cpu
