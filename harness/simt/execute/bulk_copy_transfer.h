// A bulk copy in flight: its pieces, and what its end is told to. It is done piece by piece, when
// the schedule chooses or a wait forces it. Source: PTX ISA 9.0, "Asynchronous Copy: Bulk copy",
// "Completion Mechanisms for Asynchronous Copy Operations".
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "harness/simt/execute/atomic_operation.h"
#include "harness/simt/machine/block.h"

namespace moe::simt {

// Bytes to move. `from` null: they are filled.
struct CopyPiece {
  std::byte* to = nullptr;
  std::uint8_t* to_written = nullptr;
  const std::byte* from = nullptr;
  const std::uint8_t* from_written = nullptr;  // null: all written
  std::uint32_t bytes = 0;
};

// How destination elements are combined with what arrives; without a function they are replaced.
struct BulkReduction {
  AtomicFunction function = nullptr;
  int element_bytes = 0;
};

class BulkTransfer : public std::enable_shared_from_this<BulkTransfer> {
 public:
  // Started now by `thread`; its accesses are ordered behind what the thread knows. `grouped`: its
  // end is waited for by bulk groups, otherwise an mbarrier is told.
  BulkTransfer(Block& block, int thread, const Instruction& at, BulkReduction reduction,
               bool grouped);

  // Where bytes are, after bounds and races of the whole operation's access to them have been
  // checked. `alignment` in bytes.
  Located source(std::uint64_t address, ptx::Space space, std::uint32_t bytes,
                 std::uint32_t alignment);
  Located destination(std::uint64_t address, ptx::Space space, std::uint32_t bytes,
                      std::uint32_t alignment);
  // Moves bytes from one located range into another, each from an offset there.
  void add(const Located& to, std::uint32_t to_offset, const Located& from,
           std::uint32_t from_offset, std::uint32_t bytes);
  // Stores bytes that come from registers. `defined`: they do not depend on values never written.
  void add_value(const Located& to, const void* value, std::uint32_t bytes, bool defined);
  // Fills with the pattern (elements of 1, 2, 4 or 8 bytes, repeated to 8).
  void add_fill(const Located& to, std::uint32_t to_offset, std::uint32_t bytes);
  void set_fill(std::uint64_t pattern) { fill_ = pattern; }

  // The end makes `bytes` arrive at the mbarrier at each of the addresses.
  void start_for_mbarriers(std::vector<std::uint32_t> mbarriers, std::uint32_t bytes);
  // The end is waited for by bulk groups.
  void start_for_group();

  // By bulk groups: no source byte is needed any more; the copy is done. They return what the
  // waiting thread then knows (null when it was told before).
  SnapshotRef finish_reading();
  SnapshotRef finish();

 private:
  void begin();
  void queue();
  void step();
  void move(const CopyPiece& piece);
  void complete();

  Block& block_;
  const Instruction& at_;
  BulkReduction reduction_;
  AsyncAgent reader_, writer_;  // told apart because wait_group.read tells of the reads alone
  std::vector<CopyPiece> pieces_;
  std::size_t done_ = 0;
  std::uint64_t fill_ = 0;
  std::vector<std::uint32_t> mbarriers_;
  std::uint32_t bytes_ = 0;
  bool completed_ = false, told_reading_ = false, told_end_ = false;
  std::vector<std::unique_ptr<std::byte[]>> values_;
  std::vector<std::byte> staged_;  // source bytes, read before they are written
  std::vector<std::uint8_t> staged_written_;
};

}  // namespace moe::simt
