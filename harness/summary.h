#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/record.h"

namespace moe::harness {

// Records put side by side. Everything points into the records it was made from, which must
// outlive it.

// A strategy at one number of tokens.
struct SummaryCell {
  const Record* record = nullptr;  // absent: this cell is not in the results
  double ratio = 0;                // median over the row's base; 0 without a time
  bool best = false;               // the fastest dropless strategy, or tied with it
};

// One number of tokens.
struct SummaryRow {
  std::int64_t tokens = 0;
  std::vector<SummaryCell> cells{};  // one a column
  const Record* base = nullptr;  // the fastest dropless strategy; when there is none, the fastest
                                 // of all; absent when nothing has a time
  int competitors = 0;           // dropless strategies with a time
  int best = 0;                  // of those, how many are best: more than 1 is a tie
};

// What may be compared: one shape, workload, dtype and cache state on one machine.
struct Family {
  std::string title{};                 // "mixtral-8x7b-scaled, zipf:1.0, f32, warm"
  std::vector<std::string> columns{};  // strategies, those that compete first
  std::vector<SummaryRow> rows{};      // by tokens
};

// Cells that failed or were left out for the same reason.
struct Failure {
  Status status = Status::kSkipped;
  std::string reason{};
  std::vector<const Record*> records{};
};

struct Summary {
  std::vector<Family> families{};
  std::vector<Failure> failures{};  // wrong ones first, skipped ones last
  std::map<Status, int> count{};
};

// Strategies with another routing than token-choice are shown but do not compete: they compute
// another function. Two strategies tie when the 95 % intervals of their medians overlap; with too
// few samples for an interval, when the ranges of all their samples do.
Summary summarize(const std::vector<Record>& records);

// Which strategy wins where, one sentence: "mixtral-8x7b-scaled, zipf:1.0, f32, warm:
// loop-per-expert up to 7 tokens, sort-and-group from 64 on."
std::string verdict(const Family& family);

// "16 cells: 12 ok, 1 wrong, 3 skipped."
std::string count_sentence(const Summary& summary);

}  // namespace moe::harness
