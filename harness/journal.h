#pragma once
#include <filesystem>
#include <set>
#include <string>

#include "harness/record.h"

namespace moe::harness {

// An append-only file of result lines, DIR/NAME.jsonl. A line is on the disk when append() returns,
// so that whatever ends the program costs the cell that was being measured and no other.
class Journal {
 public:
  // Makes the folder and the file when they are not there. A torn last line, left by a writer that
  // died, is cut off.
  // `resume`: has() knows the cells the file holds already. They must come from the build
  // `build_id`, or the file would mix the times of two programs: UserError otherwise.
  // UserError also when the folder cannot be written or another run is writing this file.
  Journal(const std::filesystem::path& folder, const std::string& name, const std::string& build_id,
          bool resume);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // One line, written whole and synced. std::runtime_error when the disk refuses.
  void append(const Record& record);

  // Whether the cell is in the file already, whatever came of it.
  bool has(const std::string& cell) const { return cells_.contains(cell); }
  std::size_t resumed() const { return resumed_; }  // cells found when the file was opened
  const std::filesystem::path& path() const { return path_; }

 private:
  void open();
  void cut_torn_line();
  void read_cells(const std::string& build_id);

  std::filesystem::path path_;
  std::set<std::string> cells_{};
  std::size_t resumed_ = 0;
  int file_ = -1;
};

}  // namespace moe::harness
