#include "harness/series.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string_view>

#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

constexpr std::uintmax_t kLargestFile = 256'000'000;

std::string place(const std::string& file, std::size_t line) {
  return file + ":" + std::to_string(line) + ": ";
}

// The fields of one line (RFC 4180: quotes around a field, "" for a quote in it). `where` begins
// the sentence if a quote is left open or closes before the field ends.
std::vector<std::string> split(std::string_view line, const std::string& where) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool field_begins = i == 0 || line[i - 1] == ',';
    if (quoted && c == '"' && line.substr(i + 1, 1) == "\"") {
      fields.back() += line[++i];
    } else if (quoted && c == '"') {
      quoted = false;
      if (i + 1 < line.size() && line[i + 1] != ',') {
        throw UserError(where + "text follows a closing quote, expected a comma");
      }
    } else if (!quoted && c == '"' && field_begins) {
      quoted = true;
    } else if (!quoted && c == ',') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  if (quoted) throw UserError(where + "a quote is left open, expected it closed on the same line");
  return fields;
}

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

// The whole field as a finite number; `where` names the line, `column` the column.
double number(const std::string& field, const std::string& where, const std::string& column) {
  const std::string_view text = trimmed(field);
  const auto refuse = [&](const std::string& found) {
    throw UserError(where + "column \"" + column + "\" " + found + ", expected a finite number");
  };
  if (text.empty()) refuse("is empty");
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    refuse("holds \"" + field.substr(0, 80) + "\"");
  }
  return value;
}

std::string read_text(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    throw UserError(path.string() + ": no such file, expected a CSV with a header");
  }
  const auto size = std::filesystem::file_size(path, error);
  if (size > kLargestFile) {
    throw UserError(path.string() + ": " + std::to_string(size) + " bytes long, expected at most " +
                    std::to_string(kLargestFile));
  }
  std::ifstream in(path, std::ios::binary);
  if (!in || error) throw UserError(path.string() + ": cannot be read");
  return {std::istreambuf_iterator<char>(in), {}};
}

// The lines without their CR and LF; a last line break begins no line.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

// A header is told from a row by its words: a number there means that the header is missing.
void check_header(const std::vector<std::string>& header, const std::string& where) {
  if (header.size() < 2) {
    throw UserError(where + "the header has " + std::to_string(header.size()) +
                    " column, expected a time column and at least one of numbers");
  }
  std::set<std::string> seen;
  for (const auto& name : header) {
    double value = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), value);
    if (name.empty() || (error == std::errc() && end == name.data() + name.size())) {
      throw UserError(where + "a column is named \"" + name +
                      "\", expected a header of column names");
    }
    if (!seen.insert(name).second) {
      throw UserError(where + "two columns are named \"" + name + "\", expected different names");
    }
  }
}

}  // namespace

std::size_t Series::column(const std::string& name) const {
  const auto found = std::ranges::find(columns, name);
  if (found == columns.end()) {
    throw UserError(file + ": there is no column \"" + name + "\", expected one of " +
                    comma_separated(columns) + did_you_mean(name, columns));
  }
  return static_cast<std::size_t>(found - columns.begin());
}

Series read_series(const std::filesystem::path& path) {
  const std::string file = path.string();
  std::string text = read_text(path);
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // spreadsheets write a byte order mark
  const auto lines = lines_of(text);
  if (lines.empty()) throw UserError(file + ": is empty, expected a header and rows of numbers");
  auto header = split(lines[0], place(file, 1));
  check_header(header, place(file, 1));

  Series series{.file = file, .columns = {header.begin() + 1, header.end()}};
  series.values.resize(series.columns.size());
  for (std::size_t l = 1; l < lines.size(); ++l) {
    const std::string where = place(file, l + 1);
    auto fields = split(lines[l], where);
    if (fields.size() != header.size()) {
      throw UserError(where + std::to_string(fields.size()) + " fields, expected " +
                      std::to_string(header.size()) + " as in the header");
    }
    if (fields[0].empty()) {
      throw UserError(where + "column \"" + header[0] + "\" is empty, expected a time");
    }
    for (std::size_t c = 0; c < series.columns.size(); ++c) {
      series.values[c].push_back(number(fields[c + 1], where, series.columns[c]));
    }
    series.time.push_back(std::move(fields[0]));
  }
  if (series.time.empty())
    throw UserError(file + ": holds a header only, expected rows of numbers");
  return series;
}

std::vector<float> z_scored(const Series& series, std::size_t column) {
  const std::vector<double>& x = series.values.at(column);
  const auto train = static_cast<std::size_t>(0.7 * static_cast<double>(x.size()));
  if (train == 0) {
    throw UserError(series.file + ": " + std::to_string(x.size()) +
                    " rows leave no train split, expected at least 2");
  }
  const auto n = static_cast<double>(train);
  const double mean = std::accumulate(x.begin(), x.begin() + train, 0.0) / n;
  double variance = 0;  // of the population: divided by n
  for (std::size_t i = 0; i < train; ++i) variance += (x[i] - mean) * (x[i] - mean) / n;
  // A constant's mean is rounded, so its variance is not exactly 0: up to that rounding it is 0
  // (the bound of scikit-learn's StandardScaler, with which the published evaluation scales).
  const double epsilon = std::numeric_limits<double>::epsilon();
  const double rounding = n * epsilon * variance + std::pow(n * mean * epsilon, 2);
  const double deviation = variance <= rounding ? 1 : std::sqrt(variance);
  std::vector<float> z;
  for (const double value : x) z.push_back(static_cast<float>((value - mean) / deviation));
  return z;
}

std::vector<float> windows(std::span<const float> values, std::size_t context,
                           std::span<const std::size_t> ends) {
  std::vector<float> rows;
  rows.reserve(ends.size() * context);
  for (const std::size_t end : ends) {
    if (end < context || end > values.size()) {
      throw UserError("a context of " + std::to_string(context) + " points that ends at " +
                      std::to_string(end) + " does not lie in a series of " +
                      std::to_string(values.size()) + " points");
    }
    const auto window = values.subspan(end - context, context);
    rows.insert(rows.end(), window.begin(), window.end());
  }
  return rows;
}

}  // namespace moe::harness
