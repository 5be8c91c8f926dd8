#include "harness/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace moe::harness {
namespace {

using testing::MatchesRegex;

TEST(Cpuinfo, GivesModelAndHypervisor) {
  const CpuInfo info = parse_cpuinfo(
      "processor\t: 0\nmodel name\t: Some CPU @ 2.0: GHz\nflags\t\t: fpu hypervisor avx2\n\n"
      "processor\t: 1\nmodel name\t: Another\nflags\t\t: fpu\n");
  EXPECT_EQ(info.model, "Some CPU @ 2.0: GHz");
  EXPECT_TRUE(info.hypervisor);
}

TEST(Cpuinfo, DoesNotTakePartOfAFlagForTheFlag) {
  EXPECT_FALSE(parse_cpuinfo("flags : fpu hypervisorish\n").hypervisor);
}

TEST(Cpuinfo, WithoutAModelIsUnknown) {
  EXPECT_EQ(parse_cpuinfo("processor : 0\nBogoMIPS : 48.00").model, "unknown");
}

TEST(CommandLine, KeepsNoFolderOfAnAbsolutePath) {
  const std::vector<const char*> argv{"/home/ann/build/moebench", "run", "/home/ann/m.json",
                                      "--out=/home/ann/results/", "../x/y.json"};
  EXPECT_EQ(command_line(argv), "moebench run m.json --out=results y.json");
}

TEST(CommandLine, KeepsCellsAndRelativePaths) {
  const std::vector<const char*> argv{"moebench", "repro", "a/T=1/zipf:1.0/f32/loop@cpu"};
  EXPECT_EQ(command_line(argv), "moebench repro a/T=1/zipf:1.0/f32/loop@cpu");
}

TEST(CommandLine, QuotesWhatAShellWouldSplit) {
  const std::vector<const char*> argv{"moebench", "--filter", "a b'c", ""};
  EXPECT_EQ(command_line(argv), R"(moebench --filter 'a b'\''c' '')");
}

TEST(CapturedEnvironment, HasAValueOrAReasonForEverything) {
  const std::vector<const char*> argv{"moebench"};
  const Environment e = capture_environment(argv, "SomeBLAS 1.0", {.fault = "no GPU here"});
  for (const std::string& text : {e.cpu, e.kernel, e.compiler, e.flags, e.isa, e.argv})
    EXPECT_NE(text, "");
  EXPECT_GE(e.cores, 1);
  EXPECT_GE(e.threads, 1);
  EXPECT_GT(e.memory_bytes, 0);
  EXPECT_EQ(e.blas, "SomeBLAS 1.0");
  EXPECT_EQ(e.governor.has_value(), e.governor_reason.empty());
  EXPECT_EQ(e.gpu.has_value(), e.gpu_reason.empty());
  EXPECT_THAT(e.time_utc, MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"));
}

TEST(CapturedEnvironment, HasTheDriverAndThePowerLimitOfTheGpu) {
  const std::vector<const char*> argv{"moebench"};
  const DeviceState gpu{.name = "GPU", .pci_bus_id = "0000:3B:00.0"};
  const Environment e = capture_environment(argv, "", gpu, FAKE_NVML);
  EXPECT_EQ(e.gpu_driver, "580.65.06");
  EXPECT_EQ(e.gpu_driver_reason, "");
  EXPECT_EQ(e.gpu_power_limit_watts, 700);
}

TEST(CapturedEnvironment, SaysWhyThereIsNoDriver) {
  const std::vector<const char*> argv{"moebench"};
  const auto reason = [&](const DeviceState& device) {
    const Environment e = capture_environment(argv, "", device, FAKE_NVML_BROKEN);
    EXPECT_FALSE(e.gpu_driver || e.gpu_power_limit_watts);
    return e.gpu_driver_reason;
  };
  EXPECT_EQ(reason({.fault = "no GPU here"}), "no GPU here");
  EXPECT_EQ(reason({.name = "interpreter"}), "the device is simulated");
  EXPECT_EQ(reason({.name = "GPU", .pci_bus_id = "0000:3B:00.0"}),
            "nvmlInit_v2: Driver Not Loaded");
}

TEST(BuildId, IsACommitOrUnknown) {
  EXPECT_THAT(build_id(), MatchesRegex("[0-9a-f]{40}(-dirty)?|unknown"));
}

TEST(RunId, IsATimeAndSixDigitsAndDiffers) {
  const std::string a = make_run_id();
  EXPECT_THAT(a, MatchesRegex("[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}"));
  EXPECT_NE(a, make_run_id());
}

}  // namespace
}  // namespace moe::harness
