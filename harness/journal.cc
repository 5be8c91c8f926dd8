#include "harness/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>

#include "harness/results_file.h"
#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, std::string_view what) {
  throw UserError(fmt::format("{}: {} ({})", path.string(), what, std::strerror(errno)));
}

// A new file is only there after a crash when its folder is synced too.
void sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

void write_whole(int file, std::string_view text, const std::filesystem::path& path) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      throw std::runtime_error(
          fmt::format("{}: writing failed ({})", path.string(), std::strerror(errno)));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file) != 0 && errno != EINVAL)  // EINVAL: a pipe or the like, which has no disk
    throw std::runtime_error(
        fmt::format("{}: syncing failed ({})", path.string(), std::strerror(errno)));
}

}  // namespace

Journal::Journal(const std::filesystem::path& folder, const std::string& name,
                 const std::string& build_id, bool resume)
    : path_(folder / (name + ".jsonl")) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    throw UserError(fmt::format("{}: cannot be made a folder for results ({})", folder.string(),
                                error.message()));
  open();
  try {
    cut_torn_line();
    if (resume) read_cells(build_id);
  } catch (...) {
    ::close(file_);
    throw;
  }
}

Journal::~Journal() { ::close(file_); }

void Journal::open() {
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file_ < 0) refuse(path_, "cannot be written; choose another folder with --out");
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
    const bool taken = errno == EWOULDBLOCK;
    if (taken) {
      ::close(file_);
      throw UserError(path_.string() +
                      ": another run is writing this file; choose another with --out");
    }  // a file system without locks is no reason not to measure
  }
  sync_folder(path_.parent_path().empty() ? "." : path_.parent_path());
}

void Journal::cut_torn_line() {
  std::ifstream in(path_, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (text.empty() || text.back() == '\n') return;
  const std::size_t begin = text.rfind('\n') == text.npos ? 0 : text.rfind('\n') + 1;
  // Somebody's editor may have taken the end of a line that is whole: give it back.
  if (nlohmann::json::accept(text.substr(begin))) return write_whole(file_, "\n", path_);
  if (::ftruncate(file_, static_cast<off_t>(begin)) != 0)
    refuse(path_, "its torn last line cannot be cut off");
}

void Journal::read_cells(const std::string& build_id) {
  for (const Record& r : read_results(path_).records) {
    if (r.environment.build_id != build_id)
      throw UserError(fmt::format(
          "{}: cannot resume: {} was measured by build {}, this is build {}; use another --out, or "
          "build that commit",
          path_.string(), r.cell, r.environment.build_id, build_id));
    cells_.insert(r.cell);
  }
  resumed_ = cells_.size();
}

void Journal::append(const Record& record) {
  write_whole(file_, to_line(record) + "\n", path_);
  cells_.insert(record.cell);
}

}  // namespace moe::harness
