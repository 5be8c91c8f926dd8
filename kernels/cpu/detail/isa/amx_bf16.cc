// Compiled for processors with AVX-512 and AMX. The tile instructions are written as assembly:
// gcc's own take the number of a tile from the text of the program, which a template has not.
#if defined(__x86_64__)
#include "kernels/cpu/detail/isa/avx512.h"
#include "kernels/cpu/detail/isa/tile_product.h"
#include "kernels/cpu/detail/isa/to_bf16.h"

namespace moe::cpu {
namespace {

struct AmxTiles {
  // Palette 1: bytes a row from byte 16 on, of 16 bits each; rows from byte 48 on, of 8 bits.
  struct alignas(kTileBytes) Configuration {
    std::uint8_t palette = 1;
    std::uint8_t start_row = 0;
    std::uint8_t reserved[14] = {};
    std::uint16_t row_bytes[16] = {};
    std::uint8_t rows[16] = {};
  };
  static_assert(sizeof(Configuration) == kTileBytes);

  // A shape costs more than a product of tiles, and most calls have that of the call before.
  static inline thread_local TileShape now{};

  static void set(const TileShape& s) {
    if (s == now) return;
    now = s;
    Configuration c;
    const auto rows = static_cast<std::uint8_t>(s.rows);
    const auto others = static_cast<std::uint8_t>(s.others);
    const auto pairs = static_cast<std::uint8_t>(s.depth / 2);
    const auto row_bytes = static_cast<std::uint16_t>(s.depth * 2);
    const std::uint8_t all_rows[8] = {rows, rows, others, others, rows, others, pairs, pairs};
    for (int t = 0; t < 8; ++t) {
      c.rows[t] = all_rows[t];
      if (all_rows[t] > 0) c.row_bytes[t] = t == 4 || t == 5 ? row_bytes : kTileBytes;
    }
    __asm__ volatile("ldtilecfg %0" : : "m"(c));
  }
  static void release() {
    now = {};
    __asm__ volatile("tilerelease");
  }
  template <int kTile>
  static void zero() {
    __asm__ volatile("tilezero %%tmm%c0" : : "i"(kTile));
  }
  template <int kTile>
  static void load(const void* from, std::int64_t stride) {
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2"
                     :
                     : "r"(from), "r"(stride), "i"(kTile)
                     : "memory");
  }
  template <int kTile>
  static void load_once(const void* from, std::int64_t stride) {
    __asm__ volatile("tileloaddt1 (%0,%1,1), %%tmm%c2"
                     :
                     : "r"(from), "r"(stride), "i"(kTile)
                     : "memory");
  }
  template <int kTile>
  static void store(void* to, std::int64_t stride) {
    __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)"
                     :
                     : "r"(to), "r"(stride), "i"(kTile)
                     : "memory");
  }
  template <int kSum, int kRows, int kWeights>
  static void multiply() {
    __asm__ volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0"
                     :
                     : "i"(kSum), "i"(kRows), "i"(kWeights));
  }
};

// A type of its own, so that its kernels are other functions.
struct AmxVector : Avx512<true> {
  // By an approximate reciprocal and one step of Newton's, within two units in the last place; a
  // division takes as long as a product of tiles. b: at least 1; beyond what a reciprocal is good
  // for the quotient is zero. NaN stays NaN.
  static Register divide(Register a, Register b) {
    constexpr float kLargest = 0x1p126F;
    const __mmask16 finite = _mm512_cmp_ps_mask(b, _mm512_set1_ps(kLargest), _CMP_NGT_UQ);
    b = _mm512_min_ps(_mm512_set1_ps(kLargest), b);
    const Register r = _mm512_maskz_rcp14_ps(finite, b);
    const Register error = _mm512_fnmadd_ps(b, r, _mm512_set1_ps(1));
    return _mm512_mul_ps(a, _mm512_fmadd_ps(r, error, r));
  }
};

}  // namespace

extern constinit const Bf16Kernels kAmxBf16Kernels = {
    .rows = 2 * kTileRows,
    .blocking = {.piece_bytes = 32 << 10, .chunk_rows = 512, .panels = 16, .level = true},
    .product = tile_product<AmxTiles>,
    .finish = AmxTiles::release,
    .to_bf16 = to_bf16<AmxVector>,
    .swiglu = swiglu_to_bf16<AmxVector>,
    .multiply_add = tile_multiply_add<AmxTiles>,
};

}  // namespace moe::cpu
#endif
