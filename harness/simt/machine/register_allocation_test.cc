// Tests of which registers share rows and which may not.
#include "harness/simt/machine/register_allocation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "harness/simt/machine/test_function.h"

namespace moe::simt {
namespace {

TEST(RowAssignment, RegistersThatAreNeverNeededTogetherShareARow) {
  TestFunction f;
  const int a = f.make(), b = f.make(), base = f.make(64);
  f.add("mov", {reg(a)});
  f.add("st", {address(base), reg(a)});
  f.add("mov", {reg(b)});
  f.add("st", {address(base), reg(b)});
  const RowAssignment rows = assign_rows(f.function);
  EXPECT_EQ(rows.row[a], rows.row[b]);
  EXPECT_EQ(rows.rows, 3);
}

TEST(RowAssignment, ADestinationNeverSharesWithASourceOfItsStatement) {
  TestFunction f;
  const int a = f.make(), b = f.make();
  f.add("mov", {reg(a)});
  f.add("add", {reg(b), reg(a), reg(a)});
  const RowAssignment rows = assign_rows(f.function);
  EXPECT_NE(rows.row[a], rows.row[b]);
}

TEST(RowAssignment, DestinationsOfOneStatementDoNotShareEvenWhenNobodyReadsThem) {
  TestFunction f;
  const int x = f.make(), y = f.make(), base = f.make(64);
  f.add("ld", {vector({x, y}), address(base)});
  const RowAssignment rows = assign_rows(f.function);
  EXPECT_NE(rows.row[x], rows.row[y]);
}

TEST(RowAssignment, AChainOfATwoThousandValuesTakesTwoRows) {
  TestFunction f;
  int last = f.make();
  f.add("mov", {reg(last)});
  for (int i = 0; i < 2000; ++i) {
    const int next = f.make();
    f.add("add", {reg(next), reg(last), reg(last)});
    last = next;
  }
  EXPECT_EQ(assign_rows(f.function).rows, 2);
}

// Lane 1's column of a 64-bit value is lane 2's and 3's of a 32-bit value; a predicate's bits all
// lie in lane 0's. Lanes at different places would overwrite one another's values.
TEST(RowAssignment, ClassesDoNotShareRows) {
  TestFunction f;
  std::set<int> used;
  int expected = 0;
  for (const int bits : {1, 32, 64, 128}) {
    f.add("mov", {reg(f.make(bits))});
    expected += rows_of(f.function.registers.back().type);
  }
  const RowAssignment rows = assign_rows(f.function);
  for (std::size_t r = 0; r < rows.row.size(); ++r) {
    for (int i = 0; i < rows_of(f.function.registers[r].type); ++i) {
      EXPECT_TRUE(used.insert(rows.row[r] + i).second) << r;
    }
  }
  EXPECT_EQ(expected, 8);
  EXPECT_EQ(rows.rows, 8);
  EXPECT_EQ(*used.rbegin(), 7);
}

TEST(RowAssignment, NarrowValuesShareWithWords) {
  TestFunction f;
  for (const int bits : {8, 16, 32}) f.add("mov", {reg(f.make(bits))});
  EXPECT_EQ(assign_rows(f.function).rows, 1);
}

TEST(RowAssignment, AValueReadBeforeItIsWrittenSharesWithNothingEarlier) {
  TestFunction f;
  const int early = f.make(), never_written = f.make();
  f.add("mov", {reg(early)});
  f.add("bar");
  f.add("st", {reg(never_written)});
  const RowAssignment rows = assign_rows(f.function);
  EXPECT_NE(rows.row[early], rows.row[never_written]);
}

TEST(RowAssignment, AsynchronousWritersKeepEveryRegisterApart) {
  for (const char* opcode : {"wgmma", "tcgen05", "setmaxnreg"}) {
    TestFunction f;
    const int a = f.make(), b = f.make();
    f.add("mov", {reg(a)});
    f.add("mov", {reg(b)});
    EXPECT_EQ(assign_rows(f.function).rows, 1) << "without";
    f.add(opcode);
    EXPECT_EQ(assign_rows(f.function).rows, 2) << opcode;
  }
}

TEST(RowAssignment, ARegisterThatIsNeverNamedHasNoRow) {
  TestFunction f;
  const int named = f.make(), unnamed = f.make();
  f.add("mov", {reg(named)});
  const RowAssignment rows = assign_rows(f.function);
  EXPECT_EQ(rows.row[named], 0);
  EXPECT_EQ(rows.row[unnamed], RowAssignment::kNoRow);
  EXPECT_EQ(rows.rows, 1);
}

TEST(RowAssignment, AnEmptyFunctionTakesNone) {
  TestFunction f;
  EXPECT_EQ(assign_rows(f.function).rows, 0);
}

TEST(RowAssignment, ATypeNoRegisterHasIsAnError) {
  TestFunction f;
  f.add("mov", {reg(f.make(256))});
  EXPECT_THROW(assign_rows(f.function), ptx::Error);
}

}  // namespace
}  // namespace moe::simt
