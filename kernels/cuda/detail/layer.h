// What strategies are put together from: the stages of a layer on buffers made once in prepare().
// A strategy is the order in which its run() calls them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernels/contract/strategy.h"
#include "kernels/cuda/detail/buffer.h"
#include "kernels/cuda/detail/stream.h"
#include "kernels/cuda/detail/weights.h"
#include "kernels/cuda/product/product.h"
#include "kernels/cuda/routing/routing.h"

namespace moe::cuda {

// Why a layer of this shape cannot be computed here whatever the strategy, or why `kernel` cannot
// multiply its dtype; nothing where it can.
std::optional<std::string> unsupported_layer(const MoeShape& shape, ProductKernel kernel);
// The same without products of ours.
std::optional<std::string> unsupported_layer(const MoeShape& shape);

// The product every device has (FMA for f32, otherwise mma.sync), its tiles as high as suits `rows`
// rows an expert.
ProductKernel common_product(DType dtype, std::int64_t rows);
// Rows an expert gets on average, rounded up.
std::int64_t average_rows(const MoeShape& shape, std::int64_t tokens);

// Rows in the numbers a product multiplies.
struct ProductRows {
  const void* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t stride = 0;
  const float* scale = nullptr;         // e4m3: one a row
  const std::int32_t* a_row = nullptr;  // slot -> row; null: the slot itself
};

// Which rows belong to which expert: on the device, as in GroupedProduct.
struct RowGroups {
  const std::int32_t* begin = nullptr;
  const std::int32_t* count = nullptr;
  int first_expert = 0;
  int experts = 0;
  std::int64_t most_rows = 0;
};

class LayerStrategy : public Strategy {
 public:
  // Besides the weights: on a device they are the caller's, only elsewhere.
  std::int64_t workspace_bytes() const final { return workspace_bytes_; }

 protected:
  // ---- once ----
  void prepare_layer(const Layer& layer);    // weights, and x in 8 bits where needed
  void prepare_routes();                     // the choices of all tokens
  void prepare_slots(std::int64_t slots);    // who stands where
  void prepare_permuted(std::int64_t rows);  // x in expert order
  void prepare_products(std::int64_t rows, bool with_output);  // between and behind the products

  // ---- stages of a run, all enqueued ----
  void begin_run(const Batch& batch);
  void route(const Batch& batch);  // each token's top K
  ProductRows input(const Batch& batch);
  // x in the order of `token`; rows of empty slots are zeros or left alone.
  ProductRows permute(const ProductRows& x, const std::int32_t* token, std::int64_t slots,
                      bool zero_empty);
  // h = silu(gate) * up for rows of `groups`; the rows of h are the slots.
  void first_product(const ProductRows& rows, const RowGroups& groups, ProductKernel kernel,
                     cudaStream_t on = stream());
  // h as the second product reads it: e4m3 is quantized here, rows of empty `token` left alone.
  ProductRows hidden(std::int64_t rows, const std::int32_t* token);
  void second_product(const ProductRows& h, const RowGroups& groups, ProductKernel kernel,
                      cudaStream_t on = stream());
  // The same, added to y by weight: `token` and `weight` of the slots.
  void second_product_into(MatrixView<float> y, const ProductRows& h, const RowGroups& groups,
                           const std::int32_t* token, const float* weight, ProductKernel kernel);
  // Gather and sum, of output_ or of rows like it.
  void combine(MatrixView<float> y) { combine(output_.data(), y); }
  void combine(const void* rows, MatrixView<float> y);
  void clear(MatrixView<float> y);
  // begin[e] = e * height, and count[e] = height where count is not null.
  void make_even_groups(std::int64_t height, std::int32_t* count);
  void spread_weights();  // weight_of_slot_ from weight_

  // ---- after it ----
  Routing token_choice();  // without the dropped ones, where there are slots
  std::int64_t rows_in_tiles(ProductKernel kernel);  // counts rounded up to tiles

  template <class T>
  static std::vector<T> download(const T* from, std::int64_t count) {
    std::vector<T> to(static_cast<std::size_t>(count));
    if (count > 0) {
      check(cudaMemcpyAsync(to.data(), from, to.size() * sizeof(T), cudaMemcpyDeviceToHost,
                            stream()));
      check(cudaStreamSynchronize(stream()));
    }
    return to;
  }
  template <class T>
  void reserve(Buffer<T>& buffer, std::int64_t count) {
    buffer = Buffer<T>(count);
    workspace_bytes_ += buffer.bytes();
  }

  void add_workspace(std::int64_t bytes) { workspace_bytes_ += bytes; }

  // What is kept between the products, and the rows behind them.
  DType hidden_type() const;
  DType output_type() const;
  int experts() const { return static_cast<int>(shape_.experts); }
  int top_k() const { return static_cast<int>(shape_.top_k); }
  std::int64_t assignments() const { return tokens_ * shape_.top_k; }  // of the last run
  Slots slots() const;

  MoeShape shape_;
  Knobs knobs_;
  std::int64_t tokens_ = 0;  // of the last run
  DeviceWeights weights_;
  Buffer<std::int32_t> expert_;                                      // [T, K]
  Buffer<float> weight_;                                             // [T, K]
  Buffer<std::int32_t> slot_of_assignment_, token_, begin_, count_;  // Slots
  Buffer<float> weight_of_slot_;                                     // [slots], spread_weights()
  Buffer<std::uint8_t> output_;                                      // [slots, H]
  std::int64_t output_stride_ = 0;

 private:
  GroupedProduct product(const ProductRows& rows, const RowGroups& groups, bool first) const;

  std::int64_t workspace_bytes_ = 0;
  Buffer<std::uint8_t> x_quantized_, permuted_, hidden_, hidden_quantized_;
  Buffer<float> x_scale_, permuted_scale_, hidden_scale_;
  std::int64_t x_stride_ = 0, hidden_stride_ = 0;
};

}  // namespace moe::cuda
