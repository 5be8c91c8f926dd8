// membar and fence. A fence here never does less than its name says; the restricted ones
// (.acquire, .release, .sync_restrict) order as much as a full fence of their scope, so a kernel
// that needs a wider one than it has is not found out.
#include "harness/simt/execute/fences.h"

#include "harness/simt/execute/memory_modifiers.h"
#include "harness/simt/machine/block.h"
#include "harness/simt/machine/warp.h"

namespace moe::simt {
namespace {

constexpr std::uint32_t kProxy = 1u << 8;  // option: the scope, and whether it is a proxy fence too

Outcome run_fence(Warp& warp, const Instruction& instruction, LaneMask lanes) {
  const Scope scope = static_cast<Scope>(instruction.option & 0xff);
  if (instruction.option & kProxy) {
    for_each_lane(lanes, [&](int lane) { warp.block.proxy_fence(warp.first_thread() + lane); });
  }
  if (scope != Scope::kNone) fence(warp, lanes, scope);
  return Outcome::kNext;
}

Outcome run_nothing(Warp&, const Instruction&, LaneMask) { return Outcome::kNext; }

Instruction make(Scope scope, bool proxy) {
  Instruction instruction;
  instruction.handler = scope == Scope::kNone && !proxy ? run_nothing : run_fence;
  instruction.kind = InstructionClass::kFence;
  instruction.option = static_cast<std::uint32_t>(scope) | (proxy ? kProxy : 0);
  return instruction;
}

void need_cluster_scope(Decoder& decoder, Modifiers& modifiers) {
  if (take_scope(modifiers) != Scope::kCluster) decoder.fail("this fence needs .cluster");
}

// The restricted fences come as an acquire of the cluster's shared memory or a release of the
// block's.
void take_restriction(Decoder& decoder, Modifiers& modifiers, bool acquire) {
  const bool right =
      modifiers.take(acquire ? "sync_restrict::shared::cluster" : "sync_restrict::shared::cta");
  if (!right) {
    decoder.fail(acquire ? ".acquire goes with .sync_restrict::shared::cluster"
                         : ".release goes with .sync_restrict::shared::cta");
  }
  need_cluster_scope(decoder, modifiers);
}

// 0: .acquire, 1: .release.
int need_direction(Decoder& decoder, Modifiers& modifiers) {
  const int direction = modifiers.take_one_of({"acquire", "release"});
  if (direction < 0) decoder.fail("this fence needs .acquire or .release");
  return direction;
}

// fence.proxy.tensormap::generic: orders a tensor map's changes before its uses.
Instruction decode_tensormap(Decoder& decoder, const ptx::Instruction& source,
                             Modifiers& modifiers) {
  const bool acquires = need_direction(decoder, modifiers) == 0;
  const Scope scope = take_scope(modifiers);
  if (scope == Scope::kNone) decoder.fail("this fence needs a scope");
  if (source.operands.size() != (acquires ? 2u : 0u)) decoder.fail("a wrong number of operands");
  if (acquires) {
    decoder.address(source.operands[0]);
    if (source.operands[1].bits != 128) decoder.fail("the size of a tensor map is 128");
  }
  return make(scope, true);
}

Instruction decode_proxy(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  if (modifiers.take("tensormap::generic")) return decode_tensormap(decoder, source, modifiers);
  if (!source.operands.empty()) decoder.fail("a fence without operands is needed");
  if (modifiers.take("async::generic")) {
    take_restriction(decoder, modifiers, need_direction(decoder, modifiers) == 0);
    return make(Scope::kCluster, true);
  }
  // No location has two virtual addresses here.
  if (modifiers.take("alias")) return make(Scope::kNone, false);
  if (!modifiers.take("async")) decoder.fail("an unknown proxy");
  modifiers.take_one_of({"global", "shared::cta", "shared::cluster"});
  return make(Scope::kNone, true);
}

}  // namespace

Instruction decode_fence(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  if (modifiers.take("proxy")) return decode_proxy(decoder, source, modifiers);
  if (!source.operands.empty()) decoder.fail("a fence without operands is needed");
  if (modifiers.take("mbarrier_init")) {
    if (!modifiers.take("release")) decoder.fail(".mbarrier_init needs .release");
    need_cluster_scope(decoder, modifiers);
    return make(Scope::kCluster, true);
  }
  const int order = modifiers.take_one_of({"acquire", "release", "acq_rel", "sc"});
  for (const std::string& word : modifiers.words()) {
    if ((order == 0 || order == 1) && word.starts_with("sync_restrict")) {
      take_restriction(decoder, modifiers, order == 0);
      return make(Scope::kCluster, false);
    }
  }
  const Scope scope = take_scope(modifiers);
  if (scope == Scope::kNone) decoder.fail("a fence needs a scope: .cta, .cluster, .gpu or .sys");
  return make(scope, false);
}

Instruction decode_membar(Decoder& decoder, const ptx::Instruction& source, Modifiers& modifiers) {
  if (!source.operands.empty()) decoder.fail("a fence without operands is needed");
  if (modifiers.take("proxy")) {
    if (!modifiers.take("alias")) decoder.fail("membar.proxy knows .alias only");
    return make(Scope::kNone, false);
  }
  const int level = modifiers.take_one_of({"cta", "gl", "sys"});
  if (level < 0) decoder.fail("membar needs .cta, .gl or .sys");
  return make(level == 0 ? Scope::kBlock : Scope::kDevice, false);
}

}  // namespace moe::simt
