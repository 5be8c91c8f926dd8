#include "harness/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace moe::harness {
namespace {

using testing::ElementsAre;

TEST(FormatTime, HasThreeDigitsAndTheUnitThatFits) {
  EXPECT_EQ(format_time(850), "850 ns");
  EXPECT_EQ(format_time(12345), "12.3 us");
  EXPECT_EQ(format_time(1.234e6), "1.23 ms");
  EXPECT_EQ(format_time(2e9), "2.00 s");
}
TEST(FormatTime, GoesToTheNextUnitWhenRoundingReachesIt) {
  EXPECT_EQ(format_time(999.6), "1.00 us");
  EXPECT_EQ(format_time(9.996e3), "10.0 us");
}
TEST(Printable, HasNoControlCharacters) {
  EXPECT_EQ(printable("a\x1b[31m\nb\x7f"), "a [31m b ");
  EXPECT_EQ(printable("\xc2\xb5s"), "\xc2\xb5s");
}
TEST(Cut, MarksWhatItCutsAndKeepsWholeCharacters) {
  EXPECT_EQ(cut("abc", 3), "abc");
  EXPECT_EQ(cut("abcd", 3), "ab~");
  EXPECT_EQ(cut("a\xc2\xb5xx", 3), "a~");
}
TEST(Wrap, BreaksAtSpacesAndIndents) { EXPECT_EQ(wrap("aa bb cc", 5, 1), "aa bb\n cc\n"); }
TEST(Wrap, BreaksAWordThatIsLongerThanALine) {
  EXPECT_EQ(wrap("abcdefgh ij", 4, 1), "abcd\n efg\n h\n ij\n");
}
TEST(Wrap, KeepsTheIndentOfTheFirstLine) { EXPECT_EQ(wrap("  aa bb", 5, 1), "  aa\n bb\n"); }
TEST(Wrap, OfNothingIsAnEmptyLine) { EXPECT_EQ(wrap("", 10), "\n"); }
TEST(Wrap, NeverExceedsTheWidth) {
  for (std::size_t width = 8; width < 40; ++width) {
    std::istringstream lines(
        wrap("a sentence with averyveryverylongword/in=it:and more, too", width, 4));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), width);
  }
}
TEST(Shortened, KeepsNamesDifferent) {
  EXPECT_THAT(
      shortened({"loop", "padded-capacity-1", "padded-capacity-2", "padded-capacity-3"}, 10),
      ElementsAre("loop", "padded-ca~", "padded-c~2", "padded-c~3"));
}
TEST(Shortened, KeepsTheBackend) {
  EXPECT_THAT(shortened({"sort-and-group@cpu", "sort-and-group@cuda"}, 13),
              ElementsAre("sort-and~@cpu", "sort-an~@cuda"));
}

}  // namespace
}  // namespace moe::harness
