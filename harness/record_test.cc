#include "harness/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<std::string> example_lines() {
  std::ifstream in(MOEBENCH_SOURCE_DIR "/results/testdata/example.jsonl");
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The first synthetic record with this status, timed if it is ok.
Record example(Status status) {
  for (const std::string& line : example_lines())
    if (const Record r = from_line(line, "example", 1); r.status == status) return r;
  throw std::logic_error("no example of this status");
}

std::string refusal(const std::string& line) {
  try {
    from_line(line, "run.jsonl", 7);
  } catch (const UserError& error) {
    return error.what();
  }
  return "accepted";
}

std::string refusal_of(const std::function<void(json&)>& change) {
  json line = json::parse(example_lines().front());
  change(line);
  return refusal(line.dump());
}

TEST(Record, ComesBackFromItsLineUnchanged) {
  const auto lines = example_lines();
  ASSERT_GE(lines.size(), 12);
  for (const std::string& line : lines)
    EXPECT_EQ(json::parse(to_line(from_line(line, "example", 1))), json::parse(line));
}

TEST(Record, KeepsTheOrderOfTheSchemaInItsLine) {
  const std::string line = to_line(example(Status::kOk));
  EXPECT_TRUE(line.starts_with(R"({"schema":"moebench.result","schema_version":"1.2.0","run_id")"));
  EXPECT_EQ(line.find('\n'), std::string::npos);
}

TEST(RecordWritesNan, AsNullAndInTheFault) {
  Record r = example(Status::kWrong);
  r.validation->worst_error = kNan;
  r.validation->distance_from_dropless = kInfinity;
  r.validation->fault = "token 3 is wrong";
  const json line = json::parse(to_line(r));
  EXPECT_TRUE(line["validation"]["worst_error"].is_null());
  EXPECT_TRUE(line["distance_from_dropless"].is_null());
  EXPECT_THAT(line["validation"]["fault"], HasSubstr("token 3 is wrong; the worst error is nan"));
  EXPECT_EQ(line["validation"]["passed"], false);
}

TEST(RecordWritesNan, WithAFaultOfItsOwnWhenTheJudgeGaveNone) {
  Record r = example(Status::kWrong);
  r.validation->worst_error = kNan;
  r.validation->fault = "";
  EXPECT_THAT(json::parse(to_line(r))["validation"]["fault"], HasSubstr("an error of nan"));
}

TEST(RecordWritesNan, NowhereElse) {
  const std::vector<std::function<void(Record&)>> breaks{
      [](Record& r) { r.timing->median_ns = kNan; },
      [](Record& r) { r.timing->samples_ns[3] = kInfinity; },
      [](Record& r) { r.timing->median_ns = 0; },  // an infinite rate
      [](Record& r) { r.timing->stages_ns["route"] = kNan; },
      [](Record& r) { r.load->gini = kNan; },
      [](Record& r) { r.load->variation = kInfinity; },
      [](Record& r) { r.work->useful_flops = kNan; },
      [](Record& r) { r.validation->bound = kInfinity; },
      [](Record& r) { r.validation->distance_from_dropless = kNan; },
      [](Record& r) { r.environment.load_average = kNan; },
  };
  for (const auto& change : breaks) {
    Record r = example(Status::kOk);
    EXPECT_NO_THROW(to_line(r));
    change(r);
    EXPECT_THROW(to_line(r), std::logic_error);
  }
}

TEST(Record, LetsAShareLeaveItsRangeByRoundingOnly) {
  Record r = example(Status::kOk);
  r.load->entropy = 1 + 1e-15;
  EXPECT_EQ(json::parse(to_line(r))["load"]["entropy"], 1.0);
  r.load->entropy = 1.01;
  EXPECT_THROW(to_line(r), std::logic_error);
}

TEST(RecordRefuses, ATimeUnlessTheStatusIsOk) {
  Record r = example(Status::kOk);
  r.status = Status::kSuspect;
  r.reason = "faster than the machine can be";
  EXPECT_THROW(to_line(r), std::logic_error);
  r.timing.reset();
  EXPECT_NO_THROW(to_line(r));
}

TEST(RecordRefuses, OkWithoutAPassedValidation) {
  Record r = example(Status::kOk);
  r.validation->worst_error = kNan;
  EXPECT_THROW(to_line(r), std::logic_error);
  r.validation.reset();
  EXPECT_THROW(to_line(r), std::logic_error);
}

TEST(RecordRefuses, AFailureWithoutAReason) {
  Record r = example(Status::kCrashed);
  r.reason = "";
  EXPECT_THROW(to_line(r), std::logic_error);
}

TEST(RecordRefuses, AStageNobodyKnows) {
  Record r = example(Status::kOk);
  r.timing->stages_ns["shuffle"] = 1;
  EXPECT_THROW(to_line(r), std::logic_error);
}

TEST(Record, SaysHowManySamplesAPercentileNeeds) {
  Record r = example(Status::kOk);
  r.timing->median_ci95_ns.reset();
  const json line = json::parse(to_line(r));
  EXPECT_EQ(line["timing"]["p99_reason"], "30 samples; a 95 % interval for the p99 needs 368");
  EXPECT_THAT(line["timing"]["median_ci95_reason"], HasSubstr("needs 6"));
}

TEST(Record, OfACellWithoutTimeSaysWhyThreeTimes) {
  Record r = example(Status::kTimeout);
  r.timing_reason = r.stages_reason = r.roof_reason = "";
  const json line = json::parse(to_line(r));
  for (const char* key : {"timing_reason", "stages_reason", "roof_reason"})
    EXPECT_TRUE(line[key].is_string()) << key;
}

TEST(Record, KeepsWhatALibraryChose) {
  Record r = example(Status::kOk);
  EXPECT_TRUE(json::parse(to_line(r))["library_algorithms"].is_null());
  r.library_algorithms = "cuBLASLt 13.1.0: gate and up 6, 66; down 66";
  EXPECT_EQ(from_line(to_line(r), "example", 1).library_algorithms, r.library_algorithms);
}

Record example_on_a_hot_gpu() {
  Record r = example(Status::kOk);
  r.gpu_state = GpuState{.before = {.sm_clock_mhz = 1980, .clock_events = {{}}},
                         .after = {.sm_clock_mhz = 1400,
                                   .power_watts = 699.5,
                                   .temperature_celsius = 84,
                                   .clock_events = {{"software-thermal-slowdown"}}}};
  return r;
}

TEST(Record, KeepsTheGpuBeforeAndAfter) {
  const Record r = from_line(to_line(example_on_a_hot_gpu()), "example", 1);
  EXPECT_EQ(r.gpu_state->before, example_on_a_hot_gpu().gpu_state->before);
  EXPECT_EQ(r.gpu_state->after, example_on_a_hot_gpu().gpu_state->after);
  EXPECT_TRUE(json::parse(to_line(r))["gpu_state_reason"].is_null());
}

TEST(Record, WithoutAGpuSaysWhyTwice) {
  const json line = json::parse(to_line(example(Status::kOk)));
  EXPECT_TRUE(line["gpu_state"].is_null());
  EXPECT_TRUE(line["gpu_state_reason"].is_string());
}

TEST(Doubt, IsCastByAHotGpuOnly) {
  EXPECT_EQ(doubt(example(Status::kOk)), "");
  Record r = example_on_a_hot_gpu();
  EXPECT_THAT(doubt(r), HasSubstr("held down meanwhile by software-thermal-slowdown"));
  r.gpu_state->after = r.gpu_state->before;
  EXPECT_EQ(doubt(r), "");
  r.gpu_state->before.clock_events = {{"gpu-idle"}};
  EXPECT_EQ(doubt(r), "");
}

TEST(RecordReader, TakesALineFromBeforeGpusWereRead) {
  EXPECT_EQ(refusal_of([](json& j) {
              j.erase("gpu_state");
              j.erase("gpu_state_reason");
              for (const char* key : {"gpu_driver", "gpu_driver_reason", "gpu_power_limit_watts"})
                j["environment"].erase(key);
            }),
            "accepted");
}

TEST(RecordReader, TakesALineFromBeforeLibrariesWereAsked) {
  EXPECT_EQ(refusal_of([](json& j) { j.erase("library_algorithms"); }), "accepted");
}

TEST(Record, OfAReasonThatIsNotUtf8IsStillALine) {
  Record r = example(Status::kCrashed);
  r.reason = "bad \xff byte";
  EXPECT_THAT(json::parse(to_line(r))["reason"].get<std::string>(), HasSubstr("bad \xef\xbf\xbd"));
}

TEST(RecordReader, NamesFileLineAndKey) {
  EXPECT_EQ(refusal_of([](json& j) { j["timing"].erase("median"); }),
            "run.jsonl:7: /timing/median is missing");
  EXPECT_EQ(refusal_of([](json& j) { j["problem"]["tokens"] = "many"; }),
            "run.jsonl:7: /problem/tokens cannot be string");
  EXPECT_EQ(refusal_of([](json& j) { j["load"] = 3; }),
            "run.jsonl:7: /load is number, expected an object");
}

TEST(RecordReader, KnowsWhichStatusWasMeant) {
  EXPECT_THAT(refusal_of([](json& j) { j["status"] = "okay"; }), HasSubstr("did you mean \"ok\"?"));
}

TEST(RecordReader, RefusesATimeWithoutAPassedValidation) {
  EXPECT_THAT(refusal_of([](json& j) { j["validation"]["worst_error"] = nullptr; }),
              HasSubstr("/timing is there although"));
  EXPECT_THAT(refusal_of([](json& j) { j["status"] = "suspect"; }),
              HasSubstr("/timing is there although"));
}

TEST(RecordReader, RefusesAnotherMajorVersionAndLetsMinorOnesPass) {
  EXPECT_THAT(refusal_of([](json& j) { j["schema_version"] = "2.0.0"; }), HasSubstr("reads 1.x"));
  EXPECT_EQ(refusal_of([](json& j) {
              j["schema_version"] = "1.7.0";
              j["new_key"] = 1;
            }),
            "accepted");
}

TEST(RecordReader, RefusesWhatIsNoResultLine) {
  EXPECT_THAT(refusal("{"), HasSubstr("run.jsonl:7: not a JSON object"));
  EXPECT_THAT(refusal("[]"), HasSubstr("run.jsonl:7:"));
  EXPECT_THAT(refusal("{}"), HasSubstr("/schema is missing"));
  EXPECT_THAT(refusal(std::string(100000, '[')), HasSubstr("not a JSON object"));
}

TEST(Roof, IsTheLowerOfBothCeilings) {
  const Work work{.useful_flops = 100, .touched_bytes = 10};
  EXPECT_FALSE(roof_of(work, 1, 1000).compute_bound);
  EXPECT_DOUBLE_EQ(roof_of(work, 1, 1000).time_ns, 10e9);
  EXPECT_TRUE(roof_of(work, 1000, 1).compute_bound);
  EXPECT_DOUBLE_EQ(roof_of(work, 1000, 1).time_ns, 100e9);
}

TEST(Roof, OfBf16IsThatOfItsOwnProducts) {
  CpuCeilings c{
      .memory_bytes_per_second = 1000, .cache_bytes_per_second = 1000, .flops_per_second = 1};
  const Work work{.useful_flops = 100, .touched_bytes = 10};
  EXPECT_DOUBLE_EQ(cpu_roof(work, DType::kBf16, c)->time_ns, 100e9);
  c.bf16_flops_per_second = 20;
  EXPECT_DOUBLE_EQ(cpu_roof(work, DType::kBf16, c)->time_ns, 5e9);
  EXPECT_DOUBLE_EQ(cpu_roof(work, DType::kF32, c)->time_ns, 100e9);
}

TEST(Roof, OfTheCpuIsThatOfTheCacheItsWeightsFit) {
  const CpuCeilings c{.memory_bytes_per_second = 1,
                      .cache_bytes = 1000,
                      .core_cache_bytes = 10,
                      .cache_bytes_per_second = 2,
                      .flops_per_second = 1e9};
  Work work;
  work.touched_bytes = 40;
  EXPECT_FALSE(cpu_roof(work, DType::kF32, c));
  work.touched_bytes = 1000;
  EXPECT_DOUBLE_EQ(cpu_roof(work, DType::kF32, c)->time_ns, 500e9);
  work.touched_bytes = 1001;
  EXPECT_DOUBLE_EQ(cpu_roof(work, DType::kF32, c)->time_ns, 1001e9);
}

TEST(PolicyName, SaysWhoCompetes) {
  EXPECT_EQ(policy_name(TokenChoice{}), "token-choice");
  EXPECT_EQ(policy_name(TokenChoiceCapped{}), "capped");
  EXPECT_EQ(policy_name(ExpertChoice{}), "expert-choice");
  EXPECT_EQ(capacity_factor(TokenChoice{}), std::nullopt);
  EXPECT_EQ(capacity_factor(TokenChoiceCapped{.factor = 2}), 2.0);
}

}  // namespace
}  // namespace moe::harness
