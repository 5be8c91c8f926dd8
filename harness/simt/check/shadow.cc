#include "harness/simt/check/shadow.h"

#include <algorithm>

namespace moe::simt {
namespace {

Epoch epoch_of(const Mark& mark) { return {mark.block, mark.slot, mark.tick}; }

bool own(const View& view, const Mark& mark) {
  return mark.block == view.block && mark.slot == view.slot;
}

bool both_strong(const Mark& earlier, Strength strength, const View& view) {
  if (earlier.strength == Strength::kWeak || strength == Strength::kWeak) return false;
  if (earlier.block == view.block) return true;
  return earlier.strength == Strength::kDevice && strength == Strength::kDevice;
}

bool races(const View& view, const Mark& earlier, Strength strength) {
  return earlier.present && !both_strong(earlier, strength, view) && !view.knows(epoch_of(earlier));
}

}  // namespace

// Cells of 1 << shift bytes instead: each takes over what was known of the wider one.
void ShadowPage::narrow(std::uint32_t shift) {
  std::vector<Cell> cells(kBytes >> shift);
  for (std::uint32_t i = 0; i < cells.size(); ++i) {
    const std::uint32_t from = (i << shift) >> shift_;
    cells[i] = cells_[from];
    const bool first = (from << shift_) == (i << shift);
    if (cells[i].more_readers >= 0 && !first) {  // each its own list
      readers_.push_back(readers_[cells[i].more_readers]);
      cells[i].more_readers = static_cast<std::int32_t>(readers_.size()) - 1;
    }
  }
  cells_ = std::move(cells);
  shift_ = shift;
}

// Cells narrow enough for an access whose offset and size have these bits.
void ShadowPage::fit(std::uint32_t bits) {
  if ((bits & ((1u << shift_) - 1)) != 0) narrow((bits & 3u) != 0 ? 0 : 2);
}

void ShadowPage::add_reader(Cell& cell, const View& view, const Mark& mark) {
  if (cell.more_readers < 0) {
    if (!cell.read.present || own(view, cell.read) || view.knows(epoch_of(cell.read))) {
      cell.read = mark;
      return;
    }
    if (free_readers_.empty()) {
      free_readers_.push_back(static_cast<std::int32_t>(readers_.size()));
      readers_.emplace_back();
    }
    cell.more_readers = free_readers_.back();
    free_readers_.pop_back();
  }
  // Of one warp at most two readers are kept: its lanes are nearly always ordered together.
  std::vector<Mark>& readers = readers_[cell.more_readers];
  Mark* oldest_of_warp = nullptr;
  int of_warp = 0;
  for (Mark& reader : readers) {
    if (reader.block == mark.block && reader.slot == mark.slot) {
      reader = mark;
      return;
    }
    if (reader.block == mark.block && reader.slot / 32 == mark.slot / 32) {
      ++of_warp;
      if (oldest_of_warp == nullptr || reader.tick < oldest_of_warp->tick) oldest_of_warp = &reader;
    }
  }
  if (of_warp >= 2) {
    *oldest_of_warp = mark;
  } else {
    readers.push_back(mark);
  }
}

Conflict ShadowPage::read(const View& view, std::uint32_t offset, std::uint32_t bytes,
                          Strength strength, std::uint32_t pc, std::uint32_t generation,
                          std::uint32_t first_operation) {
  fit(offset | bytes);
  const Mark mark{view.block, view.tick, pc, static_cast<std::uint16_t>(view.slot), strength, true};
  Conflict conflict;
  for (std::uint32_t i = offset >> shift_; i < (offset + bytes) >> shift_; ++i) {
    Cell& cell = cells_[i];
    if (cell.generation != generation) {
      if (cell.more_readers >= 0) {
        readers_[cell.more_readers].clear();
        free_readers_.push_back(cell.more_readers);
      }
      cell = Cell{};
      cell.generation = generation;
      cell.read = mark;
      continue;
    }
    if (races(view, cell.write, strength)) {
      conflict = {true, true, false, cell.write};
    } else if (first_operation != 0 && cell.write.present && cell.write.slot < first_operation &&
               !view.fenced(epoch_of(cell.write))) {
      conflict = {true, true, true, cell.write};
    }
    add_reader(cell, view, mark);
  }
  return conflict;
}

Conflict ShadowPage::write(const View& view, std::uint32_t offset, std::uint32_t bytes,
                           Strength strength, std::uint32_t pc, std::uint32_t generation) {
  fit(offset | bytes);
  const Mark mark{view.block, view.tick, pc, static_cast<std::uint16_t>(view.slot), strength, true};
  Conflict conflict;
  for (std::uint32_t i = offset >> shift_; i < (offset + bytes) >> shift_; ++i) {
    Cell& cell = cells_[i];
    if (cell.generation == generation) {
      if (races(view, cell.write, strength)) conflict = {true, true, false, cell.write};
      if (races(view, cell.read, strength)) conflict = {true, false, false, cell.read};
      if (cell.more_readers >= 0) {
        for (const Mark& reader : readers_[cell.more_readers]) {
          if (races(view, reader, strength)) conflict = {true, false, false, reader};
        }
      }
    }
    if (cell.more_readers >= 0) {
      readers_[cell.more_readers].clear();
      free_readers_.push_back(cell.more_readers);
    }
    cell = Cell{generation, -1, mark, Mark{}};
  }
  return conflict;
}

ShadowPage& GlobalShadow::Shard::page(std::uint64_t number) {
  if (number != last_number) {
    std::unique_ptr<ShadowPage>& page = pages[number];
    if (!page) page = std::make_unique<ShadowPage>();
    last_number = number;
    last = page.get();
  }
  return *last;
}

}  // namespace moe::simt
