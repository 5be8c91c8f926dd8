#include "harness/tokens.h"

#include <algorithm>
#include <fstream>
#include <string>

#include "kernels/contract/error.h"

namespace moe::harness {

std::vector<std::int64_t> read_byte_tokens(const std::filesystem::path& path, std::size_t limit) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);  // an error for a folder, too
  std::ifstream in(path, std::ios::binary);
  if (error || !in) throw UserError(path.string() + ": no such file, expected a text file");
  if (size == 0) throw UserError(path.string() + ": is empty, expected text");
  std::string text(std::min<std::uintmax_t>(size, limit), '\0');
  if (!in.read(text.data(), static_cast<std::streamsize>(text.size()))) {
    throw UserError(path.string() + ": cannot be read");
  }
  std::vector<std::int64_t> ids;
  ids.reserve(text.size());
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  return ids;
}

}  // namespace moe::harness
