// Tests of what statements define and use, and of how far values live.
#include "harness/simt/machine/liveness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "harness/simt/machine/test_function.h"

namespace moe::simt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

std::pair<int, int> interval(const TestFunction& f, int reg) {
  const LiveInterval found = live_intervals(f.function).at(reg);
  return {found.first, found.last};
}

RegisterEffects effects(const TestFunction& f) {
  RegisterEffects found;
  effects_of(f.function.body.back(), found);
  return found;
}

TEST(RegisterEffects, AnAddWritesItsFirstOperandAndReadsTheOthers) {
  TestFunction f;
  const int d = f.make(), a = f.make(), b = f.make();
  f.add("add", {reg(d), reg(a), reg(b)});
  EXPECT_THAT(effects(f).definitions, ElementsAre(d));
  EXPECT_THAT(effects(f).uses, UnorderedElementsAre(a, b));
}

TEST(RegisterEffects, AGuardedDefinitionMayKeepTheOldValue) {
  TestFunction f;
  const int d = f.make(), a = f.make(), p = f.make(1);
  f.add("mov", {reg(d), reg(a)}, p);
  EXPECT_THAT(effects(f).definitions, IsEmpty());
  EXPECT_THAT(effects(f).uses, UnorderedElementsAre(p, d, a));
}

TEST(RegisterEffects, AnUnknownOpcodeMayKeepTheOldValue) {
  TestFunction f;
  const int d = f.make(), a = f.make();
  f.add("multimem", {reg(d), address(a)});
  EXPECT_THAT(effects(f).definitions, IsEmpty());
  EXPECT_THAT(effects(f).uses, UnorderedElementsAre(d, a));
}

TEST(RegisterEffects, AVectorLoadWritesEveryElement) {
  TestFunction f;
  const int x = f.make(), y = f.make(), base = f.make(64);
  f.add("ld", {vector({x, y}), address(base)});
  EXPECT_THAT(effects(f).definitions, ElementsAre(x, y));
  EXPECT_THAT(effects(f).uses, ElementsAre(base));
}

TEST(RegisterEffects, AComparisonWritesBothPredicates) {
  TestFunction f;
  const int p = f.make(1), q = f.make(1), a = f.make();
  f.add("setp", {pair(p, q), reg(a), reg(a)});
  EXPECT_THAT(effects(f).definitions, ElementsAre(p, q));
}

TEST(RegisterEffects, AStoreWritesNoRegister) {
  TestFunction f;
  const int base = f.make(64), x = f.make(), y = f.make();
  f.add("st", {address(base), vector({x, y})});
  EXPECT_THAT(effects(f).definitions, IsEmpty());
  EXPECT_THAT(effects(f).uses, UnorderedElementsAre(base, x, y));
}

TEST(RegisterEffects, ABarriersFirstOperandIsRead) {
  TestFunction f;
  const int number = f.make();
  f.add("bar", {reg(number)});
  EXPECT_THAT(effects(f).uses, ElementsAre(number));
  EXPECT_THAT(effects(f).definitions, IsEmpty());
}

TEST(RegisterEffects, AnAccumulatorThatIsTiedIsReadAndWritten) {
  TestFunction f;
  const int d0 = f.make(), d1 = f.make(), a = f.make(), b = f.make();
  f.add("mma", {vector({d0, d1}), vector({a}), vector({b}), vector({d0, d1})});
  EXPECT_THAT(effects(f).definitions, ElementsAre(d0, d1));
  EXPECT_THAT(effects(f).uses, UnorderedElementsAre(a, b, d0, d1));
}

TEST(LiveInterval, ReachesFromTheDefinitionToTheLastUse) {
  TestFunction f;
  const int a = f.make(), b = f.make(), never = f.make();
  f.add("ret", {}, f.make(1));
  f.add("mov", {reg(a)});
  f.add("add", {reg(b), reg(a), reg(a)});
  f.add("add", {reg(b), reg(a), reg(b)});
  f.add("ret");
  EXPECT_THAT(interval(f, a), Pair(1, 3));
  EXPECT_THAT(interval(f, b), Pair(2, 3));
  EXPECT_THAT(interval(f, never), Pair(-1, -1));
}

TEST(LiveInterval, OfAValueThatNobodyReadsIsItsDefinition) {
  TestFunction f;
  const int a = f.make();
  f.add("bar");
  f.add("mov", {reg(a)});
  f.add("bar");
  EXPECT_THAT(interval(f, a), Pair(1, 1));
}

TEST(LiveInterval, ReachesOverTheBranchThatDoesNotUseIt) {
  TestFunction f;
  const int p = f.make(1), a = f.make(), b = f.make();
  f.add("mov", {reg(a)});  // 0
  f.branch("else", p);     // 1
  f.add("mov", {reg(b)});  // 2
  f.branch("end");         // 3
  f.label("else");         //
  f.add("mov", {reg(b)});  // 4
  f.label("end");          //
  f.add("bar");            // 5
  f.add("st", {reg(a)});   // 6
  f.add("st", {reg(b)});   // 7
  EXPECT_THAT(interval(f, a), Pair(0, 6));
  EXPECT_THAT(interval(f, b), Pair(2, 7));
  EXPECT_THAT(interval(f, p), Pair(0, 1));  // never written: live from the first statement
}

TEST(LiveInterval, OfAValueTheNextRoundReadsCoversTheWholeLoop) {
  TestFunction f;
  const int p = f.make(1), sum = f.make(), term = f.make(), bound = f.make();
  f.add("mov", {reg(sum)});                       // 0
  f.add("mov", {reg(bound)});                     // 1
  f.label("loop");                                //
  f.add("bar");                                   // 2
  f.add("ld", {reg(term), address(bound)});       // 3
  f.add("add", {reg(sum), reg(sum), reg(term)});  // 4
  f.add("setp", {reg(p), reg(sum), reg(bound)});  // 5
  f.add("bar");                                   // 6
  f.branch("loop", p);                            // 7
  f.add("ret");                                   // 8
  EXPECT_THAT(interval(f, sum), Pair(0, 7));
  EXPECT_THAT(interval(f, bound), Pair(1, 7));
  EXPECT_THAT(interval(f, term), Pair(3, 4));
  EXPECT_THAT(interval(f, p), Pair(5, 7));
}

TEST(LiveInterval, AGuardedDefinitionDoesNotEndTheLifeBeforeIt) {
  TestFunction f;
  const int p = f.make(1), a = f.make(), b = f.make();
  f.add("setp", {reg(p)});            // 0
  f.add("mov", {reg(a)});             // 1
  f.add("bar");                       // 2
  f.add("mov", {reg(a), reg(b)}, p);  // 3
  f.add("st", {reg(a)});              // 4
  EXPECT_THAT(interval(f, a), Pair(1, 4));
}

TEST(LiveInterval, OfAValueThatOnePathReadsUnwrittenStartsAtTheEntry) {
  TestFunction f;
  const int p = f.make(1), a = f.make();
  f.add("setp", {reg(p)});  // 0
  f.add("bar");             // 1
  f.branch("use", p);       // 2
  f.add("mov", {reg(a)});   // 3
  f.label("use");           //
  f.add("st", {reg(a)});    // 4
  EXPECT_THAT(interval(f, a), Pair(0, 4));
}

TEST(LiveInterval, AnIndexedBranchKeepsWhatEachTargetReads) {
  TestFunction f;
  const int index = f.make(), a = f.make(), b = f.make();
  f.function.branch_targets["list"] = {"first", "second"};
  f.add("mov", {reg(index)});                  // 0
  f.add("mov", {reg(a)});                      // 1
  f.add("mov", {reg(b)});                      // 2
  f.add("brx", {reg(index), symbol("list")});  // 3
  f.label("first");                            //
  f.add("st", {reg(a)});                       // 4
  f.add("ret");                                // 5
  f.label("second");                           //
  f.add("st", {reg(b)});                       // 6
  EXPECT_THAT(interval(f, a), Pair(1, 4));
  EXPECT_THAT(interval(f, b), Pair(2, 6));
  EXPECT_THAT(interval(f, index), Pair(0, 3));
}

TEST(LiveInterval, OfANestedLoopsOuterValueCoversTheInnerLoop) {
  TestFunction f;
  const int p = f.make(1), outer = f.make(), inner = f.make();
  f.add("mov", {reg(outer)});              // 0
  f.label("a");                            //
  f.add("mov", {reg(inner), reg(outer)});  // 1
  f.label("b");                            //
  f.add("add", {reg(inner), reg(inner)});  // 2
  f.add("setp", {reg(p), reg(inner)});     // 3
  f.branch("b", p);                        // 4
  f.add("setp", {reg(p), reg(inner)});     // 5
  f.branch("a", p);                        // 6
  f.add("ret");                            // 7
  EXPECT_THAT(interval(f, outer), Pair(0, 6));
  EXPECT_THAT(interval(f, inner), Pair(1, 5));
}

}  // namespace
}  // namespace moe::simt
