// Bulk async-groups: the bulk copies of each thread that it waits for with
// cp.async.bulk.wait_group. Source: PTX ISA 9.0, "cp.async.bulk.commit_group",
// "cp.async.bulk.wait_group".
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "harness/simt/execute/bulk_copy_transfer.h"

namespace moe::simt {

class BulkGroups {
 public:
  void add(int thread, std::shared_ptr<BulkTransfer> transfer);
  void commit(int thread);
  // Until at most the `newest` latest groups are not done. `reading`: until their sources are read.
  void wait(Block& block, int thread, std::size_t newest, bool reading);

 private:
  using Group = std::vector<std::shared_ptr<BulkTransfer>>;
  struct OfThread {
    Group open;
    std::deque<Group> committed;  // oldest first; those waited for in full are gone
  };
  std::map<int, OfThread> threads_;
};

}  // namespace moe::simt
