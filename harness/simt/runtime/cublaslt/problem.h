// One product D = epilogue(alpha op(A) op(B) + beta C + bias), checked as strictly as documented.
#pragma once
#include <cublasLt.h>

#include <cstdint>
#include <string>

#include "harness/simt/runtime/cublaslt/objects.h"
#include "harness/simt/runtime/cublaslt/support.h"

namespace moe::simt::lt {

// Thrown where a product is refused; the call returns `status` and prints the reason.
struct Refusal {
  cublasStatus_t status;
  std::string reason;
};

// The descriptors, before any pointer is known.
struct Problem {
  MatmulDesc desc;
  Layout a, b, c, d;
  std::int64_t m = 0, n = 0, k = 0;
  Support support;
  cudaDataType bias_type = CUDA_R_32F;

  int batches() const { return d.batch_count; }
  bool has_bias() const { return (desc.epilogue & CUBLASLT_EPILOGUE_BIAS) != 0; }
};

struct Pointers {
  const void* alpha = nullptr;
  const void* a = nullptr;
  const void* b = nullptr;
  const void* beta = nullptr;
  const void* c = nullptr;
  void* d = nullptr;
  void* workspace = nullptr;
  std::uint64_t workspace_bytes = 0;
};

// `c` may be null: then it is as d. `capability` of the device: 80, 90, 100. Throws Refusal.
Problem make_problem(const MatmulDesc* desc, const Layout* a, const Layout* b, const Layout* c,
                     const Layout* d, int capability);

// What can be said of the pointers without touching them. Throws Refusal.
void check_pointers(const Problem& problem, const Pointers& pointers, const Algorithm* algorithm);

// Bytes from the first element to behind the last one of all matrices of the batch.
std::uint64_t span_bytes(const Layout& layout);

}  // namespace moe::simt::lt
