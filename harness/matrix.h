#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/cell.h"

namespace moe::harness {

// A matrix file says which cells to measure, in JSON with comments: `base` (defaults) x `axes`
// (lists, all combinations) + `include` (more cells; where one gives lists, their combinations)
// - `exclude` (partial cells: what agrees with all their keys is removed); `presets` by name may
// replace any of these; `name` and `description` are free. The keys of a cell:
//   shape            a name of shapes.json, H=64,F=96,E=8,K=2, or an object (hidden, ffn, experts,
//                    top_k, renormalize); must be given
//   tokens           must be given; 0 is legal
//   workload         as make_workload takes it; else uniform
//   dtype            f32, bf16, f16, tf32, e4m3, int8 or int4
//   capacity_factor  null: the strategy's own
//   seed             else 1
//   threads          0: as many as there are
//   strategy         a name, name@backend, or "*" for all that were built, the default
//   samples, warmup, max_seconds  how to measure: in base and include only
struct Matrix {
  std::string name{};  // the file's, else its stem
  std::string description{};
  std::vector<std::string> presets{};  // those the file has
  std::vector<Cell> cells{};           // those of one problem in a row
};

// What the command line adds. Later layers win: the file, its preset, sets in their order. A layer
// that sets base.KEY also removes the axis of that name from the layers below.
struct MatrixOptions {
  std::string preset{};
  std::vector<std::string> sets{};      // axes.tokens=[1,2] or base.samples=5: JSON, else a string
  std::string strategy{};               // keeps these cells only: a name or name@backend
  std::string backend{};                // cpu, cuda or sim
  std::string filter{};                 // regular expression (ECMAScript), searched in cell names
  std::optional<std::uint64_t> seed{};  // instead of every cell's own
};

// What a matrix may name.
struct Known {
  std::vector<std::string> strategies{};  // sort-and-group@cpu: what "*" stands for
  std::vector<std::string> workloads{};   // zipf, or a usage that starts with it: zipf:S
};

inline constexpr std::int64_t kMostCells = 20'000;

// Throws UserError: `smoke.json:4:13: /axes/tokens/0: expected an integer from 0 to 1048576, found
// -1`. Also when there are more than kMostCells, or when the options leave none.
Matrix read_matrix(const std::filesystem::path& path, const MatrixOptions& options,
                   const Known& known);

}  // namespace moe::harness
