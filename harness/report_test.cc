#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <sstream>

#include "harness/report_csv.h"
#include "harness/report_junit.h"
#include "harness/report_markdown.h"
#include "harness/results_file.h"

namespace moe::harness {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<Record> example() {
  return read_results(MOEBENCH_SOURCE_DIR "/results/testdata/example.jsonl").records;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST(MarkdownReport, SaysTheVerdictInWords) {
  EXPECT_THAT(
      markdown_report(example()),
      HasSubstr("- time-moe-50m, zipf:1.0, f32, warm: loop-per-expert up to 7 tokens, a tie "
                "of loop-per-expert and sort-and-group at 64, sort-and-group from 1024 on.\n"));
}

TEST(MarkdownReport, HasATableOfRatios) {
  const std::string text = markdown_report(example());
  EXPECT_THAT(text, HasSubstr("| tokens | fastest | loop-per-expert | sort-and-group | "
                              "padded-capacity | expert-choice |\n|---:|---:|---:|---:|---:|---:|\n"
                              "| 7 | "));
  EXPECT_THAT(text, HasSubstr("] | **1.00** | 1.29 | 0.80 † | – |\n"));
  EXPECT_THAT(text, HasSubstr("] | 1.02 (tie) | 1.00 (tie) | 1.25 † | – |\n"));
}

TEST(MarkdownReport, ListsDropsFailuresEnvironmentAndRepro) {
  const std::string text = markdown_report(example());
  EXPECT_THAT(text, HasSubstr("padded-capacity@cpu | 35.7 % | 14.3 % | 33.0 % | 0.41 |"));
  EXPECT_THAT(text,
              HasSubstr("| timeout | mixtral-8x7b-scaled/T=256/balanced/bf16/loop-per-expert@cpu"
                        " | no answer after 60 s |"));
  EXPECT_THAT(text,
              HasSubstr("- Synthetic CPU, 2 cores, 2 threads, 25.0 GB, Linux 6.1, a virtual"));
  EXPECT_THAT(text,
              HasSubstr("\nmoebench repro 'time-moe-50m/T=7/zipf:1.0/f32/loop-per-expert@cpu'\n"));
  EXPECT_THAT(text, Not(HasSubstr("more than one environment")));
}

TEST(MarkdownReport, ListsWhatALibraryChoseWhereOneDid) {
  std::vector<Record> records = example();
  EXPECT_THAT(markdown_report(records), Not(HasSubstr("library")));
  records[0].library_algorithms = "cuBLASLt 13.1.0: gate and up 6; down 66";
  EXPECT_THAT(markdown_report(records),
              HasSubstr("loop-per-expert@cpu | cuBLASLt 13.1.0: gate and up 6; down 66 |\n"));
}

TEST(MarkdownReport, DoubtsATimeOfAHotGpu) {
  std::vector<Record> records = example();
  EXPECT_THAT(markdown_report(records), Not(HasSubstr("Doubtful")));
  records[0].gpu_state = GpuState{.before = {}, .after = {.clock_events = {{"hardware-slowdown"}}}};
  EXPECT_THAT(markdown_report(records),
              HasSubstr("loop-per-expert@cpu | the GPU's clock was held down meanwhile by "
                        "hardware-slowdown"));
}

TEST(MarkdownReport, NamesTheDriverAndTheLimitOfAGpu) {
  std::vector<Record> records = example();
  for (Record& r : records) {
    r.environment.gpu = "NVIDIA H100";
    r.environment.gpu_driver = "580.65.06";
    r.environment.gpu_power_limit_watts = 350;
  }
  EXPECT_THAT(markdown_report(records), HasSubstr("NVIDIA H100, driver 580.65.06, limit 350 W"));
}

TEST(MarkdownReport, WarnsOfTwoEnvironments) {
  std::vector<Record> records = example();
  records[0].environment.build_id = "fedcba9";
  EXPECT_THAT(markdown_report(records), HasSubstr("more than one environment"));
}

TEST(MarkdownReport, EscapesWhatWouldBreakATable) {
  std::vector<Record> records = example();
  records[12].reason = "a|b\nc <script>";
  EXPECT_THAT(markdown_report(records), HasSubstr("| a\\|b c \\<script\\> |"));
}

TEST(CsvReport, HasAHeaderAndARowPerRecord) {
  const auto lines = lines_of(csv_report(example()));
  ASSERT_EQ(lines.size(), example().size() + 1);
  EXPECT_THAT(lines[0], testing::StartsWith("cell,problem_id,shape,tokens,hidden,"));
  EXPECT_THAT(lines[1],
              testing::StartsWith("time-moe-50m/T=7/zipf:1.0/f32/loop-per-expert@cpu,"
                                  "time-moe-50m/T=7/zipf:1.0/f32,time-moe-50m,7,384,768,8,2,"
                                  "f32,zipf:1.0,1,warm,loop-per-expert,cpu,token-choice,,ok,,"));
  for (const std::string& line : lines)
    EXPECT_EQ(std::ranges::count(line, ','), std::ranges::count(lines[0], ',')) << line;
}

TEST(CsvReport, HasWhatALibraryChose) {
  std::vector<Record> records = example();
  records[0].library_algorithms = "cuBLASLt 13.1.0: gate and up 6, 66; down 66";
  EXPECT_THAT(csv_report(records), HasSubstr(",\"cuBLASLt 13.1.0: gate and up 6, 66; down 66\","));
}

TEST(CsvReport, QuotesCommasAndQuotes) {
  std::vector<Record> records = example();
  records[12].reason = "said \"no\", and left";
  EXPECT_THAT(csv_report(records), HasSubstr(",crashed,\"said \"\"no\"\", and left\","));
}

TEST(CsvReport, LeavesEmptyWhatIsNotANumber) {
  const std::string text = csv_report({example()[11]});
  EXPECT_THAT(text, Not(HasSubstr("nan")));
  EXPECT_THAT(text, HasSubstr("validation failed: token 3 is not a number,,0.0039,,"));
}

TEST(JunitReport, CountsAndNamesTheKindsOfFailure) {
  const std::string text = junit_report(example());
  EXPECT_THAT(
      text,
      HasSubstr(R"(<testsuites name="moebench" tests="16" failures="1" errors="2" skipped="1">)"));
  EXPECT_THAT(text, HasSubstr(R"(<failure type="wrong" message="validation failed: token 3)"));
  EXPECT_THAT(text, HasSubstr(R"(<error type="crashed" message="the worker ended by signal 11)"));
  EXPECT_THAT(text, HasSubstr(R"(<skipped message="skipped: no CUDA device)"));
  EXPECT_THAT(
      text, HasSubstr(R"(<testsuite name="time-moe-50m/T=7/zipf:1.0/f32" tests="3" failures="0")"));
}

TEST(JunitReport, EscapesXml) {
  EXPECT_EQ(xml_escaped("<a b=\"c\"> & 'd'\x01"), "&lt;a b=&quot;c&quot;&gt; &amp; &apos;d&apos; ");
  std::vector<Record> records{example()[12]};
  records[0].reason = "</error><x>";
  EXPECT_THAT(junit_report(records), Not(HasSubstr("<x>")));
}

}  // namespace
}  // namespace moe::harness
