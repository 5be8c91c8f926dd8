#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace moe::harness {

// A table of evenly spaced measurements, one independent series per column.
struct Series {
  std::string file{};                         // as it was named, for later errors
  std::vector<std::string> columns{};         // the header without the time column
  std::vector<std::string> time{};            // [rows], the first column as it is written
  std::vector<std::vector<double>> values{};  // [columns][rows]

  std::size_t rows() const { return time.size(); }
  // The index of the column of that name. Throws UserError (with the nearest name) where none is.
  std::size_t column(const std::string& name) const;
};

// Reads a CSV of a header, a time column and at least one column of numbers: the form of the data
// sets of the published evaluation (`date` first). Fields may be quoted, lines may end in CRLF.
// Text, an empty cell, NaN or infinity, a row of another width, a missing header, two columns of
// one name, a file without rows or beyond 256 MB: UserError with file:line and the column.
Series read_series(const std::filesystem::path& path);

// The column as the published Time-MoE evaluation scales it (run_eval.py): z = (x - mean) / std
// with the mean and the population std of the train split, the first int(0.7 n) rows, in double;
// std 0 counts as 1; rounded to float at the end. Throws UserError where the train split has no
// row.
std::vector<float> z_scored(const Series& series, std::size_t column);

// The contexts of a batch, row by row: row i holds the `context` points that end before ends[i],
// values[ends[i] - context, ends[i]). -> [ends, context]. Throws UserError where one of them does
// not lie within the series.
std::vector<float> windows(std::span<const float> values, std::size_t context,
                           std::span<const std::size_t> ends);

}  // namespace moe::harness
