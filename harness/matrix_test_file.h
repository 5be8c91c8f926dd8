#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "harness/matrix.h"
#include "kernels/contract/error.h"

// What the tests of matrix files share.
namespace moe::harness {

inline const Known kKnown = {{"a@cpu", "b@cpu", "b@cuda"},
                             {"uniform", "zipf:S", "hot:M:F", "trace:FILE#layer=N"}};

// A file of this test's own, removed with it.
class MatrixFile {
 public:
  explicit MatrixFile(const std::string& text) {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    path_ = testing::TempDir() + test->test_suite_name() + "." + test->name() + ".json";
    std::ofstream(path_) << text;
  }
  ~MatrixFile() { std::filesystem::remove(path_); }
  MatrixFile(const MatrixFile&) = delete;
  MatrixFile& operator=(const MatrixFile&) = delete;

  Matrix read(const MatrixOptions& options = {}, const Known& known = kKnown) const {
    return read_matrix(path_, options, known);
  }
  // The UserError without the folder.
  std::string complaint(const MatrixOptions& options = {}) const {
    try {
      read(options);
    } catch (const UserError& e) {
      std::string what = e.what();
      const std::size_t at = what.find(path_);
      return at == std::string::npos ? what : what.replace(at, path_.size(), "f");
    }
    return "(no complaint)";
  }

 private:
  std::string path_;
};

inline std::vector<std::string> names(const Matrix& matrix) {
  std::vector<std::string> all;
  for (const Cell& c : matrix.cells) all.push_back(c.name());
  return all;
}

inline std::vector<std::string> names(const std::string& text, const MatrixOptions& options = {}) {
  return names(MatrixFile(text).read(options));
}

inline std::string complaint(const std::string& text, const MatrixOptions& options = {}) {
  return MatrixFile(text).complaint(options);
}

inline constexpr const char* kSmall = R"({
  // two problems
  "name": "small", "description": "for tests",
  "base": {"shape": "tiny", "samples": 5, "max_seconds": 0.5, "warmup": 1},
  "axes": {"tokens": [1, 7]},
  "presets": {
    "one": {"axes": {"tokens": [9]}, "base": {"samples": 6}},
    "single": {"base": {"tokens": 3}},
    "more": {"include": [{"shape": "odd", "tokens": 2}], "exclude": [{"tokens": 7}]}
  }
})";

}  // namespace moe::harness
