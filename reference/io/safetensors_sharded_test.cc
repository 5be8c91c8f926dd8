#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "kernels/contract/error.h"
#include "reference/io/safetensors.h"
#include "reference/io/test_folder.h"

namespace moe::reference {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A folder of two shards: "a" = {1} and "b" = {2} in one.safetensors, "c" = {3} in two.safetensors.
class Sharded : public ::testing::Test {
 protected:
  Sharded() {
    write("one.safetensors", {{"a", 1}, {"b", 2}});
    write("two.safetensors", {{"c", 3}});
  }

  void write(const std::string& shard, const std::map<std::string, float>& values) {
    std::map<std::string, Tensor> tensors;
    for (const auto& [name, value] : values) {
      tensors[name] = make_tensor<float>(TensorType::kF32, {1}, std::vector{value});
    }
    write_safetensors(folder_ / shard, tensors, {{"format", "pt"}});
  }

  std::filesystem::path index(const std::string& text) {
    const auto path = folder_ / "model.safetensors.index.json";
    std::ofstream(path) << text;
    return path;
  }
  // An index whose weight_map has these members.
  std::filesystem::path map(const std::string& members) {
    return index(R"({"metadata":{"total_size":12},"weight_map":{)" + members + "}}");
  }

  std::string refusal(const std::filesystem::path& path) {
    try {
      const SafetensorsFile file(path);
    } catch (const UserError& error) {
      return error.what();
    }
    return "nothing was refused";
  }

  const std::string kAll = R"("a":"one.safetensors","b":"one.safetensors","c":"two.safetensors")";
  TestFolder folder_;
};

TEST_F(Sharded, ReadsEachTensorFromItsShard) {
  const SafetensorsFile file(map(kAll));
  EXPECT_EQ(file.entries().size(), 3U);
  EXPECT_EQ(file.metadata().at("format"), "pt");
  EXPECT_THAT(file.read("a").as<float>(), ElementsAre(1));
  EXPECT_THAT(file.read("b").as<float>(), ElementsAre(2));
  EXPECT_THAT(file.read("c").as<float>(), ElementsAre(3));
}

TEST_F(Sharded, RefusesAShardThatIsNotThere) {
  EXPECT_THAT(refusal(map(kAll + R"(,"d":"three.safetensors")")),
              HasSubstr("index.json: tensor \"d\" is in the shard \"three.safetensors\", which is "
                        "not beside the index"));
}
TEST_F(Sharded, RefusesATensorThatItsShardDoesNotHold) {
  EXPECT_THAT(refusal(map(kAll + R"(,"d":"two.safetensors")")),
              HasSubstr("index.json: tensor \"d\" is not in its shard \"two.safetensors\""));
}
TEST_F(Sharded, RefusesATensorThatTheIndexLeavesOut) {
  EXPECT_THAT(refusal(map(R"("a":"one.safetensors","c":"two.safetensors")")),
              HasSubstr("one.safetensors: tensor \"b\" is not placed in this shard by the index"));
}
TEST_F(Sharded, RefusesATensorInAnotherShardThanTheIndexSays) {
  EXPECT_THAT(refusal(map(R"("a":"one.safetensors","b":"two.safetensors","c":"two.safetensors")")),
              HasSubstr("one.safetensors: tensor \"b\" is not placed in this shard"));
}
TEST_F(Sharded, RefusesATensorInTwoShards) {
  write("two.safetensors", {{"b", 2}, {"c", 3}});
  EXPECT_THAT(refusal(map(kAll)), HasSubstr("two.safetensors: tensor \"b\" is also in "));
}
TEST_F(Sharded, RefusesABrokenShardByItsOwnName) {
  std::filesystem::resize_file(folder_ / "two.safetensors", 5);
  EXPECT_THAT(refusal(map(kAll)), HasSubstr("two.safetensors: 5 bytes long"));
}
TEST_F(Sharded, RefusesShardsOutsideTheFolder) {
  std::filesystem::create_directory(folder_ / "inside");
  std::filesystem::copy_file(folder_ / "two.safetensors", folder_ / "inside" / "two.safetensors");
  const std::string elsewhere = (folder_ / "two.safetensors").string();
  for (const std::string& shard :
       {std::string("inside/two.safetensors"), std::string("../two.safetensors"), elsewhere,
        std::string("inside\\\\two.safetensors"), std::string(".."), std::string("."),
        std::string(""), std::string("two.safetensors\\u0000")}) {
    EXPECT_THAT(refusal(map(R"("c":")" + shard + "\"")),
                HasSubstr("index.json: tensor \"c\" is in the shard"))
        << shard;
    EXPECT_THAT(refusal(map(R"("c":")" + shard + "\"")), HasSubstr("expected the name of a file"));
  }
}
TEST_F(Sharded, RefusesADuplicateTensorInTheIndex) {
  EXPECT_THAT(refusal(map(kAll + R"(,"c":"two.safetensors")")),
              HasSubstr("has the key \"c\" in \"weight_map\" twice"));
}
TEST_F(Sharded, RefusesAnIndexOfAnotherForm) {
  for (const std::string text :
       {"[]", "{}", R"({"weight_map":[]})", R"({"weight_map":"one.safetensors"})"}) {
    EXPECT_THAT(refusal(index(text)), HasSubstr("has no object \"weight_map\"")) << text;
  }
  EXPECT_THAT(refusal(map(R"("a":1)")), HasSubstr("tensor \"a\" has a shard that is no string"));
  EXPECT_THAT(refusal(index("{")), HasSubstr("the index is not JSON"));
}
TEST_F(Sharded, RefusesAnIndexThatIsNotThere) {
  EXPECT_THAT(refusal(folder_ / "none.index.json"), HasSubstr("none.index.json: no such file"));
}

}  // namespace
}  // namespace moe::reference
