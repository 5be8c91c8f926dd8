#include "harness/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace moe::harness {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Clock {
  double now = 0;
  std::function<double()> read() {
    return [this] { return now; };
  }
};

// What one run of cells prints; each takes 10 s.
std::string shown(const ProgressStyle& style, const std::vector<Status>& ends, std::size_t total) {
  Clock clock;
  std::ostringstream out;
  {
    Progress progress(out, total, style, clock.read());
    int n = 0;
    for (const Status status : ends) {
      progress.begin("shape/T=" + std::to_string(++n));
      clock.now += 10;
      progress.end(status);
    }
  }
  return out.str();
}

const ProgressStyle kTerminal{.terminal = true};

TEST(ProgressElsewhere, PrintsPlainLines) {
  const std::string text = shown({}, {Status::kOk, Status::kOk}, 3);
  EXPECT_EQ(text,
            "0/3: shape/T=1\n"
            "1/3, 20 s left\n"
            "2/3, 10 s left\n");
}

TEST(ProgressElsewhere, PrintsAtMostOneLineAnInterval) {
  const std::string text = shown({.plain_interval_s = 1000}, std::vector(5, Status::kOk), 6);
  EXPECT_EQ(text, "0/6: shape/T=1\n");
}

TEST(ProgressElsewhere, AlwaysPrintsTheEnd) {
  const std::string text = shown({.plain_interval_s = 1000}, std::vector(5, Status::kOk), 5);
  EXPECT_EQ(text, "0/5: shape/T=1\n5/5\n");
}

TEST(ProgressElsewhere, NamesEveryFailure) {
  const std::string text = shown({.plain_interval_s = 1000}, {Status::kOk, Status::kCrashed}, 9);
  EXPECT_THAT(text, HasSubstr("crashed: shape/T=2\n"));
  EXPECT_THAT(text, Not(HasSubstr("\033")));
}

TEST(ProgressOnATerminal, RedrawsOneLineAndLeavesItFree) {
  const std::string text = shown(kTerminal, {Status::kOk}, 2);
  EXPECT_EQ(text,
            "[................] 0/2  shape/T=1\r\033[K"
            "[########........] 1/2, 10 s left\r\033[K");
}

TEST(ProgressOnATerminal, CountsFailedAndSkipped) {
  const std::string text =
      shown(kTerminal, {Status::kWrong, Status::kSkipped, Status::kUnsupported}, 4);
  EXPECT_THAT(text, HasSubstr("3/4, 1 failed, 2 skipped"));
}

TEST(ProgressOnATerminal, HasNoColourUnlessAsked) {
  EXPECT_THAT(shown(kTerminal, {Status::kWrong}, 2), Not(HasSubstr("\033[31m")));
  EXPECT_THAT(shown({.terminal = true, .color = true}, {Status::kWrong}, 2), HasSubstr("\033[31m"));
}

TEST(ProgressOnATerminal, NeverFillsTheLastColumn) {
  for (const std::size_t width : {5, 20, 40, 60}) {
    Clock clock;
    std::ostringstream out;
    {
      Progress progress(out, 100, {.terminal = true, .width = width}, clock.read());
      progress.begin(std::string(200, 'x'));
    }
    const std::string text = out.str();
    EXPECT_LT(text.find('\r'), width);
  }
}

TEST(ProgressOnATerminal, PutsMessagesAboveTheBar) {
  Clock clock;
  std::ostringstream out;
  Progress progress(out, 2, kTerminal, clock.read());
  progress.begin("a");
  progress.say("note");
  EXPECT_THAT(out.str(), HasSubstr("\r\033[Knote\n"));
}

TEST(ProgressEta, IsNotDilutedBySkippedCells) {
  Clock clock;
  std::ostringstream out;
  Progress progress(out, 10, {}, clock.read());
  EXPECT_LT(progress.seconds_left(), 0);
  progress.begin("a");
  clock.now += 8;
  progress.end(Status::kOk);
  for (int i = 0; i < 4; ++i) {
    progress.begin("b");
    progress.end(Status::kSkipped);
  }
  EXPECT_DOUBLE_EQ(progress.seconds_left(), 5 * 8.0);
}

}  // namespace
}  // namespace moe::harness
