// Tokens, comments and the texts of messages, seen through parse().
#include "harness/simt/ptx/lexer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "harness/simt/ptx/parse_for_test.h"

namespace moe::simt::ptx {
namespace {

using testing::ElementsAre;

std::vector<std::string> tokens(std::string_view text) {
  Lexer lexer(text, "t.ptx");
  std::vector<std::string> all;
  while (lexer.peek().kind != Token::Kind::kEnd) all.emplace_back(lexer.next().text);
  return all;
}

TEST(Lexer, CutsAnInstruction) {
  EXPECT_THAT(tokens("@!%p1 ld.shared::cta.v2.b32 {%r1,_},[$a+-8];"),
              ElementsAre("@", "!", "%p1", "ld", ".shared::cta", ".v2", ".b32", "{", "%r1", ",",
                          "_", "}", ",", "[", "$a", "+", "-", "8", "]", ";"));
}

TEST(Lexer, KeepsModifiersThatStartWithADigit) {
  EXPECT_THAT(
      tokens("cp.async.bulk.tensor.2d.mbarrier::complete_tx::bytes"),
      ElementsAre("cp", ".async", ".bulk", ".tensor", ".2d", ".mbarrier::complete_tx::bytes"));
}

TEST(Lexer, KeepsANumberWhole) {
  EXPECT_THAT(tokens("9.0 1.5e-3 0x1e+1 0f3e800000+1 7U"),
              ElementsAre("9.0", "1.5e-3", "0x1e", "+", "1", "0f3e800000", "+", "1", "7U"));
}

TEST(Lexer, LeavesCommentsOut) {
  EXPECT_THAT(tokens("// one\na /* two\n * three */ b // four"), ElementsAre("a", "b"));
}

TEST(Lexer, CountsLinesInCommentsAndWithCarriageReturns) {
  Lexer lexer("a\r\n/* \n\n */ b // c\nd", "t.ptx");
  EXPECT_EQ(lexer.next().line, 1);
  EXPECT_EQ(lexer.next().line, 4);
  EXPECT_EQ(lexer.next().line, 5);
}

TEST(Lexer, AMissingFinalNewlineIsNoMatter) {
  EXPECT_EQ(parse(".version 9.0", "t.ptx").version, "9.0");
}

TEST(Lexer, AnEmptyTextIsAnEmptyModule) {
  EXPECT_TRUE(parse("", "t.ptx").functions.empty());
  EXPECT_TRUE(parse(" \n// nothing", "t.ptx").functions.empty());
}

TEST(Lexer, AZeroByteIsRefused) {
  EXPECT_EQ(error_of(std::string_view(".version 9.0\n\0", 14)),
            "t.ptx:2: a zero byte, expected PTX text");
}

TEST(Lexer, UnknownCharactersAreRefused) {
  EXPECT_EQ(error_of(".version 9.0\n# 1"), "t.ptx:2: unknown character #, # 1");
  EXPECT_EQ(error_of("\n\xc3\xa9"), "t.ptx:2: unknown character 0xc3, \xc3\xa9");
  EXPECT_EQ(error_of(". version"), "t.ptx:1: a dot with no word behind it, . version");
}

TEST(Lexer, WhatDoesNotEndIsRefused) {
  EXPECT_EQ(error_of("\n/* no end\n"), "t.ptx:2: a comment that does not end, /* no end");
  EXPECT_EQ(error_of(".file 1 \"a\nb\""), "t.ptx:1: a string that does not end, .file 1 \"a");
  EXPECT_EQ(error_of(".entry k() {\nret;"), "t.ptx:2: expected a statement, the text ends here");
  EXPECT_EQ(error_of(".section .debug_info {"), "t.ptx:1: expected }, the text ends here");
  EXPECT_EQ(error_of(".version"), "t.ptx:1: expected a version, the text ends here");
}

TEST(Lexer, MessagesCutLongLines) {
  const std::string error = body_error("wgmma {" + std::string(5000, 'x') + " y};");
  EXPECT_LT(error.size(), 500u);
  EXPECT_THAT(error, testing::EndsWith("..."));
}

TEST(Lexer, TextOfAnInstructionIsCollapsed) {
  EXPECT_EQ(instruction("@%p1\tadd.s32 \t%r1, // sum\n  %r2,%r3 /* two */ ;").text,
            "@%p1 add.s32 %r1, %r2,%r3 ;");
}

}  // namespace
}  // namespace moe::simt::ptx
