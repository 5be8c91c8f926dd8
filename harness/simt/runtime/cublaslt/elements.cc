// Elements of matrices.
#include "harness/simt/runtime/cublaslt/elements.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "harness/simt/execute/formats.h"

namespace moe::simt::lt {
namespace {

template <class T>
T read(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class T>
void write(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

// Rounding to float with an odd last bit first makes the second rounding right.
float odd(double value) { return to_float<Rounding::kOdd>(value); }

template <class T>
T to_integer(double value) {
  const double rounded = std::nearbyint(value);
  if (std::isnan(rounded)) return 0;
  return static_cast<T>(std::clamp(rounded, static_cast<double>(std::numeric_limits<T>::min()),
                                   static_cast<double>(std::numeric_limits<T>::max())));
}

}  // namespace

int bytes_of(cudaDataType type) {
  switch (type) {
    case CUDA_R_64F:
      return 8;
    case CUDA_R_32F:
    case CUDA_R_32I:
      return 4;
    case CUDA_R_16F:
    case CUDA_R_16BF:
      return 2;
    case CUDA_R_8F_E4M3:
    case CUDA_R_8F_E5M2:
    case CUDA_R_8I:
      return 1;
    default:
      return 0;
  }
}

std::string name_of(cudaDataType type) {
  switch (type) {
    case CUDA_R_64F:
      return "f64";
    case CUDA_R_32F:
      return "f32";
    case CUDA_R_32I:
      return "s32";
    case CUDA_R_16F:
      return "f16";
    case CUDA_R_16BF:
      return "bf16";
    case CUDA_R_8F_E4M3:
      return "e4m3";
    case CUDA_R_8F_E5M2:
      return "e5m2";
    case CUDA_R_8I:
      return "s8";
    default:
      return fmt::format("cudaDataType {}", static_cast<int>(type));
  }
}

bool is_fp8(cudaDataType type) { return type == CUDA_R_8F_E4M3 || type == CUDA_R_8F_E5M2; }

double load(cudaDataType type, const std::byte* at) {
  switch (type) {
    case CUDA_R_64F:
      return read<double>(at);
    case CUDA_R_32F:
      return read<float>(at);
    case CUDA_R_32I:
      return read<std::int32_t>(at);
    case CUDA_R_16F:
      return from_f16(read<std::uint16_t>(at));
    case CUDA_R_16BF:
      return from_bf16(read<std::uint16_t>(at));
    case CUDA_R_8F_E4M3:
      return from_e4m3(read<std::uint8_t>(at));
    case CUDA_R_8F_E5M2:
      return from_e5m2(read<std::uint8_t>(at));
    case CUDA_R_8I:
      return read<std::int8_t>(at);
    default:
      return 0;
  }
}

void store(cudaDataType type, std::byte* at, double value) {
  switch (type) {
    case CUDA_R_64F:
      return write(at, value);
    case CUDA_R_32F:
      return write(at, static_cast<float>(value));
    case CUDA_R_32I:
      return write(at, to_integer<std::int32_t>(value));
    case CUDA_R_16F:
      return write(at, static_cast<std::uint16_t>(to_f16(odd(value))));
    case CUDA_R_16BF:
      return write(at, static_cast<std::uint16_t>(to_bf16(odd(value))));
    case CUDA_R_8F_E4M3:
      return write(at, static_cast<std::uint8_t>(encode<kE4m3>(odd(value), true)));
    case CUDA_R_8F_E5M2:
      return write(at, static_cast<std::uint8_t>(encode<kE5m2>(odd(value), true)));
    case CUDA_R_8I:
      return write(at, to_integer<std::int8_t>(value));
    default:
      return;
  }
}

}  // namespace moe::simt::lt
