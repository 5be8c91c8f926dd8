#include "kernels/cpu/detail/page_buffer.h"

#include <gtest/gtest.h>

#include <limits>
#include <new>

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

TEST(PageBuffer, WithoutBytesIsEmpty) { EXPECT_EQ(PageBuffer(0).as<char>(), nullptr); }

TEST(PageBuffer, SaysWhenThereIsNotEnough) {
  EXPECT_THROW(PageBuffer(std::numeric_limits<std::size_t>::max() / 4), std::bad_alloc);
}

}  // namespace
}  // namespace moe::cpu
