// Arrivals, phases and transaction bytes of an mbarrier.
#include "harness/simt/execute/mbarrier_state.h"

#include <fmt/format.h>

namespace moe::simt {

Misuse MbarrierState::misuse_of_count(std::uint32_t count) {
  if (count >= 1 && count <= kMostArrivals) return {};
  return fmt::format("an mbarrier's count is 1 to {}, not {}", kMostArrivals, count);
}

Misuse MbarrierState::arrive(std::uint32_t count, bool may_complete) {
  if (Misuse wrong = misuse_of_count(count); !wrong.empty()) return wrong;
  if (count > pending_) {
    return fmt::format("{} arrival(s) where the phase expects only {} more ({})", count, pending_,
                       describe());
  }
  if (!may_complete && count == pending_ && tx_count_ == 0) {
    return fmt::format("a .noComplete arrival that completes the phase ({})", describe());
  }
  pending_ -= count;
  complete_if_due();
  return {};
}

Misuse MbarrierState::arrive_drop(std::uint32_t count, bool may_complete) {
  if (count > expected_) {
    return fmt::format("drops {} arrival(s) of {} expected in each phase", count, expected_);
  }
  expected_ -= count;
  Misuse wrong = arrive(count, may_complete);
  if (!wrong.empty()) expected_ += count;
  return wrong;
}

Misuse MbarrierState::add_pending() {
  if (pending_ == kMostArrivals) return fmt::format("more than {} pending arrivals", kMostArrivals);
  ++pending_;
  return {};
}

Misuse MbarrierState::expect_tx(std::uint32_t bytes) {
  if (bytes > kMostBytes || tx_count_ + static_cast<std::int32_t>(bytes) > kMostBytes) {
    return fmt::format("expects {} transaction bytes on top of {}: the count ends at {}", bytes,
                       tx_count_, kMostBytes);
  }
  tx_count_ += static_cast<std::int32_t>(bytes);
  complete_if_due();  // bytes that came before they were expected
  return {};
}

Misuse MbarrierState::complete_tx(std::uint32_t bytes) {
  if (bytes > kMostBytes || tx_count_ - static_cast<std::int32_t>(bytes) < -kMostBytes) {
    return fmt::format(
        "completes {} transaction bytes where {} are expected: the count ends at -{}", bytes,
        tx_count_, kMostBytes);
  }
  tx_count_ -= static_cast<std::int32_t>(bytes);
  complete_if_due();
  return {};
}

void MbarrierState::complete_if_due() {
  if (pending_ != 0 || tx_count_ != 0) return;
  ++phase_;
  pending_ = expected_;  // zero when all have dropped out: no further phase
}

std::uint64_t MbarrierState::word() const {
  // From the top: 10, phase parity, transaction count (21 bits), pending, expected (20 bits each).
  constexpr std::uint64_t kMark = 0b10;
  const std::uint64_t tx = static_cast<std::uint32_t>(tx_count_) & 0x1fffff;
  return kMark << 62 | (phase_ & 1) << 61 | tx << 40 | std::uint64_t{pending_} << 20 | expected_;
}

std::string MbarrierState::describe() const {
  return fmt::format("phase {}, {} of {} arrivals and {} transaction bytes pending", phase_,
                     pending_, expected_, tx_count_);
}

std::uint64_t MbarrierToken::encode() const {
  // From the top: a one, so that 0 is no token; phase (26), offset / 8 (17), pending (20 bits).
  return 1ull << 63 | (phase % kPhases) << 37 | std::uint64_t{offset / 8} << 20 | pending;
}

MbarrierToken MbarrierToken::decode(std::uint64_t bits) {
  MbarrierToken token;
  token.phase = (bits >> 37) % kPhases;
  token.offset = static_cast<std::uint32_t>((bits >> 20) & 0x1ffff) * 8;
  token.pending = static_cast<std::uint32_t>(bits & 0xfffff);
  return token;
}

std::uint64_t MbarrierToken::full_phase(std::uint64_t current) const {
  return current - (current - phase) % kPhases;
}

}  // namespace moe::simt
