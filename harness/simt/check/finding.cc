#include "harness/simt/check/finding.h"

#include <fmt/format.h>

namespace moe::simt {
namespace {

std::string describe(const Site& site) {
  const auto& [bx, by, bz] = site.block;
  const auto& [tx, ty, tz] = site.thread;
  std::string text = fmt::format("block ({},{},{}) thread ({},{},{})", bx, by, bz, tx, ty, tz);
  if (!site.source.empty()) text += fmt::format(" at {}", site.source);
  if (site.ptx_line > 0) text += fmt::format(", PTX line {}: {}", site.ptx_line, site.ptx_text);
  return text;
}

}  // namespace

std::string_view name_of(Check check) {
  switch (check) {
    case Check::kSharedRace:
      return "shared-race";
    case Check::kGlobalRace:
      return "global-race";
    case Check::kOutOfBounds:
      return "out-of-bounds";
    case Check::kUseAfterFree:
      return "use-after-free";
    case Check::kUninitialised:
      return "uninitialised";
    case Check::kMisaligned:
      return "misaligned";
    case Check::kDivergence:
      return "divergence";
    case Check::kBarrier:
      return "barrier";
    case Check::kProxyFence:
      return "proxy-fence";
    case Check::kAsyncWait:
      return "async-wait";
    case Check::kWgmma:
      return "wgmma";
    case Check::kDeadlock:
      return "deadlock";
    case Check::kBadArgument:
      return "bad-argument";
    case Check::kDoubleFree:
      return "double-free";
    case Check::kTrap:
      return "trap";
    case Check::kCount:
      break;
  }
  return "unknown";
}

std::string describe(const Finding& finding) {
  std::string text = fmt::format("{}: {}\n  kernel {}\n  by {}", name_of(finding.check),
                                 finding.message, finding.kernel, describe(finding.site));
  if (finding.has_other) text += fmt::format("\n  after {}", describe(finding.other));
  if (finding.count > 1) text += fmt::format("\n  seen {} times at this statement", finding.count);
  return text;
}

}  // namespace moe::simt
