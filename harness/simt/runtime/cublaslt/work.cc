// What a product does when its turn in the stream comes.
#include "harness/simt/runtime/cublaslt/work.h"

#include <fmt/format.h>

#include <cstring>
#include <memory>
#include <utility>

#include "harness/simt/runtime/cublaslt/elements.h"
#include "harness/simt/runtime/cublaslt/product.h"
#include "harness/simt/runtime/pointers.h"

namespace moe::simt::lt {
namespace {

// The input's elements, not what lies between its rows or columns, must have been written.
void check_written(Runtime& runtime, const Layout& layout, const void* base, const char* role) {
  const bool row_major = layout.order == CUBLASLT_ORDER_ROW;
  const std::uint64_t lines = row_major ? layout.rows : layout.cols;
  const std::uint64_t length = row_major ? layout.cols : layout.rows;
  const auto bytes = static_cast<std::uint64_t>(bytes_of(static_cast<cudaDataType>(layout.type)));
  for (int batch = 0; batch < layout.batch_count; ++batch) {
    for (std::uint64_t line = 0; line < lines; ++line) {
      const std::uint64_t at = batch * layout.batch_stride + line * layout.ld;
      const std::byte* pointer = static_cast<const std::byte*>(base) + at * bytes;
      if (runtime.device.memory.all_written(pointer, length * bytes)) continue;
      runtime.record_host(
          Check::kUninitialised, "cublasLtMatmul",
          fmt::format("{} was never written, from line {} of matrix {} on", role, line, batch));
      return;
    }
  }
}

bool overlap(const void* a, std::uint64_t a_bytes, const void* b, std::uint64_t b_bytes) {
  const auto at = reinterpret_cast<std::uint64_t>(a), bt = reinterpret_cast<std::uint64_t>(b);
  return at < bt + b_bytes && bt < at + a_bytes;
}

double host_value(const Problem& problem, const void* pointer) {
  return load(static_cast<cudaDataType>(problem.desc.scale_type),
              static_cast<const std::byte*>(pointer));
}

// The checks that a device makes by crashing.
void check_memory(Runtime& runtime, const Problem& problem, const Pointers& pointers) {
  const MatmulDesc& desc = problem.desc;
  need_device_range(runtime, pointers.a, span_bytes(problem.a), "A");
  need_device_range(runtime, pointers.b, span_bytes(problem.b), "B");
  need_device_range(runtime, pointers.d, span_bytes(problem.d), "D");
  const auto scalar_bytes =
      static_cast<std::uint64_t>(bytes_of(static_cast<cudaDataType>(desc.scale_type)));
  if (desc.pointer_mode == CUBLASLT_POINTER_MODE_DEVICE) {
    need_device_range(runtime, pointers.alpha, scalar_bytes, "alpha");
    need_device_range(runtime, pointers.beta, scalar_bytes, "beta");
  }
  check_written(runtime, problem.a, pointers.a, "A");
  check_written(runtime, problem.b, pointers.b, "B");
  if (host_value(problem, pointers.beta) != 0) {
    need_device_range(runtime, pointers.c, span_bytes(problem.c), "C");
    check_written(runtime, problem.c, pointers.c, "C");
    const bool partly = pointers.c != pointers.d && overlap(pointers.c, span_bytes(problem.c),
                                                            pointers.d, span_bytes(problem.d));
    if (partly)
      throw mistake(Check::kBadArgument, cudaErrorInvalidValue,
                    "C and D overlap, but are not the same");
  }
  if (problem.has_bias()) {
    const auto length = problem.desc.bias_batch_stride * (problem.batches() - 1) + problem.m;
    need_device_range(runtime, desc.bias,
                      static_cast<std::uint64_t>(length) * bytes_of(problem.bias_type), "the bias");
  }
  for (const void* scale :
       {static_cast<const void*>(desc.scale_a), static_cast<const void*>(desc.scale_b),
        static_cast<const void*>(desc.scale_c), static_cast<const void*>(desc.scale_d),
        static_cast<const void*>(desc.amax_d)}) {
    if (scale != nullptr) need_device_range(runtime, scale, sizeof(float), "a scale");
  }
  for (const auto& [input, layout] :
       {std::pair{pointers.a, &problem.a}, std::pair{pointers.b, &problem.b}}) {
    if (overlap(input, span_bytes(*layout), pointers.d, span_bytes(problem.d))) {
      throw mistake(Check::kBadArgument, cudaErrorInvalidValue, "D overlaps an input");
    }
  }
  if (pointers.workspace_bytes > 0) {
    need_device_range(runtime, pointers.workspace, pointers.workspace_bytes, "the workspace");
  }
}

// Gaps between the columns or rows of D stay as they were.
void mark_result(Runtime& runtime, const Problem& problem, const Pointers& pointers) {
  const Layout& d = problem.d;
  const bool row_major = d.order == CUBLASLT_ORDER_ROW;
  const std::uint64_t lines = row_major ? d.rows : d.cols, length = row_major ? d.cols : d.rows;
  const auto bytes = static_cast<std::uint64_t>(bytes_of(static_cast<cudaDataType>(d.type)));
  for (int batch = 0; batch < d.batch_count; ++batch) {
    for (std::uint64_t line = 0; line < lines; ++line) {
      const std::uint64_t at = batch * d.batch_stride + line * d.ld;
      runtime.device.memory.mark_written(static_cast<std::byte*>(pointers.d) + at * bytes,
                                         length * bytes);
    }
  }
  if (problem.desc.amax_d != nullptr)
    runtime.device.memory.mark_written(problem.desc.amax_d, sizeof(float));
}

cudaError_t run(Runtime& runtime, const Problem& problem, const Pointers& pointers) {
  check_memory(runtime, problem, pointers);
  // A real algorithm leaves anything there.
  if (pointers.workspace_bytes > 0) std::memset(pointers.workspace, 0xff, pointers.workspace_bytes);
  compute(problem, pointers);
  mark_result(runtime, problem, pointers);
  return cudaSuccess;
}

// alpha and beta of the host are read when the call is made, not when a graph runs.
struct HostScalars {
  std::byte alpha[sizeof(double)] = {};  // room for any scale type
  std::byte beta[sizeof(double)] = {};
};

void read_scalar(Runtime& runtime, const Problem& problem, const void* from, std::byte* to) {
  const Allocation* allocation = live_allocation(runtime, from);
  if (allocation != nullptr && !allocation->host) {
    throw mistake(Check::kBadArgument, cudaErrorInvalidValue,
                  "alpha or beta is a device pointer, but the pointer mode is host");
  }
  std::memcpy(to, from, bytes_of(static_cast<cudaDataType>(problem.desc.scale_type)));
}

}  // namespace

Work make_work(Runtime& runtime, const Problem& problem, const Pointers& pointers) {
  if (problem.desc.pointer_mode != CUBLASLT_POINTER_MODE_HOST) {
    return [&runtime, problem, pointers] { return run(runtime, problem, pointers); };
  }
  auto scalars = std::make_shared<HostScalars>();
  read_scalar(runtime, problem, pointers.alpha, scalars->alpha);
  read_scalar(runtime, problem, pointers.beta, scalars->beta);
  Pointers resolved = pointers;
  resolved.alpha = scalars->alpha;
  resolved.beta = scalars->beta;
  return [&runtime, problem, resolved, scalars] { return run(runtime, problem, resolved); };
}

}  // namespace moe::simt::lt
