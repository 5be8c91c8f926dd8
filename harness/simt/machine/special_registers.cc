#include "harness/simt/machine/special_registers.h"

#include <fmt/format.h>

#include <map>

#include "harness/simt/machine/block.h"

namespace moe::simt {
namespace {

const std::map<std::string_view, Special>& names() {
  static const std::map<std::string_view, Special> table = {
      {"%tid.x", Special::kTidX},
      {"%tid.y", Special::kTidY},
      {"%tid.z", Special::kTidZ},
      {"%ntid.x", Special::kNtidX},
      {"%ntid.y", Special::kNtidY},
      {"%ntid.z", Special::kNtidZ},
      {"%ctaid.x", Special::kCtaidX},
      {"%ctaid.y", Special::kCtaidY},
      {"%ctaid.z", Special::kCtaidZ},
      {"%nctaid.x", Special::kNctaidX},
      {"%nctaid.y", Special::kNctaidY},
      {"%nctaid.z", Special::kNctaidZ},
      {"%laneid", Special::kLaneId},
      {"%warpid", Special::kWarpId},
      {"%nwarpid", Special::kNwarpId},
      {"%lanemask_eq", Special::kLaneMaskEq},
      {"%lanemask_le", Special::kLaneMaskLe},
      {"%lanemask_lt", Special::kLaneMaskLt},
      {"%lanemask_ge", Special::kLaneMaskGe},
      {"%lanemask_gt", Special::kLaneMaskGt},
      {"%smid", Special::kSmId},
      {"%nsmid", Special::kNsmId},
      {"%gridid", Special::kGridId},
      {"%dynamic_smem_size", Special::kDynamicShared},
      {"%total_smem_size", Special::kTotalShared},
      {"%aggr_smem_size", Special::kTotalShared},
      {"%clusterid.x", Special::kClusterIdX},
      {"%clusterid.y", Special::kClusterIdY},
      {"%clusterid.z", Special::kClusterIdZ},
      {"%nclusterid.x", Special::kNclusterIdX},
      {"%nclusterid.y", Special::kNclusterIdY},
      {"%nclusterid.z", Special::kNclusterIdZ},
      {"%cluster_ctaid.x", Special::kClusterCtaidX},
      {"%cluster_ctaid.y", Special::kClusterCtaidY},
      {"%cluster_ctaid.z", Special::kClusterCtaidZ},
      {"%cluster_nctaid.x", Special::kClusterNctaidX},
      {"%cluster_nctaid.y", Special::kClusterNctaidY},
      {"%cluster_nctaid.z", Special::kClusterNctaidZ},
      {"%cluster_ctarank", Special::kClusterCtaRank},
      {"%cluster_nctarank", Special::kClusterNctaRank},
      {"%is_explicit_cluster", Special::kIsExplicitCluster},
  };
  return table;
}

}  // namespace

SpecialRegister find_special(std::string_view name) {
  SpecialRegister found;
  const auto known = names().find(name);
  if (known != names().end()) {
    found.which = known->second;
  } else if (name == "%reserved_smem_offset_begin") {
    found.is_constant = true;
  } else if (name == "%reserved_smem_offset_end" || name == "%reserved_smem_offset_cap") {
    found.is_constant = true;
    found.value = kSharedBase;
  } else if (name.starts_with("%clock") || name.starts_with("%globaltimer")) {
    found.reason = fmt::format("{}: a simulated device has no time", name);
  } else {
    found.reason = fmt::format("the special register {} is unknown to the interpreter", name);
  }
  return found;
}

}  // namespace moe::simt
