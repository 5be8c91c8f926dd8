#include <stdexcept>

#include "harness/simt/runtime/control.h"
#include "kernels/cuda/product/product_address.h"
#include "kernels/cuda/product/product_testing.h"

namespace moe::cuda {
namespace {

using namespace testing;

constexpr std::int64_t kBig = std::int64_t{1} << 31;

// The largest layer anybody has published, twice over: 1024 experts, F 28672, H 16384.
static_assert(row_of_b(1023, 57344, 57343) == 58720255);
static_assert(byte_of_row(row_of_b(1023, 57344, 57343), 32768, 32766) == 1924145348606);
static_assert(byte_of_row(kBig - 1, 65536, 65532) == (kBig - 1) * 65536 + 65532);
static_assert(element_of_c(kBig - 1, 57344, 57343) == kBig * 57344 - 1);

// Matrices of which only the far end exists: their pointers stand so far before it that 32 bits of
// an index are not enough. Ones, so every sum is the depth.
std::string multiply_far_away(ProductKernel kernel, DType dtype) {
  constexpr std::int64_t kColumns = 64, kDepth = 8, kStride = 1 << 16, kRows = 3;
  constexpr std::int32_t kSlot = 1 << 27;
  constexpr int kExperts = 1024;
  static_assert((kExperts - 1) * kColumns * kStride > kBig);
  const int bytes = bytes_of(dtype);
  std::vector<std::uint8_t> ones((kColumns * kStride) * bytes);
  for (std::int64_t i = 0; i < kColumns * kStride; ++i) put_number(dtype, 1.0f, &ones[i * bytes]);
  DeviceArray<std::uint8_t> a(ones), b(ones);
  DeviceArray<float> c(kRows * kColumns);
  std::vector<std::int32_t> begins(kExperts, 0), counts(kExperts, 0);
  begins.back() = kSlot;
  counts.back() = kRows;
  DeviceArray<std::int32_t> begin(begins), count(counts);
  const auto before = [](const void* from, std::int64_t distance) {
    return reinterpret_cast<void*>(reinterpret_cast<std::intptr_t>(from) - distance);
  };
  grouped_product({.dtype = dtype,
                   .a = before(a.data(), kSlot * std::int64_t{32} * bytes),
                   .a_rows = kSlot + kRows,
                   .a_stride = 32,
                   .b = before(b.data(), (kExperts - 1) * kColumns * kStride * bytes),
                   .b_stride = kStride,
                   .experts = kExperts,
                   .columns = kColumns,
                   .depth = kDepth,
                   .begin = begin.data(),
                   .count = count.data(),
                   .most_rows = kRows,
                   .c = before(c.data(), kSlot * kColumns * std::int64_t{4}),
                   .c_stride = kColumns},
                  kernel, stream());
  const cudaError_t error = cudaDeviceSynchronize();
  if (error != cudaSuccess) return cudaGetErrorString(error);
  return simt::cuda_tests::same(c.get(), std::vector<float>(kRows * kColumns, kDepth));
}

TEST(GroupedProduct, ReachesElementsBeyond2To31) {
  expect_right([] { return multiply_far_away(ProductKernel::kFma, DType::kF32); }, two_ways());
  for (const ProductKernel kernel :
       {ProductKernel::kMma16, ProductKernel::kMma128, ProductKernel::kSwapped}) {
    expect_right([&] { return multiply_far_away(kernel, DType::kBf16); }, two_ways());
  }
}

// 128 x 128 x 128 of zeros; what the kernel did.
simt::Counters count(ProductKernel kernel, DType dtype, Epilogue epilogue, DType c_type) {
  constexpr int kSize = 128;
  DeviceArray<std::uint8_t> a(kSize * kSize * 4), b(kSize * kSize * 4), c(kSize * kSize * 4);
  a.fill_bytes(0);
  b.fill_bytes(0);
  DeviceArray<std::int32_t> begin(std::vector<std::int32_t>{0}), rows(std::vector{kSize});
  simt::take_counters();
  grouped_product({.dtype = dtype,
                   .a = a.data(),
                   .a_rows = kSize,
                   .a_stride = kSize,
                   .b = b.data(),
                   .b_stride = kSize,
                   .experts = 1,
                   .columns = kSize,
                   .depth = kSize,
                   .begin = begin.data(),
                   .count = rows.data(),
                   .most_rows = kSize,
                   .epilogue = epilogue,
                   .c = c.data(),
                   .c_type = c_type,
                   .c_stride = kSize},
                  kernel, stream());
  EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
  return simt::take_counters().back().counters;
}

TEST(GroupedProduct, HasNoBankConflicts) {
  for (const ProductKernel kernel :
       {ProductKernel::kFma, ProductKernel::kMma16, ProductKernel::kMma64, ProductKernel::kMma128,
        ProductKernel::kSwapped}) {
    const DType dtype = kernel == ProductKernel::kFma ? DType::kF32 : DType::kBf16;
    const simt::Counters did = count(kernel, dtype, Epilogue::kStore, DType::kF32);
    EXPECT_GT(did.shared_load.ideal, 1000) << to_string(kernel);
    EXPECT_EQ(did.shared_load.sectors, did.shared_load.ideal) << to_string(kernel);
    EXPECT_EQ(did.shared_store.sectors, did.shared_store.ideal) << to_string(kernel);
  }
}

TEST(GroupedProduct, StoresWholeSectors) {
  for (const ProductKernel kernel : {ProductKernel::kMma16, ProductKernel::kMma64,
                                     ProductKernel::kMma128, ProductKernel::kWgmma}) {
    if (product_unsupported(kernel, DType::kBf16)) continue;
    for (const Epilogue epilogue : {Epilogue::kStore, Epilogue::kSwiglu}) {
      for (const DType c_type : {DType::kF32, DType::kBf16}) {
        const simt::Counters did = count(kernel, DType::kBf16, epilogue, c_type);
        EXPECT_EQ(did.global_store.sectors, did.global_store.ideal)
            << to_string(kernel) << " epilogue " << static_cast<int>(epilogue) << " C "
            << moe::to_string(c_type);
      }
    }
  }
}

TEST(GroupedProduct, CountsTheRowsItMultiplies) {
  const auto rows = [](ProductKernel kernel, std::vector<std::int64_t> counts) {
    for (std::int64_t& count : counts) count = rows_multiplied(kernel, count);
    return counts;
  };
  const std::vector<std::int64_t> counts = {0, 1, 16, 17, 64, 65, 128, 130, 192, 193};
  using All = std::vector<std::int64_t>;
  EXPECT_EQ(rows(ProductKernel::kMma128, counts),
            (All{0, 128, 128, 128, 128, 128, 128, 256, 256, 256}));
  EXPECT_EQ(rows(ProductKernel::kWgmma, counts), (All{0, 64, 64, 64, 64, 128, 128, 192, 192, 256}));
  EXPECT_EQ(rows(ProductKernel::kMixed, counts), (All{0, 16, 16, 32, 64, 128, 128, 144, 192, 256}));
}

TEST(GroupedProduct, SaysWhyAKernelIsNotForADevice) {
  const bool wgmma = device_traits().has_wgmma();
  for (const ProductKernel kernel : {ProductKernel::kWgmma, ProductKernel::kMixed}) {
    EXPECT_EQ(product_unsupported(kernel, DType::kBf16).has_value(), !wgmma);
    EXPECT_TRUE(product_unsupported(kernel, DType::kF32).has_value());
  }
  EXPECT_EQ(product_unsupported(ProductKernel::kMma64, DType::kE4m3).has_value(),
            !device_traits().has_e4m3());
  EXPECT_EQ(product_unsupported(ProductKernel::kSwapped, DType::kTf32), std::nullopt);
  for (const ProductKernel kernel : {ProductKernel::kFma, ProductKernel::kMma16}) {
    EXPECT_EQ(product_unsupported(kernel, DType::kInt4),
              "no kernel here multiplies int4: CPUs alone do");
  }
  EXPECT_EQ(widest_product(DType::kF32), ProductKernel::kFma);
  EXPECT_EQ(product_unsupported(widest_product(DType::kBf16), DType::kBf16), std::nullopt);
}

TEST(GroupedProduct, RefusesWhatWouldBeReadWrongly) {
  const auto refused = [](const auto& spoil) {
    GroupedProduct p = {.dtype = DType::kBf16,
                        .a_rows = 1,
                        .a_stride = 8,
                        .b_stride = 8,
                        .experts = 1,
                        .columns = 3,
                        .depth = 5,
                        .most_rows = 0,
                        .c_stride = 8};
    grouped_product(p, ProductKernel::kMma16, stream());
    spoil(p);
    EXPECT_THROW(grouped_product(p, ProductKernel::kMma16, stream()), std::invalid_argument);
  };
  refused([](GroupedProduct& p) { p.a_stride = 9; });
  refused([](GroupedProduct& p) { p.b_stride = 12; });
  refused([](GroupedProduct& p) { p.depth = 9; });
  refused([](GroupedProduct& p) { p.experts = 1025; });
  refused([](GroupedProduct& p) { p.epilogue = Epilogue::kSwiglu; });
  refused([](GroupedProduct& p) { p.epilogue = Epilogue::kScatterAdd; });
  refused([](GroupedProduct& p) { p.c_type = DType::kE4m3; });
  refused([](GroupedProduct& p) { p.dtype = DType::kF32; });
}

}  // namespace
}  // namespace moe::cuda
