#include "kernels/cpu/detail/page_buffer.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <limits>
#include <new>
#include <vector>

namespace moe::cpu {
namespace {

TEST(PageBuffer, IsZeroedAndCanBeWrittenToItsEnd) {
  for (const std::size_t bytes : {1UL, 4096UL, 4097UL, 1UL << 20, (2UL << 20) - 1, 5UL << 20}) {
    const PageBuffer buffer(bytes);
    ASSERT_EQ(buffer.bytes(), bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.as<char>()) % 64, 0U);
    EXPECT_EQ(buffer.as<char>()[0], 0);
    EXPECT_EQ(buffer.as<char>()[bytes - 1], 0);
    buffer.as<char>()[bytes - 1] = 1;
  }
}

TEST(PageBuffer, OfHugePagesBeginsAtOne) {
  const PageBuffer buffer(3UL << 20);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.as<char>()) % (2UL << 20), 0U);
}

std::int64_t pages_in_memory(const PageBuffer& buffer) {
  std::vector<unsigned char> pages((buffer.bytes() + 4095) / 4096);
  EXPECT_EQ(mincore(buffer.as<void>(), buffer.bytes(), pages.data()), 0);
  return std::ranges::count_if(pages, [](unsigned char page) { return (page & 1) != 0; });
}

TEST(PageBuffer, HasItsPagesOnceItIsTouched) {
  const PageBuffer buffer(5UL << 20);
  EXPECT_EQ(pages_in_memory(buffer), 0);
  buffer.touch();
  EXPECT_EQ(pages_in_memory(buffer), (5 << 20) / 4096);
}

TEST(PageBuffer, WithoutBytesIsEmpty) { EXPECT_EQ(PageBuffer(0).as<char>(), nullptr); }

TEST(PageBuffer, SaysWhenThereIsNotEnough) {
  EXPECT_THROW(PageBuffer(std::numeric_limits<std::size_t>::max() / 4), std::bad_alloc);
}

}  // namespace
}  // namespace moe::cpu
