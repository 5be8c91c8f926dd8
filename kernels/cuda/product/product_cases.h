// The shapes, types and epilogues that the grouped products are tested with.
#pragma once
#include <ostream>
#include <vector>

#include "kernels/cuda/product/product.h"

namespace moe::cuda::testing {

struct ProductCase {
  DType dtype = DType::kBf16;
  std::vector<int> rows = {};  // of each expert
  int columns = 8, depth = 8;
  Epilogue epilogue = Epilogue::kStore;
  DType c_type = DType::kF32;
  bool gather = false;  // rows of A by a_row, some twice, some not at all, some -1
  bool skewed = false;  // rows of C begin where no 16 bytes do
  // One block for each column tile, which so computes many tiles: most_rows, which sizes the grid
  // and nothing else, is said to be 1.
  bool few_blocks = false;
};

inline std::ostream& operator<<(std::ostream& os, const ProductCase& c) {
  os << moe::to_string(c.dtype) << " rows";
  for (const int r : c.rows) os << ' ' << r;
  return os << ", " << c.columns << " columns, depth " << c.depth << ", epilogue "
            << static_cast<int>(c.epilogue) << ", C " << moe::to_string(c.c_type)
            << (c.gather ? ", gather" : "") << (c.skewed ? ", skewed" : "")
            << (c.few_blocks ? ", few blocks" : "");
}

inline int bytes_of(DType t) {
  return t == DType::kE4m3 ? 1 : t == DType::kBf16 || t == DType::kF16 ? 2 : 4;
}

// Shapes at and around the edges of tiles of 8, 16, 64 and 128 rows, of 64 and 128 columns and of
// the 16 and 128 bytes that are copied; epilogues, types of C and gathering take turns.
inline std::vector<ProductCase> edge_cases(DType dtype) {
  using enum Epilogue;
  const DType narrow = dtype == DType::kF16 ? DType::kF16 : DType::kBf16;
  return {
      {dtype, {5}, 1, 1, kStore, DType::kF32, false, false},
      {dtype, {1, 0, 2}, 2, 8, kSwiglu, narrow, true, false},
      {dtype, {15, 16, 17}, 8, 19, kStore, narrow, true, false},
      {dtype, {0, 1, 2, 15, 0, 16, 17, 9}, 33, 33, kScatterAdd, DType::kF32, true, false},
      {dtype, {63, 1, 64}, 64, 64, kSwiglu, DType::kTf32, false, false},
      {dtype, {65}, 130, 100, kStore, DType::kF32, true, true},
      {dtype, {127, 129}, 66, 136, kSwiglu, narrow, true, false},
  };
}

// More tiles than blocks and more steps than stages: the ring goes on over the ends of tiles.
inline std::vector<ProductCase> ring_cases(DType dtype) {
  const int steps = 128 / bytes_of(dtype);
  return {
      {dtype, {17, 1, 0, 65}, 70, 8 * steps - 3, Epilogue::kStore, DType::kF32, true, false, true},
      {dtype, {33, 0, 2, 20}, 6, steps, Epilogue::kStore, DType::kF32, false, false, true},
  };
}

// Every epilogue with every type of C it may have, aligned and not.
inline std::vector<ProductCase> output_cases(DType dtype) {
  std::vector<ProductCase> cases;
  for (const bool skewed : {false, true}) {
    for (const DType c_type : {DType::kF32, DType::kBf16, DType::kF16, DType::kTf32}) {
      for (const Epilogue epilogue : {Epilogue::kStore, Epilogue::kSwiglu}) {
        cases.push_back({dtype, {3, 18}, 74, 20, epilogue, c_type, false, skewed});
      }
    }
    cases.push_back({dtype, {3, 18}, 74, 20, Epilogue::kScatterAdd, DType::kF32, false, skewed});
  }
  return cases;
}

}  // namespace moe::cuda::testing
