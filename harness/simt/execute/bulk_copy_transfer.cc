// Bulk copies in flight.
#include "harness/simt/execute/bulk_copy_transfer.h"

#include <algorithm>
#include <cstring>

#include "harness/simt/execute/cp_async_address.h"
#include "harness/simt/execute/mbarrier.h"
#include "harness/simt/machine/launch.h"

namespace moe::simt {

BulkTransfer::BulkTransfer(Block& block, int thread, const Instruction& at, BulkReduction reduction,
                           bool grouped)
    : block_(block), at_(at), reduction_(reduction), writer_(block.start_async(thread)) {
  reader_ = grouped ? block.start_async(thread) : writer_;
}

Located BulkTransfer::source(std::uint64_t address, ptx::Space space, std::uint32_t bytes,
                             std::uint32_t alignment) {
  const int thread = block_.clocks.thread_of_slot(reader_.view.slot);
  const Located located =
      block_.locate(thread, address, space, bytes, alignment, AccessKind::kRead, at_);
  order_access(block_, reader_.view, located, bytes, AccessKind::kRead, true, at_);
  return located;
}

Located BulkTransfer::destination(std::uint64_t address, ptx::Space space, std::uint32_t bytes,
                                  std::uint32_t alignment) {
  const int thread = block_.clocks.thread_of_slot(writer_.view.slot);
  const bool reduces = reduction_.function != nullptr;
  const AccessKind kind = reduces ? AccessKind::kAtomic : AccessKind::kWrite;
  const Located located = block_.locate(thread, address, space, bytes, alignment, kind, at_);
  // A reduction is relaxed at device scope, element by element.
  order_access(block_, writer_.view, located, bytes, kind, true, at_,
               reduces ? Scope::kDevice : Scope::kNone);
  return located;
}

void BulkTransfer::add(const Located& to, std::uint32_t to_offset, const Located& from,
                       std::uint32_t from_offset, std::uint32_t bytes) {
  CopyPiece piece{to.data + to_offset, nullptr, from.data + from_offset, nullptr, bytes};
  if (to.written != nullptr) piece.to_written = to.written + to_offset;
  if (from.written != nullptr) piece.from_written = from.written + from_offset;
  pieces_.push_back(piece);
}

void BulkTransfer::add_fill(const Located& to, std::uint32_t to_offset, std::uint32_t bytes) {
  CopyPiece piece{to.data + to_offset, nullptr, nullptr, nullptr, bytes};
  if (to.written != nullptr) piece.to_written = to.written + to_offset;
  pieces_.push_back(piece);
}

void BulkTransfer::add_value(const Located& to, const void* value, std::uint32_t bytes,
                             bool defined) {
  values_.push_back(std::make_unique<std::byte[]>(2 * bytes));  // the bytes, and whether written
  std::byte* kept = values_.back().get();
  std::memcpy(kept, value, bytes);
  std::memset(kept + bytes, defined ? 1 : 0, bytes);
  pieces_.push_back(
      {to.data, to.written, kept, reinterpret_cast<std::uint8_t*>(kept + bytes), bytes});
}

void BulkTransfer::start_for_mbarriers(std::vector<std::uint32_t> mbarriers, std::uint32_t bytes) {
  mbarriers_ = std::move(mbarriers);
  bytes_ = bytes;
  const bool async_proxy = values_.empty();  // st.async and red.async are of the generic proxy
  for (const std::uint32_t address : mbarriers_) {
    MbarrierOperation(block_, writer_, address, at_, async_proxy);
  }
  // Until the end nobody may rely on the destination.
  const bool late = block_.launch.settings.async != AsyncCompletion::kEarly;
  if (late && reduction_.function == nullptr) {
    for (const CopyPiece& piece : pieces_) {
      std::memset(piece.to, 0xff, piece.bytes);
      if (piece.to_written != nullptr) std::memset(piece.to_written, 0, piece.bytes);
    }
  }
  begin();
}

void BulkTransfer::start_for_group() { begin(); }

void BulkTransfer::begin() {
  if (block_.launch.settings.count) {
    for (const CopyPiece& piece : pieces_) {
      block_.launch.counters.async_copy_bytes += piece.from != nullptr ? piece.bytes : 0;
    }
  }
  queue();
}

void BulkTransfer::queue() {
  block_.queue(at_, [self = shared_from_this()] { self->step(); });
}

void BulkTransfer::step() {
  if (completed_) return;
  Launch& launch = block_.launch;
  std::size_t until = pieces_.size();
  if (launch.settings.async == AsyncCompletion::kRandom && until - done_ > 1) {
    until = done_ + 1 + launch.random(until - done_);
  }
  for (; done_ < until; ++done_) move(pieces_[done_]);
  if (done_ == pieces_.size()) {
    complete();
  } else {
    queue();
  }
}

namespace {

void fill(std::byte* to, std::uint32_t bytes, std::uint64_t pattern) {
  for (std::uint32_t at = 0; at < bytes; ++at) {
    to[at] = static_cast<std::byte>(pattern >> (8 * (at % 8)));
  }
}

std::uint64_t load(const std::byte* from, int bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, from, bytes);
  return value;
}

}  // namespace

void BulkTransfer::move(const CopyPiece& piece) {
  if (reduction_.function != nullptr) {
    const int width = reduction_.element_bytes;
    for (std::uint32_t at = 0; at < piece.bytes; at += width) {
      const std::uint64_t result =
          reduction_.function(load(piece.to + at, width), load(piece.from + at, width));
      std::memcpy(piece.to + at, &result, width);
    }
    if (piece.to_written == nullptr || piece.from_written == nullptr) return;
    for (std::uint32_t at = 0; at < piece.bytes; ++at)
      piece.to_written[at] &= piece.from_written[at];
    return;
  }
  if (piece.from == nullptr) {
    fill(piece.to, piece.bytes, fill_);
  } else {
    std::memmove(piece.to, piece.from, piece.bytes);
  }
  if (piece.to_written == nullptr) return;
  if (piece.from != nullptr && piece.from_written != nullptr) {
    std::memmove(piece.to_written, piece.from_written, piece.bytes);  // bytes never written stay so
  } else {
    std::memset(piece.to_written, 1, piece.bytes);
  }
}

void BulkTransfer::complete() {
  completed_ = true;
  pieces_ = {};
  values_.clear();
  staged_ = {};
  staged_written_ = {};
  ++block_.launch.progress;
  if (mbarriers_.empty()) return;
  // The data first, then the signal.
  const SnapshotRef end = block_.finish_async(writer_);
  for (const std::uint32_t address : mbarriers_) {
    MbarrierOperation(block_, writer_, address, at_, false).complete_tx(bytes_, end);
  }
}

SnapshotRef BulkTransfer::finish_reading() {
  if (told_reading_) return nullptr;
  told_reading_ = true;
  if (!completed_) {
    std::size_t total = 0;
    for (std::size_t i = done_; i < pieces_.size(); ++i) total += pieces_[i].bytes;
    staged_.resize(total);
    staged_written_.resize(total, 1);
    std::size_t at = 0;
    for (std::size_t i = done_; i < pieces_.size(); ++i) {
      CopyPiece& piece = pieces_[i];
      std::memcpy(staged_.data() + at, piece.from, piece.bytes);
      if (piece.from_written != nullptr) {
        std::memcpy(staged_written_.data() + at, piece.from_written, piece.bytes);
      }
      piece.from = staged_.data() + at;
      piece.from_written = staged_written_.data() + at;
      at += piece.bytes;
    }
  }
  return block_.finish_async(reader_);
}

SnapshotRef BulkTransfer::finish() {
  if (told_end_) return nullptr;
  told_end_ = true;
  if (!completed_) {
    for (; done_ < pieces_.size(); ++done_) move(pieces_[done_]);
    complete();
  }
  const SnapshotRef reading = finish_reading();
  return join(reading, block_.finish_async(writer_));
}

}  // namespace moe::simt
