#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <random>

#include "kernels/contract/error.h"
#include "reference/io/safetensors.h"
#include "reference/io/test_folder.h"

namespace moe::reference {
namespace {

using Random = std::mt19937_64;  // the same numbers from every standard library

std::size_t below(Random& random, std::size_t n) { return n == 0 ? 0 : random() % n; }

std::string valid_file(const std::filesystem::path& path) {
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  write_safetensors(path,
                    {{"model.norm.weight", make_tensor<float>(TensorType::kBf16, {6}, values)},
                     {"lm_head", make_tensor<float>(TensorType::kF32, {2, 3}, values)},
                     {"none", make_tensor<float>(TensorType::kF64, {0, 3}, {})},
                     {"step", make_tensor<float>(TensorType::kF16, {}, std::vector<float>{9})}},
                    {{"format", "pt"}});
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void replace_a_number(std::string& bytes, Random& random) {
  static const char* const kNumbers[] = {"0",
                                         "-1",
                                         "1.5",
                                         "1e400",
                                         "4294967296",
                                         "9223372036854775807",
                                         "18446744073709551615",
                                         "36893488147419103232",
                                         "\"2\"",
                                         "null",
                                         "[]",
                                         "{}",
                                         "00",
                                         "-0"};
  const auto from = bytes.find_first_of("0123456789", 8 + below(random, bytes.size() - 8));
  if (from == std::string::npos) return;
  const auto to = bytes.find_first_not_of("0123456789", from);
  bytes.replace(from, to - from, kNumbers[below(random, std::size(kNumbers))]);
}

void mutate(std::string& bytes, Random& random) {
  const std::size_t at = below(random, bytes.size());
  switch (below(random, 7)) {
    case 0:
      bytes.resize(at);
      break;
    case 1:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(random, 8)));
      break;
    case 2:
      bytes[at] = static_cast<char>(random());
      break;
    case 3:  // splice: a piece of the file again, elsewhere
      bytes.insert(at, bytes.substr(below(random, bytes.size()), below(random, 60)));
      break;
    case 4:
      bytes.erase(at, below(random, 20));
      break;
    case 5:  // the structure's own characters do more harm than random ones
      bytes[at] = "{}[]\",:0-\\ "[below(random, 11)];
      break;
    default:
      if (bytes.size() > 8) replace_a_number(bytes, random);
  }
}

// With the length put right again the damage reaches the checks behind it.
void repair_length(std::string& bytes, std::size_t data_bytes) {
  if (bytes.size() < 8 + data_bytes) return;
  std::uint64_t length = bytes.size() - 8 - data_bytes;
  for (int i = 0; i < 8; ++i, length >>= 8) bytes[i] = static_cast<char>(length & 0xFF);
}

TEST(SafetensorsMutation, EveryDamagedFileEitherOpensOrIsRefused) {
  constexpr std::uint64_t kSeed = 20'240'901;
  constexpr std::size_t kDataBytes = 12 + 24 + 0 + 2;
  const TestFolder folder;
  const auto path = folder / "model.safetensors";
  const std::string valid = valid_file(path);
  Random random(kSeed);
  int opened = 0;
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = valid;
    for (std::size_t n = 1 + below(random, 3); n > 0 && !bytes.empty(); --n) mutate(bytes, random);
    if (random() % 2 == 0) repair_length(bytes, kDataBytes);
    std::filesystem::remove(path);  // some file systems flush a file that is written over
    std::ofstream(path, std::ios::binary) << bytes;
    try {
      const SafetensorsFile file(path);
      for (const auto& [name, entry] : file.entries()) {
        ASSERT_EQ(file.read(name).as<double>().size(),
                  static_cast<std::size_t>(file.read(name).elements()));
      }
      ++opened;
    } catch (const UserError& error) {
      ASSERT_EQ(std::string(error.what()).rfind(path.string(), 0), 0U) << error.what();
      ++refused;
    } catch (const std::exception& error) {
      FAIL() << "round " << round << " of seed " << kSeed << ": " << error.what();
    }
  }
  // Both ways out were taken often: neither a reader that refuses all nor one that opens all
  // passes.
  EXPECT_GT(opened, 200);
  EXPECT_GT(refused, 10'000);
}

}  // namespace
}  // namespace moe::reference
