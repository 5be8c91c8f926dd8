#include "harness/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "harness/results_file.h"
#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const fs::path kExample = MOEBENCH_SOURCE_DIR "/results/testdata/example.jsonl";

class JournalTest : public testing::Test {
 protected:
  JournalTest() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = fs::temp_directory_path() / fs::path("moebench_journal_" + std::to_string(getpid())) /
              test->name();
    fs::remove_all(folder_);
  }
  ~JournalTest() override { fs::remove_all(folder_); }

  Journal open(bool resume, const std::string& build = "") {
    return {folder_, "run", build.empty() ? records_[0].environment.build_id : build, resume};
  }
  std::string text() const {
    std::ifstream in(folder_ / "run.jsonl");
    return (std::ostringstream() << in.rdbuf()).str();
  }
  void write(const std::string& text) const {
    fs::create_directories(folder_);
    std::ofstream(folder_ / "run.jsonl") << text;
  }
  template <class F>
  static std::string refusal(F f) {
    try {
      f();
    } catch (const UserError& error) {
      return error.what();
    }
    return "accepted";
  }

  fs::path folder_;
  std::vector<Record> records_ = read_results(kExample).records;
};

TEST_F(JournalTest, HoldsALineAsSoonAsItIsAppended) {
  Journal journal = open(false);
  journal.append(records_[0]);
  EXPECT_EQ(text(), to_line(records_[0]) + "\n");
  journal.append(records_[1]);
  EXPECT_EQ(text(), to_line(records_[0]) + "\n" + to_line(records_[1]) + "\n");
}

TEST_F(JournalTest, KnowsItsCellsWhenResumed) {
  { open(false).append(records_[0]); }
  const Journal journal = open(true);
  EXPECT_EQ(journal.resumed(), 1);
  EXPECT_TRUE(journal.has(records_[0].cell));
  EXPECT_FALSE(journal.has(records_[1].cell));
}

TEST_F(JournalTest, KnowsNothingWhenNotResumedButKeepsTheLines) {
  { open(false).append(records_[0]); }
  Journal journal = open(false);
  EXPECT_FALSE(journal.has(records_[0].cell));
  journal.append(records_[0]);
  EXPECT_EQ(read_results(journal.path()).records.size(), 2);
}

TEST_F(JournalTest, RefusesToResumeAnotherBuild) {
  { open(false).append(records_[0]); }
  const std::string said = refusal([&] { open(true, "fedcba9"); });
  EXPECT_THAT(said, HasSubstr("cannot resume"));
  EXPECT_THAT(said, HasSubstr("fedcba9"));
}

TEST_F(JournalTest, CutsOffATornLastLine) {
  const std::string line = to_line(records_[0]) + "\n";
  write(line + to_line(records_[1]).substr(0, 100));
  Journal journal = open(true);
  EXPECT_EQ(text(), line);
  EXPECT_FALSE(journal.has(records_[1].cell));
  journal.append(records_[1]);
  EXPECT_EQ(read_results(journal.path()).records.size(), 2);
}

TEST_F(JournalTest, CutsOffATornOnlyLine) {
  write("{\"schema\":\"moeb");
  open(true);
  EXPECT_EQ(text(), "");
}

TEST_F(JournalTest, KeepsAWholeLastLineWithoutAnEnd) {
  write(to_line(records_[0]));
  EXPECT_TRUE(open(true).has(records_[0].cell));
  EXPECT_EQ(text(), to_line(records_[0]) + "\n");
}

TEST_F(JournalTest, NamesABadLineInTheMiddle) {
  write(to_line(records_[0]) + "\nnonsense\n" + to_line(records_[1]) + "\n");
  EXPECT_THAT(refusal([&] { open(true); }), HasSubstr("run.jsonl:2:"));
}

TEST_F(JournalTest, RefusesAFileAnotherRunIsWriting) {
  const Journal first = open(false);
  EXPECT_THAT(refusal([&] { open(false); }), HasSubstr("another run"));
}

TEST_F(JournalTest, RefusesAFolderThatIsAFile) {
  fs::create_directories(folder_.parent_path());
  std::ofstream(folder_) << "a file";
  EXPECT_THAT(refusal([&] { open(false); }), HasSubstr(folder_.string()));
}

TEST_F(JournalTest, RefusesAFileItCannotWrite) {
  fs::create_directories(folder_ / "run.jsonl");
  EXPECT_THAT(refusal([&] { open(false); }), HasSubstr("cannot be written"));
}

TEST_F(JournalTest, IsNotThereForASampleThatIsNotFinite) {
  Journal journal = open(false);
  records_[0].timing->samples_ns[0] = 0.0 / 0.0;
  EXPECT_THROW(journal.append(records_[0]), std::logic_error);
  EXPECT_EQ(text(), "");
}

TEST_F(JournalTest, TornLastLineIsFlaggedByTheReader) {
  write(to_line(records_[0]) + "\n" + to_line(records_[1]).substr(0, 50));
  const ResultsFile file = read_results(folder_ / "run.jsonl");
  EXPECT_TRUE(file.torn);
  EXPECT_EQ(file.records.size(), 1);
}

TEST_F(JournalTest, AbsentFileIsAUserErrorOfTheReader) {
  EXPECT_THAT(refusal([&] { read_results(folder_ / "absent.jsonl"); }), HasSubstr("absent.jsonl"));
  EXPECT_THAT(refusal([&] { read_results("/"); }), HasSubstr("cannot be read"));
}

TEST(LatestOfEachCell, IsTheLaterLine) {
  auto records = read_results(kExample).records;
  Record again = records[0];
  again.run_id = "later";
  const std::size_t count = records.size();
  records.push_back(again);
  const auto latest = latest_of_each_cell(records);
  ASSERT_EQ(latest.size(), count);
  EXPECT_EQ(latest.back().run_id, "later");
}

TEST(LatestOfEachCell, KeepsBothCacheStates) {
  auto records = read_results(kExample).records;
  Record cold = records[0];
  cold.cache = "cold-weights";
  records.push_back(cold);
  EXPECT_EQ(latest_of_each_cell(records).size(), records.size());
}

}  // namespace
}  // namespace moe::harness
