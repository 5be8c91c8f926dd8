#include <fstream>
#include <set>
#include <sstream>

#include "kernels/contract/error.h"
#include "reference/io/header_json.h"
#include "reference/io/safetensors.h"
#include "reference/io/safetensors_header.h"

namespace moe::reference {
namespace {

// tensor -> shard, of a model.safetensors.index.json. Its "metadata" (total_size) is not needed and
// published files get it wrong, so it is not read.
std::map<std::string, std::string> read_weight_map(const std::filesystem::path& index) {
  const std::string file = index.string();
  std::error_code error;
  const auto size = std::filesystem::file_size(index, error);
  std::ifstream in(index, std::ios::binary);
  if (error || !in) throw UserError(file + ": no such file, or it cannot be read");
  if (size > kLongestHeader) {
    throw UserError(file + ": " + std::to_string(size) + " bytes long, expected at most " +
                    std::to_string(kLongestHeader));
  }
  std::ostringstream text;
  text << in.rdbuf();
  const nlohmann::json root = parse_strict_json(text.str(), file + ": the index");
  if (!root.is_object() || !root.contains("weight_map") || !root["weight_map"].is_object()) {
    throw UserError(file + ": has no object \"weight_map\" of tensor names to shard files");
  }
  std::map<std::string, std::string> shard_of;
  for (const auto& [name, shard] : root["weight_map"].items()) {
    if (!shard.is_string()) {
      throw UserError(file + ": tensor " + in_quotes(name) + " has a shard that is no string");
    }
    shard_of[name] = shard.get<std::string>();
  }
  return shard_of;
}

// An index is somebody else's file: it may only name files beside itself.
void check_is_plain_name(const std::string& file, const std::string& tensor,
                         const std::string& shard) {
  const bool plain = !shard.empty() && shard != "." && shard != ".." &&
                     shard.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
  if (!plain) {
    throw UserError(file + ": tensor " + in_quotes(tensor) + " is in the shard " +
                    in_quotes(shard) + ", expected the name of a file beside the index");
  }
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : path_(path) {
  if (path.extension() != ".json") {
    add_shard(path);
    return;
  }
  const std::string file = path.string();
  const auto shard_of = read_weight_map(path);
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : shard_of) {
    check_is_plain_name(file, tensor, shard);
    if (shards.insert(shard).second && !std::filesystem::exists(path.parent_path() / shard)) {
      throw UserError(file + ": tensor " + in_quotes(tensor) + " is in the shard " +
                      in_quotes(shard) + ", which is not beside the index");
    }
  }
  for (const auto& shard : shards) add_shard(path.parent_path() / shard);
  for (const auto& [tensor, shard] : shard_of) {
    if (!entries_.contains(tensor)) {
      throw UserError(file + ": tensor " + in_quotes(tensor) + " is not in its shard " +
                      in_quotes(shard));
    }
  }
  for (const auto& [tensor, held_by] : file_of_) {
    const auto expected = shard_of.find(tensor);
    if (expected == shard_of.end() || path.parent_path() / expected->second != held_by) {
      throw UserError(held_by.string() + ": tensor " + in_quotes(tensor) +
                      " is not placed in this shard by the index " + path.filename().string());
    }
  }
}

void SafetensorsFile::add_shard(const std::filesystem::path& shard) {
  SafetensorsHeader header = read_safetensors_header(shard);
  data_start_[shard] = header.data_start;
  for (auto& [name, entry] : header.entries) {
    if (!entries_.emplace(name, std::move(entry)).second) {
      throw UserError(shard.string() + ": tensor " + in_quotes(name) + " is also in " +
                      file_of_[name].string() + ", expected it once");
    }
    file_of_[name] = shard;
  }
  metadata_.merge(header.metadata);  // the first shard's word stands
}

Tensor SafetensorsFile::read(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    std::vector<std::string> known;
    for (const auto& [held, entry] : entries_) known.push_back(held);
    throw UserError(path_.string() + ": there is no tensor " + in_quotes(name) +
                    did_you_mean(name, known));
  }
  const TensorEntry& entry = found->second;
  const std::filesystem::path& file = file_of_.at(name);
  Tensor tensor{entry.type, entry.shape, std::vector<std::byte>(entry.end - entry.begin)};
  std::ifstream in(file, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(data_start_.at(file) + entry.begin));
  in.read(reinterpret_cast<char*>(tensor.bytes.data()),
          static_cast<std::streamsize>(tensor.bytes.size()));
  if (!in) {
    throw UserError(file.string() + ": tensor " + in_quotes(name) +
                    " cannot be read, did the file change since it was opened?");
  }
  return tensor;
}

}  // namespace moe::reference
