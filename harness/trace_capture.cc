#include "harness/trace_capture.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <numeric>

#include "harness/series.h"
#include "harness/tokens.h"
#include "kernels/contract/error.h"
#include "reference/checkpoint.h"

namespace moe::harness {
namespace {

using reference::DecoderOutput;
using reference::Mixtral;
using reference::TensorType;
using reference::TimeMoe;

// The file's name and XXH64, so that a trace says which data it was even when the file is renamed.
std::string identity(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  return fmt::format("{} (xxh64 {:016x})", path.filename().string(),
                     XXH64(bytes.data(), bytes.size(), 0));
}

std::string model_words(const CaptureRequest& request, const char* type) {
  const auto folder = std::filesystem::absolute(request.model / ".").parent_path();
  return fmt::format("{} \"{}\"", type, folder.filename().string());
}

// Where the sequences end: the first as early and the last as late as can be, evenly between.
std::vector<std::size_t> sequence_ends(const CaptureRequest& request, std::size_t rows) {
  const auto context = static_cast<std::size_t>(request.context);
  const auto count = static_cast<std::size_t>(request.sequences);
  if (rows < context || rows - context + 1 < count) {
    throw UserError(fmt::format("{}: has {} rows, expected at least {} for {} sequences of {}",
                                request.series.string(), rows, context + count - 1, count,
                                context));
  }
  std::vector<std::size_t> ends;
  for (std::size_t i = 0; i < count; ++i) {
    ends.push_back(count == 1 ? rows : context + i * (rows - context) / (count - 1));
  }
  return ends;
}

std::vector<std::size_t> chosen_columns(const CaptureRequest& request, const Series& series) {
  std::vector<std::size_t> chosen;
  for (const auto& name : request.columns) chosen.push_back(series.column(name));
  if (chosen.empty()) {
    chosen.resize(series.columns.size());
    std::iota(chosen.begin(), chosen.end(), std::size_t{0});
  }
  return chosen;
}

// The router's logits, rounded to float, and the choice made before the rounding. [layers]
std::vector<TraceLayer> recorded(const DecoderOutput<double>& out) {
  std::vector<TraceLayer> layers;
  for (std::size_t l = 0; l < out.routing.size(); ++l) {
    const auto& logits = out.router_logits[l].values;
    const auto& routing = out.routing[l];
    layers.push_back({static_cast<std::int64_t>(l),
                      {logits.begin(), logits.end()},
                      routing.expert,
                      {routing.weight.begin(), routing.weight.end()}});
  }
  return layers;
}

void expect_only(const CaptureRequest& request, const char* type,
                 const std::filesystem::path& wanted, const char* option,
                 const std::filesystem::path& other) {
  if (!wanted.empty() && other.empty()) return;
  throw UserError(fmt::format("{}: the model is {}, expected {} and no other data",
                              request.model.string(), type, option));
}

Trace capture(const TimeMoe& model, const CaptureRequest& request) {
  expect_only(request, "time_moe", request.series, "--data CSV", request.text);
  const auto& c = model.config;
  if (c.use_dense || c.input_size != 1) {
    throw UserError(fmt::format("{}: use_dense is {} and input_size {}, expected false and 1",
                                request.model.string(), c.use_dense, c.input_size));
  }
  const Series series = read_series(request.series);
  const auto ends = sequence_ends(request, series.rows());
  std::vector<float> points;
  std::vector<std::string> names;
  for (const auto column : chosen_columns(request, series)) {
    const auto some = windows(z_scored(series, column), request.context, ends);
    points.insert(points.end(), some.begin(), some.end());
    names.push_back(series.columns[column]);
  }
  const auto tokens = static_cast<std::int64_t>(points.size());
  const auto batch = tokens / request.context;
  auto cache = reference::empty_cache<double>(model, batch);
  const auto out = reference::time_moe_forward<double>(
      model, {tokens, 1, {points.begin(), points.end()}}, {}, cache);
  return {
      .model = model_words(request, "time_moe"),
      .data = fmt::format("{}, {}: {} sequences of {} points each", identity(request.series),
                          fmt::join(names, ", "), request.sequences, request.context),
      .tokens = tokens,
      .experts = c.num_experts,
      .top_k = c.num_experts_per_tok,
      .renormalize = false,
      .layers = recorded(out),
      .input = reference::make_tensor<float>(TensorType::kF32, {batch, request.context}, points)};
}

Trace capture(const Mixtral& model, const CaptureRequest& request) {
  expect_only(request, "mixtral", request.text, "--text FILE", request.series);
  const auto& c = model.config;
  const std::int64_t tokens = request.context * request.sequences;
  const auto ids = read_byte_tokens(request.text, static_cast<std::size_t>(tokens));
  if (static_cast<std::int64_t>(ids.size()) < tokens) {
    throw UserError(fmt::format("{}: has {} bytes, expected at least {} for {} sequences of {}",
                                request.text.string(), ids.size(), tokens, request.sequences,
                                request.context));
  }
  if (const auto most = std::ranges::max(ids); most >= c.vocab_size) {
    throw UserError(fmt::format("{}: has the byte {}, expected less than the model's vocab_size {}",
                                request.text.string(), most, c.vocab_size));
  }
  auto cache = reference::empty_cache<double>(model, request.sequences);
  const auto out = reference::mixtral_forward<double>(model, ids, {}, cache);
  return {.model = model_words(request, "mixtral"),
          .data = fmt::format("{}, its first bytes: {} sequences of {}", identity(request.text),
                              request.sequences, request.context),
          .tokens = tokens,
          .experts = c.num_local_experts,
          .top_k = c.num_experts_per_tok,
          .renormalize = true,
          .layers = recorded(out),
          .input = reference::make_tensor<std::int64_t>(TensorType::kI64,
                                                        {request.sequences, request.context}, ids)};
}

}  // namespace

Trace capture_trace(const CaptureRequest& request) {
  if (request.context < 1 || request.sequences < 1) {
    throw UserError(fmt::format("capture: {} sequences of {} tokens, expected at least 1 of 1",
                                request.sequences, request.context));
  }
  const auto model = reference::load_model(request.model);
  return std::visit([&](const auto& m) { return capture(m, request); }, model);
}

}  // namespace moe::harness
