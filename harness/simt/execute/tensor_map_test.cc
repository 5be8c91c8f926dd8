#include "harness/simt/execute/tensor_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace moe::simt {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A bf16 matrix of 100 x 256 elements, boxes of 64 x 64, 128-byte swizzle.
struct Example {
  std::uint64_t sizes[5] = {256, 100, 1, 1, 1};
  std::uint64_t strides[4] = {512, 51200, 51200, 51200};
  std::uint32_t box[5] = {64, 64, 1, 1, 1};
  std::uint32_t element_strides[5] = {1, 1, 1, 1, 1};
  TensorMapRequest request;

  Example() {
    request.element = static_cast<int>(TensorElement::kBf16);
    request.rank = 2;
    request.address = 0x10000;
    request.swizzle = static_cast<int>(TensorSwizzle::k128B);
  }
  std::string encode(void* map) {
    request.sizes = sizes;
    request.strides = strides;
    request.box = box;
    request.element_strides = element_strides;
    return encode_tensor_map(request, map);
  }
};

struct alignas(64) MapBytes {
  std::byte bytes[kTensorMapBytes] = {};
};

std::string wrong_with(const std::function<void(Example&)>& change) {
  Example example;
  change(example);
  MapBytes map;
  return example.encode(map.bytes);
}

TEST(TensorMapEncoding, KeepsWhatItWasGiven) {
  Example example;
  MapBytes bytes;
  ASSERT_EQ(example.encode(bytes.bytes), "");
  const auto map = decode_tensor_map(bytes.bytes);
  ASSERT_TRUE(map.has_value());
  EXPECT_EQ(map->address, 0x10000u);
  EXPECT_EQ(map->rank, 2);
  EXPECT_EQ(map->size(0), 256u);
  EXPECT_EQ(map->size(1), 100u);
  EXPECT_EQ(map->strides[0], 512u);
  EXPECT_EQ(map->element, TensorElement::kBf16);
  EXPECT_EQ(map->swizzle, TensorSwizzle::k128B);
  EXPECT_EQ(map->box_bytes(), 8192u);
}

TEST(TensorMapEncoding, DoesNotTakeOtherBytesForAMap) {
  Example example;
  MapBytes map;
  EXPECT_FALSE(decode_tensor_map(map.bytes).has_value());
  ASSERT_EQ(example.encode(map.bytes), "");
  map.bytes[20] ^= std::byte{1};
  EXPECT_FALSE(decode_tensor_map(map.bytes).has_value());
}

TEST(TensorMapEncoding, CountsEveryElementStridedElementOnceRoundedUp) {
  Example example;
  example.box[1] = 63;
  example.element_strides[0] = 4;  // ignored without interleave
  example.element_strides[1] = 2;
  MapBytes bytes;
  ASSERT_EQ(example.encode(bytes.bytes), "");
  const auto map = decode_tensor_map(bytes.bytes);
  EXPECT_EQ(map->copied(0), 64u);
  EXPECT_EQ(map->copied(1), 32u);  // ceil(63 / 2)
}

TEST(TensorMapEncoding, HoldsTheLargestSizes) {
  EXPECT_THAT(wrong_with([](Example& e) { e.sizes[1] = 1ull << 32; }), IsEmpty());
  EXPECT_THAT(wrong_with([](Example& e) { e.sizes[1] = (1ull << 32) + 1; }), HasSubstr("2^32"));
  EXPECT_THAT(wrong_with([](Example& e) { e.sizes[1] = 0; }), HasSubstr("size of dimension 1"));
}

TEST(TensorMapEncoding, RefusesAnAddressOrStrideOffTheSixteenByteGrid) {
  EXPECT_THAT(wrong_with([](Example& e) { e.request.address = 0x10008; }),
              HasSubstr("multiple of 16"));
  EXPECT_THAT(wrong_with([](Example& e) { e.strides[0] = 520; }),
              HasSubstr("stride of dimension 1"));
  EXPECT_THAT(wrong_with([](Example& e) { e.strides[0] = 1ull << 40; }), HasSubstr("2^40"));
}

TEST(TensorMapEncoding, RefusesRanksOutsideOneToFive) {
  EXPECT_THAT(wrong_with([](Example& e) { e.request.rank = 0; }), HasSubstr("rank"));
  EXPECT_THAT(wrong_with([](Example& e) { e.request.rank = 6; }), HasSubstr("rank"));
  EXPECT_THAT(wrong_with([](Example& e) { e.request.rank = 5; }), IsEmpty());
}

TEST(TensorMapEncoding, RefusesBoxesOutsideOneTo256) {
  EXPECT_THAT(wrong_with([](Example& e) { e.box[1] = 256; }), IsEmpty());
  EXPECT_THAT(wrong_with([](Example& e) { e.box[1] = 257; }), HasSubstr("1 to 256"));
  EXPECT_THAT(wrong_with([](Example& e) { e.box[1] = 0; }), HasSubstr("1 to 256"));
}

TEST(TensorMapEncoding, RefusesAnInnerBoxThatIsNoWholeChunks) {
  EXPECT_THAT(wrong_with([](Example& e) { e.box[0] = 60; }), HasSubstr("multiple of 16"));
}

TEST(TensorMapEncoding, RefusesAnInnerBoxLongerThanTheSwizzle) {
  EXPECT_THAT(wrong_with([](Example& e) { e.box[0] = 72; }), HasSubstr("longer than"));
  const auto with = [](TensorSwizzle swizzle, std::uint32_t elements) {
    return wrong_with([=](Example& e) {
      e.request.swizzle = static_cast<int>(swizzle);
      e.box[0] = elements;
    });
  };
  EXPECT_THAT(with(TensorSwizzle::k64B, 32), IsEmpty());
  EXPECT_THAT(with(TensorSwizzle::k64B, 40), HasSubstr("longer than"));
  EXPECT_THAT(with(TensorSwizzle::k32B, 16), IsEmpty());
  EXPECT_THAT(with(TensorSwizzle::k32B, 24), HasSubstr("longer than"));
  EXPECT_THAT(with(TensorSwizzle::kNone, 256), IsEmpty());
}

TEST(TensorMapEncoding, RefusesElementStridesOutsideOneToEight) {
  EXPECT_THAT(wrong_with([](Example& e) { e.element_strides[1] = 0; }),
              HasSubstr("element stride"));
  EXPECT_THAT(wrong_with([](Example& e) { e.element_strides[1] = 9; }),
              HasSubstr("element stride"));
}

TEST(TensorMapEncoding, FillsOnlyFloatsWithNan) {
  EXPECT_THAT(wrong_with([](Example& e) { e.request.fill = 1; }), IsEmpty());
  EXPECT_THAT(wrong_with([](Example& e) {
                e.request.fill = 1;
                e.request.element = static_cast<int>(TensorElement::kU16);
              }),
              HasSubstr("NaN"));
}

TEST(TensorMapEncoding, RefusesWhatIsNotSimulatedByName) {
  const auto swizzle = static_cast<int>(TensorSwizzle::k128BAtom32B);
  EXPECT_THAT(wrong_with([=](Example& e) { e.request.swizzle = swizzle; }),
              HasSubstr("not simulated"));
  const auto packed = static_cast<int>(TensorElement::k16U4Align8);
  EXPECT_THAT(wrong_with([=](Example& e) { e.request.element = packed; }),
              HasSubstr("not simulated"));
}

TEST(TensorMapEncoding, RefusesAMisalignedMap) {
  Example example;
  alignas(64) std::byte bytes[192];
  EXPECT_THAT(example.encode(bytes + 32), HasSubstr("multiple of 64"));
}

TEST(TensorMapEncoding, HoldsInterleavedTensorsToTheirRules) {
  const auto interleaved = [](Example& e) {
    e.request.interleave = static_cast<int>(TensorInterleave::k32B);
    e.request.swizzle = static_cast<int>(TensorSwizzle::k32B);
    e.request.rank = 3;
  };
  EXPECT_THAT(wrong_with(interleaved), IsEmpty());
  EXPECT_THAT(wrong_with([&](Example& e) {
                interleaved(e);
                e.request.rank = 2;
              }),
              HasSubstr("rank of at least 3"));
  EXPECT_THAT(wrong_with([&](Example& e) {
                interleaved(e);
                e.request.address = 0x10010;
              }),
              HasSubstr("multiple of 32"));
  EXPECT_THAT(wrong_with([&](Example& e) {
                interleaved(e);
                e.request.swizzle = 0;
              }),
              HasSubstr("32B swizzle"));
}

TEST(TensorMapEncoding, TakesAnotherAddressAfterwards) {
  Example example;
  alignas(64) std::byte bytes[128];
  ASSERT_THAT(example.encode(bytes), IsEmpty());
  EXPECT_THAT(replace_address(bytes, 0x20010), IsEmpty());
  EXPECT_EQ(decode_tensor_map(bytes)->address, 0x20010u);
  EXPECT_THAT(replace_address(bytes, 0x20008), HasSubstr("multiple of 16"));
  bytes[5] = std::byte{1};
  EXPECT_THAT(replace_address(bytes, 0x20010), HasSubstr("not a tensor map"));
}

}  // namespace
}  // namespace moe::simt
