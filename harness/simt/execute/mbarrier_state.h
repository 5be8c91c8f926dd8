// The arithmetic of one mbarrier: phases, arrivals, transaction bytes.
// Source: PTX ISA 9.0, "Parallel Synchronization and Communication Instructions: mbarrier".
#pragma once
#include <cstdint>
#include <string>

namespace moe::simt {

// What an operation answers where it is forbidden: a sentence, and the state is unchanged. Empty:
// done.
using Misuse = std::string;

class MbarrierState {
 public:
  // Limits of the expected and pending arrivals, and of the transaction count's magnitude.
  static constexpr std::uint32_t kMostArrivals = (1u << 20) - 1;
  static constexpr std::int32_t kMostBytes = (1 << 20) - 1;

  // Phase 0, with `count` arrivals in each phase; see `misuse_of_count`.
  MbarrierState() : MbarrierState(1) {}
  explicit MbarrierState(std::uint32_t count) : expected_(count), pending_(count) {}
  static Misuse misuse_of_count(std::uint32_t count);

  // arrive-on. `may_complete` is false for .noComplete, which must leave the phase open.
  [[nodiscard]] Misuse arrive(std::uint32_t count, bool may_complete = true);
  // arrive_drop: the later phases expect `count` fewer; then arrive-on.
  [[nodiscard]] Misuse arrive_drop(std::uint32_t count, bool may_complete = true);
  // cp.async.mbarrier.arrive without .noinc: one more arrival in this phase.
  [[nodiscard]] Misuse add_pending();
  [[nodiscard]] Misuse expect_tx(std::uint32_t bytes);
  [[nodiscard]] Misuse complete_tx(std::uint32_t bytes);

  std::uint64_t phase() const { return phase_; }  // how many phases are complete
  std::uint32_t pending() const { return pending_; }
  std::uint32_t expected() const { return expected_; }
  std::int32_t tx_count() const { return tx_count_; }

  // The current phase has this parity while it is incomplete: waiting for it has to go on. The
  // other parity names the phase before, which is complete (before the first phase as well).
  bool parity_complete(std::uint32_t parity) const { return (phase_ & 1) != parity; }
  bool phase_complete(std::uint64_t phase) const { return phase < phase_; }

  // The eight bytes in shared memory. Zero bytes and bytes never written are none.
  std::uint64_t word() const;

  // "phase 3, 1 of 2 arrivals and 512 transaction bytes pending"
  std::string describe() const;

 private:
  void complete_if_due();

  std::uint64_t phase_ = 0;
  std::uint32_t expected_;
  std::uint32_t pending_;
  std::int32_t tx_count_ = 0;
};

// The opaque `state` that mbarrier.arrive returns: which phase of which mbarrier was open, and how
// many arrivals it still expected.
struct MbarrierToken {
  std::uint64_t phase = 0;    // its low 26 bits
  std::uint32_t offset = 0;   // of the mbarrier in shared memory: below 1 MiB, a multiple of 8
  std::uint32_t pending = 0;  // before the arrival

  static constexpr std::uint64_t kPhases = 1ull << 26;
  std::uint64_t encode() const;
  static MbarrierToken decode(std::uint64_t bits);
  // The full number of the phase, for an mbarrier whose current phase is `current`: the latest one
  // not after it with these low bits.
  std::uint64_t full_phase(std::uint64_t current) const;
};

}  // namespace moe::simt
