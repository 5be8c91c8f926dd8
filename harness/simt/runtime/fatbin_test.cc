#include "harness/simt/runtime/fatbin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#ifdef MOEBENCH_HAS_ZSTD
#include <zstd.h>
#endif

namespace moe::simt {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kArchitecture = 0x100000;
constexpr std::uint64_t kFamily = 0x200000;
constexpr std::uint64_t kZstd = 0x8000;
constexpr std::uint64_t kLz4 = 0x2000;

template <class T>
void put(std::vector<std::byte>& to, std::size_t at, T value) {
  if (to.size() < at + sizeof value) to.resize(at + sizeof value);
  std::memcpy(to.data() + at, &value, sizeof value);
}

struct Part {
  std::uint16_t kind = 1;
  std::uint32_t capability = 80;
  std::uint64_t flags = 0x11;
  std::string payload;
  std::uint64_t plain_bytes = 0;
};

// A container as nvcc 13.0 lays it out: read off a hexdump, not off the parser.
std::vector<std::byte> container(const std::vector<Part>& parts) {
  std::vector<std::byte> all(16);
  for (const Part& part : parts) {
    std::vector<std::byte> entry(64 + 8);
    const std::size_t padded = (part.payload.size() + 7) / 8 * 8;
    put<std::uint16_t>(entry, 0, part.kind);
    put<std::uint16_t>(entry, 2, 0x101);
    put<std::uint32_t>(entry, 4, 72);
    put<std::uint64_t>(entry, 8, padded);
    if (part.plain_bytes > 0) put<std::uint32_t>(entry, 16, part.payload.size());
    put<std::uint32_t>(entry, 28, part.capability);
    put<std::uint32_t>(entry, 32, 64);
    put<std::uint32_t>(entry, 36, 4);
    put<std::uint64_t>(entry, 40, part.flags);
    put<std::uint64_t>(entry, 56, part.plain_bytes);
    std::memcpy(entry.data() + 64, "a.cu", 4);
    entry.resize(72 + padded);
    std::memcpy(entry.data() + 72, part.payload.data(), part.payload.size());
    all.insert(all.end(), entry.begin(), entry.end());
  }
  put<std::uint32_t>(all, 0, 0xba55ed50u);
  put<std::uint16_t>(all, 4, 1);
  put<std::uint16_t>(all, 6, 16);
  put<std::uint64_t>(all, 8, all.size() - 16);
  return all;
}

std::string chosen(const std::vector<Part>& parts, const std::string& architecture) {
  const std::vector<std::byte> bytes = container(parts);
  const std::vector<FatbinEntry> entries = parse_fatbin(bytes.data());
  const FatbinEntry* entry = choose_ptx(entries, architecture);
  return entry == nullptr ? "nothing" : name_of(*entry);
}

TEST(Fatbin, EntriesHaveTheirArchitectureFileAndText) {
  const auto bytes = container({{1, 80, 0x11, ".version 9.0\n", 0},
                                {2, 90, 0x11 | kArchitecture,
                                 "\x7f"
                                 "ELF",
                                 0}});
  const std::vector<FatbinEntry> entries = parse_fatbin(bytes.data());
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(name_of(entries[0]), "compute_80");
  EXPECT_EQ(entries[0].file, "a.cu");
  EXPECT_EQ(contents(entries[0]), ".version 9.0\n");  // without the zeros that pad it
  EXPECT_EQ(name_of(entries[1]), "sm_90a");
}

TEST(Fatbin, TheNewestPtxThatTheDeviceCanRunIsChosen) {
  const std::vector<Part> parts{{1, 80, 0x11, "x", 0},
                                {1, 90, 0x11, "x", 0},
                                {1, 90, 0x11 | kArchitecture, "x", 0},
                                {1, 100, 0x11 | kFamily, "x", 0},
                                {1, 100, 0x11 | kArchitecture, "x", 0}};
  EXPECT_EQ(chosen(parts, "80"), "compute_80");
  EXPECT_EQ(chosen(parts, "90a"), "compute_90a");
  EXPECT_EQ(chosen(parts, "100a"), "compute_100a");
}

TEST(Fatbin, ArchitectureSpecificPtxRunsNowhereElse) {
  EXPECT_EQ(chosen({{1, 90, 0x11 | kArchitecture, "x", 0}}, "100a"), "nothing");
  EXPECT_EQ(chosen({{1, 90, 0x11 | kArchitecture, "x", 0}}, "80"), "nothing");
  EXPECT_EQ(chosen({{1, 80, 0x11, "x", 0}, {1, 90, 0x11 | kArchitecture, "x", 0}}, "100a"),
            "compute_80");
}

TEST(Fatbin, FamilyPtxRunsInItsFamily) {
  EXPECT_EQ(chosen({{1, 100, 0x11 | kFamily, "x", 0}}, "100a"), "compute_100f");
  EXPECT_EQ(chosen({{1, 90, 0x11 | kFamily, "x", 0}}, "100a"), "nothing");
}

TEST(Fatbin, MachineCodeIsNoPtx) { EXPECT_EQ(chosen({{2, 80, 0x11, "x", 0}}, "80"), "nothing"); }

#ifdef MOEBENCH_HAS_ZSTD
TEST(Fatbin, CompressedTextIsReadBack) {
  const std::string plain(1000, 'p');
  std::string packed(ZSTD_compressBound(plain.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), plain.data(), plain.size(), 3));
  const auto bytes = container({{1, 80, 0x11 | kZstd, packed, plain.size()}});
  EXPECT_EQ(contents(parse_fatbin(bytes.data())[0]), plain);
}
#endif

TEST(Fatbin, CompressedTextThatIsNoneIsAnError) {
  for (const std::uint64_t flag : {kZstd, kLz4}) {
    const auto bytes = container({{1, 80, 0x11 | flag, "garbage!", 100}});
    EXPECT_THROW(contents(parse_fatbin(bytes.data())[0]), FatbinError);
  }
}

TEST(Fatbin, SomethingElseIsAnError) {
  const std::vector<std::byte> zeros(64);
  EXPECT_THROW(parse_fatbin(zeros.data()), FatbinError);
}

TEST(Fatbin, AnEntryThatRunsPastTheEndIsAnError) {
  auto bytes = container({{1, 80, 0x11, "12345678", 0}});
  put<std::uint64_t>(bytes, 16 + 8, 16);  // the payload's size: 8 more than there are
  EXPECT_THROW(parse_fatbin(bytes.data()), FatbinError);
}

}  // namespace
}  // namespace moe::simt
