// Tests of the flow graph, on bodies of a few statements.
#include "harness/simt/machine/flow_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/simt/machine/test_function.h"

namespace moe::simt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::ThrowsMessage;
using testing::UnorderedElementsAre;

TEST(FlowGraph, StraightCodeIsOneBlock) {
  TestFunction f;
  f.add("mov");
  f.add("add");
  f.add("ret");
  const auto blocks = flow_graph(f.function);
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(blocks[0].begin, 0);
  EXPECT_EQ(blocks[0].end, 3);
  EXPECT_THAT(blocks[0].successors, IsEmpty());
}

TEST(FlowGraph, AnEmptyBodyHasNoBlocks) {
  TestFunction f;
  f.label("end");
  EXPECT_THAT(flow_graph(f.function), IsEmpty());
}

TEST(FlowGraph, AGuardedBranchMayBeTakenOrPassed) {
  TestFunction f;
  const int p = f.make(1);
  f.branch("else", p);  // block 0
  f.add("mov");         // block 1
  f.branch("end");
  f.label("else");
  f.add("mov");  // block 2
  f.label("end");
  f.add("ret");  // block 3
  const auto blocks = flow_graph(f.function);
  ASSERT_EQ(blocks.size(), 4u);
  EXPECT_THAT(blocks[0].successors, UnorderedElementsAre(1, 2));
  EXPECT_THAT(blocks[1].successors, ElementsAre(3));
  EXPECT_THAT(blocks[2].successors, ElementsAre(3));
  EXPECT_THAT(blocks[3].successors, IsEmpty());
}

TEST(FlowGraph, ABackwardBranchClosesALoop) {
  TestFunction f;
  const int p = f.make(1);
  f.add("mov");
  f.label("loop");
  f.add("add");
  f.branch("loop", p);
  f.add("ret");
  const auto blocks = flow_graph(f.function);
  ASSERT_EQ(blocks.size(), 3u);
  EXPECT_THAT(blocks[1].successors, UnorderedElementsAre(1, 2));
}

TEST(FlowGraph, AnIndexedBranchMayGoToEveryLabelOfItsList) {
  TestFunction f;
  const int index = f.make();
  f.function.branch_targets["list"] = {"a", "b"};
  f.add("brx", {reg(index), symbol("list")});
  f.label("a");
  f.add("mov");
  f.label("b");
  f.add("ret");
  const auto blocks = flow_graph(f.function);
  ASSERT_EQ(blocks.size(), 3u);
  EXPECT_THAT(blocks[0].successors, ElementsAre(1, 2));
}

TEST(FlowGraph, AGuardedExitMayBePassed) {
  for (const char* opcode : {"ret", "exit", "trap"}) {
    TestFunction f;
    const int p = f.make(1);
    f.add(opcode, {}, p);
    f.add(opcode);
    f.add("mov");  // not reached
    const auto blocks = flow_graph(f.function);
    ASSERT_EQ(blocks.size(), 3u) << opcode;
    EXPECT_THAT(blocks[0].successors, ElementsAre(1)) << opcode;
    EXPECT_THAT(blocks[1].successors, IsEmpty()) << opcode;
  }
}

TEST(FlowGraph, ACallComesBack) {
  TestFunction f;
  f.add("call", {symbol("callee")});
  f.label("behind");
  f.add("ret");
  EXPECT_THAT(flow_graph(f.function)[0].successors, ElementsAre(1));
}

TEST(FlowGraph, ALabelBehindTheLastStatementIsAReturn) {
  TestFunction f;
  const int p = f.make(1);
  f.branch("end", p);
  f.add("mov");
  f.label("end");
  EXPECT_THAT(flow_graph(f.function)[0].successors, ElementsAre(1));
}

TEST(FlowGraph, AMissingLabelIsAnErrorThatNamesTheStatement) {
  TestFunction f;
  f.function.name = "kernel";
  f.add("mov");
  f.branch("nowhere");
  EXPECT_THAT([&] { flow_graph(f.function); },
              ThrowsMessage<ptx::Error>(HasSubstr("kernel:2: no label named nowhere")));
}

TEST(FlowGraph, AMissingListOfLabelsIsAnError) {
  TestFunction f;
  const int index = f.make();
  f.add("brx", {reg(index), symbol("list")});
  EXPECT_THAT([&] { flow_graph(f.function); },
              ThrowsMessage<ptx::Error>(HasSubstr("no .branchtargets named list")));
}

}  // namespace
}  // namespace moe::simt
