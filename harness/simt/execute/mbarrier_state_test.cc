#include "harness/simt/execute/mbarrier_state.h"

#include <gtest/gtest.h>

namespace moe::simt {
namespace {

TEST(MbarrierState, CompletesItsPhaseWithTheLastArrival) {
  MbarrierState state(2);
  EXPECT_EQ(state.arrive(1), "");
  EXPECT_EQ(state.phase(), 0u);
  EXPECT_EQ(state.pending(), 1u);
  EXPECT_EQ(state.arrive(1), "");
  EXPECT_EQ(state.phase(), 1u);
  EXPECT_EQ(state.pending(), 2u);
}

TEST(MbarrierState, WaitsForTheTransactionBytesToo) {
  MbarrierState state(1);
  EXPECT_EQ(state.expect_tx(1024), "");
  EXPECT_EQ(state.arrive(1), "");
  EXPECT_EQ(state.phase(), 0u);
  EXPECT_EQ(state.complete_tx(1000), "");
  EXPECT_EQ(state.phase(), 0u);
  EXPECT_EQ(state.complete_tx(24), "");
  EXPECT_EQ(state.phase(), 1u);
  EXPECT_EQ(state.tx_count(), 0);
}

TEST(MbarrierState, TakesBytesThatArriveBeforeTheyAreExpected) {
  MbarrierState state(1);
  EXPECT_EQ(state.complete_tx(64), "");
  EXPECT_EQ(state.tx_count(), -64);
  EXPECT_EQ(state.phase(), 0u);
  EXPECT_EQ(state.expect_tx(64), "");
  EXPECT_EQ(state.arrive(1), "");
  EXPECT_EQ(state.phase(), 1u);
}

TEST(MbarrierState, RefusesOneArrivalTooMany) {
  MbarrierState state(1);
  EXPECT_EQ(state.expect_tx(16), "");
  EXPECT_EQ(state.arrive(1), "");  // the phase stays open for its bytes
  EXPECT_NE(state.arrive(1), "");
  EXPECT_EQ(state.complete_tx(16), "");
  EXPECT_EQ(state.phase(), 1u);
  EXPECT_NE(state.arrive(2), "");
}

TEST(MbarrierState, CountsFromOneTo1048575) {
  EXPECT_NE(MbarrierState::misuse_of_count(0), "");
  EXPECT_EQ(MbarrierState::misuse_of_count(1), "");
  EXPECT_EQ(MbarrierState::misuse_of_count(1048575), "");
  EXPECT_NE(MbarrierState::misuse_of_count(1048576), "");
}

TEST(MbarrierState, RefusesTransactionCountsBeyond1048575EitherWay) {
  MbarrierState state(1);
  EXPECT_EQ(state.expect_tx(1048575), "");
  EXPECT_NE(state.expect_tx(1), "");
  MbarrierState early(1);
  EXPECT_EQ(early.complete_tx(1048575), "");
  EXPECT_NE(early.complete_tx(1), "");
  EXPECT_NE(early.expect_tx(0xffffffff), "");
}

TEST(MbarrierState, DropsItsArrivalFromLaterPhases) {
  MbarrierState state(3);
  EXPECT_EQ(state.arrive_drop(1), "");
  EXPECT_EQ(state.pending(), 2u);
  EXPECT_EQ(state.expected(), 2u);
  EXPECT_EQ(state.arrive(2), "");
  EXPECT_EQ(state.phase(), 1u);
  EXPECT_EQ(state.pending(), 2u);
}

TEST(MbarrierState, LeavesARefusedDropWithoutTrace) {
  MbarrierState state(2);
  EXPECT_EQ(state.arrive(1), "");
  EXPECT_NE(state.arrive_drop(2), "");
  EXPECT_EQ(state.expected(), 2u);
  EXPECT_EQ(state.pending(), 1u);
}

TEST(MbarrierState, RefusesANoCompleteArrivalThatWouldComplete) {
  MbarrierState state(2);
  EXPECT_EQ(state.arrive(1, false), "");
  EXPECT_NE(state.arrive(1, false), "");
  EXPECT_EQ(state.phase(), 0u);
}

TEST(MbarrierState, KnowsThePhaseBeforeTheFirstAsComplete) {
  MbarrierState state(1);
  EXPECT_FALSE(state.parity_complete(0));
  EXPECT_TRUE(state.parity_complete(1));
  EXPECT_EQ(state.arrive(1), "");
  EXPECT_TRUE(state.parity_complete(0));
  EXPECT_FALSE(state.parity_complete(1));
}

TEST(MbarrierState, HasAWordOfItsOwnForEveryState) {
  MbarrierState state(2);
  const std::uint64_t fresh = state.word();
  EXPECT_NE(fresh, 0u);
  EXPECT_NE(fresh, ~0ull);
  EXPECT_EQ(fresh, 0x8000000000200002ull);  // mark 10; pending 2 at bit 20; expected 2
  EXPECT_EQ(state.complete_tx(1), "");
  EXPECT_EQ(state.word(), 0x9fffff0000200002ull);  // tx -1 in 21 bits from bit 40
}

TEST(MbarrierToken, KeepsPhaseOffsetAndPending) {
  const MbarrierToken token{.phase = 5, .offset = 1032, .pending = 7};
  EXPECT_EQ(token.encode(), 0x8000000000000000ull | 5ull << 37 | 129ull << 20 | 7);
  const MbarrierToken back = MbarrierToken::decode(token.encode());
  EXPECT_EQ(back.phase, 5u);
  EXPECT_EQ(back.offset, 1032u);
  EXPECT_EQ(back.pending, 7u);
}

TEST(MbarrierToken, FindsItsFullPhaseBehindTheWrap) {
  const MbarrierToken token{.phase = MbarrierToken::kPhases - 1};
  EXPECT_EQ(token.full_phase(MbarrierToken::kPhases), MbarrierToken::kPhases - 1);
  EXPECT_EQ(token.full_phase(MbarrierToken::kPhases - 1), MbarrierToken::kPhases - 1);
}

}  // namespace
}  // namespace moe::simt
