// What a process's exit code says, and the report it leaves.
#include <cuda_runtime_api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/simt/runtime/control.h"

namespace moe::simt {
namespace {

using testing::ExitedWithCode;

// Each statement runs in a process of its own, started afresh.
class Exit : public testing::Test {
 protected:
  void SetUp() override { testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

void free_twice() {
  void* pointer = nullptr;
  cudaMalloc(&pointer, 8);
  cudaFree(pointer);
  cudaFree(pointer);
}

TEST_F(Exit, IsThreeWhenNobodyTookTheFindings) {
  EXPECT_EXIT(
      {
        free_twice();
        std::exit(0);
      },
      ExitedWithCode(3), "1 findings that the program did not take.*\n.*MOEBENCH_SIM_ARCH=");
}

TEST_F(Exit, IsTheProgramsOwnWhenTheFindingsWereTaken) {
  EXPECT_EXIT(
      {
        free_twice();
        take_findings();
        std::exit(0);
      },
      ExitedWithCode(0), "double-free");
}

TEST_F(Exit, KeepsAFailureOfTheProgramItself) {
  EXPECT_EXIT(
      {
        free_twice();
        std::exit(7);
      },
      ExitedWithCode(7), "exit code 7");
}

TEST_F(Exit, IsTwoForASettingThatIsNotUnderstood) {
  EXPECT_EXIT(
      {
        setenv("MOEBENCH_SIM_ASYNC", "sometimes", 1);
        cudaFree(nullptr);
        std::exit(0);
      },
      ExitedWithCode(2), "MOEBENCH_SIM_ASYNC=sometimes: expected one of early, late, random");
}

TEST_F(Exit, LeaksAreListedWhenAskedFor) {
  EXPECT_EXIT(
      {
        setenv("MOEBENCH_SIM_LEAKS", "1", 1);
        void* pointer = nullptr;
        cudaMalloc(&pointer, 40);
        std::exit(0);
      },
      ExitedWithCode(0), "leak: 40 bytes of allocation 1 \\(cudaMalloc\\)");
}

TEST_F(Exit, TheReportHasTheFindings) {
  const std::string path = testing::TempDir() + "simt_report.json";
  std::filesystem::remove(path);
  EXPECT_EXIT(
      {
        setenv("MOEBENCH_SIM_REPORT", path.c_str(), 1);
        free_twice();
        take_findings();
        std::exit(0);
      },
      ExitedWithCode(0), "");
  const auto report = nlohmann::json::parse(std::ifstream(path));
  EXPECT_EQ(report["architecture"], "90a");
  ASSERT_EQ(report["findings"].size(), 1u);
  EXPECT_EQ(report["findings"][0]["check"], "double-free");
  EXPECT_EQ(report["findings"][0]["kernel"], "cudaFree");
}

}  // namespace
}  // namespace moe::simt
