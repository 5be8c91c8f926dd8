// Every CUDA strategy on every awkward shape, in the interpreter: right by the judge, without a
// finding, in many orders, and with the same bits in all of them where it says so. A new strategy
// is under test the moment its file exists.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>

#include "harness/guarded_matrix.h"
#include "harness/judge.h"
#include "harness/simt/cuda_tests/support/trial.h"
#include "harness/simt/runtime/control.h"
#include "harness/turned_batch.h"

namespace moe::harness {
namespace {

using simt::cuda_tests::Way;

struct AwkwardShape {
  const char* name;
  MoeShape shape;
  const char* workload;
  bool thorough_only = false;
};

constexpr MoeShape shape_of(std::int64_t tokens, std::int64_t hidden, std::int64_t ffn,
                            std::int64_t experts, std::int64_t top_k, bool renormalize = true) {
  return {tokens, hidden, ffn, experts, top_k, renormalize, DType::kF32};
}

constexpr AwkwardShape kShapes[] = {
    {"no token", shape_of(0, 8, 16, 4, 2), "uniform"},
    {"one token", shape_of(1, 40, 24, 4, 2), "uniform"},
    {"two tokens", shape_of(2, 8, 16, 4, 2), "uniform", true},
    {"15 tokens, odd sizes", shape_of(15, 33, 19, 7, 3), "zipf:1.0"},
    {"17 tokens, one column", shape_of(17, 1, 1, 3, 2), "uniform"},
    {"17 tokens, all experts", shape_of(17, 16, 24, 5, 5, false), "uniform"},
    {"127 tokens", shape_of(127, 64, 32, 8, 2), "uniform", true},
    {"129 tokens on one expert", shape_of(129, 24, 40, 8, 1), "collapse"},
    {"129 tokens, some experts empty", shape_of(129, 72, 136, 12, 2), "zipf:2.0", true},
    {"over a tile of depth", shape_of(5, 200, 130, 4, 2), "uniform"},
    {"many experts", shape_of(20, 24, 20, 128, 8), "zipf:1.5", true},
    {"one expert", shape_of(9, 16, 16, 1, 1), "uniform", true},
};

bool thorough() { return std::getenv("MOEBENCH_THOROUGH") != nullptr; }

// f16 and tf32 run the code of bf16 with another instruction: one shape tells whether it is right.
bool is_like_another(DType dtype, const AwkwardShape& awkward) {
  const bool like_bf16 = dtype == DType::kF16 || dtype == DType::kTf32;
  return like_bf16 && awkward.shape.tokens != 15;
}

// Of the sixty ways: twelve in the thorough run, two otherwise. All begin with the natural order.
std::vector<Way> ways() {
  const auto& all = simt::cuda_tests::all_ways();
  std::vector<Way> some;
  const std::size_t step = thorough() ? 5 : 37;
  for (std::size_t i = 0; i < all.size(); i += step) some.push_back(all[i]);
  return some;
}

struct Totals {
  int cells = 0, runs = 0, unsupported = 0;
};
Totals totals;

class OnTheInterpreter : public testing::Test {
 public:
  OnTheInterpreter(const StrategyInfo& info, DType dtype) : info_(info), dtype_(dtype) {}

  void TestBody() override {
    std::string declined;
    int run = 0;
    for (const AwkwardShape& awkward : kShapes) {
      if (!thorough() && (awkward.thorough_only || is_like_another(dtype_, awkward))) continue;
      MoeShape shape = awkward.shape;
      shape.dtype = dtype_;
      if (const auto why = info_.unsupported(shape)) {
        declined = *why;
        ++totals.unsupported;
        continue;
      }
      SCOPED_TRACE(awkward.name);
      ++run;
      judge_and_repeat(make_workload(awkward.workload, shape, make_weights(shape, 3), 3));
      if (HasFatalFailure()) return;
    }
    if (run == 0) GTEST_SKIP() << declined;
    if (operations_ > 0) RecordProperty("operations", std::to_string(operations_));
  }

 private:
  void judge_and_repeat(const Workload& work) {
    ++totals.cells;
    Judge judge(work);
    std::string library;
    const auto trial = simt::cuda_tests::run_once(Way{}, [&] {
      const Judgement judgement = judge.examine(info_, {});
      library = judgement.library_algorithms;
      return judgement.validation.fault;
    });
    ASSERT_TRUE(trial.wrong.empty() && trial.findings.empty()) << describe(trial);
    const bool calls_library = info_.name.starts_with("cublaslt-") && work.shape.tokens > 0;
    EXPECT_EQ(library.starts_with("cuBLASLt "), calls_library) << library;
    const auto recorded = simt::cuda_tests::run_once(
        Way{}, [&] { return work.shape.tokens == 0 ? "" : record(work, judge); });
    ASSERT_TRUE(recorded.wrong.empty() && recorded.findings.empty()) << describe(recorded);
    first_.clear();
    for (const Way& way : ways()) {
      const auto again = simt::cuda_tests::run_once(way, [&] { return run(work, judge); });
      ++totals.runs;
      ASSERT_TRUE(again.wrong.empty() && again.findings.empty()) << describe(again);
    }
  }

  // One run, judged by value, and by bits against the first.
  std::string run(const Workload& work, Judge& judge) {
    Device* device = device_of(info_.backend);
    const TurnedBatch batches(work.problem().batch, work.shape.dtype, device);
    GuardedMatrix y(work.shape.tokens, work.shape.hidden, device);
    const auto strategy = info_.make();
    strategy->prepare(work.problem().layer);
    NoClock clock;
    strategy->run(batches.turned(0), y.view(), clock);
    const Output output{y.copy(), strategy->read_back()};
    const std::string fault = judge.compare_with({}, info_.policy({}), output);
    if (!fault.empty()) return fault;
    if (!y.guards_intact()) return "wrote outside y";
    if (first_.empty()) first_ = output.y;
    const bool same = first_.empty() || std::memcmp(first_.data(), output.y.data(),
                                                    first_.size() * sizeof(float)) == 0;
    return same || !info_.execution.repeatable ? "" : "other bits than in the first order";
  }

  // A run that waits for the host cannot be recorded, so what can be recorded waited for nobody.
  // What was recorded, launched twice, gives what a run gives.
  std::string record(const Workload& work, Judge& judge) {
    Device* device = device_of(info_.backend);
    const TurnedBatch batches(work.problem().batch, work.shape.dtype, device);
    GuardedMatrix y(work.shape.tokens, work.shape.hidden, device);
    const auto strategy = info_.make();
    strategy->prepare(work.problem().layer);
    NoClock clock;
    const auto recording =
        device->record([&] { strategy->run(batches.turned(0), y.view(), clock); });
    const bool says = info_.execution.graph;
    if (says != (info_.execution.host_syncs == 0)) return "waits for the host, or does not?";
    if (says != (recording != nullptr)) {
      return says ? "cannot be recorded, and says that it can" : "can be recorded, and denies it";
    }
    if (!recording) return "";
    operations_ = recording->operations();
    recording->launch();
    y.poison();
    recording->launch();
    return judge.compare_with({}, info_.policy({}), {y.copy(), strategy->read_back()});
  }

  const StrategyInfo& info_;
  DType dtype_;
  std::int64_t operations_ = 0;
  std::vector<float> first_;
};

class PrintTotals : public testing::Environment {
 public:
  void TearDown() override {
    fmt::print("compute_{}: {} cells right, {} runs in {} orders, {} cells unsupported\n",
               simt::simulated_device().architecture.name, totals.cells, totals.runs, ways().size(),
               totals.unsupported);
  }
};

bool register_all() {
  for (const StrategyInfo* info : all_strategies()) {
    if (info->backend != Backend::kSim) continue;
    for (int d = 0; d < static_cast<int>(kDTypeNames.size()); ++d) {
      std::string name = fmt::format("{}_{}", info->name, kDTypeNames[d]);
      std::ranges::replace(name, '-', '_');
      testing::RegisterTest(
          "OnTheInterpreter", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
          [=]() -> testing::Test* { return new OnTheInterpreter(*info, static_cast<DType>(d)); });
    }
  }
  testing::AddGlobalTestEnvironment(new PrintTotals);
  return true;
}
const bool registered = register_all();

}  // namespace
}  // namespace moe::harness
