#include "reference/io/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>

#include "kernels/contract/error.h"
#include "reference/io/safetensors_header.h"
#include "reference/io/test_folder.h"

namespace moe::reference {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Tensor counted(TensorType type, std::vector<std::int64_t> shape) {
  Tensor t{type, std::move(shape), {}};
  t.bytes.resize(static_cast<std::size_t>(t.elements()) * element_bytes(type));
  for (std::size_t i = 0; i < t.bytes.size(); ++i) t.bytes[i] = static_cast<std::byte>(i * 37);
  return t;
}

TEST(Safetensors, EveryTypeAndShapeComesBackByteForByte) {
  const TestFolder folder;
  std::map<std::string, Tensor> tensors;
  for (const auto type : {TensorType::kF64, TensorType::kF32, TensorType::kF16, TensorType::kBf16,
                          TensorType::kI64, TensorType::kI32, TensorType::kU8, TensorType::kBool}) {
    const std::string name(to_string(type));
    tensors[name] = counted(type, {2, 3});
    tensors[name + ".scalar"] = counted(type, {});
    tensors[name + ".empty"] = counted(type, {4, 0});
  }
  const auto path = folder / "model.safetensors";
  write_safetensors(path, tensors, {{"format", "pt"}, {"note", "\"quotes\"\n"}});
  const SafetensorsFile file(path);
  EXPECT_EQ(file.metadata().at("note"), "\"quotes\"\n");
  ASSERT_EQ(file.entries().size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const Tensor back = file.read(name);
    EXPECT_EQ(back.type, tensor.type) << name;
    EXPECT_EQ(back.shape, tensor.shape) << name;
    EXPECT_EQ(back.bytes, tensor.bytes) << name;
  }
}

TEST(Safetensors, AFileOfNoTensorsOpens) {
  const TestFolder folder;
  write_safetensors(folder / "a.safetensors", std::map<std::string, Tensor>{});
  EXPECT_TRUE(SafetensorsFile(folder / "a.safetensors").entries().empty());
}

TEST(Safetensors, AnUnknownTensorIsRefusedWithTheNearestName) {
  const TestFolder folder;
  write_safetensors(folder / "a.safetensors", {{"lm_head.weight", counted(TensorType::kU8, {1})}});
  const SafetensorsFile file(folder / "a.safetensors");
  EXPECT_TRUE(file.contains("lm_head.weight"));
  EXPECT_FALSE(file.contains("lm_heads.weight"));
  try {
    file.read("lm_heads.weight");
    FAIL() << "read a tensor that is not there";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("(did you mean \"lm_head.weight\"?)"));
    EXPECT_THAT(error.what(), HasSubstr("a.safetensors: "));
  }
}

TEST(Safetensors, AFileThatShrankAfterOpeningIsRefused) {
  const TestFolder folder;
  write_safetensors(folder / "a.safetensors", {{"w", counted(TensorType::kF64, {8})}});
  const SafetensorsFile file(folder / "a.safetensors");
  std::filesystem::resize_file(folder / "a.safetensors", 80);
  EXPECT_THROW(file.read("w"), UserError);
}

// The layout to the byte, from the format's description.
TEST(SafetensorsWriter, WritesTheDocumentedBytes) {
  const TestFolder folder;
  write_safetensors(folder / "a.safetensors",
                    {{"b", counted(TensorType::kU8, {2})}, {"a", counted(TensorType::kBf16, {1})}},
                    {{"format", "pt"}});
  std::ifstream in(folder / "a.safetensors", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]},)"
      R"("b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(bytes, std::string(1, static_cast<char>(padded.size())) + std::string(7, '\0') +
                       padded + std::string("\0\x25\0\x25", 4));
}

// Names and shapes of the released Time-MoE 50M model; the numbers are those of its file:
// https://huggingface.co/Maple728/TimeMoE-50M (model.safetensors, 226,760,264 bytes).
std::map<std::string, TensorSpec> time_moe_50m() {
  constexpr std::int64_t kHidden = 384, kFfn = 1536, kExpertFfn = 768, kExperts = 8;
  std::map<std::string, TensorSpec> specs;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    specs[name] = {TensorType::kBf16, std::move(shape)};
  };
  const auto add_mlp = [&](const std::string& prefix, std::int64_t width) {
    add(prefix + "gate_proj.weight", {width, kHidden});
    add(prefix + "up_proj.weight", {width, kHidden});
    add(prefix + "down_proj.weight", {kHidden, width});
  };
  add("model.embed_layer.emb_layer.weight", {kHidden, 1});
  add("model.embed_layer.gate_layer.weight", {kHidden, 1});
  add("model.norm.weight", {kHidden});
  for (int head = 0; head < 4; ++head) {
    constexpr std::int64_t kHorizons[] = {1, 8, 32, 64};
    add("lm_heads." + std::to_string(head) + ".out_layer.weight", {kHorizons[head], kHidden});
  }
  for (int l = 0; l < 12; ++l) {
    const std::string layer = "model.layers." + std::to_string(l) + ".";
    add(layer + "input_layernorm.weight", {kHidden});
    add(layer + "post_attention_layernorm.weight", {kHidden});
    for (const std::string part : {"q", "k", "v", "o"}) {
      add(layer + "self_attn." + part + "_proj.weight", {kHidden, kHidden});
      if (part != "o") add(layer + "self_attn." + part + "_proj.bias", {kHidden});
    }
    add(layer + "ffn_layer.gate.weight", {kExperts, kHidden});
    add(layer + "ffn_layer.shared_expert_gate.weight", {1, kHidden});
    add_mlp(layer + "ffn_layer.shared_expert.", kFfn);
    for (int e = 0; e < kExperts; ++e) {
      add_mlp(layer + "ffn_layer.experts." + std::to_string(e) + ".", kExpertFfn);
    }
  }
  return specs;
}

TEST(SafetensorsWriter, ReproducesTheSizeOfTheReleasedTimeMoe50M) {
  const auto specs = time_moe_50m();
  std::uint64_t data = 0;
  for (const auto& [name, spec] : specs) data += stored_bytes(spec.type, spec.shape).value();
  const std::string header = safetensors_header_text(specs, {{"format", "pt"}});
  EXPECT_EQ(specs.size(), 463U);
  EXPECT_EQ(data, 226'704'384U);
  EXPECT_EQ(header.size(), 55'872U);  // the 8 bytes of its length come on top
  EXPECT_EQ(kLengthBytes + header.size() + data, 226'760'264U);
  EXPECT_EQ(parse_safetensors_header(header, data, "50M").entries.size(), 463U);
}

TEST(SafetensorsWriter, AsksForOneTensorAtATimeInNameOrder) {
  const TestFolder folder;
  std::string asked;
  write_safetensors(
      folder / "a.safetensors", {{"z", {TensorType::kU8, {1}}}, {"y", {TensorType::kF32, {2}}}}, {},
      [&](const std::string& name) {
        asked += name;
        return name == "z" ? counted(TensorType::kU8, {1}) : counted(TensorType::kF32, {2});
      });
  EXPECT_EQ(asked, "yz");
  EXPECT_EQ(SafetensorsFile(folder / "a.safetensors").read("y").bytes,
            counted(TensorType::kF32, {2}).bytes);
}

TEST(SafetensorsWriter, AFailureLeavesTheOldFileAndNothingElse) {
  const TestFolder folder;
  const auto path = folder / "a.safetensors";
  write_safetensors(path, {{"w", counted(TensorType::kU8, {3})}});
  const auto wrong_shape = [](const std::string&) { return counted(TensorType::kU8, {4}); };
  EXPECT_THROW(write_safetensors(path, {{"w", {TensorType::kU8, {5}}}}, {}, wrong_shape),
               std::logic_error);
  EXPECT_EQ(SafetensorsFile(path).read("w").shape, std::vector<std::int64_t>{3});
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path.parent_path()), {}), 1);
}

TEST(SafetensorsWriter, AFolderThatIsNotThereIsRefused) {
  const TestFolder folder;
  try {
    write_safetensors(folder / "none" / "a.safetensors", std::map<std::string, Tensor>{});
    FAIL() << "wrote into a folder that is not there";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), StartsWith((folder / "none" / "a.safetensors").string()));
    EXPECT_THAT(error.what(), HasSubstr("does its folder exist"));
  }
}

TEST(SafetensorsWriter, AFolderInTheFilesPlaceIsRefused) {
  const TestFolder folder;
  std::filesystem::create_directory(folder / "a.safetensors");
  EXPECT_THROW(write_safetensors(folder / "a.safetensors", std::map<std::string, Tensor>{}),
               UserError);
}

}  // namespace
}  // namespace moe::reference
