// The experts' matrix products: C[rows of e] = A[rows of e] * B[e]^T for all experts in one launch.
// Every strategy multiplies through this, so that what a comparison shows is dispatch.
#pragma once
#include <cuda_runtime.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kernels/contract/shape.h"

namespace moe::cuda {

// What happens to a row of sums before it is stored.
enum class Epilogue : std::uint8_t {
  kStore,       // C[row, n] = sum, in c_type
  kSwiglu,      // columns 2 f and 2 f + 1 of B are gate f and up f (interleaved):
                // C[row, f] = silu(even) * odd, in c_type
  kScatterAdd,  // y[token of row, n] += weight of row * sum, atomically, f32 (c is y)
};

// Which kernel computes it.
enum class ProductKernel : std::uint8_t {
  kFma,    // f32 on the FMA units: tiles of 64 rows
  kMma16,  // mma.sync fed by cp.async and ldmatrix: tiles of 16, 64 or 128 rows of A
  kMma64,
  kMma128,
  kSwapped,  // the operands change places: 64 columns of B are the tall side of mma.sync, 8 or 16
             // rows of A the narrow one. For a few rows an expert.
  kWgmma,    // sm_90a: TMA fills a ring, two warpgroups multiply tiles of 128 rows by wgmma
  kMixed,    // sm_90a: experts with many rows on wgmma tiles of 128, the others on mma tiles of 16,
             // one queue of tiles in one persistent launch
};
std::string_view to_string(ProductKernel kernel);

// A group is the rows [begin[e], begin[e] + count[e]) of A and C; all in device memory, so the host
// need not know how many rows an expert has.
struct GroupedProduct {
  DType dtype = DType::kF32;  // of A and B: f32; tf32 (f32 storage); bf16; f16; e4m3 (1 byte)

  const void* a = nullptr;              // [a_rows, depth]
  std::int64_t a_rows = 0;              // rows that exist
  std::int64_t a_stride = 0;            // elements; a multiple of 16 bytes
  const float* a_scale = nullptr;       // e4m3: [a_rows]
  const std::int32_t* a_row = nullptr;  // slot -> row of A; null: the slot itself (no gather).
                                        // Entries of -1 (empty slots) multiply as zeros.

  const void* b = nullptr;         // [experts, columns, depth]
  std::int64_t b_stride = 0;       // elements from one row of B to the next; a multiple of 16 bytes
  const float* b_scale = nullptr;  // e4m3: [experts, columns]

  int experts = 0;
  std::int64_t columns = 0;             // N; 2 F for kSwiglu
  std::int64_t depth = 0;               // K
  const std::int32_t* begin = nullptr;  // [experts]
  const std::int32_t* count = nullptr;  // [experts]
  std::int64_t most_rows = 0;           // no more than this in all groups together: sizes the grid

  Epilogue epilogue = Epilogue::kStore;
  void* c = nullptr;           // [slots, columns], or [slots, columns / 2] for kSwiglu, or y
  DType c_type = DType::kF32;  // f32, bf16, f16, or tf32: f32 storage, rounded to tf32
  std::int64_t c_stride = 0;   // elements
  const std::int32_t* token_of_slot = nullptr;  // kScatterAdd
  const float* weight_of_slot = nullptr;        // kScatterAdd
};

// Enqueues it. One launch. Throws std::invalid_argument for what the kernel cannot do (see below).
void grouped_product(const GroupedProduct& product, ProductKernel kernel, cudaStream_t stream);

// Why `kernel` cannot multiply `dtype` on this device, or nothing.
std::optional<std::string> product_unsupported(ProductKernel kernel, DType dtype);

// The kernel for many rows an expert on this device.
ProductKernel widest_product(DType dtype);

// Rows of a tile.
std::int64_t tile_rows(ProductKernel kernel);
// What a group of `rows` is multiplied as, padding included: Dispatch::rows_computed counts these.
std::int64_t rows_multiplied(ProductKernel kernel, std::int64_t rows);

// The tensor map or other host state a kernel needs is made here, on the host, at enqueue: nothing
// is allocated. Kernels' entry points, one file each:
void product_fma(const GroupedProduct& product, cudaStream_t stream);
void product_mma(const GroupedProduct& product, ProductKernel kernel, cudaStream_t stream);
void product_swapped(const GroupedProduct& product, cudaStream_t stream);
void product_wgmma(const GroupedProduct& product, cudaStream_t stream);
void product_mixed(const GroupedProduct& product, cudaStream_t stream);

}  // namespace moe::cuda
