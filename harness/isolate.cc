#include "harness/isolate.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <new>
#include <stdexcept>

#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

constexpr int kOutOfMemoryCode = 101;
constexpr int kUserErrorCode = 102;
constexpr int kBugCode = 103;
constexpr char kReasonPrefix = '!';  // of a line that tells why the child gives up

using Clock = std::chrono::steady_clock;

// One number both processes see.
class SharedMark {
 public:
  SharedMark()
      : memory_(mmap(nullptr, sizeof(std::atomic<std::int64_t>), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) throw std::runtime_error("no memory to share with a child process");
    value_ = new (memory_) std::atomic<std::int64_t>(-1);
  }
  ~SharedMark() { munmap(memory_, sizeof(std::atomic<std::int64_t>)); }
  SharedMark(const SharedMark&) = delete;
  SharedMark& operator=(const SharedMark&) = delete;
  std::atomic<std::int64_t>& value() { return *value_; }

 private:
  void* memory_;
  std::atomic<std::int64_t>* value_;
};

[[noreturn]] void be_child(const std::function<void(ChildLink&)>& work, int pipe,
                           std::atomic<std::int64_t>& mark) {
  std::signal(SIGINT, SIG_IGN);
  ChildLink link(pipe, mark);
  const auto give_up = [&](int code, const char* why) {
    link.say(kReasonPrefix + std::string(why));
    _exit(code);
  };
  try {
    work(link);
  } catch (const std::bad_alloc&) {
    give_up(kOutOfMemoryCode, "out of memory");
  } catch (const UserError& e) {
    give_up(kUserErrorCode, e.what());
  } catch (const std::exception& e) {
    give_up(kBugCode, e.what());
  }
  _exit(0);
}

// Splits what arrives into lines; keeps the reason apart.
class LineReader {
 public:
  explicit LineReader(const std::function<void(const std::string&)>& on_line) : on_line_(on_line) {}

  void take(const char* bytes, std::size_t n) {
    buffer_.append(bytes, n);
    for (std::size_t end = buffer_.find('\n'); end != std::string::npos; end = buffer_.find('\n')) {
      const std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      if (!line.empty() && line[0] == kReasonPrefix) {
        reason_ = line.substr(1);
      } else {
        on_line_(line);
      }
    }
  }
  const std::string& reason() const { return reason_; }

 private:
  const std::function<void(const std::string&)>& on_line_;
  std::string buffer_;
  std::string reason_;
};

ChildExit read_status(int status, const std::string& reason) {
  using Kind = ChildExit::Kind;
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    const char* hint = signal == SIGKILL ? ", perhaps for want of memory" : "";
    return {Kind::kCrashed, fmt::format("signal {} ({}){}", signal, strsignal(signal), hint)};
  }
  switch (WEXITSTATUS(status)) {
    case 0:
      return {Kind::kFinished, ""};
    case kOutOfMemoryCode:
      return {Kind::kOutOfMemory, reason};
    case kUserErrorCode:
      return {Kind::kUserError, reason};
    case kBugCode:
      return {Kind::kCrashed, "exception: " + reason};
    default:
      return {Kind::kCrashed, fmt::format("exit status {}", WEXITSTATUS(status))};
  }
}

int end_child(pid_t child) {
  int status = 0;
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  return status;
}

}  // namespace

void ChildLink::say(const std::string& line) {
  const std::string text = line + "\n";
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(pipe_, text.data() + done, text.size() - done);
    if (n < 0 && errno != EINTR) _exit(kBugCode);  // the parent is gone
    if (n > 0) done += static_cast<std::size_t>(n);
  }
}

ChildExit run_isolated(const std::function<void(ChildLink&)>& work, const ChildEvents& events,
                       double timeout_seconds) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("no pipe to a child process");
  SharedMark mark;
  std::fflush(nullptr);  // or the child would write our buffers again
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("no child process could be started");
  if (child == 0) {
    close(ends[0]);
    be_child(work, ends[1], mark.value());
  }
  close(ends[1]);

  LineReader lines(events.on_line);
  ChildExit ended;
  auto alive_at = Clock::now();
  std::int64_t seen_mark = -1;
  for (;;) {
    pollfd poller{ends[0], POLLIN, 0};
    const int ready = poll(&poller, 1, 100);
    if (ready > 0) {
      char bytes[65536];
      const ssize_t n = read(ends[0], bytes, sizeof bytes);
      if (n == 0) {
        int status = 0;
        waitpid(child, &status, 0);
        ended = read_status(status, lines.reason());
        break;
      }
      if (n > 0) lines.take(bytes, static_cast<std::size_t>(n));
    }
    if (const auto now_mark = mark.value().load(); ready > 0 || now_mark != seen_mark) {
      if (now_mark != seen_mark) events.on_mark(now_mark);
      seen_mark = now_mark;
      alive_at = Clock::now();
    }
    const std::chrono::duration<double> silent = Clock::now() - alive_at;
    if (events.aborted()) {
      end_child(child);
      ended = {ChildExit::Kind::kAborted, "interrupted"};
      break;
    }
    if (silent.count() > timeout_seconds) {
      end_child(child);
      ended = {ChildExit::Kind::kTimeout, fmt::format("no progress for {:.0f} s", timeout_seconds)};
      break;
    }
  }
  close(ends[0]);
  ended.last_mark = mark.value().load();
  return ended;
}

}  // namespace moe::harness
