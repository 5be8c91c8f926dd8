#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moe::reference {

// The element types of the safetensors format that we read. Anything else is a clear error.
enum class TensorType : std::uint8_t { kF64, kF32, kF16, kBf16, kI64, kI32, kU8, kBool };
std::string_view to_string(TensorType type);  // "F64", "BF16": the format's own spelling
std::size_t element_bytes(TensorType type);

// What a tensor is, without its values.
struct TensorSpec {
  TensorType type = TensorType::kF32;
  std::vector<std::int64_t> shape{};
};

// One tensor: bytes are little-endian, row-major, size product(shape) * element_bytes(type).
struct Tensor {
  TensorType type = TensorType::kF32;
  std::vector<std::int64_t> shape{};
  std::vector<std::byte> bytes{};

  std::int64_t elements() const;
  // Values converted to T (exactly where T can hold them). T: float, double, std::int32_t, int64_t.
  // Throws UserError where a float tensor is asked for as integers.
  template <class T>
  std::vector<T> as() const;
};

// A tensor of `type` holding `values`, rounded to nearest even where the type is narrower.
template <class T>
Tensor make_tensor(TensorType type, std::vector<std::int64_t> shape, std::span<const T> values);

// The header's entry of one tensor; the bytes stay in the file until read().
struct TensorEntry {
  TensorType type;
  std::vector<std::int64_t> shape;
  std::uint64_t begin;  // offsets from the start of the data section
  std::uint64_t end;
};

// A .safetensors file, or a sharded model.safetensors.index.json, opened and checked: header
// length, offsets, order, overlap, gaps, shape x type overflow, file size, unknown types, duplicate
// names. Every fault is a UserError that names the file and the tensor.
class SafetensorsFile {
 public:
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::map<std::string, TensorEntry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  bool contains(const std::string& name) const { return entries_.contains(name); }
  // Throws UserError (with the nearest name) where there is none.
  Tensor read(const std::string& name) const;

 private:
  void add_shard(const std::filesystem::path& shard);

  std::filesystem::path path_;
  std::map<std::string, TensorEntry> entries_;
  std::map<std::string, std::filesystem::path> file_of_;  // tensor -> shard
  std::map<std::filesystem::path, std::uint64_t> data_start_;
  std::map<std::string, std::string> metadata_;
};

// Writes tensors sorted by name, header padded with spaces to 8 bytes, as the published files are.
// Writes to a temporary name first, so that an interrupted write leaves no half file behind.
void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, Tensor>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

// The same for a checkpoint too large to hold: `make` is called once for each name, in name order,
// and one tensor is alive at a time. What it returns must have the type and shape promised.
void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorSpec>& tensors,
                       const std::map<std::string, std::string>& metadata,
                       const std::function<Tensor(const std::string& name)>& make);

}  // namespace moe::reference
