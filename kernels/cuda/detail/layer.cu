#include "kernels/cuda/detail/device.h"
#include "kernels/cuda/detail/layer.h"
#include "kernels/cuda/rows/rows.h"

namespace moe::cuda {
namespace {

constexpr std::int64_t kMostExperts = 1024;  // of select_top_k and of the products' tile queues
constexpr std::int64_t kMostChoices = 32;
constexpr int kThreads = 256;

unsigned blocks_for(std::int64_t threads) {
  return static_cast<unsigned>((threads + kThreads - 1) / kThreads);
}

__global__ void even_groups(std::int32_t* begin, std::int32_t* count, int experts, int height) {
  const int e = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (e <= experts) begin[e] = e * height;
  if (e < experts && count != nullptr) count[e] = height;
}

__global__ void weights_by_slot(const std::int32_t* slot_of_assignment, const float* weight,
                                std::int64_t assignments, float* weight_of_slot) {
  const std::int64_t a = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (a >= assignments) return;
  const std::int32_t slot = slot_of_assignment[a];
  if (slot >= 0) weight_of_slot[slot] = weight[a];
}

std::string at_most(const char* what, std::int64_t most, std::int64_t found) {
  return std::string("at most ")
      .append(std::to_string(most))
      .append(what)
      .append(" are done here, not ")
      .append(std::to_string(found));
}

}  // namespace

std::optional<std::string> unsupported_layer(const MoeShape& shape) {
  if (const auto why = device().unusable()) return why;
  if (shape.experts > kMostExperts) return at_most(" experts", kMostExperts, shape.experts);
  if (shape.top_k > kMostChoices) return at_most(" choices a token", kMostChoices, shape.top_k);
  return std::nullopt;
}

std::optional<std::string> unsupported_layer(const MoeShape& shape, ProductKernel kernel) {
  if (const auto why = unsupported_layer(shape)) return why;
  return product_unsupported(kernel, shape.dtype);
}

// Tiles much higher than the groups multiply padding; much lower ones read the weights once per
// tile. The limits are guesses until they are measured.
ProductKernel common_product(DType dtype, std::int64_t rows) {
  if (dtype == DType::kF32) return ProductKernel::kFma;
  if (rows <= 16) return ProductKernel::kMma16;
  return rows <= 96 ? ProductKernel::kMma64 : ProductKernel::kMma128;
}

std::int64_t average_rows(const MoeShape& shape, std::int64_t tokens) {
  return (tokens * shape.top_k + shape.experts - 1) / shape.experts;
}

// ---- once ----

DType LayerStrategy::hidden_type() const {
  return shape_.dtype == DType::kE4m3 ? DType::kBf16 : shape_.dtype;
}

DType LayerStrategy::output_type() const {
  return shape_.dtype == DType::kTf32 ? DType::kF32 : hidden_type();
}

Slots LayerStrategy::slots() const {
  return {.of_assignment = slot_of_assignment_.data(),
          .token = token_.data(),
          .begin = begin_.data(),
          .count = count_.data()};
}

void LayerStrategy::prepare_layer(const Layer& layer) {
  shape_ = layer.shape;
  knobs_ = layer.knobs;
  tokens_ = 0;
  workspace_bytes_ = 0;
  weights_ = upload_weights(shape_, *layer.weights);
  x_stride_ = padded_stride(shape_.hidden, shape_.dtype);
  hidden_stride_ = padded_stride(shape_.ffn, hidden_type());
  output_stride_ = padded_stride(shape_.hidden, output_type());
  if (shape_.dtype == DType::kE4m3) {
    reserve(x_quantized_, shape_.tokens * x_stride_);
    reserve(x_scale_, shape_.tokens);
  }
}

void LayerStrategy::prepare_routes() {
  reserve(expert_, shape_.tokens * shape_.top_k);
  reserve(weight_, shape_.tokens * shape_.top_k);
}

void LayerStrategy::prepare_slots(std::int64_t slots) {
  reserve(slot_of_assignment_, shape_.tokens * shape_.top_k);
  reserve(token_, slots);
  reserve(begin_, shape_.experts + 1);
  reserve(count_, shape_.experts);
}

void LayerStrategy::prepare_permuted(std::int64_t rows) {
  reserve(permuted_, rows * x_stride_ * element_bytes(shape_.dtype));
  if (shape_.dtype == DType::kE4m3) reserve(permuted_scale_, rows);
}

void LayerStrategy::prepare_products(std::int64_t rows, bool with_output) {
  reserve(hidden_, rows * hidden_stride_ * element_bytes(hidden_type()));
  if (with_output) reserve(output_, rows * output_stride_ * element_bytes(output_type()));
  if (shape_.dtype == DType::kE4m3) {
    reserve(hidden_quantized_, rows * weights_.down_stride);
    reserve(hidden_scale_, rows);
  }
}

// ---- stages ----

void LayerStrategy::begin_run(const Batch& batch) { tokens_ = batch.x.rows; }

void LayerStrategy::route(const Batch& batch) {
  select_top_k({.logits = batch.logits.data,
                .logits_stride = batch.logits.stride,
                .tokens = tokens_,
                .experts = experts(),
                .top_k = top_k(),
                .scores = Scores::kSoftmax,
                .renormalize = shape_.renormalize,
                .expert = expert_.data(),
                .weight = weight_.data()},
               stream());
}

ProductRows LayerStrategy::input(const Batch& batch) {
  if (shape_.dtype == DType::kF32 || shape_.dtype == DType::kTf32) {
    return {.data = batch.x.data, .rows = tokens_, .stride = batch.x.stride};
  }
  if (shape_.dtype != DType::kE4m3) {
    return {.data = batch.x16.data, .rows = tokens_, .stride = batch.x16.stride};
  }
  quantize_rows_e4m3(batch.x16.data, batch.x16.stride, tokens_, shape_.hidden, x_quantized_.data(),
                     x_stride_, x_scale_.data(), nullptr, stream());
  return {
      .data = x_quantized_.data(), .rows = tokens_, .stride = x_stride_, .scale = x_scale_.data()};
}

ProductRows LayerStrategy::permute(const ProductRows& x, const std::int32_t* token,
                                   std::int64_t slots, bool zero_empty) {
  gather_rows({.from = x.data,
               .to = permuted_.data(),
               .from_stride = x.stride,
               .to_stride = x_stride_,
               .columns = shape_.hidden,
               .element_bytes = element_bytes(shape_.dtype),
               .slots = slots,
               .token = token,
               .zero_empty = zero_empty},
              stream());
  if (x.scale != nullptr) {
    gather_rows({.from = x.scale,
                 .to = permuted_scale_.data(),
                 .from_stride = 1,
                 .to_stride = 1,
                 .columns = 1,
                 .element_bytes = 4,
                 .slots = slots,
                 .token = token,
                 .zero_empty = zero_empty},
                stream());
  }
  return {.data = permuted_.data(),
          .rows = slots,
          .stride = x_stride_,
          .scale = x.scale == nullptr ? nullptr : permuted_scale_.data()};
}

GroupedProduct LayerStrategy::product(const ProductRows& rows, const RowGroups& groups,
                                      bool first) const {
  const Buffer<std::uint8_t>& b = first ? weights_.gate_up : weights_.down;
  const Buffer<float>& scale = first ? weights_.gate_up_scale : weights_.down_scale;
  GroupedProduct p{.dtype = shape_.dtype,
                   .a = rows.data,
                   .a_rows = rows.rows,
                   .a_stride = rows.stride,
                   .a_scale = rows.scale,
                   .a_row = rows.a_row};
  p.b_stride = first ? weights_.gate_up_stride : weights_.down_stride;
  p.columns = first ? 2 * shape_.ffn : shape_.hidden;
  p.depth = first ? shape_.hidden : shape_.ffn;
  p.b = b.data() + groups.first_expert * p.columns * p.b_stride * element_bytes(shape_.dtype);
  p.b_scale = scale.data() == nullptr ? nullptr : scale.data() + groups.first_expert * p.columns;
  p.experts = groups.experts;
  p.begin = groups.begin;
  p.count = groups.count;
  p.most_rows = groups.most_rows;
  return p;
}

void LayerStrategy::first_product(const ProductRows& rows, const RowGroups& groups,
                                  ProductKernel kernel, cudaStream_t on) {
  GroupedProduct p = product(rows, groups, true);
  p.epilogue = Epilogue::kSwiglu;
  p.c = hidden_.data();
  p.c_type = hidden_type();
  p.c_stride = hidden_stride_;
  grouped_product(p, kernel, on);
}

ProductRows LayerStrategy::hidden(std::int64_t rows, const std::int32_t* token) {
  if (shape_.dtype != DType::kE4m3) {
    return {.data = hidden_.data(), .rows = rows, .stride = hidden_stride_};
  }
  quantize_rows_e4m3(hidden_.data(), hidden_stride_, rows, shape_.ffn, hidden_quantized_.data(),
                     weights_.down_stride, hidden_scale_.data(), token, stream());
  return {.data = hidden_quantized_.data(),
          .rows = rows,
          .stride = weights_.down_stride,
          .scale = hidden_scale_.data()};
}

void LayerStrategy::second_product(const ProductRows& h, const RowGroups& groups,
                                   ProductKernel kernel, cudaStream_t on) {
  GroupedProduct p = product(h, groups, false);
  p.c = output_.data();
  p.c_type = output_type();
  p.c_stride = output_stride_;
  grouped_product(p, kernel, on);
}

void LayerStrategy::second_product_into(MatrixView<float> y, const ProductRows& h,
                                        const RowGroups& groups, const std::int32_t* token,
                                        const float* weight, ProductKernel kernel) {
  GroupedProduct p = product(h, groups, false);
  p.epilogue = Epilogue::kScatterAdd;
  p.c = y.data;
  p.c_type = DType::kF32;
  p.c_stride = y.stride;
  p.token_of_slot = token;
  p.weight_of_slot = weight;
  grouped_product(p, kernel, stream());
}

void LayerStrategy::combine(const void* rows, MatrixView<float> y) {
  combine_rows({.rows = rows,
                .row_type = output_type(),
                .rows_stride = output_stride_,
                .slot_of_assignment = slot_of_assignment_.data(),
                .weight = weight_.data(),
                .tokens = tokens_,
                .top_k = top_k(),
                .y = y.data,
                .y_stride = y.stride,
                .hidden = shape_.hidden},
               stream());
}

void LayerStrategy::clear(MatrixView<float> y) {
  check(cudaMemset2DAsync(y.data, static_cast<std::size_t>(y.stride) * sizeof(float), 0,
                          static_cast<std::size_t>(y.cols) * sizeof(float),
                          static_cast<std::size_t>(y.rows), stream()));
}

void LayerStrategy::make_even_groups(std::int64_t height, std::int32_t* count) {
  even_groups<<<blocks_for(shape_.experts + 1), kThreads, 0, stream()>>>(
      begin_.data(), count, experts(), static_cast<int>(height));
  check_launch();
}

void LayerStrategy::spread_weights() {
  weights_by_slot<<<blocks_for(assignments()), kThreads, 0, stream()>>>(
      slot_of_assignment_.data(), weight_.data(), assignments(), weight_of_slot_.data());
  check_launch();
}

// ---- after a run ----

Routing LayerStrategy::token_choice() {
  const auto expert = download(expert_.data(), assignments());
  const auto weight = download(weight_.data(), assignments());
  const auto slot = download(slot_of_assignment_.data(), assignments());
  Routing r{{0}, {}, {}};
  for (std::int64_t t = 0; t < tokens_; ++t) {
    for (std::int64_t a = t * shape_.top_k; a < (t + 1) * shape_.top_k; ++a) {
      if (slot[a] < 0) continue;
      r.expert.push_back(expert[a]);
      r.weight.push_back(weight[a]);
    }
    r.offsets.push_back(static_cast<std::int32_t>(r.expert.size()));
  }
  return r;
}

std::int64_t LayerStrategy::rows_in_tiles(ProductKernel kernel) {
  if (tokens_ == 0) return 0;
  std::int64_t rows = 0;
  for (const std::int32_t c : download(count_.data(), shape_.experts)) {
    rows += rows_multiplied(kernel, c);
  }
  return rows;
}

}  // namespace moe::cuda
