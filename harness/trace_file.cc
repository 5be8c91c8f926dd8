#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <span>

#include "harness/trace.h"
#include "kernels/contract/error.h"

namespace moe::harness {
namespace {

using reference::SafetensorsFile;
using reference::Tensor;
using reference::TensorType;
using Shape = std::vector<std::int64_t>;

constexpr std::int64_t kLargest = std::int64_t{1} << 40;

std::string logits_name(std::int64_t l) { return fmt::format("router_logits.{}", l); }
std::string selected_name(std::int64_t l) { return fmt::format("selected_experts.{}", l); }
std::string weights_name(std::int64_t l) { return fmt::format("routing_weights.{}", l); }

std::string layer_list(const Trace& trace) {
  std::vector<std::int64_t> indices;
  for (const auto& layer : trace.layers) indices.push_back(layer.index);
  return fmt::format("{}", fmt::join(indices, ","));
}

// An opened trace; every complaint starts with the file's name.
class TraceFile {
 public:
  explicit TraceFile(const std::filesystem::path& path) : path_(path.string()), file_(path) {}

  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
    throw UserError(path_ + ": " + fmt::format(text, std::forward<Args>(args)...));
  }

  std::string text(const std::string& key) const {
    const auto found = file_.metadata().find(key);
    if (found == file_.metadata().end()) fail("metadata \"{}\" is missing from this trace", key);
    return found->second;
  }

  std::int64_t number(const std::string& key, std::int64_t low) const {
    return whole(key, text(key), low);
  }

  std::int64_t whole(const std::string& key, const std::string& word, std::int64_t low) const {
    std::int64_t v = 0;
    const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), v);
    if (fault != std::errc() || end != word.data() + word.size() || v < low || v > kLargest) {
      fail("metadata \"{}\" is \"{}\", expected a whole number from {}", key, word, low);
    }
    return v;
  }

  template <class T>
  std::vector<T> values(const std::string& name, TensorType type, const Shape& shape) {
    const Tensor tensor = file_.read(name);
    wanted_.insert(name);
    if (tensor.type != type || tensor.shape != shape) {
      fail("tensor \"{}\" is {} [{}], expected {} [{}]", name, reference::to_string(tensor.type),
           fmt::join(tensor.shape, ", "), reference::to_string(type), fmt::join(shape, ", "));
    }
    return tensor.as<T>();
  }

  std::optional<Tensor> input(std::int64_t tokens) {
    if (!file_.contains("input")) return std::nullopt;
    wanted_.insert("input");
    Tensor tensor = file_.read("input");
    if (tensor.elements() != tokens) {
      fail("tensor \"input\" has {} elements, expected one for each of {} tokens",
           tensor.elements(), tokens);
    }
    return tensor;
  }

  void refuse_surplus_tensors() const {
    for (const auto& [name, entry] : file_.entries()) {
      if (!wanted_.contains(name)) fail("tensor \"{}\" has no place in this trace", name);
    }
  }

 private:
  std::string path_;
  SafetensorsFile file_;
  std::set<std::string> wanted_{};
};

// "0,3,5", ascending.
std::vector<std::int64_t> layer_indices(const TraceFile& file) {
  const std::string list = file.text("layers");
  std::vector<std::int64_t> indices;
  for (std::size_t begin = 0; !list.empty() && begin <= list.size();) {
    const auto end = std::min(list.find(',', begin), list.size());
    indices.push_back(file.whole("layers", list.substr(begin, end - begin), 0));
    begin = end + 1;
  }
  if (indices.empty() || !std::ranges::is_sorted(indices, std::less_equal{})) {
    file.fail("metadata \"layers\" is \"{}\", expected ascending numbers with commas", list);
  }
  return indices;
}

void check_finite(const TraceFile& file, const std::string& name, std::span<const float> values,
                  std::int64_t columns) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    file.fail("tensor \"{}\": token {}, column {} is {}, expected a finite number", name,
              i / columns, i % columns, values[i]);
  }
}

// The K ids of one token: of the layer, distinct, and the largest logits, best first. Where logits
// are equal any of them may be chosen: a model that chose in double may see a tie here that was
// none.
void check_row(const TraceFile& file, const std::string& name, std::int64_t token,
               std::span<const std::int32_t> ids, std::span<const float> logits) {
  std::vector<bool> taken(logits.size());
  float last = std::numeric_limits<float>::infinity();
  for (const auto e : ids) {
    if (e < 0 || e >= static_cast<std::int64_t>(logits.size())) {
      file.fail("tensor \"{}\": token {} has expert {}, expected 0 to {}", name, token, e,
                logits.size() - 1);
    }
    if (taken[e]) {
      file.fail("tensor \"{}\": token {} has expert {} twice, expected distinct experts", name,
                token, e);
    }
    taken[e] = true;
    if (!(logits[e] <= last)) {
      file.fail(
          "tensor \"{}\": token {} has expert {} after one of a smaller logit, expected best "
          "first",
          name, token, e);
    }
    last = logits[e];
  }
  for (std::size_t e = 0; e < logits.size(); ++e) {
    if (!taken[e] && !(logits[e] <= last)) {
      file.fail("tensor \"{}\": token {} lacks expert {}, whose logit is among its {} largest",
                name, token, e, ids.size());
    }
  }
}

TraceLayer read_layer(TraceFile& file, const Trace& trace, std::int64_t index) {
  const Shape by_expert = {trace.tokens, trace.experts}, by_choice = {trace.tokens, trace.top_k};
  TraceLayer layer{
      .index = index,
      .logits = file.values<float>(logits_name(index), TensorType::kF32, by_expert),
      .selected = file.values<std::int32_t>(selected_name(index), TensorType::kI32, by_choice),
      .weights = file.values<float>(weights_name(index), TensorType::kF32, by_choice)};
  check_finite(file, logits_name(index), layer.logits, trace.experts);
  check_finite(file, weights_name(index), layer.weights, trace.top_k);
  for (std::int64_t t = 0; t < trace.tokens; ++t) {
    check_row(file, selected_name(index), t,
              std::span(layer.selected).subspan(t * trace.top_k, trace.top_k),
              std::span(layer.logits).subspan(t * trace.experts, trace.experts));
  }
  return layer;
}

bool read_renormalize(const TraceFile& file) {
  const std::string word = file.text("renormalize");
  if (word != "true" && word != "false") {
    file.fail("metadata \"renormalize\" is \"{}\", expected true or false", word);
  }
  return word == "true";
}

void check_kind(const TraceFile& file) {
  if (file.text("kind") != "moebench.trace" || file.text("version") != "1") {
    file.fail("is {} version {}, expected moebench.trace version 1", file.text("kind"),
              file.text("version"));
  }
}

}  // namespace

void write_trace(const std::filesystem::path& path, const Trace& trace) {
  std::map<std::string, Tensor> tensors;
  const Shape by_expert = {trace.tokens, trace.experts}, by_choice = {trace.tokens, trace.top_k};
  for (const auto& [index, logits, selected, weights] : trace.layers) {
    tensors[logits_name(index)] =
        reference::make_tensor<float>(TensorType::kF32, by_expert, logits);
    tensors[selected_name(index)] =
        reference::make_tensor<std::int32_t>(TensorType::kI32, by_choice, selected);
    tensors[weights_name(index)] =
        reference::make_tensor<float>(TensorType::kF32, by_choice, weights);
  }
  if (trace.input) tensors["input"] = *trace.input;
  reference::write_safetensors(path, tensors,
                               {{"kind", "moebench.trace"},
                                {"version", "1"},
                                {"model", trace.model},
                                {"data", trace.data},
                                {"experts", std::to_string(trace.experts)},
                                {"top_k", std::to_string(trace.top_k)},
                                {"renormalize", trace.renormalize ? "true" : "false"},
                                {"layers", layer_list(trace)},
                                {"tokens", std::to_string(trace.tokens)},
                                {"hash", trace_hash(trace)}});
}

Trace read_trace(const std::filesystem::path& path) {
  TraceFile file(path);
  check_kind(file);
  Trace trace{.model = file.text("model"),
              .data = file.text("data"),
              .tokens = file.number("tokens", 0),
              .experts = file.number("experts", 1),
              .top_k = file.number("top_k", 1),
              .renormalize = read_renormalize(file)};
  if (trace.top_k > trace.experts) {
    file.fail("metadata \"top_k\" is {}, expected at most the {} experts", trace.top_k,
              trace.experts);
  }
  for (const auto index : layer_indices(file)) {
    trace.layers.push_back(read_layer(file, trace, index));
  }
  trace.input = file.input(trace.tokens);
  file.refuse_surplus_tensors();
  if (const auto hash = trace_hash(trace); hash != file.text("hash")) {
    file.fail("contents have hash {}, expected the {} of its metadata: the file was changed", hash,
              file.text("hash"));
  }
  return trace;
}

}  // namespace moe::harness
