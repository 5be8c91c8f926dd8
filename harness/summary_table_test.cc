#include "harness/summary_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "harness/results_file.h"

namespace moe::harness {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<Record> example() {
  return read_results(MOEBENCH_SOURCE_DIR "/results/testdata/example.jsonl").records;
}

std::size_t widest(const std::string& text) {
  std::istringstream lines(text);
  std::size_t width = 0;
  for (std::string line; std::getline(lines, line);) width = std::max(width, line.size());
  return width;
}

TEST(SummaryTable, OfTheExampleIsThis) {
  EXPECT_EQ(summary_table(example()), R"(time-moe-50m, zipf:1.0, f32, warm
                       loop-per-      sort-and-        padded-
 tokens   fastest         expert          group       capacity  expert-choice
      7   1.00 ms           1.00           1.29      0.80 *36%              -
     64   4.00 ms       tie 1.02       tie 1.00      1.25 *24%              -
   1024   36.3 ms           1.44           1.00      1.11 *24%         0.83 *

mixtral-8x7b-scaled, balanced, bf16, warm
                       loop-per-      sort-and-      sort-and-        padded-
 tokens   fastest         expert          group     group@cuda       capacity
     64   9.07 ms           1.00          wrong              -        crashed
    256         -        timeout        untimed        skipped              -

Median time over that of the fastest dropless strategy (its time: fastest). tie:
ambiguous, the 95 % intervals of the medians overlap. *: another routing, with
the share of assignments it drops; does not compete.

time-moe-50m, zipf:1.0, f32, warm: loop-per-expert up to 7 tokens, a tie of
  loop-per-expert and sort-and-group at 64, sort-and-group from 1024 on.
mixtral-8x7b-scaled, balanced, bf16, warm: loop-per-expert (alone) up to 64
  tokens, no dropless time from 256 on.

wrong: validation failed: token 3 is not a number
  mixtral-8x7b-scaled/T=64/balanced/bf16/sort-and-group@cpu
crashed: the worker ended by signal 11 (segmentation fault)
  mixtral-8x7b-scaled/T=64/balanced/bf16/padded-capacity@cpu
timeout: no answer after 60 s
  mixtral-8x7b-scaled/T=256/balanced/bf16/loop-per-expert@cpu
skipped: no CUDA device: driver too old or absent (35)
  mixtral-8x7b-scaled/T=256/balanced/bf16/sort-and-group@cuda

16 cells: 12 ok, 1 wrong, 1 skipped, 1 crashed, 1 timeout.
)");
}

TEST(SummaryTable, NeverExceedsItsWidth) {
  std::vector<Record> records = example();
  records[0].shape_name = std::string(120, 's');
  records[0].cell = std::string(300, 'c');
  records[12].cell = std::string(300, 'd');
  records[12].reason = "a long story " + std::string(200, 'r') + " and more";
  for (int i = 0; i < 12; ++i) {  // more strategies than columns fit
    records.push_back(records[1]);
    records.back().strategy =
        std::string("another-strategy-with-a-long-name-").append(std::to_string(i));
  }
  for (const std::size_t width : {50, 60, 79, 80, 120})
    EXPECT_LE(widest(summary_table(records, {.width = width})), width);
}

TEST(SummaryTable, ShowsEveryStrategyWhenTheyNeedTwoBlocks) {
  std::vector<Record> records{example()[0]};
  for (int i = 0; i < 12; ++i) {
    records.push_back(records[0]);
    records.back().strategy = std::string("strategy-").append(std::to_string(i));
  }
  const std::string text = summary_table(records);
  for (const Record& r : records) EXPECT_THAT(text, HasSubstr(r.strategy));
}

TEST(SummaryTable, HasEscapeSequencesOnlyWhenAsked) {
  EXPECT_THAT(summary_table(example()), Not(HasSubstr("\033")));
  EXPECT_THAT(summary_table(example(), {.color = true}), HasSubstr("\033[32m1.00\033[0m"));
}

TEST(SummaryTable, ColourChangesNothingElse) {
  std::string text = summary_table(example(), {.color = true});
  for (const std::string code : {"\033[32m", "\033[33m", "\033[31m", "\033[0m"})
    for (auto at = text.find(code); at != text.npos; at = text.find(code))
      text.erase(at, code.size());
  EXPECT_EQ(text, summary_table(example()));
}

TEST(SummaryTable, LetsNoReasonMoveTheCursor) {
  std::vector<Record> records = example();
  records[12].reason = "died\033[2J\rhere";
  EXPECT_THAT(summary_table(records), HasSubstr("crashed: died [2J here"));
}

TEST(SummaryTable, ListsThreeOfManyAndCountsTheRest) {
  std::vector<Record> records(5, example()[15]);
  EXPECT_THAT(summary_table(records), HasSubstr("  and 2 more\n"));
}

TEST(SummaryTable, OfNothingSaysSo) { EXPECT_EQ(summary_table({}), "no cells.\n"); }

}  // namespace
}  // namespace moe::harness
