#include "harness/cell.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/shapes.h"
#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

Cell mixtral() {
  Cell c;
  c.shape_name = "mixtral-8x7b";
  c.shape = model_shape("mixtral-8x7b").shape;
  c.shape.tokens = 1024;
  c.workload = "zipf:1.0";
  c.strategy = "sort-and-group@cpu";
  return c;
}

TEST(Cell, IsNamedByEverythingThatMattersAndNoMore) {
  EXPECT_EQ(mixtral().name(), "mixtral-8x7b/T=1024/zipf:1.0/f32/sort-and-group@cpu");
}

TEST(Cell, NamesOptionsOnlyWhereTheyAreNotTheDefault) {
  Cell c = mixtral();
  c.knobs.capacity_factor = 1.1;
  c.seed = 7;
  c.threads = 2;
  EXPECT_EQ(c.name(),
            "mixtral-8x7b/T=1024/zipf:1.0/f32/cf=1.1/seed=7/threads=2/sort-and-group@cpu");
}

TEST(Cell, NamesItsProblemWithoutTheStrategy) {
  Cell c = mixtral();
  c.seed = 7;
  EXPECT_EQ(c.problem_name(), "mixtral-8x7b/T=1024/zipf:1.0/f32/seed=7");
}

TEST(ParseCell, IsTheInverseOfTheName) {
  for (const char* name :
       {"mixtral-8x7b/T=1024/zipf:1.0/f32/sort-and-group@cpu",
        "tiny/T=0/uniform/f32/cf=1.25/loop-per-expert@cuda",
        "tiny/T=1048576/hot:1:0.5/f32/seed=0/loop-per-expert@cpu",
        "tiny/T=7/hot:1:0.5/f32/seed=18446744073709551615/threads=16/loop-per-expert@cpu",
        "H=64,F=96,E=8,K=2,all/T=7/uniform/f32/cf=0.001/seed=2/threads=1/loop-per-expert@cpu",
        "tiny/T=7/trace:a/T=3/f32/cf=2/seed=9/b.safetensors#layer=3/f32/loop-per-expert@cpu",
        "tiny/T=7/trace:/f32#layer=3/f32/seed=2/loop-per-expert@cpu"}) {
    EXPECT_EQ(parse_cell(name).name(), name);
  }
}

TEST(ParseProblem, TakesTheNameWithAndWithoutTheStrategy) {
  for (const char* name :
       {"tiny/T=7/zipf:1.0/bf16/seed=2", "tiny/T=7/zipf:1.0/bf16/seed=2/x@cpu"}) {
    const Cell c = parse_problem(name);
    EXPECT_EQ(c.problem_name(), "tiny/T=7/zipf:1.0/bf16/seed=2");
    EXPECT_EQ(c.strategy, "");
  }
}

TEST(ParseCell, ReadsEveryPart) {
  const Cell c = parse_cell("tiny/T=7/trace:a/b#layer=3/f32/cf=1.25/seed=9/threads=2/x@cpu");
  MoeShape tiny = model_shape("tiny").shape;
  tiny.tokens = 7;
  EXPECT_EQ(c.shape_name, "tiny");
  EXPECT_EQ(c.shape, tiny);
  EXPECT_EQ(c.workload, "trace:a/b#layer=3");
  EXPECT_EQ(c.knobs.capacity_factor, 1.25F);
  EXPECT_EQ(c.seed, 9U);
  EXPECT_EQ(c.threads, 2);
  EXPECT_EQ(c.strategy, "x@cpu");
}

TEST(ParseCell, KeepsTheExactCapacityFactor) {
  Cell c = mixtral();
  for (const double factor : {1.1, 0.3333333, 1.0000001, 999.99994}) {
    c.knobs.capacity_factor = factor;
    EXPECT_EQ(parse_cell(c.name()).knobs.capacity_factor, factor);
  }
}

TEST(ParseCell, RefusesWhatIsNoCell) {
  for (const char* name : {"",
                           "tiny",
                           "tiny/T=7",
                           "tiny/T=7/uniform",
                           "tiny/T=7/uniform/f32",
                           "tiny/T=7/f32/x@cpu",
                           "tiny/T=7//f32/x@cpu",
                           "tiny/T=7/uniform/f32/x",
                           "tiny/T=7/uniform/f64/x@cpu",
                           "tiny/T=-1/uniform/f32/x@cpu",
                           "tiny/T=1048577/uniform/f32/x@cpu",
                           "tiny/T=1.5/uniform/f32/x@cpu",
                           "tiny/T=/uniform/f32/x@cpu",
                           "tiny/7/uniform/f32/x@cpu",
                           "tiny/T=7/uniform/f32/cf=nan/x@cpu",
                           "tiny/T=7/uniform/f32/cf=0/x@cpu",
                           "tiny/T=7/uniform/f32/cf=inf/x@cpu",
                           "tiny/T=7/uniform/f32/seed=-1/x@cpu",
                           "tiny/T=7/uniform/f32/threads=2000/x@cpu",
                           "tiny/T=7/uniform/f32/seed=7/cf=1/x@cpu",
                           "tiny/T=7/uniform/f32/seed=/x@cpu",
                           "teeny-weeny/T=7/uniform/f32/x@cpu"}) {
    EXPECT_THROW(parse_cell(name), UserError) << name;
  }
}

TEST(ParseCell, SaysWhatACellLooksLike) {
  EXPECT_THAT([] { parse_cell("tiny/T=7/uniform/f32/x"); },
              ThrowsMessage<UserError>(
                  "cell \"tiny/T=7/uniform/f32/x\": \"x\" is not STRATEGY@BACKEND; expected "
                  "SHAPE/T=TOKENS/WORKLOAD/DTYPE[/cf=FACTOR][/seed=N][/threads=N]/"
                  "STRATEGY@BACKEND"));
}

TEST(CellCost, CountsTheWeightsTwiceAndThreeProducts) {
  const CellCost c = cost(parse_cell("H=10,F=100,E=3,K=2/T=1000/uniform/f32/x@cpu"));
  EXPECT_EQ(c.weight_bytes, 2 * 3 * 3 * 100 * 10 * 4);
  EXPECT_EQ(c.flops, 2.0 * 3 * 1000 * 2 * 100 * 10);
  EXPECT_EQ(c.activation_bytes, (1000 * (10 + 10 + 3) + 2000 * (10 + 10 + 100 + 100)) * 4);
}

TEST(CellCost, DoesNotOverflowAtTheLargestShape) {
  const CellCost c =
      cost(parse_cell("H=65536,F=1048576,E=4096,K=4096/T=1048576/uniform/f32/x@cpu"));
  EXPECT_EQ(c.flops, 6.0 * 0x1p68);
  EXPECT_EQ(c.weight_bytes, 24LL << 48);
  EXPECT_GT(c.activation_bytes, 0);
}

}  // namespace
}  // namespace moe::harness
