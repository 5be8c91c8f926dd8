#include "harness/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "harness/text.h"

namespace moe::harness {
namespace {

double steady_seconds() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

std::string duration(double seconds) {
  const auto s = static_cast<long>(seconds + 0.5);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {:02} s", s / 60, s % 60);
  return fmt::format("{} h {:02} min", s / 3600, s / 60 % 60);
}

}  // namespace

ProgressStyle stderr_style() {
  ProgressStyle style;
  style.terminal = isatty(STDERR_FILENO) == 1;
  if (winsize size{}; ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    style.width = size.ws_col;
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  const char* no_color = std::getenv("NO_COLOR");
  style.color = style.terminal && !dumb && (no_color == nullptr || *no_color == '\0');
  // A dumb terminal cannot clear a line, so it cannot draw one again.
  style.terminal = style.terminal && !dumb;
  return style;
}

Progress::Progress(std::ostream& out, std::size_t total, const ProgressStyle& style,
                   std::function<double()> now)
    : out_(out), style_(style), now_(now ? std::move(now) : steady_seconds), total_(total) {}

Progress::~Progress() { clear(); }

void Progress::begin(const std::string& cell) {
  cell_ = printable(cell);
  if (start_s_ < 0) start_s_ = now_();
  draw();
}

void Progress::end(Status status) {
  const bool skipped = status == Status::kSkipped || status == Status::kUnsupported;
  ++done_;
  if (skipped) {
    ++skipped_;
  } else if (status != Status::kOk) {
    ++failed_;
  }
  // Every failure is worth a line where lines stay; the reason is in the record.
  if (!style_.terminal && !skipped && status != Status::kOk)
    out_ << to_string(status) << ": " << cell_ << std::endl;
  cell_.clear();
  if (done_ == total_) drawn_s_ = -1e9;  // the last word is always said
  draw();
}

void Progress::say(const std::string& message) {
  clear();
  out_ << message << std::endl;
  drawn_s_ = style_.terminal ? -1e9 : drawn_s_;
}

double Progress::seconds_left() const {
  const std::size_t measured = done_ - skipped_;
  if (measured == 0 || start_s_ < 0) return -1;
  return (now_() - start_s_) / static_cast<double>(measured) *
         static_cast<double>(total_ - std::min(total_, done_));
}

std::string Progress::counts() const {
  std::string text = fmt::format("{}/{}", done_, total_);
  if (failed_ > 0) text += fmt::format(", {} failed", failed_);
  if (skipped_ > 0) text += fmt::format(", {} skipped", skipped_);
  if (done_ < total_ && seconds_left() >= 0)
    text += fmt::format(", {} left", duration(seconds_left()));
  return text;
}

std::string Progress::bar() const {
  constexpr std::size_t kCells = 16;
  const std::size_t full = total_ == 0 ? kCells : std::min(kCells, kCells * done_ / total_);
  return fmt::format("[{}{}]", std::string(full, '#'), std::string(kCells - full, '.'));
}

void Progress::draw() {
  const double now = now_();
  if (!style_.terminal) {
    if (now - drawn_s_ < style_.plain_interval_s) return;
    drawn_s_ = now;
    out_ << counts() << (cell_.empty() ? "" : ": ") << cell_ << std::endl;
    return;
  }
  clear();
  // One column stays free: a line that fills the last one makes some terminals scroll.
  const std::size_t room = std::max<std::size_t>(style_.width, 2) - 1;
  std::string line = cut(bar() + " " + counts(), room);
  if (!cell_.empty() && line.size() + 2 < room) line += "  " + cut(cell_, room - line.size() - 2);
  if (style_.color && failed_ > 0) line = fmt::format("\033[31m{}\033[0m", line);
  out_ << line << std::flush;
  line_open_ = true;
}

void Progress::clear() {
  if (!line_open_) return;
  out_ << "\r\033[K" << std::flush;
  line_open_ = false;
}

}  // namespace moe::harness
