#include "harness/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "kernels/contract/error.h"
#include "reference/io/test_folder.h"
#include "reference/route.h"

namespace moe::harness {
namespace {

using reference::SafetensorsFile;
using reference::Tensor;
using reference::TensorType;
using reference::TestFolder;
using Tensors = std::map<std::string, Tensor>;
using Metadata = std::map<std::string, std::string>;

const MoeShape kShape{.tokens = 10, .hidden = 3, .experts = 6, .top_k = 2};

Trace some_trace() {
  Trace trace = generate_trace("zipf:1", kShape, 3, 5);
  trace.layers.erase(trace.layers.begin() + 1);  // layers 0 and 2
  trace.input = reference::make_tensor<float>(TensorType::kF32, {2, 5}, std::vector<float>(10, 1));
  return trace;
}

void expect_same(const Trace& a, const Trace& b) {
  EXPECT_EQ(a.model, b.model);
  EXPECT_EQ(a.data, b.data);
  EXPECT_EQ(a.tokens, b.tokens);
  EXPECT_EQ(a.renormalize, b.renormalize);
  ASSERT_EQ(a.layers.size(), b.layers.size());
  for (std::size_t l = 0; l < a.layers.size(); ++l) {
    EXPECT_EQ(a.layers[l].index, b.layers[l].index);
    EXPECT_EQ(a.layers[l].logits, b.layers[l].logits);
    EXPECT_EQ(a.layers[l].selected, b.layers[l].selected);
    EXPECT_EQ(a.layers[l].weights, b.layers[l].weights);
  }
  ASSERT_EQ(a.input.has_value(), b.input.has_value());
  if (a.input) {
    EXPECT_EQ(a.input->bytes, b.input->bytes);
  }
  EXPECT_EQ(trace_hash(a), trace_hash(b));
}

// What read_trace says of a good trace after `damage`, by which it must be refused.
std::string complaint(const std::function<void(Tensors&, Metadata&)>& damage) {
  const TestFolder folder;
  const auto path = folder / "trace.safetensors";
  write_trace(path, some_trace());
  const SafetensorsFile file(path);
  Tensors tensors;
  for (const auto& [name, entry] : file.entries()) tensors[name] = file.read(name);
  Metadata metadata = file.metadata();
  damage(tensors, metadata);
  reference::write_safetensors(path, tensors, metadata);
  try {
    read_trace(path);
  } catch (const UserError& e) {
    EXPECT_THAT(e.what(), testing::StartsWith(path.string()));
    return e.what();
  }
  return "accepted";
}

// The same for one value of a tensor.
template <class T>
std::string complaint_of(const std::string& name, std::size_t i, T value) {
  return complaint([&](Tensors& tensors, Metadata&) {
    auto values = tensors[name].as<T>();
    values[i] = value;
    tensors[name] = reference::make_tensor<T>(tensors[name].type, tensors[name].shape, values);
  });
}

TEST(Trace, ComesBackFromItsFileAsItWas) {
  const TestFolder folder;
  const auto trace = some_trace();
  write_trace(folder / "trace.safetensors", trace);
  expect_same(read_trace(folder / "trace.safetensors"), trace);
}

TEST(Trace, WithoutTokensComesBackToo) {
  const TestFolder folder;
  MoeShape s = kShape;
  s.tokens = 0;
  const auto trace = generate_trace("uniform", s, 2, 1);
  write_trace(folder / "trace.safetensors", trace);
  expect_same(read_trace(folder / "trace.safetensors"), trace);
}

TEST(Trace, EachLayerIsGeneratedByItsOwnSeed) {
  const auto trace = generate_trace("zipf:1", kShape, 2, 5);
  EXPECT_NE(trace.layers[0].selected, trace.layers[1].selected);
}

TEST(Trace, HashDependsOnEveryPart) {
  const auto hash = trace_hash(some_trace());
  const std::vector<std::function<void(Trace&)>> changes = {
      [](Trace& t) { t.layers[1].index = 3; }, [](Trace& t) { t.layers[0].logits[7] += 1; },
      [](Trace& t) { std::swap(t.layers[1].selected[0], t.layers[1].selected[1]); },
      [](Trace& t) { t.layers[0].weights[19] /= 2; }, [](Trace& t) { t.input.reset(); }};
  for (const auto& change : changes) {
    auto trace = some_trace();
    change(trace);
    EXPECT_NE(trace_hash(trace), hash);
  }
}

TEST(TraceRefuses, NothingWithoutDamage) {
  EXPECT_EQ(complaint([](Tensors&, Metadata&) {}), "accepted");
}
TEST(TraceRefuses, AnotherKindOfFile) {
  EXPECT_THAT(complaint([](Tensors&, Metadata& m) { m["kind"] = "model"; }),
              testing::HasSubstr("expected moebench.trace"));
  EXPECT_THAT(complaint([](Tensors&, Metadata& m) { m["version"] = "2"; }),
              testing::HasSubstr("version 1"));
  EXPECT_THAT(complaint([](Tensors&, Metadata& m) { m.erase("kind"); }),
              testing::HasSubstr("\"kind\" is missing"));
}
TEST(TraceRefuses, MetadataThatIsNoNumber) {
  for (const std::string key : {"experts", "top_k", "tokens", "layers"}) {
    for (const std::string value : {"", "-1", "2x", "1e3", "99999999999999999999"}) {
      EXPECT_THAT(complaint([&](Tensors&, Metadata& m) { m[key] = value; }),
                  testing::HasSubstr("expected"))
          << key << " " << value;
    }
  }
}
TEST(TraceRefuses, LayersOutOfOrder) {
  for (const std::string value : {"2,0", "0,0", "0,,2", "0,2,"}) {
    EXPECT_THAT(complaint([&](Tensors&, Metadata& m) { m["layers"] = value; }),
                testing::HasSubstr("expected"))
        << value;
  }
}
TEST(TraceRefuses, ShapesThatDoNotFit) {
  EXPECT_THAT(complaint([](Tensors&, Metadata& m) { m["tokens"] = "9"; }),
              testing::HasSubstr("is F32 [10, 6], expected F32 [9, 6]"));
  EXPECT_THAT(complaint([](Tensors&, Metadata& m) { m["top_k"] = "7"; }),
              testing::HasSubstr("at most the 6 experts"));
}
TEST(TraceRefuses, AnotherElementType) {
  const auto change = [](Tensors& t, Metadata&) {
    t["selected_experts.0"] = reference::make_tensor<std::int64_t>(
        TensorType::kI64, {10, 2}, t["selected_experts.0"].as<std::int64_t>());
  };
  EXPECT_THAT(complaint(change), testing::HasSubstr("is I64 [10, 2], expected I32 [10, 2]"));
}
TEST(TraceRefuses, MissingAndSurplusTensors) {
  EXPECT_THAT(complaint([](Tensors& t, Metadata&) { t.erase("routing_weights.2"); }),
              testing::HasSubstr("routing_weights.2"));
  EXPECT_THAT(complaint([](Tensors& t, Metadata&) { t["extra"] = t["input"]; }),
              testing::HasSubstr("\"extra\" has no place"));
}
TEST(TraceRefuses, AnInputOfAnotherLength) {
  const auto change = [](Tensors& t, Metadata&) {
    t["input"] = reference::make_tensor<float>(TensorType::kF32, {9}, std::vector<float>(9, 1));
  };
  EXPECT_THAT(complaint(change), testing::HasSubstr("9 elements"));
}
TEST(TraceRefuses, ExpertsOutOfRange) {
  EXPECT_THAT(complaint_of<std::int32_t>("selected_experts.0", 4, 6),
              testing::HasSubstr("token 2 has expert 6, expected 0 to 5"));
  EXPECT_THAT(complaint_of<std::int32_t>("selected_experts.0", 4, -1),
              testing::HasSubstr("token 2 has expert -1"));
}
TEST(TraceRefuses, AnExpertTwice) {
  const auto first = some_trace().layers[0].selected[4];
  EXPECT_THAT(complaint_of<std::int32_t>("selected_experts.0", 5, first),
              testing::HasSubstr("twice"));
}
TEST(TraceRefuses, ExpertsThatAreNotTheLargestLogits) {
  const auto trace = some_trace();
  std::int32_t other = 0;  // not chosen by token 0
  while (other == trace.layers[0].selected[0] || other == trace.layers[0].selected[1]) ++other;
  EXPECT_THAT(complaint_of<std::int32_t>("selected_experts.0", 1, other),
              testing::HasSubstr("among its 2 largest"));
}
TEST(TraceRefuses, AWorseExpertFirst) {
  const auto change = [](Tensors& t, Metadata&) {
    auto ids = t["selected_experts.2"].as<std::int32_t>();
    std::swap(ids[0], ids[1]);
    t["selected_experts.2"] = reference::make_tensor<std::int32_t>(TensorType::kI32, {10, 2}, ids);
  };
  EXPECT_THAT(complaint(change), testing::HasSubstr("best first"));
}
TEST(TraceRefuses, NumbersThatAreNotFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(complaint_of<float>("router_logits.2", 13, nan),
              testing::HasSubstr("token 2, column 1"));
  EXPECT_THAT(complaint_of<float>("routing_weights.2", 3, nan),
              testing::HasSubstr("token 1, column 1"));
}
TEST(TraceRefuses, ContentsThatDifferFromTheHash) {
  EXPECT_THAT(complaint_of<float>("routing_weights.0", 0, 0.25F), testing::HasSubstr("hash"));
}
TEST(TraceRefuses, AWordForRenormalize) {
  EXPECT_THAT(complaint([](Tensors&, Metadata& m) { m["renormalize"] = "yes"; }),
              testing::HasSubstr("expected true or false"));
}

TEST(Trace, EqualLogitsMayBeChosenInAnyOrder) {
  const TestFolder folder;
  const Trace trace{
      .tokens = 1, .experts = 3, .top_k = 2, .layers = {{0, {1, 1, 1}, {2, 1}, {0.5F, 0.5F}}}};
  write_trace(folder / "trace.safetensors", trace);
  expect_same(read_trace(folder / "trace.safetensors"), trace);
}

std::vector<float> rows(const std::vector<float>& v, std::int64_t count) {
  return {v.begin(), v.begin() + count * kShape.experts};
}

TEST(TraceWorkload, CropsToTheFirstTokens) {
  const auto trace = some_trace();
  MoeShape s = kShape;
  s.tokens = 4;
  const auto w = trace_workload(trace, 2, s, nullptr, 1);
  EXPECT_EQ(w.logits, rows(trace.layers[1].logits, 4));
  EXPECT_THAT(w.origin, testing::HasSubstr("the first 4 of 10 tokens"));
}
TEST(TraceWorkload, RepeatsUntilThereAreEnough) {
  const auto trace = some_trace();
  MoeShape s = kShape;
  s.tokens = 23;
  const auto w = trace_workload(trace, 0, s, nullptr, 1);
  auto expected = trace.layers[0].logits;
  expected.insert(expected.end(), expected.begin(), expected.end());
  const auto rest = rows(trace.layers[0].logits, 3);
  expected.insert(expected.end(), rest.begin(), rest.end());
  EXPECT_EQ(w.logits, expected);
  EXPECT_EQ(w.x.size(), 23U * 3);
  EXPECT_THAT(w.origin, testing::HasSubstr("10 tokens over and over, 23 in all"));
}
TEST(TraceWorkload, OfAGeneratorIsTheGeneratorsRouting) {
  const auto trace = some_trace();
  const auto w = trace_workload(trace, 2, kShape, nullptr, 1);
  const auto routing = reference::route<float>(TokenChoice{}, kShape, w.problem().batch.logits);
  EXPECT_EQ(routing, trace_routing(trace, trace.layers[1]));
  EXPECT_THAT(w.origin, testing::HasSubstr("all 10 tokens"));
}

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const UserError& e) {
    return e.what();
  }
  return "accepted";
}

TEST(TraceWorkload, RefusesAShapeThatIsNotTheTraces) {
  const auto trace = some_trace();
  MoeShape s = kShape;
  s.experts = 8;
  EXPECT_THAT(refusal([&] { trace_workload(trace, 0, s, nullptr, 1); }),
              testing::HasSubstr("experts is 6, expected the shape's 8"));
  s = kShape;
  s.top_k = 1;
  EXPECT_THAT(refusal([&] { trace_workload(trace, 0, s, nullptr, 1); }),
              testing::HasSubstr("top_k is 2, expected the shape's 1"));
}
TEST(TraceWorkload, RefusesALayerThatWasNotRecorded) {
  EXPECT_THAT(refusal([] { trace_workload(some_trace(), 1, kShape, nullptr, 1); }),
              testing::HasSubstr("no layer 1, expected one of 0, 2"));
}
TEST(TraceWorkload, RefusesToRepeatNothing) {
  MoeShape s = kShape;
  s.tokens = 0;
  const auto trace = generate_trace("uniform", s, 1, 1);
  EXPECT_TRUE(trace_workload(trace, 0, s, nullptr, 1).logits.empty());
  EXPECT_THAT(refusal([&] { trace_workload(trace, 0, kShape, nullptr, 1); }),
              testing::HasSubstr("no tokens"));
}

TEST(TraceWorkload, IsMadeByItsName) {
  const TestFolder folder;
  const auto trace = some_trace();
  write_trace(folder / "a:b#c.safetensors", trace);
  const std::string file = "trace:" + (folder / "a:b#c.safetensors").string();
  const auto w = make_workload(file + "#layer=2", kShape, nullptr, 1);
  EXPECT_EQ(w.logits, trace.layers[1].logits);
  EXPECT_EQ(w.name, file + "#layer=2");
  EXPECT_EQ(make_workload(file, kShape, nullptr, 1).logits, trace.layers[0].logits);
  for (const std::string layer : {"", "x", "2x", "-", "7"}) {
    EXPECT_THAT(refusal([&] { make_workload(file + "#layer=" + layer, kShape, nullptr, 1); }),
                testing::HasSubstr("expected"))
        << layer;
  }
}

}  // namespace
}  // namespace moe::harness
