#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "kernels/contract/strategy.h"

namespace moe::harness {

// One line of results to be: one strategy on one problem.
struct Cell {
  // What is measured: all of it is in the name.
  std::string shape_name{};          // mixtral-8x7b, or H=64,F=96,E=8,K=2
  MoeShape shape{};                  // with tokens and dtype
  std::string workload = "uniform";  // as make_workload takes it
  std::string strategy{};            // sort-and-group@cpu
  Knobs knobs{};
  std::uint64_t seed = 1;
  int threads = 0;  // 0: as many as there are

  // How it is measured: none of it is in the name.
  int samples = 30;
  int warmup = 3;          // runs before the first sample
  double max_seconds = 2;  // sampling stops here even if samples are missing

  // The cell's identity in filters, logs, records and repro lines:
  //   mixtral-8x7b/T=1024/zipf:1.0/f32/sort-and-group@cpu
  // with /cf=1.25, /seed=7 and /threads=2 before the strategy where they are not the default.
  std::string name() const;
  // The name without the strategy. Cells of one problem are measured interleaved.
  std::string problem_name() const;
};

// The inverse of name(). How to measure is left at the defaults. Throws UserError.
Cell parse_cell(std::string_view name);

// The inverse of problem_name(). A whole cell's name is taken too; its strategy is left out.
// Throws UserError.
Cell parse_problem(std::string_view name);

// The most a matrix or a cell's name may ask for.
inline constexpr double kLeastCapacityFactor = 0.001;
inline constexpr double kMostCapacityFactor = 1000;
inline constexpr int kMostThreads = 1024;

// What a cell needs, before anything is made. Estimates for --dry-run.
struct CellCost {
  std::int64_t weight_bytes;      // 2 x 3 E F H floats: the problem's, and a strategy's packed copy
  std::int64_t activation_bytes;  // x, y, logits; the rows given to experts and what they make
  double flops;                   // of the experts in one run: 6 K T F H (three products)
};
CellCost cost(const Cell& cell);

}  // namespace moe::harness
