#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <limits>

#include "kernels/contract/error.h"
#include "reference/io/safetensors.h"
#include "reference/io/test_folder.h"

namespace moe::reference {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// The bytes of a file with this header and so many bytes of data.
std::string bytes_of(const std::string& header, std::size_t data_bytes, std::uint64_t length) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + header + std::string(data_bytes, 'x');
}
std::string bytes_of(const std::string& header, std::size_t data_bytes) {
  return bytes_of(header, data_bytes, header.size());
}

struct Malformed {
  std::string name;   // of the test, in words
  std::string bytes;  // of the whole file
  std::string says;   // what the refusal must contain
  bool of_w = true;   // whether it must name the tensor "w"
};

// Without this a test's name in ctest is the bytes of the struct.
void PrintTo(const Malformed& malformed, std::ostream* out) { *out << malformed.name; }

// One tensor "w" whose entry has this dtype, shape and data_offsets, and 4 bytes of data.
Malformed entry(std::string name, const std::string& dtype, const std::string& shape,
                const std::string& offsets, std::string says) {
  std::string header = R"({"w":{"dtype":)";
  header += dtype + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}";
  return {std::move(name), bytes_of(header, 4), std::move(says)};
}

// Tensors "v" and "w" of type U8 with these sizes and offsets, and 8 bytes of data.
Malformed two(std::string name, const std::string& v_size, const std::string& v,
              const std::string& w_size, const std::string& w, std::string says) {
  std::string header = R"({"v":{"dtype":"U8","shape":[)";
  header += v_size + R"(],"data_offsets":)" + v + R"(},"w":{"dtype":"U8","shape":[)" + w_size;
  header += R"(],"data_offsets":)" + w + "}}";
  return {std::move(name), bytes_of(header, 8), std::move(says)};
}

std::string nested(int depth) {
  std::string text = R"({"w":)";
  return text.append(depth, '[').append(depth, ']') + "}";
}

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
const std::string kGood = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";

std::vector<Malformed> broken_frames() {
  return {
      {"EmptyFile", "", "0 bytes long", false},
      {"SevenBytes", std::string(7, '\0'), "7 bytes long", false},
      {"HeaderLengthZero", bytes_of("", 4, 0), "header length is 0", false},
      {"HeaderLongerThanFile", bytes_of(kGood, 0, kGood.size() + 1), "bytes that follow", false},
      {"HeaderLengthWraps", bytes_of(kGood, 4, kMax), "length is 18446744073709551615", false},
      {"HeaderLengthWrapsToEight", bytes_of(kGood, 4, kMax - 7), "bytes that follow", false},
      {"HeaderLengthSignBit", bytes_of(kGood, 4, kMax / 2 + 1), "bytes that follow", false},
      {"HeaderNotJson", bytes_of(R"({"w":)", 0), "the header is not JSON at byte", false},
      {"HeaderOnlySpaces", bytes_of("        ", 0), "not JSON", false},
      {"HeaderNotUtf8", bytes_of("{\"\xFF\":1}", 0), "not JSON", false},
      {"HeaderTwoValues", bytes_of("{}{}", 0), "not JSON", false},
      {"HeaderHidesBytesBehindNul", bytes_of(kGood + std::string(8, '\0'), 4), "NUL", false},
      {"HeaderHasByteOrderMark", bytes_of("\xEF\xBB\xBF{}", 0), "byte order mark", false},
      {"HeaderAList", bytes_of("[]", 0), "the header is [], expected an object", false},
      {"HeaderNull", bytes_of("null", 0), "expected an object", false},
      {"HeaderNumberTooLarge", bytes_of(R"({"w":1e999})", 0), "too large"},
      {"HeaderDeep", bytes_of(nested(65), 0), "deeper than 64", false},
      {"HeaderVeryDeep", bytes_of(nested(100'000), 0), "deeper than 64", false},
      {"DuplicateTensor",
       bytes_of(std::string("{") + kGood.substr(1, kGood.size() - 2) + "," + kGood.substr(1), 4),
       "has the key \"w\" twice"},
      {"DuplicateTensorByEscape",
       bytes_of(
           std::string("{") + kGood.substr(1, kGood.size() - 2) + R"(,"\u0077")" + kGood.substr(4),
           4),
       "has the key \"w\" twice"},
      {"DuplicateKeyInTensor",
       bytes_of(R"({"w":{"dtype":"F32","dtype":"U8","shape":[1],"data_offsets":[0,4]}})", 4),
       "has the key \"dtype\" in \"w\" twice"},
      {"TwoMetadata", bytes_of(R"({"__metadata__":{},"__metadata__":{}})", 0), "twice", false},
      {"MetadataNotAnObject", bytes_of(R"({"__metadata__":["pt"]})", 0), "__metadata__ is", false},
      {"MetadataNotStrings", bytes_of(R"({"__metadata__":{"step":7}})", 0),
       "__metadata__ \"step\" is 7, expected a string", false},
      {"TrailingByte", bytes_of(kGood, 5), "1 bytes follow the last tensor"},
      {"TrailingByteWithoutTensors", bytes_of("{}", 1), "1 bytes follow the header", false},
      {"DataCutShort", bytes_of(kGood, 3), "ends at byte 4 of the data, where 3 are"},
  };
}

std::vector<Malformed> broken_entries() {
  return {
      {"EntryNotAnObject", bytes_of(R"({"w":[]})", 0), "expected an object"},
      {"EntryWithoutDtype", bytes_of(R"({"w":{"shape":[1],"data_offsets":[0,4]}})", 4),
       "has no \"dtype\""},
      {"EntryWithoutShape", bytes_of(R"({"w":{"dtype":"U8","data_offsets":[0,4]}})", 4),
       "has no \"shape\""},
      {"EntryWithoutOffsets", bytes_of(R"({"w":{"dtype":"U8","shape":[4]}})", 4),
       "has no \"data_offsets\""},
      {"EntryWithAnotherKey",
       bytes_of(R"({"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"shap":[4]}})", 4),
       "(did you mean \"shape\"?)"},
      entry("DtypeUnknown", "\"F8_E4M3\"", "[4]", "[0,4]",
            "dtype \"F8_E4M3\", expected one of F64"),
      entry("DtypeLowerCase", "\"f32\"", "[1]", "[0,4]", "dtype \"f32\""),
      entry("DtypeNumber", "4", "[1]", "[0,4]", "dtype 4"),
      entry("DtypeEmpty", "\"\"", "[1]", "[0,4]", "dtype \"\""),
      entry("ShapeNotAList", "\"U8\"", "4", "[0,4]", "the shape 4, expected a list"),
      entry("ShapeNegative", "\"U8\"", "[-4]", "[0,4]", "has -4 in its shape"),
      entry("ShapeTwoNegatives", "\"U8\"", "[-2,-2]", "[0,4]", "has -2 in its shape"),
      entry("ShapeFraction", "\"U8\"", "[4.0]", "[0,4]", "has 4.0 in its shape"),
      entry("ShapeString", "\"U8\"", "[\"4\"]", "[0,4]", "in its shape"),
      entry("ShapeBeyondInt64", "\"U8\"", "[9223372036854775808]", "[0,4]", "in its shape"),
      entry("ShapeBeyondUint64", "\"U8\"", "[36893488147419103232]", "[0,4]", "in its shape"),
      entry("ShapeOverflows", "\"U8\"", "[4294967296,4294967297]", "[0,4]", "passes 2^63"),
      entry("ShapeWrapsToZero", "\"U8\"", "[4294967296,4294967296]", "[0,0]", "passes 2^63"),
      entry("ShapeTimesTypeWrapsToZero", "\"F64\"", "[2305843009213693952]", "[0,0]",
            "passes 2^63"),
      entry("ShapeTimesTypeWrapsToFour", "\"F32\"", "[4611686018427387905]", "[0,4]",
            "passes 2^63"),
      entry("ShapeOverflowsBeforeAZero", "\"U8\"", "[4294967296,4294967296,0]", "[0,0]",
            "passes 2^63"),
      entry("ShapeTooSmall", "\"F32\"", "[0]", "[0,4]", "expected 0 bytes for F32 of shape [0]"),
      entry("ShapeTooLarge", "\"F32\"", "[2]", "[0,4]", "expected 8 bytes for F32 of shape [2]"),
      entry("OffsetsNotAList", "\"U8\"", "[4]", "4", "expected [begin, end]"),
      entry("OffsetsOne", "\"U8\"", "[4]", "[4]", "expected [begin, end]"),
      entry("OffsetsThree", "\"U8\"", "[4]", "[0,4,8]", "expected [begin, end]"),
      entry("OffsetsNegative", "\"U8\"", "[4]", "[-4,0]", "has -4 in its data_offsets"),
      entry("OffsetsFraction", "\"U8\"", "[4]", "[0,4.0]", "has 4.0 in its data_offsets"),
      entry("OffsetsReversed", "\"U8\"", "[4]", "[4,0]", "expected begin <= end"),
      entry("OffsetsWrap", "\"U8\"", "[4]", "[18446744073709551612,0]", "in its data_offsets"),
      entry("OffsetsBeyondData", "\"U8\"", "[8]", "[0,8]", "ends at byte 8 of the data, where 4"),
      entry("OffsetsFarBeyondData", "\"U8\"", "[4]", "[9223372036854775803,9223372036854775807]",
            "where 4 are in the file"),
      entry("OffsetsLeaveTheBeginning", "\"U8\"", "[3]", "[1,4]", "leaves a gap after the header"),
      two("Overlap", "5", "[0,5]", "4", "[4,8]", "overlaps tensor \"v\", expected 5"),
      two("SameBytesTwice", "8", "[0,8]", "8", "[0,8]", "overlaps tensor \"v\", expected 8"),
      two("EmptyTensorInsideAnother", "8", "[0,8]", "0", "[4,4]", "overlaps tensor \"v\""),
      two("Gap", "3", "[0,3]", "4", "[4,8]", "leaves a gap after tensor \"v\", expected 3"),
  };
}

class MalformedSafetensors : public ::testing::TestWithParam<Malformed> {};

TEST_P(MalformedSafetensors, IsRefusedInOneSentence) {
  const TestFolder folder;
  const auto path = folder / "model.safetensors";
  std::ofstream(path, std::ios::binary) << GetParam().bytes;
  try {
    const SafetensorsFile file(path);
    FAIL() << "the file was opened";
  } catch (const UserError& error) {
    const std::string says = error.what();
    EXPECT_THAT(says, StartsWith(path.string() + ": "));
    EXPECT_THAT(says, HasSubstr(GetParam().says));
    if (GetParam().of_w) {
      EXPECT_THAT(says, HasSubstr("\"w\""));
    }
    EXPECT_THAT(says, Not(HasSubstr("json.exception")));
    EXPECT_LT(says.size(), path.string().size() + 400);
  }
}

const auto kTestName = [](const auto& param) { return param.param.name; };
INSTANTIATE_TEST_SUITE_P(Frame, MalformedSafetensors, ::testing::ValuesIn(broken_frames()),
                         kTestName);
INSTANTIATE_TEST_SUITE_P(Entry, MalformedSafetensors, ::testing::ValuesIn(broken_entries()),
                         kTestName);

std::string refusal_of(const std::filesystem::path& path) {
  try {
    const SafetensorsFile file(path);
  } catch (const UserError& error) {
    return error.what();
  }
  return "nothing was refused";
}

// The file is sparse: the header is refused by its length alone, before any of it is read.
TEST(SafetensorsFile, RefusesAHeaderBeyond100Megabytes) {
  const TestFolder folder;
  const auto path = folder / "a.safetensors";
  std::ofstream(path, std::ios::binary) << bytes_of("", 0, 100'000'001);
  std::filesystem::resize_file(path, 100'000'009);
  EXPECT_THAT(refusal_of(path), HasSubstr("100000001, expected at most 100000000"));
}

TEST(SafetensorsFile, RefusesAFileThatIsNotThereAndAFolder) {
  const TestFolder folder;
  EXPECT_THAT(refusal_of(folder / "none.safetensors"), HasSubstr("no such file"));
  std::filesystem::create_directory(folder / "a.safetensors");
  EXPECT_THAT(refusal_of(folder / "a.safetensors"), HasSubstr("is not a file"));
}

// The good file of which the table above breaks one thing at a time does open.
TEST(SafetensorsFile, OpensTheFileThatNothingIsWrongWith) {
  const TestFolder folder;
  const auto path = folder / "a.safetensors";
  std::ofstream(path, std::ios::binary) << bytes_of(kGood + "  ", 4);
  EXPECT_EQ(SafetensorsFile(path).read("w").bytes, std::vector<std::byte>(4, std::byte{'x'}));
}

}  // namespace
}  // namespace moe::reference
