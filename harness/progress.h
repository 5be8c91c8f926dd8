#pragma once
#include <cstddef>
#include <functional>
#include <ostream>
#include <string>

#include "harness/record.h"

namespace moe::harness {

struct ProgressStyle {
  bool terminal = false;   // one line, drawn again and again; otherwise a plain line now and then
  std::size_t width = 80;  // of the terminal
  bool color = false;
  double plain_interval_s = 5;  // least time between two plain lines
};

// How stderr wants it: a terminal or not, its width, and colour unless NO_COLOR is set
// (no-color.org) or TERM is dumb.
ProgressStyle stderr_style();

// How far a run has come. Meant for stderr: results go to stdout. Draws only when told something,
// so nothing is drawn while a sample is being taken.
class Progress {
 public:
  // `now`: seconds that only grow; a test brings its own.
  Progress(std::ostream& out, std::size_t total, const ProgressStyle& style,
           std::function<double()> now = {});
  ~Progress();  // leaves the last line free
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void begin(const std::string& cell);
  void end(Status status);  // of the cell that began last

  // A message, on lines of its own above the bar.
  void say(const std::string& message);

  // Seconds still to go if cells go on at the pace they had so far; negative while no cell has
  // ended. Cells of one problem begin and end interleaved, so the pace is that of all together.
  // Skipped and unsupported ones take no time and say nothing about the others.
  double seconds_left() const;

 private:
  void draw();
  void clear();
  std::string counts() const;
  std::string bar() const;

  std::ostream& out_;
  ProgressStyle style_;
  std::function<double()> now_;
  std::size_t total_;
  std::size_t done_ = 0;
  std::size_t failed_ = 0;
  std::size_t skipped_ = 0;
  double start_s_ = -1;  // of the first cell
  double drawn_s_ = -1e9;
  std::string cell_{};
  bool line_open_ = false;
};

}  // namespace moe::harness
