#include "reference/io/strict_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "kernels/contract/error.h"

namespace moe::reference {
namespace {

using testing::HasSubstr;

Json parse(const std::string& text) { return Json::parse_text(text, "f.json"); }

// The message of the UserError that `action` throws.
template <class Action>
std::string complaint(Action action) {
  try {
    action();
  } catch (const UserError& e) {
    return e.what();
  }
  return "(no complaint)";
}

std::string complaint_about(const std::string& text) {
  return complaint([&] { parse(text); });
}

TEST(StrictJson, NamesFileLineColumnPathAndTheNearestWord) {
  const Json j = parse("{\n  // which\n  \"matrix\": {\"routing\": [ {\"gen\" : \"zipff\"} ]}\n}");
  const std::vector<std::string> known = {"balanced", "uniform", "zipf"};
  const Json gen = j.at("matrix").at("routing").items()[0].at("gen");
  EXPECT_EQ(complaint([&] { gen.one_of(known, "routing"); }),
            "f.json:3:36: /matrix/routing/0/gen: unknown routing \"zipff\" (did you mean "
            "\"zipf\"?); known: balanced, uniform, zipf");
}

TEST(StrictJson, KnowsTheColumnOfEveryKindOfValue) {
  const Json j = parse(R"(  [1,-20 , 3.5e2, "a\"\\u00e9,", null,true,[],{} ,[6], {"k":7},false])");
  EXPECT_EQ(j.place(), "f.json:1:3");
  std::vector<std::string> places;
  for (const Json& item : j.items()) places.push_back(item.place());
  EXPECT_THAT(places, testing::ElementsAre("f.json:1:4: /0", "f.json:1:6: /1", "f.json:1:12: /2",
                                           "f.json:1:19: /3", "f.json:1:34: /4", "f.json:1:39: /5",
                                           "f.json:1:44: /6", "f.json:1:47: /7", "f.json:1:51: /8",
                                           "f.json:1:56: /9", "f.json:1:64: /10"));
  EXPECT_EQ(j.items()[8].items()[0].place(), "f.json:1:52: /8/0");
  EXPECT_EQ(j.items()[9].at("k").place(), "f.json:1:61: /9/k");
}

TEST(StrictJson, KnowsTheColumnAfterAComment) {
  EXPECT_EQ(parse("/* , 1 */ // [\n [1/*]*/,//x\n2 ]").items()[1].place(), "f.json:3:1: /1");
}

TEST(StrictJson, CountsColumnsInCharactersAndSkipsAByteOrderMark) {
  EXPECT_EQ(parse("[\"\u00e9\u20ac\", 1]").items()[1].place(), "f.json:1:8: /1");
  EXPECT_EQ(parse("\xEF\xBB\xBF\n[1]").items()[0].place(), "f.json:2:2: /0");
}

TEST(StrictJson, FindsALoneNumber) { EXPECT_EQ(parse(" 5").place(), "f.json:1:2"); }

TEST(StrictJson, TellsApartKeysThatLookLikePaths) {
  EXPECT_EQ(parse(R"({"a/b": 1, "a": {"b": 2}, "~": 3})").at("a").at("b").place(),
            "f.json:1:23: /a/b");
  EXPECT_EQ(parse(R"({"a/b": 1, "a": {"b": 2}, "~": 3})").at("a/b").place(), "f.json:1:9: /a~1b");
  EXPECT_EQ(parse(R"({"a/b": 1, "a": {"b": 2}, "~": 3})").at("~").place(), "f.json:1:32: /~0");
}

TEST(StrictJson, RefusesAnUnknownKeyWhereItStands) {
  const std::vector<std::string> known = {"tokens", "shape"};
  EXPECT_EQ(complaint([&] { parse("{\"shape\": 1,\n \"tokns\": 2}").allow_keys(known); }),
            "f.json:2:2: /tokns: unknown key \"tokns\" (did you mean \"tokens\"?); known: tokens, "
            "shape");
  EXPECT_NO_THROW(parse(R"({"shape": 1})").allow_keys(known));
}

TEST(StrictJson, RefusesAMissingKey) {
  EXPECT_EQ(complaint([] { parse(R"({"a": {"tokns": 2}})").at("a").at("tokens"); }),
            "f.json:1:7: /a: the key \"tokens\" is missing (did you mean \"tokns\"?)");
}

TEST(StrictJson, RefusesDuplicateKeys) {
  EXPECT_EQ(complaint_about("{\"a\": 1, \"b\": 2,\n \"a\": 3}"), "f.json:2:2: duplicate key \"a\"");
  EXPECT_NO_THROW(parse(R"({"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]})"));
}

TEST(StrictJson, TakesIntegersOnlyAsIntegers) {
  const auto integer = [](const std::string& text) {
    return complaint([&] { parse(text).integer(0, 1000); });
  };
  EXPECT_EQ(parse("8").integer(0, 8), 8);
  EXPECT_EQ(parse("-8").integer(-8, 8), -8);
  EXPECT_EQ(integer("8.9"), "f.json:1:1: expected an integer from 0 to 1000, found 8.9");
  EXPECT_THAT(integer("8.0"), HasSubstr("found 8.0"));
  EXPECT_THAT(integer("1e2"), HasSubstr("found 100.0"));
  EXPECT_THAT(integer("-1"), HasSubstr("found -1"));
  EXPECT_THAT(integer("1099511627776"), HasSubstr("found 1099511627776"));
  EXPECT_THAT(integer("18446744073709551615"), HasSubstr("found 18446744073709551615"));
  EXPECT_THAT(integer("99999999999999999999999"), HasSubstr("expected an integer"));
  EXPECT_THAT(integer("\"8\""), HasSubstr("found \"8\""));
  EXPECT_THAT(integer("true"), HasSubstr("found true"));
  EXPECT_THAT(integer("null"), HasSubstr("found null"));
}

TEST(StrictJson, RefusesIntegersBeyond64Bits) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(parse("9223372036854775807").integer(0, kMost), kMost);
  EXPECT_THAT(complaint([] { parse("9223372036854775808").integer(-kMost - 1, kMost); }),
              HasSubstr("found 9223372036854775808"));
}

TEST(StrictJson, TakesNumbersInRange) {
  EXPECT_EQ(parse("1.25").number(0, 2), 1.25);
  EXPECT_EQ(parse("2").number(0, 2), 2.0);
  EXPECT_EQ(complaint([] { parse("[2.5]").items()[0].number(0, 2); }),
            "f.json:1:2: /0: expected a number from 0.0 to 2.0, found 2.5");
  EXPECT_THAT(complaint([] { parse("\"1\"").number(0, 2); }), HasSubstr("found \"1\""));
}

TEST(StrictJson, HasNoInfinityAndNoNaN) {
  EXPECT_THAT(complaint_about("[1e999]"), HasSubstr("not JSON"));
  EXPECT_THAT(complaint_about("[NaN]"), HasSubstr("f.json:1:2: not JSON"));
}

TEST(StrictJson, SaysWhichTypeItWanted) {
  EXPECT_EQ(complaint([] { parse("{\"a\": []}").at("a").text(); }),
            "f.json:1:7: /a: expected a string, found a list");
  EXPECT_EQ(complaint([] { parse("3").items(); }), "f.json:1:1: expected a list, found 3");
  EXPECT_EQ(complaint([] { parse("3").members(); }), "f.json:1:1: expected an object, found 3");
  EXPECT_EQ(complaint([] { parse("3").has("a"); }), "f.json:1:1: expected an object, found 3");
  EXPECT_EQ(complaint([] { parse("{}").boolean(); }),
            "f.json:1:1: expected true or false, found an object");
}

TEST(StrictJson, RefusesMoreThan64Levels) {
  EXPECT_NO_THROW(parse(std::string(64, '[') + std::string(64, ']')));
  EXPECT_EQ(complaint_about(std::string(65, '[') + std::string(65, ']')),
            "f.json:1:65: more than 64 levels deep");
  EXPECT_THAT(complaint_about(std::string(100'000, '[')), HasSubstr("more than 64 levels"));
  std::string objects;
  for (int i = 0; i < 100'000; ++i) objects += "{\"a\":";
  EXPECT_THAT(complaint_about(objects), HasSubstr("more than 64 levels"));
}

TEST(StrictJson, RefusesTrailingText) {
  EXPECT_THAT(complaint_about("{} x"), HasSubstr("f.json:1:4: not JSON"));
  EXPECT_THAT(complaint_about("{} {}"), HasSubstr("f.json:1:4: not JSON"));
}

TEST(StrictJson, RefusesANulByte) {
  EXPECT_EQ(complaint_about(std::string("{}\n\0 x", 6)), "f.json:2:1: not JSON: a NUL byte");
}

TEST(StrictJson, PointsAtASyntaxError) {
  EXPECT_THAT(complaint_about("{\n \"a\": tru\n}"), HasSubstr("f.json:2:10: not JSON"));
  EXPECT_THAT(complaint_about("[1,\n2"), HasSubstr("f.json:2:2: not JSON"));
  EXPECT_THAT(complaint_about("[1,]"), HasSubstr("f.json:1:4: not JSON"));
}

TEST(StrictJson, RefusesTextsWithoutAValue) {
  EXPECT_EQ(complaint_about(""), "f.json: is empty; expected JSON");
  EXPECT_THAT(complaint_about(" // nothing\n"), HasSubstr("there is no value"));
}

TEST(StrictJson, RefusesInvalidUtf8) {
  EXPECT_THAT(complaint_about("[\"a\xC3(\"]"), HasSubstr("f.json:1:5: not JSON"));
  EXPECT_THAT(complaint_about("[\"\xED\xA0\x80\"]"), HasSubstr("not JSON"));
  EXPECT_THAT(complaint_about("[\"\\ud800\"]"), HasSubstr("not JSON"));
}

TEST(StrictJson, RefusesMoreThan64Megabytes) {
  const std::string text = "[" + std::string(std::size_t{64} << 20, ' ') + "]";
  EXPECT_EQ(complaint_about(text), "f.json: more than 64 MB of JSON");
}

TEST(StrictJson, ReadsAFileAndRefusesFoldersAndMissingOnes) {
  const std::string path = testing::TempDir() + "strict_json_test.json";
  std::ofstream(path) << "{\"a\": 3}";
  EXPECT_EQ(Json::parse_file(path).at("a").place(), path + ":1:7: /a");
  EXPECT_THAT(complaint([&] { Json::parse_file(path + ".none"); }), HasSubstr("cannot be read"));
  EXPECT_THAT(complaint([&] { Json::parse_file(testing::TempDir()); }), HasSubstr("is a folder"));
}

TEST(StrictJson, ChildrenKeepTheDocument) {
  const Json child = [] { return parse(R"({"a": {"b": "text"}})").at("a"); }();
  EXPECT_EQ(child.at("b").text(), "text");
}

}  // namespace
}  // namespace moe::reference
