#include "harness/simt/check/clock.h"

#include <algorithm>

namespace moe::simt {
namespace {

void raise(std::vector<Tick>& to, const std::vector<Tick>& from) {
  if (to.size() < from.size()) to.resize(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) to[i] = std::max(to[i], from[i]);
}

void learn(Snapshot& to, const SnapshotRef& from) {
  if (from->block == to.block) {
    raise(to.seen, from->seen);
    raise(to.fenced, from->fenced);
    return;
  }
  SnapshotRef& known = to.blocks[from->block];
  known = known == nullptr || known == from ? from : join(known, from);
}

}  // namespace

SnapshotRef join(const SnapshotRef& a, const SnapshotRef& b) {
  if (!a || a == b) return b;
  if (!b) return a;
  auto both = std::make_shared<Snapshot>(*a);
  learn(*both, b);
  for (const auto& [block, snapshot] : b->blocks) learn(*both, snapshot);
  return both;
}

bool View::fenced(const Epoch& epoch) const {
  if (seen == nullptr) return false;
  const Snapshot* of = seen;
  if (epoch.block != block) {
    const auto other = seen->blocks.find(epoch.block);
    if (other == seen->blocks.end()) return false;
    of = other->second.get();
  }
  return epoch.slot < of->fenced.size() && of->fenced[epoch.slot] >= epoch.tick;
}

}  // namespace moe::simt
