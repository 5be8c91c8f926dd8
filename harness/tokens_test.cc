#include "harness/tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "kernels/contract/error.h"
#include "reference/io/test_folder.h"

namespace moe::harness {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Lt;

class ByteTokens : public ::testing::Test {
 protected:
  std::filesystem::path file(const std::string& text) {
    std::ofstream(folder_ / "text", std::ios::binary) << text;
    return folder_ / "text";
  }
  std::string refusal(const std::filesystem::path& path) {
    try {
      read_byte_tokens(path, 10);
    } catch (const UserError& error) {
      return error.what();
    }
    return "nothing was refused";
  }
  reference::TestFolder folder_;
};

TEST_F(ByteTokens, AreTheUnsignedValuesOfTheBytes) {
  EXPECT_THAT(read_byte_tokens(file(std::string("A\n\0\xFF", 4)), 10), ElementsAre(65, 10, 0, 255));
}
TEST_F(ByteTokens, StopAtTheLimit) {
  EXPECT_THAT(read_byte_tokens(file("abcd"), 2), ElementsAre('a', 'b'));
}
TEST_F(ByteTokens, OfTheLicenseAreItsText) {
  const auto ids = read_byte_tokens(MOEBENCH_SOURCE_DIR "/LICENSE", 100'000);
  EXPECT_EQ(ids.size(), std::filesystem::file_size(MOEBENCH_SOURCE_DIR "/LICENSE"));
  EXPECT_THAT(ids, Each(Lt(128)));
}
TEST_F(ByteTokens, RefuseAFileThatIsMissingOrEmptyAndAFolder) {
  EXPECT_THAT(refusal(folder_ / "none"), HasSubstr("none: no such file"));
  EXPECT_THAT(refusal(file("")), HasSubstr("text: is empty"));
  std::filesystem::create_directory(folder_ / "inside");
  EXPECT_THAT(refusal(folder_ / "inside"), HasSubstr("inside: no such file"));
}

}  // namespace
}  // namespace moe::harness
