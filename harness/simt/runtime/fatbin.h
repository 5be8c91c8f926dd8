// The fatbin container that nvcc embeds in an object: PTX and cubins for several architectures.
// There is no public description; the layout is what nvcc 13.0 was seen to write, and every field
// is checked.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace moe::simt {

// What __cudaRegisterFatBinary is handed; `data` points at the container.
struct FatbinWrapper {
  std::uint32_t magic;
  std::uint32_t version;
  const std::byte* data;
  const void* unused;
};
inline constexpr std::uint32_t kFatbinWrapperMagic = 0x466243b1;
inline constexpr std::uint32_t kFatbinMagic = 0xba55ed50;

struct FatbinEntry {
  enum class Kind : std::uint16_t { kPtx = 1, kCubin = 2 };
  enum class Variant : std::uint8_t { kPlain, kArchitecture, kFamily };  // 90, 90a, 100f
  enum class Compression : std::uint8_t { kNone, kLz4, kZstd };
  Kind kind = Kind::kPtx;
  int capability = 0;  // 80, 90, 100
  Variant variant = Variant::kPlain;
  Compression compression = Compression::kNone;
  std::string file;                    // the .cu it was made of, as nvcc noted it
  std::span<const std::byte> payload;  // as stored, padding included unless compressed
  std::uint64_t plain_bytes = 0;       // once decompressed
};

std::string name_of(const FatbinEntry& entry);  // "compute_90a", "sm_80"

// A container that is not what it should be, or that this build cannot read.
class FatbinError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// `data` points at a whole container: its header tells its length. Entries point into it. Entries
// of other kinds (LTO code) are left out. Throws FatbinError.
std::vector<FatbinEntry> parse_fatbin(const std::byte* data);

// The bytes of an entry, decompressed; PTX without the terminating zeros. Throws FatbinError,
// naming the nvcc option to add, where this build has no library for the compression.
std::string contents(const FatbinEntry& entry);

// Whether a device of architecture `name` ("80", "90a") can run the entry. CUDA C++ Programming
// Guide, "Compute Capabilities", feature set compiler targets: plain code runs on every later
// device, `a` code on that one only, `f` code on its family.
bool runs_on(const FatbinEntry& entry, const std::string& architecture);

// The newest PTX entry that the architecture can run, the more specific first; null if there is
// none.
const FatbinEntry* choose_ptx(std::span<const FatbinEntry> entries,
                              const std::string& architecture);
// The cubin made for exactly this architecture, or null.
const FatbinEntry* find_cubin(std::span<const FatbinEntry> entries,
                              const std::string& architecture);

}  // namespace moe::simt
