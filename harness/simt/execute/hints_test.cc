// Instructions that say something about time, which there is none of: they change no register. And
// how many vectors all tests of this program have run.
#include <fmt/core.h>

#include "harness/simt/execute/run_ptx.h"

namespace moe::simt {
namespace {

// "nanosleep: suspends the thread for a sleep duration"; "griddepcontrol.wait: causes the executing
// thread to wait until all prerequisite grids in flight have completed": grids run one by one.
TEST(Hints, LeaveTheRegistersAlone) {
  for (const char* hint : {"nanosleep.u32 50;", "nanosleep.u32 %a;", "griddepcontrol.wait;",
                           "griddepcontrol.launch_dependents;", "pmevent 7;"}) {
    expect_lanes(fmt::format("{} mov.b32 %o, %a;", hint), "b32 -> b32", {{{7}, 7}, {{9}, 9}});
  }
}

TEST(Hints, OfOtherFormsAreRefused) {
  expect_refused("griddepcontrol.go; mov.b32 %o, %a;", "b32 -> b32", "griddepcontrol");
  expect_refused("nanosleep.u64 50; mov.b32 %o, %a;", "b32 -> b32", "nanosleep");
}

class PrintVectorCount : public testing::Environment {
 public:
  void TearDown() override {
    fmt::print("{} vectors worked by hand, of {} forms of instructions\n", vector_count.vectors,
               vector_count.forms);
  }
};
const testing::Environment* const print_count =
    testing::AddGlobalTestEnvironment(new PrintVectorCount);

}  // namespace
}  // namespace moe::simt
