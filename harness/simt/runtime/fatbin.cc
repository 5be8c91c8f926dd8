// Reads the fatbin container.
#include "harness/simt/runtime/fatbin.h"

#include <fmt/format.h>

#include <cctype>
#include <cstring>

#ifdef MOEBENCH_HAS_ZSTD
#include <zstd.h>
#endif
#ifdef MOEBENCH_HAS_LZ4
#include <lz4.h>
#endif

namespace moe::simt {
namespace {

// Field offsets of the container's header and of an entry's header.
constexpr std::size_t kContainerBytesAt = 8;
constexpr std::size_t kContainerHeaderAt = 6;
constexpr std::size_t kEntryHeaderBytesAt = 4;
constexpr std::size_t kEntryPayloadBytesAt = 8;
constexpr std::size_t kEntryCompressedBytesAt = 16;
constexpr std::size_t kEntryCapabilityAt = 28;
constexpr std::size_t kEntryNameOffsetAt = 32;
constexpr std::size_t kEntryNameBytesAt = 36;
constexpr std::size_t kEntryFlagsAt = 40;
constexpr std::size_t kEntryPlainBytesAt = 56;
constexpr std::size_t kSmallestEntryHeader = 64;

constexpr std::uint64_t kFlagLz4 = 0x2000;
constexpr std::uint64_t kFlagZstd = 0x8000;
constexpr std::uint64_t kFlagArchitecture = 0x100000;  // the `a` of 90a
constexpr std::uint64_t kFlagFamily = 0x200000;        // the `f` of 100f

template <class T>
T field(const std::byte* base, std::size_t offset) {
  T value;
  std::memcpy(&value, base + offset, sizeof value);
  return value;
}

FatbinEntry::Variant variant_of(std::uint64_t flags) {
  if (flags & kFlagArchitecture) return FatbinEntry::Variant::kArchitecture;
  if (flags & kFlagFamily) return FatbinEntry::Variant::kFamily;
  return FatbinEntry::Variant::kPlain;
}

FatbinEntry::Compression compression_of(std::uint64_t flags) {
  if (flags & kFlagZstd) return FatbinEntry::Compression::kZstd;
  if (flags & kFlagLz4) return FatbinEntry::Compression::kLz4;
  return FatbinEntry::Compression::kNone;
}

FatbinEntry parse_entry(const std::byte* at, std::uint32_t header, std::uint64_t payload) {
  FatbinEntry entry;
  entry.kind = static_cast<FatbinEntry::Kind>(field<std::uint16_t>(at, 0));
  entry.capability = static_cast<int>(field<std::uint32_t>(at, kEntryCapabilityAt));
  const auto flags = field<std::uint64_t>(at, kEntryFlagsAt);
  entry.variant = variant_of(flags);
  entry.compression = compression_of(flags);
  entry.plain_bytes = payload;
  std::uint64_t stored = payload;
  if (entry.compression != FatbinEntry::Compression::kNone) {
    if (header < kEntryPlainBytesAt + 8)
      throw FatbinError("fatbin: a compressed entry without its size");
    stored = field<std::uint32_t>(at, kEntryCompressedBytesAt);
    entry.plain_bytes = field<std::uint64_t>(at, kEntryPlainBytesAt);
    if (stored > payload)
      throw FatbinError("fatbin: an entry's compressed bytes exceed its payload");
  }
  entry.payload = {at + header, stored};
  const auto name_at = field<std::uint32_t>(at, kEntryNameOffsetAt);
  const auto name_bytes = field<std::uint32_t>(at, kEntryNameBytesAt);
  if (name_at > header || name_bytes > header - name_at) {
    throw FatbinError("fatbin: an entry's file name lies outside its header");
  }
  entry.file.assign(reinterpret_cast<const char*>(at) + name_at, name_bytes);
  return entry;
}

std::string decompress_zstd([[maybe_unused]] const FatbinEntry& entry) {
#ifdef MOEBENCH_HAS_ZSTD
  std::string plain(entry.plain_bytes, '\0');
  const std::size_t got =
      ZSTD_decompress(plain.data(), plain.size(), entry.payload.data(), entry.payload.size());
  if (ZSTD_isError(got) || got != plain.size()) {
    throw FatbinError(
        fmt::format("fatbin: {} of {} does not decompress (zstd)", name_of(entry), entry.file));
  }
  return plain;
#else
  throw FatbinError(
      fmt::format("fatbin: {} of {} is compressed (zstd): add --no-compress to nvcc's options",
                  name_of(entry), entry.file));
#endif
}

std::string decompress_lz4([[maybe_unused]] const FatbinEntry& entry) {
#ifdef MOEBENCH_HAS_LZ4
  std::string plain(entry.plain_bytes, '\0');
  const int got =
      LZ4_decompress_safe(reinterpret_cast<const char*>(entry.payload.data()), plain.data(),
                          static_cast<int>(entry.payload.size()), static_cast<int>(plain.size()));
  if (got < 0 || static_cast<std::size_t>(got) != plain.size()) {
    throw FatbinError(
        fmt::format("fatbin: {} of {} does not decompress (LZ4)", name_of(entry), entry.file));
  }
  return plain;
#else
  throw FatbinError(
      fmt::format("fatbin: {} of {} is compressed (LZ4): add --no-compress to nvcc's options",
                  name_of(entry), entry.file));
#endif
}

// 90 and 'a' of "90a".
int capability_of(const std::string& architecture) { return std::stoi(architecture); }
bool is_specific(const std::string& architecture) { return !std::isdigit(architecture.back()); }

}  // namespace

std::string name_of(const FatbinEntry& entry) {
  const char* suffix = "";
  if (entry.variant == FatbinEntry::Variant::kArchitecture) suffix = "a";
  if (entry.variant == FatbinEntry::Variant::kFamily) suffix = "f";
  const char* kind = entry.kind == FatbinEntry::Kind::kPtx ? "compute" : "sm";
  return fmt::format("{}_{}{}", kind, entry.capability, suffix);
}

std::vector<FatbinEntry> parse_fatbin(const std::byte* data) {
  if (field<std::uint32_t>(data, 0) != kFatbinMagic) {
    throw FatbinError(fmt::format("fatbin: the container starts with {:#x}, expected {:#x}",
                                  field<std::uint32_t>(data, 0), kFatbinMagic));
  }
  const std::byte* at = data + field<std::uint16_t>(data, kContainerHeaderAt);
  const std::byte* end = at + field<std::uint64_t>(data, kContainerBytesAt);
  std::vector<FatbinEntry> entries;
  while (at < end) {
    const auto left = static_cast<std::uint64_t>(end - at);
    if (left < kSmallestEntryHeader) throw FatbinError("fatbin: the last entry is cut off");
    const auto header = field<std::uint32_t>(at, kEntryHeaderBytesAt);
    const auto payload = field<std::uint64_t>(at, kEntryPayloadBytesAt);
    if (header < kSmallestEntryHeader || header > left || payload > left - header) {
      throw FatbinError(fmt::format("fatbin: an entry of {} + {} bytes where {} are left", header,
                                    payload, left));
    }
    const auto kind = field<std::uint16_t>(at, 0);
    if (kind == 1 || kind == 2) entries.push_back(parse_entry(at, header, payload));
    at += header + payload;
  }
  return entries;
}

std::string contents(const FatbinEntry& entry) {
  std::string plain;
  switch (entry.compression) {
    case FatbinEntry::Compression::kNone:
      plain.assign(reinterpret_cast<const char*>(entry.payload.data()), entry.payload.size());
      break;
    case FatbinEntry::Compression::kLz4:
      plain = decompress_lz4(entry);
      break;
    case FatbinEntry::Compression::kZstd:
      plain = decompress_zstd(entry);
      break;
  }
  if (entry.kind == FatbinEntry::Kind::kPtx) {
    while (!plain.empty() && plain.back() == '\0') plain.pop_back();
  }
  return plain;
}

bool runs_on(const FatbinEntry& entry, const std::string& architecture) {
  const int device = capability_of(architecture);
  switch (entry.variant) {
    case FatbinEntry::Variant::kPlain:
      return entry.capability <= device;
    case FatbinEntry::Variant::kArchitecture:
      return entry.capability == device && is_specific(architecture);
    case FatbinEntry::Variant::kFamily:
      return entry.capability <= device && entry.capability / 10 == device / 10;
  }
  return false;
}

const FatbinEntry* choose_ptx(std::span<const FatbinEntry> entries,
                              const std::string& architecture) {
  // Among entries of one capability: a before f before plain.
  const auto rank = [](const FatbinEntry& entry) {
    const int specific = entry.variant == FatbinEntry::Variant::kArchitecture ? 2
                         : entry.variant == FatbinEntry::Variant::kFamily     ? 1
                                                                              : 0;
    return entry.capability * 4 + specific;
  };
  const FatbinEntry* best = nullptr;
  for (const FatbinEntry& entry : entries) {
    if (entry.kind != FatbinEntry::Kind::kPtx || !runs_on(entry, architecture)) continue;
    if (best == nullptr || rank(entry) > rank(*best)) best = &entry;
  }
  return best;
}

const FatbinEntry* find_cubin(std::span<const FatbinEntry> entries,
                              const std::string& architecture) {
  for (const FatbinEntry& entry : entries) {
    if (entry.kind == FatbinEntry::Kind::kCubin && runs_on(entry, architecture) &&
        entry.capability == capability_of(architecture)) {
      return &entry;
    }
  }
  return nullptr;
}

}  // namespace moe::simt
