#include "kernels/common/slots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace moe {
namespace {

using testing::ElementsAre;

// Four tokens, two choices each, three experts.
const std::vector<std::int32_t> kExpert = {2, 0, 2, 1, 0, 2, 2, 0};

Slots room(std::size_t slots) {
  Slots s;
  s.of_assignment.assign(kExpert.size(), 99);
  s.token.assign(slots, 99);
  s.begin.assign(4, 99);
  return s;
}

TEST(PlaceByExpert, SlotsOfAnExpertAreInTokenOrder) {
  Slots s = room(8);
  place_by_expert(kExpert, 2, 3, s);
  EXPECT_THAT(s.begin, ElementsAre(0, 3, 4, 8));
  EXPECT_THAT(s.token, ElementsAre(0, 2, 3, 1, 0, 1, 2, 3));
}

TEST(PlaceByExpert, AssignmentsAndSlotsAreABijection) {
  Slots s = room(8);
  place_by_expert(kExpert, 2, 3, s);
  EXPECT_THAT(s.of_assignment, ElementsAre(4, 0, 5, 3, 1, 6, 7, 2));
}

TEST(PlaceByExpert, NothingIsPlacedForNoTokens) {
  Slots s = room(8);
  place_by_expert({}, 2, 3, s);
  EXPECT_THAT(s.begin, ElementsAre(0, 0, 0, 0));
}

TEST(PlaceWithCapacity, FirstChoicesComeBeforeSecondOnes) {
  Slots s = room(6);
  place_with_capacity(kExpert, 2, 3, 2, s);
  // First choices 2, 2, 0, 2: expert 2 takes tokens 0 and 1 and is full. Second choices 0, 1, 2, 0:
  // token 0 gets the last place of expert 0, so token 3 gets none at all.
  EXPECT_THAT(s.of_assignment,
              ElementsAre(4, 1, 5, 2, 0, Slots::kDropped, Slots::kDropped, Slots::kDropped));
  EXPECT_THAT(s.token, ElementsAre(2, 0, 1, Slots::kEmpty, 0, 1));
}

TEST(PlaceWithCapacity, RoomForAllDropsNothing) {
  Slots s = room(12);
  place_with_capacity(kExpert, 2, 3, 4, s);
  EXPECT_THAT(s.of_assignment, testing::Each(testing::Ge(0)));
  EXPECT_THAT(s.begin, ElementsAre(0, 4, 8, 12));
}

}  // namespace
}  // namespace moe
