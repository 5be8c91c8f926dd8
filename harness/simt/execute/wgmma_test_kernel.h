// For tests of wgmma: problems, shared memory images of their operands, and the kernels that run
// them.
#pragma once
#include <array>
#include <functional>

#include "harness/simt/execute/mma_test_kernel.h"

namespace moe::simt {

// Layout of an operand in shared memory: descriptor code, bytes of a row of its swizzle.
struct TileLayout {
  std::uint64_t code;  // descriptor bits 62 and 63
  int width;           // 16: no swizzle
  const char* name;
};
inline constexpr TileLayout kTileLayouts[] = {
    {0, 16, "plain"}, {3, 32, "32B"}, {2, 64, "64B"}, {1, 128, "128B"}};

// A tile of lines (of M or N) by 32 bytes of K, densely stored. Where element bytes lie is worked
// out here from the figures of the swizzle atoms: 8 rows of `width` bytes, chunk c of a row moved
// to the place the figure shows.
class Tile {
 public:
  Tile(TileLayout layout, bool mn_major, int lines, int element_bits)
      : layout_(layout), mn_major_(mn_major), lines_(lines), bits_(element_bits) {}

  int depth() const { return 256 / bits_; }
  int bytes() const {
    // MN-major patterns are `width` wide even where the matrix is narrower.
    const int line_bytes = lines_ * bits_ / 8;
    const int patterns = (line_bytes + layout_.width - 1) / layout_.width;
    return mn_major_ ? patterns * layout_.width * depth() : lines_ * std::max(layout_.width, 32);
  }
  std::uint64_t descriptor_bits() const {
    return std::uint64_t(leading() / 16) << 16 | std::uint64_t(stride() / 16) << 32 |
           layout_.code << 62;
  }
  // Byte offset of element (line, k) in the tile.
  int offset(int line, int k) const {
    const int across = (mn_major_ ? line : k) * bits_ / 8;  // bytes along the contiguous dimension
    const int along = mn_major_ ? k : line;                 // counts rows of 8
    const int width = layout_.width;
    if (width == 16) {
      const int block = along / 8, chunk = across / 16;
      return (mn_major_ ? chunk * stride() + block * leading()
                        : chunk * leading() + block * stride()) +
             along % 8 * 16 + across % 16;
    }
    const int atom = along / 8 * stride() + across / width * (mn_major_ ? leading() : 0);
    const int plain = along % 8 * width + across % width;
    return atom + moved(plain);
  }

 private:
  // K-major: two chunks of a row are 128 bytes apart without swizzle. MN-major without swizzle:
  // chunks of 8 k by 16 bytes, first along MN.
  int leading() const {
    const int row_bytes = lines_ * bits_ / 8;
    if (layout_.width == 16) return mn_major_ ? row_bytes * 8 : 128;
    return mn_major_ ? layout_.width * depth() : 16;
  }
  int stride() const {
    if (layout_.width == 16) return mn_major_ ? 128 : 256;
    return layout_.width * 8;
  }
  // The figures: in 128-byte lines, the chunks of line i are those of line 0 with neighbours, pairs
  // or halves exchanged as the bits of i say - as many bits as the swizzle has.
  int moved(int plain) const {
    const int line = plain / 128;
    int chunk = plain % 128 / 16;
    const auto exchange = [&](int distance) {
      chunk = chunk / distance % 2 == 0 ? chunk + distance : chunk - distance;
    };
    if (line % 2 == 1) exchange(1);
    if (layout_.width >= 64 && line / 2 % 2 == 1) exchange(2);
    if (layout_.width == 128 && line / 4 % 2 == 1) exchange(4);
    return line * 128 + chunk * 16 + plain % 16;
  }

  TileLayout layout_;
  bool mn_major_;
  int lines_, bits_;
};

// D[64][N] = C + A[64][K] * B[K][N].
struct WgmmaProblem {
  int columns = 8;
  const char *d = "f32", *a = "bf16", *b = "bf16";
  TileLayout a_layout = kTileLayouts[3], b_layout = kTileLayouts[3];
  bool a_mn_major = false, b_mn_major = false;
  bool a_in_registers = false;
  bool fractions = false;
  unsigned seed = 1;

  Element a_type() const { return *element_of(a); }
  Element b_type() const { return *element_of(b); }
  Accumulator d_type() const { return *accumulator_of(d); }
  int depth() const { return 256 / bits_of(a_type()); }
  int halves() const { return d_type() == Accumulator::kF16 ? 2 : 1; }
  int d_registers() const { return columns / 2 / halves(); }
  Tile a_tile() const { return {a_layout, a_mn_major, 64, bits_of(a_type())}; }
  Tile b_tile() const { return {b_layout, b_mn_major, columns, bits_of(b_type())}; }
  // Tiles start where a 128-byte swizzle pattern may.
  int b_offset() const { return (a_tile().bytes() + 1023) / 1024 * 1024; }
  int image_bytes() const { return b_offset() + b_tile().bytes(); }
};

struct WgmmaNumbers {
  std::vector<std::vector<double>> a, b, c;  // [64][K], [K][N], [64][N]
};

inline WgmmaNumbers numbers_of(const WgmmaProblem& p) {
  std::mt19937 random(p.seed);
  const auto filled = [&](int rows, int columns, auto draw) {
    std::vector<std::vector<double>> matrix(rows, std::vector<double>(columns));
    for (auto& row : matrix) {
      for (double& value : row) value = draw();
    }
    return matrix;
  };
  WgmmaNumbers numbers;
  numbers.a = filled(64, p.depth(), [&] { return random_number(p.a_type(), p.fractions, random); });
  numbers.b =
      filled(p.depth(), p.columns, [&] { return random_number(p.b_type(), p.fractions, random); });
  numbers.c = filled(64, p.columns, [&] { return static_cast<double>(random() % 201) - 100; });
  return numbers;
}

// Row and column of element i of thread t's D, as the ISA writes it for wgmma.
inline std::pair<int, int> wgmma_d(int thread, int i) {
  const int row = thread / 32 * 16 + thread % 32 / 4 + (i / 2 % 2 == 0 ? 0 : 8);
  return {row, i / 4 * 8 + thread % 4 * 2 + i % 2};
}

inline std::uint32_t accumulator_code(Accumulator type, double value) {
  if (type == Accumulator::kS32) return static_cast<std::uint32_t>(static_cast<int>(value));
  if (type == Accumulator::kF16) return to_f16(static_cast<float>(value));
  return std::bit_cast<std::uint32_t>(static_cast<float>(value));
}

// The image of shared memory, then C's registers, then (if there) A's: 128 threads a register.
inline std::vector<std::uint32_t> words_of(const WgmmaProblem& p, const WgmmaNumbers& numbers) {
  const int image_words = p.image_bytes() / 4;
  std::vector<std::uint32_t> words(image_words + 128 * (p.d_registers() + 4));
  auto* bytes = reinterpret_cast<std::uint8_t*>(words.data());
  const auto put = [&](int offset, Element type, double value) {
    const std::uint32_t code = element_code(type, value);
    std::memcpy(bytes + offset, &code, bits_of(type) / 8);
  };
  const Tile a = p.a_tile(), b = p.b_tile();
  for (int k = 0; k < p.depth(); ++k) {
    for (int m = 0; m < 64; ++m) put(a.offset(m, k), p.a_type(), numbers.a[m][k]);
    for (int n = 0; n < p.columns; ++n) {
      put(p.b_offset() + b.offset(n, k), p.b_type(), numbers.b[k][n]);
    }
  }
  for (int thread = 0; thread < 128; ++thread) {
    for (int i = 0; i < p.d_registers() * p.halves(); ++i) {
      const auto [row, column] = wgmma_d(thread, i);
      words[image_words + 128 * (i / p.halves()) + thread] |=
          accumulator_code(p.d_type(), numbers.c[row][column]) << (i % p.halves() * 16);
    }
    // A: register r holds row g (+ 8 for odd r), 4 bytes from byte 4 t (+ 16 for r >= 2) of the
    // row.
    const int per = 32 / bits_of(p.a_type());
    for (int i = 0; i < 4 * per; ++i) {
      const int r = i / per;
      const int row = thread / 32 * 16 + thread % 32 / 4 + (r % 2 == 0 ? 0 : 8);
      const int k = thread % 4 * per + i % per + (r < 2 ? 0 : 4 * per);
      words[image_words + 128 * (p.d_registers() + r) + thread] |=
          element_code(p.a_type(), numbers.a[row][k]) << (i % per * bits_of(p.a_type()));
    }
  }
  return words;
}

// Copies the image to shared memory by ordinary stores, fenced for the async proxy.
inline std::string store_tiles(const WgmmaProblem& p) {
  return fmt::format(R"(
  mov.u32 %r1, tile;
  mov.u32 %r2, %r0;
copy:
  setp.ge.u32 %p1, %r2, {};
  @%p1 bra copied;
  mul.wide.u32 %rd6, %r2, 4;
  add.s64 %rd6, %rd3, %rd6;
  ld.global.u32 %r3, [%rd6];
  shl.b32 %r4, %r2, 2;
  add.u32 %r4, %r1, %r4;
  st.shared.u32 [%r4], %r3;
  add.u32 %r2, %r2, 128;
  bra copy;
copied:
  fence.proxy.async;
  bar.sync 0;
)",
                     p.image_bytes() / 4);
}

// %x0 and %y0: the descriptors of A and B.
inline std::string make_descriptors(const WgmmaProblem& p) {
  return fmt::format(R"(
  shr.u32 %r5, %r1, 4;
  cvt.u64.u32 %x1, %r5;
  or.b64 %x0, %x1, {};
  add.u32 %r6, %r1, {};
  shr.u32 %r6, %r6, 4;
  cvt.u64.u32 %y1, %r6;
  or.b64 %y0, %y1, {};
)",
                     static_cast<std::int64_t>(p.a_tile().descriptor_bits()), p.b_offset(),
                     static_cast<std::int64_t>(p.b_tile().descriptor_bits()));
}

// `scale_d`: a predicate or 0 or 1.
inline std::string wgmma_statement(const WgmmaProblem& p, const std::string& scale_d = "1",
                                   int scale_a = 1, int scale_b = 1, const char* more = "") {
  std::string arguments = scale_d;
  if (!is_integer(p.a_type())) arguments += fmt::format(", {}, {}", scale_a, scale_b);
  if (bits_of(p.a_type()) == 16) {
    if (!p.a_in_registers) arguments += fmt::format(", {}", int{p.a_mn_major});
    arguments += fmt::format(", {}", int{p.b_mn_major});
  }
  return fmt::format("  wgmma.mma_async.sync.aligned.m64n{}k{}{}.{}.{}.{} {}, {}, %y0, {};\n",
                     p.columns, p.depth(), more, p.d, p.a, p.b, registers("d", p.d_registers()),
                     p.a_in_registers ? registers("a", 4) : "%x0", arguments);
}

inline constexpr const char* kWgmmaFence = "  wgmma.fence.sync.aligned;\n";
inline constexpr const char* kWgmmaCommit = "  wgmma.commit_group.sync.aligned;\n";
inline constexpr const char* kWgmmaWait = "  wgmma.wait_group.sync.aligned 0;\n";

// Everything up to the fence: tiles in shared memory, descriptors, C in %d, A in %a.
inline std::string wgmma_prologue(const WgmmaProblem& p) {
  const int c = p.image_bytes() / 4;
  return store_tiles(p) + make_descriptors(p) + load_registers("d", p.d_registers(), c, 128) +
         (p.a_in_registers ? load_registers("a", 4, c + 128 * p.d_registers(), 128) : "");
}

inline MatrixKernel wgmma_kernel(const WgmmaProblem& p, const std::string& middle) {
  MatrixKernel kernel;
  kernel.body = wgmma_prologue(p) + middle + store_registers("d", p.d_registers(), 128);
  kernel.threads = 128;
  kernel.in = words_of(p, numbers_of(p));
  kernel.out_words = 128 * p.d_registers();
  kernel.shared_bytes = p.image_bytes();
  return kernel;
}

// fence, one wgmma, commit, wait.
inline MatrixKernel wgmma_kernel(const WgmmaProblem& p) {
  return wgmma_kernel(p, kWgmmaFence + wgmma_statement(p) + kWgmmaCommit + kWgmmaWait);
}

// The worst |found - exact| / bound over D, exact = c_scale * C + product_scale * A * B; for types
// without rounding any difference counts as infinite.
inline double worst_error(const WgmmaProblem& p, const std::vector<std::uint32_t>& out,
                          double c_scale = 1, double product_scale = 1) {
  const WgmmaNumbers numbers = numbers_of(p);
  double worst = 0;
  for (int thread = 0; thread < 128; ++thread) {
    for (int i = 0; i < p.d_registers() * p.halves(); ++i) {
      const auto [row, column] = wgmma_d(thread, i);
      double exact = c_scale * numbers.c[row][column], magnitude = std::abs(exact);
      for (int k = 0; k < p.depth(); ++k) {
        const double product = product_scale * numbers.a[row][k] * numbers.b[k][column];
        exact += product;
        magnitude += std::abs(product);
      }
      const double found =
          accumulator_number(p.d_type(), out[128 * (i / p.halves()) + thread], i % p.halves());
      const double bound = error_bound(p.d_type(), p.depth(), magnitude, exact);
      const double error = std::abs(found - exact);
      if (error == 0) continue;
      worst = std::max(worst, bound > 0 && error <= 1e300 ? error / bound : INFINITY);
    }
  }
  return worst;
}

}  // namespace moe::simt
