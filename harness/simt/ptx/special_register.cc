// The names of special registers.
#include "harness/simt/ptx/special_register.h"

#include <algorithm>
#include <array>

namespace moe::simt::ptx {
namespace {

using namespace std::string_view_literals;

constexpr std::array kScalars = {
    "WARP_SZ"sv,
    "%laneid"sv,
    "%warpid"sv,
    "%nwarpid"sv,
    "%smid"sv,
    "%nsmid"sv,
    "%gridid"sv,
    "%is_explicit_cluster"sv,
    "%cluster_ctarank"sv,
    "%cluster_nctarank"sv,
    "%lanemask_eq"sv,
    "%lanemask_le"sv,
    "%lanemask_lt"sv,
    "%lanemask_ge"sv,
    "%lanemask_gt"sv,
    "%clock"sv,
    "%clock_hi"sv,
    "%clock64"sv,
    "%globaltimer"sv,
    "%globaltimer_lo"sv,
    "%globaltimer_hi"sv,
    "%reserved_smem_offset_begin"sv,
    "%reserved_smem_offset_end"sv,
    "%reserved_smem_offset_cap"sv,
    "%reserved_smem_offset_0"sv,
    "%reserved_smem_offset_1"sv,
    "%total_smem_size"sv,
    "%aggr_smem_size"sv,
    "%dynamic_smem_size"sv,
    "%current_graph_exec"sv,
};

constexpr std::array kVectors = {
    "%tid"sv,       "%ntid"sv,       "%ctaid"sv,         "%nctaid"sv,
    "%clusterid"sv, "%nclusterid"sv, "%cluster_ctaid"sv, "%cluster_nctaid"sv,
};

// `name` is `prefix` and a number of at most `most` without leading zero.
bool numbered(std::string_view name, std::string_view prefix, int most) {
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size());
  if (name.empty() || name.size() > 2 || (name.size() == 2 && name[0] == '0')) return false;
  int value = 0;
  for (const char c : name) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  return value <= most;
}

}  // namespace

bool is_special_register(std::string_view name) {
  if (std::ranges::find(kScalars, name) != kScalars.end()) return true;
  if (numbered(name, "%envreg", 31) || numbered(name, "%pm", 7)) return true;
  if (name.ends_with("_64")) return numbered(name.substr(0, name.size() - 3), "%pm", 7);
  const std::size_t dot = name.find('.');
  if (std::ranges::find(kVectors, name.substr(0, dot)) == kVectors.end()) return false;
  if (dot == std::string_view::npos) return true;
  const std::string_view component = name.substr(dot + 1);
  return component == "x" || component == "y" || component == "z" || component == "w";
}

}  // namespace moe::simt::ptx
