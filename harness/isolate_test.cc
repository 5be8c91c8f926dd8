#include "harness/isolate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>
#include <thread>
#include <vector>

#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

using Kind = ChildExit::Kind;

ChildExit run(const std::function<void(ChildLink&)>& work,
              std::vector<std::string>* lines = nullptr, double timeout = 20) {
  ChildEvents events;
  if (lines) events.on_line = [&](const std::string& line) { lines->push_back(line); };
  return run_isolated(work, events, timeout);
}

TEST(Isolate, LinesArriveWholeAndInOrder) {
  std::vector<std::string> lines;
  const std::string big(1 << 20, 'x');
  const auto ended = run([&](ChildLink& link) { link.say("first"), link.say(big); }, &lines);
  EXPECT_EQ(ended.kind, Kind::kFinished);
  EXPECT_THAT(lines, testing::ElementsAre("first", big));
}

TEST(Isolate, ASignalIsACrashAndTheLastMarkIsKept) {
  const auto ended = run([](ChildLink& link) {
    link.mark(7);
    std::signal(SIGSEGV, SIG_DFL);  // a sanitizer would turn it into an exit
    std::raise(SIGSEGV);
  });
  EXPECT_EQ(ended.kind, Kind::kCrashed);
  EXPECT_EQ(ended.last_mark, 7);
  EXPECT_THAT(ended.reason, testing::HasSubstr("signal 11"));
}

TEST(Isolate, LinesBeforeACrashAreNotLost) {
  std::vector<std::string> lines;
  run([](ChildLink& link) { link.say("kept"), std::raise(SIGKILL); }, &lines);
  EXPECT_THAT(lines, testing::ElementsAre("kept"));
}

TEST(Isolate, AnExceptionIsACrashWithItsText) {
  const auto ended = run([](ChildLink&) { throw std::logic_error("3 != 4"); });
  EXPECT_EQ(ended.kind, Kind::kCrashed);
  EXPECT_THAT(ended.reason, testing::HasSubstr("3 != 4"));
}

TEST(Isolate, WantOfMemoryHasItsOwnName) {
  EXPECT_EQ(run([](ChildLink&) { throw std::bad_alloc(); }).kind, Kind::kOutOfMemory);
}

TEST(Isolate, AUsersMistakeStaysTheUsers) {
  const auto ended = run([](ChildLink&) { throw UserError("no such file"); });
  EXPECT_EQ(ended.kind, Kind::kUserError);
  EXPECT_EQ(ended.reason, "no such file");
}

TEST(Isolate, AChildThatHangsIsEnded) {
  const auto hang = [](ChildLink&) { std::this_thread::sleep_for(std::chrono::hours(1)); };
  EXPECT_EQ(run(hang, nullptr, 0.3).kind, Kind::kTimeout);
}

}  // namespace
}  // namespace moe::harness
