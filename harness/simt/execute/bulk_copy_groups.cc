// Bulk async-groups.
#include "harness/simt/execute/bulk_copy_groups.h"

namespace moe::simt {

void BulkGroups::add(int thread, std::shared_ptr<BulkTransfer> transfer) {
  threads_[thread].open.push_back(std::move(transfer));
}

void BulkGroups::commit(int thread) {
  OfThread& own = threads_[thread];
  own.committed.push_back(std::move(own.open));
  own.open.clear();
}

void BulkGroups::wait(Block& block, int thread, std::size_t newest, bool reading) {
  OfThread& own = threads_[thread];
  if (own.committed.size() <= newest) return;
  const std::size_t covered = own.committed.size() - newest;
  for (std::size_t i = 0; i < covered; ++i) {
    for (const std::shared_ptr<BulkTransfer>& transfer : own.committed[i]) {
      block.acquire(thread, reading ? transfer->finish_reading() : transfer->finish());
    }
  }
  if (!reading) own.committed.erase(own.committed.begin(), own.committed.begin() + covered);
}

}  // namespace moe::simt
