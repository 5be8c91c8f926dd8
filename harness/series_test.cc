#include "harness/series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "kernels/contract/error.h"
#include "reference/io/test_folder.h"

namespace moe::harness {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string refusal_of(const auto& call) {
  try {
    call();
  } catch (const UserError& error) {
    return error.what();
  }
  return "nothing was refused";
}

class SeriesFile : public ::testing::Test {
 protected:
  std::filesystem::path file(const std::string& text) {
    std::ofstream(folder_ / "a.csv", std::ios::binary) << text;
    return folder_ / "a.csv";
  }
  Series read(const std::string& text) { return read_series(file(text)); }
  std::string refusal(const std::string& text) {
    return refusal_of([&] { read(text); });
  }
  reference::TestFolder folder_;
};

TEST_F(SeriesFile, ReadsTimesAndColumns) {
  const Series s = read("date,a,b\n2013-01-01,1.5,-2\n2013-01-02,1e3, 4 \n");
  EXPECT_THAT(s.columns, ElementsAre("a", "b"));
  EXPECT_THAT(s.time, ElementsAre("2013-01-01", "2013-01-02"));
  EXPECT_THAT(s.values[0], ElementsAre(1.5, 1000));
  EXPECT_THAT(s.values[s.column("b")], ElementsAre(-2, 4));
}
TEST_F(SeriesFile, ToleratesCrlfQuotesAByteOrderMarkAndNoLastLineBreak) {
  const Series s = read("\xEF\xBB\xBF\"date\",\"a \"\"x\"\", y\"\r\n\"1 May, 1958\",\"7\"\r\n2,8");
  EXPECT_THAT(s.columns, ElementsAre("a \"x\", y"));
  EXPECT_THAT(s.time, ElementsAre("1 May, 1958", "2"));
  EXPECT_THAT(s.values[0], ElementsAre(7, 8));
}
TEST_F(SeriesFile, RefusesAnUnknownColumnWithTheNearestName) {
  const Series s = read("date,JFK,EWR\n1,2,3\n");
  EXPECT_THAT(refusal_of([&] { s.column("JKF"); }),
              HasSubstr("a.csv: there is no column \"JKF\", expected one of JFK, EWR (did you mean "
                        "\"JFK\"?)"));
}
TEST_F(SeriesFile, RefusesWhatIsNoFiniteNumberByLineAndColumn) {
  for (const std::string cell : {"x", "1.5x", "1 2", "1;5", "nan", "NaN", "inf", "-inf", "1e999",
                                 "0x10", "+-1", "NA", "-"}) {
    EXPECT_THAT(
        refusal("date,a,b\n1,2,3\n2,3," + cell + "\n"),
        HasSubstr("a.csv:3: column \"b\" holds \"" + cell + "\", expected a finite number"));
  }
  for (const std::string cell : {"", " ", "\"\""}) {
    EXPECT_THAT(refusal("date,a,b\n1," + cell + ",3\n"),
                HasSubstr("a.csv:2: column \"a\" is empty"));
  }
}
TEST_F(SeriesFile, RefusesRowsOfAnotherWidth) {
  EXPECT_THAT(refusal("date,a\n1,2\n2\n"), HasSubstr("a.csv:3: 1 fields, expected 2"));
  EXPECT_THAT(refusal("date,a\n1,2,3\n"), HasSubstr("a.csv:2: 3 fields, expected 2"));
  EXPECT_THAT(refusal("date,a\n1,2\n\n2,3\n"), HasSubstr("a.csv:3: 1 fields, expected 2"));
}
TEST_F(SeriesFile, RefusesARowWithoutATime) {
  EXPECT_THAT(refusal("date,a\n,2\n"), HasSubstr("a.csv:2: column \"date\" is empty"));
}
TEST_F(SeriesFile, RefusesAMissingHeader) {
  EXPECT_THAT(refusal("2013-01-01,1.5\n2013-01-02,2\n"),
              HasSubstr("a.csv:1: a column is named \"1.5\", expected a header"));
  EXPECT_THAT(refusal("date,\n1,2\n"), HasSubstr("a column is named \"\""));
  EXPECT_THAT(refusal("date\n1\n"), HasSubstr("the header has 1 column"));
}
TEST_F(SeriesFile, RefusesTwoColumnsOfOneName) {
  EXPECT_THAT(refusal("date,a,a\n1,2,3\n"), HasSubstr("a.csv:1: two columns are named \"a\""));
}
TEST_F(SeriesFile, RefusesBrokenQuotes) {
  EXPECT_THAT(refusal("date,a\n1,\"2\n"), HasSubstr("a.csv:2: a quote is left open"));
  EXPECT_THAT(refusal("date,a\n1,\"2\"3\n"), HasSubstr("a.csv:2: text follows a closing quote"));
}
TEST_F(SeriesFile, RefusesAFileThatIsEmptyHasNoRowsOrIsNotThere) {
  EXPECT_THAT(refusal(""), HasSubstr("a.csv: is empty"));
  EXPECT_THAT(refusal("date,a\n"), HasSubstr("a.csv: holds a header only"));
  EXPECT_THAT(refusal_of([&] { read_series(folder_ / "none.csv"); }),
              HasSubstr("none.csv: no such file"));
}
TEST_F(SeriesFile, RefusesAFileBeyond256Megabytes) {
  const auto path = file("date,a\n");
  std::filesystem::resize_file(path, 256'000'001);  // sparse, and refused before it is read
  EXPECT_THAT(refusal_of([&] { read_series(path); }), HasSubstr("256000001 bytes long"));
}

// Train split: the first 7 of 10 rows, 2 4 4 4 5 5 7 with a far outlier behind it that must not
// count; their mean is 31/7 and their population variance 151/7 - (31/7)^2 = 96/49.
TEST(ZScored, UsesMeanAndPopulationDeviationOfTheTrainSplit) {
  const Series s{
      "a.csv", {"a"}, std::vector<std::string>(10, "t"), {{2, 4, 4, 4, 5, 5, 7, 1e6, 0, 1}}};
  const auto z = z_scored(s, 0);
  ASSERT_EQ(z.size(), 10U);
  const double deviation = std::sqrt(96.0) / 7;
  EXPECT_FLOAT_EQ(z[0], static_cast<float>((2 - 31.0 / 7) / deviation));
  EXPECT_FLOAT_EQ(z[7], static_cast<float>((1e6 - 31.0 / 7) / deviation));
}
TEST(ZScored, OnlyCentresAConstantSeries) {
  const Series s{"a.csv", {"a"}, std::vector<std::string>(4, "t"), {{5, 5, 6, 8}}};
  EXPECT_THAT(z_scored(s, 0), ElementsAre(0, 0, 1, 3));  // train split: the two rows of 5
}
TEST(ZScored, OnlyCentresAConstantWhoseMeanIsRounded) {
  const std::vector<double> tenths(1000, 0.1);
  const Series s{"a.csv", {"a"}, std::vector<std::string>(1000, "t"), {tenths}};
  for (const float z : z_scored(s, 0)) ASSERT_NEAR(z, 0, 1e-13);
}
TEST(ZScored, RefusesASeriesWithoutATrainSplit) {
  const Series s{"a.csv", {"a"}, {"t"}, {{5}}};
  EXPECT_THAT(refusal_of([&] { z_scored(s, 0); }), HasSubstr("a.csv: 1 rows leave no train split"));
}

TEST(Windows, EndBeforeTheOffsetGiven) {
  const std::vector<float> values{0, 1, 2, 3, 4};
  EXPECT_THAT(windows(values, 2, std::vector<std::size_t>{2, 5, 4}), ElementsAre(0, 1, 3, 4, 2, 3));
}
TEST(Windows, RefuseWhatLiesOutside) {
  const std::vector<float> values{0, 1, 2, 3, 4};
  EXPECT_THAT(refusal_of([&] { windows(values, 3, std::vector<std::size_t>{2}); }),
              HasSubstr("3 points that ends at 2 does not lie in a series of 5 points"));
  EXPECT_THROW(windows(values, 3, std::vector<std::size_t>{6}), UserError);
}

// The files of the repository; figures counted by scripts/make_series.py when it wrote them.
TEST(BenchData, TemperaturesOfNewYorkHave8730Hours) {
  const Series s = read_series(MOEBENCH_SOURCE_DIR "/bench/data/nyc-temperatures-hourly.csv");
  EXPECT_EQ(s.rows(), 8730U);
  EXPECT_THAT(s.columns, ElementsAre("EWR", "JFK", "LGA"));
  EXPECT_EQ(s.time.front(), "2013-01-01T06:00");
  EXPECT_EQ(s.values[s.column("LGA")][0], 4.4);
}
TEST(BenchData, CarbonDioxideHas2284Weeks) {
  const Series s = read_series(MOEBENCH_SOURCE_DIR "/bench/data/co2-weekly.csv");
  EXPECT_EQ(s.rows(), 2284U);
  EXPECT_EQ(s.time.back(), "2001-12-29");
  EXPECT_EQ(s.values[s.column("co2")].back(), 371.5);
}

}  // namespace
}  // namespace moe::harness
