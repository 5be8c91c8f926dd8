#include "harness/trace_capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "kernels/contract/error.h"
#include "reference/checkpoint.h"
#include "reference/generated_weights.h"
#include "reference/io/test_folder.h"

namespace moe::harness {
namespace {

using reference::TestFolder;

const std::filesystem::path kSource = MOEBENCH_SOURCE_DIR;

std::filesystem::path tiny_model(const TestFolder& folder, const std::string& name) {
  const auto model = folder / name;
  std::filesystem::create_directory(model);
  reference::write_model(model, kSource / "reference/configs" / (name + ".json"),
                         reference::golden_weights());
  return model;
}

// 40 rows, two columns.
std::filesystem::path series(const TestFolder& folder) {
  const auto path = folder / "series.csv";
  std::ofstream out(path);
  out << "date,a,b\n";
  for (int i = 0; i < 40; ++i) out << i << "," << i % 7 << "," << i * i % 11 << "\n";
  return path;
}

std::filesystem::path text(const TestFolder& folder) {  // bytes below the tiny vocabulary's 23
  const auto path = folder / "text.bin";
  std::ofstream out(path, std::ios::binary);
  for (int i = 0; i < 100; ++i) out << static_cast<char>(i * i % 23);
  return path;
}

std::string complaint(const CaptureRequest& request) {
  try {
    capture_trace(request);
  } catch (const UserError& e) {
    return e.what();
  }
  return "accepted";
}

TEST(TraceCapture, OfTimeMoeHoldsEveryLayerAndColumn) {
  const TestFolder folder;
  const CaptureRequest request{.model = tiny_model(folder, "tiny_time_moe"),
                               .series = series(folder),
                               .context = 8,
                               .sequences = 3};
  const auto trace = capture_trace(request);
  EXPECT_EQ(trace.tokens, 2 * 3 * 8);
  EXPECT_FALSE(trace.renormalize);
  EXPECT_GE(trace.layers.size(), 2U);
  EXPECT_THAT(trace.data, testing::HasSubstr("series.csv (xxh64 "));
  EXPECT_THAT(trace.data, testing::HasSubstr("a, b"));
  EXPECT_THAT(trace.model, testing::HasSubstr("time_moe \"tiny_time_moe\""));
  write_trace(folder / "trace.safetensors", trace);
  EXPECT_EQ(trace_hash(read_trace(folder / "trace.safetensors")), trace_hash(trace));
}

// A column alone gives the tokens it gives among others: sequences do not see each other.
TEST(TraceCapture, OfOneColumnIsItsPartOfTheWhole) {
  const TestFolder folder;
  CaptureRequest request{.model = tiny_model(folder, "tiny_time_moe"),
                         .series = series(folder),
                         .context = 8,
                         .sequences = 1};
  const auto both = capture_trace(request);
  request.columns = {"b"};
  const auto one = capture_trace(request);
  const auto& whole = both.layers[1].logits;
  ASSERT_EQ(one.tokens, 8);
  EXPECT_EQ(one.layers[1].logits,
            std::vector<float>(whole.begin() + 8 * both.experts, whole.end()));
}

TEST(TraceCapture, OfMixtralReadsBytes) {
  const TestFolder folder;
  const CaptureRequest request{.model = tiny_model(folder, "tiny_mixtral"),
                               .text = text(folder),
                               .context = 10,
                               .sequences = 4};
  const auto trace = capture_trace(request);
  EXPECT_EQ(trace.tokens, 40);
  EXPECT_TRUE(trace.renormalize);
  EXPECT_EQ(trace.input->as<std::int64_t>()[13], 13 * 13 % 23);
  write_trace(folder / "trace.safetensors", trace);
  EXPECT_EQ(trace_hash(read_trace(folder / "trace.safetensors")), trace_hash(trace));
}

TEST(TraceCapture, RefusesDataOfTheOtherKind) {
  const TestFolder folder;
  EXPECT_THAT(complaint({.model = tiny_model(folder, "tiny_mixtral"),
                         .series = series(folder),
                         .context = 8,
                         .sequences = 1}),
              testing::HasSubstr("expected --text"));
  EXPECT_THAT(complaint({.model = tiny_model(folder, "tiny_time_moe"),
                         .text = text(folder),
                         .context = 8,
                         .sequences = 1}),
              testing::HasSubstr("expected --data"));
}
TEST(TraceCapture, RefusesDataThatAreTooShort) {
  const TestFolder folder;
  const auto time_moe = tiny_model(folder, "tiny_time_moe");
  EXPECT_THAT(
      complaint({.model = time_moe, .series = series(folder), .context = 41, .sequences = 1}),
      testing::HasSubstr("40 rows, expected at least 41"));
  EXPECT_THAT(
      complaint({.model = time_moe, .series = series(folder), .context = 40, .sequences = 2}),
      testing::HasSubstr("expected at least 41"));
  EXPECT_THAT(complaint({.model = tiny_model(folder, "tiny_mixtral"),
                         .text = text(folder),
                         .context = 51,
                         .sequences = 2}),
              testing::HasSubstr("at least 102"));
}
TEST(TraceCapture, RefusesBytesBeyondTheVocabulary) {
  const TestFolder folder;
  const auto path = folder / "words.txt";
  std::ofstream(path) << "plain words";
  EXPECT_THAT(complaint({.model = tiny_model(folder, "tiny_mixtral"),
                         .text = path,
                         .context = 4,
                         .sequences = 1}),
              testing::HasSubstr("vocab_size 23"));
}
TEST(TraceCapture, RefusesNoTokens) {
  EXPECT_THAT(complaint({.context = 0, .sequences = 1}), testing::HasSubstr("at least 1 of 1"));
}

}  // namespace
}  // namespace moe::harness
