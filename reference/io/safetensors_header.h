#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reference/io/safetensors.h"

namespace moe::reference {

// A file is: the header's length in 8 little-endian bytes, the header (JSON), the data section.
// https://github.com/huggingface/safetensors#format
inline constexpr std::uint64_t kLengthBytes = 8;
inline constexpr std::uint64_t kLongestHeader = 100'000'000;  // the published reader's own limit

struct SafetensorsHeader {
  std::map<std::string, TensorEntry> entries{};
  std::map<std::string, std::string> metadata{};
  std::uint64_t data_start = 0;  // from the beginning of the file
};

// The checked header of the file; reads nothing of the data section. Throws UserError.
SafetensorsHeader read_safetensors_header(const std::filesystem::path& path);

// The checked header of JSON `text`, which `data_bytes` bytes of data follow; `file` begins every
// sentence. Throws UserError.
SafetensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_bytes,
                                           const std::string& file);

// The header of these tensors stored in name order, padded with spaces to a multiple of 8 bytes;
// its length is not part of it. Throws std::logic_error where a tensor cannot have that shape.
std::string safetensors_header_text(const std::map<std::string, TensorSpec>& tensors,
                                    const std::map<std::string, std::string>& metadata);

// product(shape) * element_bytes(type); nothing where that passes 2^63 or an entry is negative.
std::optional<std::uint64_t> stored_bytes(TensorType type, const std::vector<std::int64_t>& shape);

}  // namespace moe::reference
