#include "harness/policy_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <variant>
#include <vector>

#include "harness/cell.h"
#include "harness/shapes.h"
#include "kernels/contract/error.h"
#include "reference/route.h"

namespace moe::harness {
namespace {

using reference::Json;
using reference::make_tensor;
using reference::Tensor;
using reference::TensorType;
using Words = std::vector<std::string>;

constexpr std::int64_t kMostTile = 4096;

// A word of `known`. Words of `planned` are no mistake but no use either.
std::string word(const Json& j, const Words& known, const Words& planned, const std::string& noun) {
  if (j.is_string() && std::ranges::find(planned, j.text()) != planned.end()) {
    j.fail(fmt::format("{} \"{}\" is not built yet; known: {}", noun, j.text(),
                       comma_separated(known)));
  }
  return j.one_of(known, noun);
}

void allow_keys(const Json& j, Words known) {
  for (const std::string planned : {"scale", "groups", "groups_kept"}) {
    if (j.has(planned)) j.at(planned).fail("this key is not built yet");
  }
  known.emplace_back("kind");
  j.allow_keys(known);
}

double factor(const Json& j, double standard) {
  return j.has("factor") ? j.at("factor").number(kLeastCapacityFactor, kMostCapacityFactor)
                         : standard;
}

Rounding rounding(const Json& j, Rounding standard) {
  if (!j.has("rounding")) return standard;
  const std::string name = word(j.at("rounding"), {"ceil", "floor", "round"}, {}, "rounding");
  return name == "ceil" ? Rounding::kCeil : name == "floor" ? Rounding::kFloor : Rounding::kNearest;
}

DropOrder order(const Json& j) {
  if (!j.has("order")) return DropOrder::kPosition;
  const std::string name = word(j.at("order"), {"position", "priority"}, {"random"}, "order");
  return name == "position" ? DropOrder::kPosition : DropOrder::kPriority;
}

bool renormalize(const Json& j) {
  const bool selected = j.has("scores") && word(j.at("scores"), {"softmax", "softmax-selected"},
                                                {"sigmoid"}, "scores") == "softmax-selected";
  return (j.has("renormalize") && j.at("renormalize").boolean()) || selected;
}

// Of `logits` [T, E]; complaints name their file.
std::vector<double> finite_values(const Tensor& tensor, const std::filesystem::path& path) {
  const std::int64_t experts = tensor.shape[1];
  std::vector<double> values = tensor.as<double>();
  const auto bad = std::ranges::find_if(values, [](double v) { return !std::isfinite(v); });
  if (bad != values.end()) {
    const std::int64_t at = bad - values.begin();
    throw UserError(fmt::format("{}: logits: {} at token {}, expert {}; expected finite numbers",
                                path.string(), *bad, at / experts, at % experts));
  }
  return values;
}

Tensor read_logits(const std::filesystem::path& path) {
  const reference::SafetensorsFile file(path);
  if (file.contains("bias")) {
    throw UserError(fmt::format("{}: bias: routing with a bias is not built yet", path.string()));
  }
  Tensor logits = file.read("logits");
  const bool matrix = logits.shape.size() == 2;
  if (!matrix || logits.shape[1] < 1 || logits.shape[1] > kMostExperts) {
    throw UserError(
        fmt::format("{}: logits: found shape [{}], expected [tokens, experts] with 1 "
                    "to {} experts",
                    path.string(), fmt::join(logits.shape, ", "), kMostExperts));
  }
  return logits;
}

std::vector<std::int32_t> per_expert(const BasicRouting<double>& routing, std::int64_t experts) {
  std::vector<std::int32_t> count(static_cast<std::size_t>(experts), 0);
  for (const std::int32_t e : routing.expert) ++count[static_cast<std::size_t>(e)];
  return count;
}

Tensor ints(const std::vector<std::int32_t>& values) {
  return make_tensor<std::int32_t>(TensorType::kI32, {std::ssize(values)}, values);
}

}  // namespace

PolicyFile read_policy(const Json& j, std::int64_t experts) {
  static const Words kKinds = {"token-choice", "switch", "capped", "expert-choice",
                               "token-rounding"};
  static const Words kPlanned = {"gshard", "sinkhorn", "base", "hash", "round-robin", "random"};
  const std::string kind = word(j.at("kind"), kKinds, kPlanned, "policy");
  PolicyFile file;
  if (kind == "expert-choice") {
    allow_keys(j, {"factor", "rounding"});
    const ExpertChoice standard;
    const Rounding whole = rounding(j, standard.rounding);
    file.policy = ExpertChoice{factor(j, standard.factor), whole};
    return file;
  }
  if (kind == "token-choice") {
    allow_keys(j, {"top_k", "scores", "renormalize"});
  } else if (kind == "token-rounding") {
    allow_keys(j, {"top_k", "tile", "rounding", "scores", "renormalize"});
    TokenRounding policy;
    if (j.has("tile")) policy.tile = j.at("tile").integer(1, kMostTile);
    policy.rounding = rounding(j, policy.rounding);
    file.policy = policy;
  } else {
    const Words keys = {"top_k", "factor", "rounding", "order"};
    Words more = keys;
    more.insert(more.end(), {"scores", "renormalize"});
    allow_keys(j, kind == "switch" ? keys : more);
    const TokenChoiceCapped standard;
    const Rounding whole = rounding(j, standard.rounding);
    file.policy = TokenChoiceCapped{factor(j, standard.factor), order(j), whole};
  }
  if (kind != "switch" || j.has("top_k")) file.top_k = j.at("top_k").integer(1, experts);
  file.renormalize = renormalize(j);
  return file;
}

std::map<std::string, Tensor> route_files(const std::filesystem::path& policy_path,
                                          const std::filesystem::path& logits_path) {
  const Json json = Json::parse_file(policy_path);
  const Tensor logits = read_logits(logits_path);
  const std::vector<double> values = finite_values(logits, logits_path);
  MoeShape shape;
  shape.tokens = logits.shape[0];
  shape.experts = logits.shape[1];
  const PolicyFile policy = read_policy(json, shape.experts);
  shape.top_k = policy.top_k;
  shape.renormalize = policy.renormalize;

  const auto view = packed(values.data(), shape.tokens, shape.experts);
  const auto served = reference::route<double>(policy.policy, shape, view);
  const bool by_experts = std::holds_alternative<ExpertChoice>(policy.policy);
  const auto asked = !by_experts ? reference::route<double>(TokenChoice{}, shape, view) : served;
  return {{"offsets", ints(served.offsets)},
          {"expert", ints(served.expert)},
          {"weight", make_tensor<double>(TensorType::kF32, {served.assignments()}, served.weight)},
          {"demand", ints(per_expert(asked, shape.experts))},
          {"served", ints(per_expert(served, shape.experts))}};
}

}  // namespace moe::harness
