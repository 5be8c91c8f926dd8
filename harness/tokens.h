#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

namespace moe::harness {

// The first `limit` bytes of a file as token ids 0 to 255, for a language model whose vocabulary
// has at least 256 entries: real text with real repetition, without a tokenizer. Throws UserError
// where the file cannot be read or is empty.
std::vector<std::int64_t> read_byte_tokens(const std::filesystem::path& path, std::size_t limit);

}  // namespace moe::harness
