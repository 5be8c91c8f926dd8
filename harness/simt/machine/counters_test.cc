// Tests of counters and their JSON.
#include "harness/simt/machine/counters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

#include "harness/simt/machine/counters_json.h"
#include "kernels/contract/error.h"

namespace moe::simt {
namespace {

using nlohmann::ordered_json;
using testing::HasSubstr;
using testing::ThrowsMessage;

// Counters are 64-bit counts and nothing else: seen as an array, each can be given a value of its
// own.
constexpr std::size_t kCounts = sizeof(Counters) / sizeof(std::uint64_t);

Counters numbered(std::uint64_t factor) {
  std::array<std::uint64_t, kCounts> values;
  for (std::size_t i = 0; i < kCounts; ++i) values[i] = factor * (i + 1);
  return std::bit_cast<Counters>(values);
}
std::array<std::uint64_t, kCounts> values(const Counters& counters) {
  return std::bit_cast<std::array<std::uint64_t, kCounts>>(counters);
}

TEST(Counters, StartAtZero) {
  EXPECT_EQ(values(Counters{}), (std::array<std::uint64_t, kCounts>{}));
}

TEST(Counters, AddSumsEveryField) {
  Counters sum = numbered(1);
  sum.add(numbered(1000));
  EXPECT_EQ(values(sum), values(numbered(1001)));
}

TEST(InstructionClass, EachHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (int i = 0; i < static_cast<int>(InstructionClass::kCount); ++i) {
    EXPECT_TRUE(names.insert(name_of(static_cast<InstructionClass>(i))).second);
  }
  EXPECT_EQ(names.count("tensor_product"), 1u);
  EXPECT_THROW(name_of(InstructionClass::kCount), std::logic_error);
}

TEST(CountersJson, ReadsBackWhatItWrote) {
  const Counters counters = numbered(1);
  const std::string text = to_json(counters).dump();
  EXPECT_EQ(values(counters_from_json(ordered_json::parse(text))), values(counters));
}

TEST(CountersJson, KeepsTheLargestCount) {
  Counters counters;
  counters.multiply_adds = ~std::uint64_t{0};
  const std::string text = to_json(counters).dump();
  EXPECT_EQ(counters_from_json(ordered_json::parse(text)).multiply_adds, ~std::uint64_t{0});
}

TEST(CountersJson, UsesTheFieldsNames) {
  Counters counters;
  counters.global_load = {.requests = 1, .bytes = 128, .sectors = 5, .ideal = 4};
  counters.warp_instructions[static_cast<int>(InstructionClass::kTensorProduct)] = 7;
  counters.blocks = 3;
  const ordered_json json = to_json(counters);
  EXPECT_EQ(json["global_load"].dump(), R"({"requests":1,"bytes":128,"sectors":5,"ideal":4})");
  EXPECT_EQ(json["warp_instructions"].dump(), R"({"tensor_product":7})");
  EXPECT_EQ(json["blocks"], 3);
}

TEST(CountersJson, NeverSpeaksOfTime) {
  const std::string text = to_json(numbered(1)).dump();
  for (const char* word : {"time", "second", "latency", "_ns", "_ms", "_us", "cycle"}) {
    EXPECT_THAT(text, testing::Not(HasSubstr(word)));
  }
}

TEST(CountersJson, RefusesAMissingField) {
  ordered_json json = to_json(numbered(1));
  json["global_load"].erase("ideal");
  EXPECT_THAT([&] { counters_from_json(json); },
              ThrowsMessage<UserError>("counters: global_load has no \"ideal\""));
}

TEST(CountersJson, RefusesAnUnknownField) {
  ordered_json json = to_json(numbered(1));
  json["latency"] = 1;
  EXPECT_THAT([&] { counters_from_json(json); },
              ThrowsMessage<UserError>("counters: the object has an unknown field \"latency\""));
}

TEST(CountersJson, RefusesAnUnknownClass) {
  ordered_json json = to_json(numbered(1));
  json["warp_instructions"]["magic"] = 1;
  EXPECT_THAT([&] { counters_from_json(json); },
              ThrowsMessage<UserError>(HasSubstr("warp_instructions has an unknown field")));
}

TEST(CountersJson, RefusesWhatIsNotACount) {
  for (const ordered_json& wrong : {ordered_json(-1), ordered_json(1.5), ordered_json("1")}) {
    ordered_json json = to_json(numbered(1));
    json["mma"] = wrong;
    EXPECT_THAT([&] { counters_from_json(json); },
                ThrowsMessage<UserError>(HasSubstr("which is not a count")));
  }
  EXPECT_THAT([] { counters_from_json(ordered_json::array()); },
              ThrowsMessage<UserError>(HasSubstr("is not an object")));
}

}  // namespace
}  // namespace moe::simt
