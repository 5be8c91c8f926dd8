// Tests of the table of devices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/machine/device.h"
#include "kernels/contract/error.h"

namespace moe::simt {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Architectures, AreA100H100AndB200) {
  ASSERT_EQ(architectures().size(), 3u);
  EXPECT_EQ(architecture("80").device, "A100");
  EXPECT_EQ(architecture("90a").device, "H100");
  EXPECT_EQ(architecture("100a").device, "B200");
}

// As cudaGetDeviceProperties prints them on such devices.
TEST(Architectures, HaveTheNumbersTheirRuntimesReport) {
  const Architecture& a100 = architecture("80");
  EXPECT_EQ(a100.multiprocessors, 108);
  EXPECT_EQ(a100.shared_per_block, 49152);
  EXPECT_EQ(a100.shared_per_block_optin, 166912);
  EXPECT_EQ(a100.shared_per_multiprocessor, 167936);
  EXPECT_EQ(a100.l2_bytes, 41943040);
  const Architecture& h100 = architecture("90a");
  EXPECT_EQ(h100.multiprocessors, 132);
  EXPECT_EQ(h100.shared_per_block_optin, 232448);
  EXPECT_EQ(h100.shared_per_multiprocessor, 233472);
  EXPECT_EQ(h100.l2_bytes, 52428800);
  const Architecture& b200 = architecture("100a");
  EXPECT_EQ(b200.multiprocessors, 148);
  EXPECT_EQ(b200.shared_per_block_optin, 232448);
  EXPECT_EQ(b200.shared_per_multiprocessor, 233472);
  EXPECT_EQ(b200.l2_bytes, 132644864);
}

TEST(Architectures, NameTheirComputeCapability) {
  for (const Architecture& each : architectures()) {
    EXPECT_EQ(each.name.find(std::to_string(10 * each.major + each.minor)), 0u) << each.name;
    EXPECT_EQ(each.threads_per_multiprocessor, 2048) << each.name;
    EXPECT_EQ(each.blocks_per_multiprocessor, 32) << each.name;
  }
}

// The kilobyte the system keeps of each block's shared memory (sm_80 and later).
TEST(Architectures, LeaveOneKilobyteOfSharedMemoryToTheSystem) {
  for (const Architecture& each : architectures()) {
    EXPECT_EQ(each.shared_per_multiprocessor - each.shared_per_block_optin, 1024) << each.name;
  }
}

TEST(Architectures, AnUnknownNameIsTheUsersMistake) {
  EXPECT_THAT([] { architecture("90"); },
              ThrowsMessage<UserError>(
                  AllOf(HasSubstr("no architecture is named \"90\""), HasSubstr("80, 90a, 100a"))));
}

}  // namespace
}  // namespace moe::simt
