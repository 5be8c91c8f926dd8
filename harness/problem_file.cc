#include "harness/problem_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <span>

#include "harness/machine.h"
#include "kernels/contract/error.h"
#include "reference/io/safetensors.h"
#include "reference/route.h"

namespace moe::harness {
namespace {

using reference::Tensor;
using reference::TensorSpec;
using reference::TensorType;

TensorType stored(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kTf32:
      return TensorType::kF32;
    case DType::kBf16:
      return TensorType::kBf16;
    case DType::kF16:
      return TensorType::kF16;
    case DType::kE4m3:
    case DType::kInt8:
    case DType::kInt4:
      break;
  }
  throw UserError("a problem of dtype " + std::string(to_string(dtype)) +
                  " cannot be written, expected f32, bf16, f16 or tf32");
}

template <class T>
Tensor tensor(const TensorSpec& spec, const std::vector<T>& values) {
  return reference::make_tensor<T>(spec.type, spec.shape, std::span<const T>(values));
}

std::vector<std::string> words_of(const std::string& list) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : list + ",") {
    if (c != ',') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  return words;
}

}  // namespace

void write_problem(const std::filesystem::path& path, const Cell& cell, const Workload& work) {
  const MoeShape& s = work.shape;
  const TensorType type = stored(s.dtype);
  const Routing routing = reference::route<float>(TokenChoice{}, s, work.problem().batch.logits);
  std::map<std::string, TensorSpec> specs = {{"x", {type, {s.tokens, s.hidden}}},
                                             {"expert", {TensorType::kI32, {s.tokens, s.top_k}}},
                                             {"weight", {TensorType::kF32, {s.tokens, s.top_k}}},
                                             {"logits", {TensorType::kF32, {s.tokens, s.experts}}}};
  std::map<std::string, const std::vector<float>*> values = {
      {"x", &work.x}, {"weight", &routing.weight}, {"logits", &work.logits}};
  if (work.weights) {
    specs["gate"] = specs["up"] = {type, {s.experts, s.ffn, s.hidden}};
    specs["down"] = {type, {s.experts, s.hidden, s.ffn}};
    values["gate"] = &work.weights->gate;
    values["up"] = &work.weights->up;
    values["down"] = &work.weights->down;
  }
  const std::map<std::string, std::string> metadata = {{"format", "moebench.problem"},
                                                       {"problem", cell.problem_name()},
                                                       {"hash", work.hash},
                                                       {"made_by", "moebench " + build_id()}};
  reference::write_safetensors(path, specs, metadata, [&](const std::string& name) {
    if (name == "expert") return tensor(specs.at(name), routing.expert);
    return tensor(specs.at(name), *values.at(name));
  });
}

OutputFile read_output(const std::filesystem::path& path, const MoeShape& shape) {
  const reference::SafetensorsFile file(path);
  const Tensor y = file.read("y");
  const std::vector<std::int64_t> expected = {shape.tokens, shape.hidden};
  if (y.shape != expected) {
    throw UserError(fmt::format("{}: y has shape [{}], expected [{}]", path.string(),
                                fmt::join(y.shape, ", "), fmt::join(expected, ", ")));
  }
  const auto rounds = file.metadata().find("rounds");
  return {y.as<float>(), words_of(rounds == file.metadata().end() ? "" : rounds->second)};
}

}  // namespace moe::harness
