#include <bit>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

#include "kernels/contract/error.h"
#include "reference/io/float16.h"
#include "reference/io/safetensors.h"

namespace moe::reference {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

bool is_floating(TensorType type) {
  return type == TensorType::kF64 || type == TensorType::kF32 || type == TensorType::kF16 ||
         type == TensorType::kBf16;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const auto n : shape) text += (text.empty() ? "" : ", ") + std::to_string(n);
  return "[" + text + "]";
}

// One value of each element, the stored bits read as `Stored`.
template <class T, class Stored, class Convert>
std::vector<T> converted(const Tensor& tensor, Convert convert) {
  std::vector<T> values(tensor.bytes.size() / sizeof(Stored));
  for (std::size_t i = 0; i < values.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, &tensor.bytes[i * sizeof stored], sizeof stored);
    values[i] = convert(stored);
  }
  return values;
}

template <class T>
T from_integer(std::int64_t value) {
  if constexpr (std::is_integral_v<T>) {
    if (!std::in_range<T>(value)) {
      throw UserError("an integer tensor holds " + std::to_string(value) + ", expected at most " +
                      std::to_string(std::numeric_limits<T>::max()) + " in size");
    }
  }
  return static_cast<T>(value);
}

template <class Stored, class T, class Convert>
void store(std::span<const T> values, std::vector<std::byte>& bytes, Convert convert) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Stored stored = convert(values[i]);
    std::memcpy(&bytes[i * sizeof stored], &stored, sizeof stored);
  }
}

template <class Stored, class T>
Stored to_integer(T value) {
  if constexpr (std::is_integral_v<T>) {
    if (std::in_range<Stored>(value)) return static_cast<Stored>(value);
  }
  throw std::logic_error("make_tensor: " + std::to_string(value) +
                         " does not fit the tensor's integers");
}

}  // namespace

std::string_view to_string(TensorType type) {
  switch (type) {
    case TensorType::kF64:
      return "F64";
    case TensorType::kF32:
      return "F32";
    case TensorType::kF16:
      return "F16";
    case TensorType::kBf16:
      return "BF16";
    case TensorType::kI64:
      return "I64";
    case TensorType::kI32:
      return "I32";
    case TensorType::kU8:
      return "U8";
    case TensorType::kBool:
      return "BOOL";
  }
  throw std::logic_error("to_string: no such tensor type " +
                         std::to_string(static_cast<int>(type)));
}

std::size_t element_bytes(TensorType type) {
  switch (type) {
    case TensorType::kF64:
    case TensorType::kI64:
      return 8;
    case TensorType::kF32:
    case TensorType::kI32:
      return 4;
    case TensorType::kF16:
    case TensorType::kBf16:
      return 2;
    case TensorType::kU8:
    case TensorType::kBool:
      return 1;
  }
  throw std::logic_error("element_bytes: no such tensor type " +
                         std::to_string(static_cast<int>(type)));
}

std::int64_t Tensor::elements() const {
  std::int64_t product = 1;
  for (const auto n : shape) product *= n;
  return product;
}

template <class T>
std::vector<T> Tensor::as() const {
  if (bytes.size() != static_cast<std::size_t>(elements()) * element_bytes(type)) {
    throw std::logic_error("Tensor::as: " + std::to_string(bytes.size()) + " bytes for " +
                           std::string(to_string(type)) + " of shape " + shape_text(shape));
  }
  if (std::is_integral_v<T> && is_floating(type)) {
    throw UserError("a tensor of shape " + shape_text(shape) + " has type " +
                    std::string(to_string(type)) + ", expected integers (I64, I32, U8 or BOOL)");
  }
  switch (type) {
    case TensorType::kF64:
      return converted<T, double>(*this, [](double v) { return static_cast<T>(v); });
    case TensorType::kF32:
      return converted<T, float>(*this, [](float v) { return static_cast<T>(v); });
    case TensorType::kF16:
      return converted<T, std::uint16_t>(*this, [](auto v) { return static_cast<T>(from_f16(v)); });
    case TensorType::kBf16:
      return converted<T, std::uint16_t>(*this,
                                         [](auto v) { return static_cast<T>(from_bf16(v)); });
    case TensorType::kI64:
      return converted<T, std::int64_t>(*this, from_integer<T>);
    case TensorType::kI32:
      return converted<T, std::int32_t>(*this, from_integer<T>);
    case TensorType::kU8:
      return converted<T, std::uint8_t>(*this, from_integer<T>);
    case TensorType::kBool:
      return converted<T, std::uint8_t>(*this, [](auto v) { return static_cast<T>(v != 0); });
  }
  throw std::logic_error("Tensor::as: no such type");
}

template <class T>
Tensor make_tensor(TensorType type, std::vector<std::int64_t> shape, std::span<const T> values) {
  Tensor t{type, std::move(shape), std::vector<std::byte>(values.size() * element_bytes(type))};
  if (t.elements() != static_cast<std::int64_t>(values.size())) {
    throw std::logic_error("make_tensor: " + std::to_string(values.size()) + " values for shape " +
                           shape_text(t.shape));
  }
  // Integers become double first, so that 16-bit floats have one way in for every source.
  const auto real = [](T v) {
    return static_cast<std::conditional_t<std::is_integral_v<T>, double, T>>(v);
  };
  switch (type) {
    case TensorType::kF64:
      store<double>(values, t.bytes, [](T v) { return static_cast<double>(v); });
      break;
    case TensorType::kF32:
      store<float>(values, t.bytes, [](T v) { return static_cast<float>(v); });
      break;
    case TensorType::kF16:
      store<std::uint16_t>(values, t.bytes, [&](T v) { return to_f16(real(v)); });
      break;
    case TensorType::kBf16:
      store<std::uint16_t>(values, t.bytes, [&](T v) { return to_bf16(real(v)); });
      break;
    case TensorType::kI64:
      store<std::int64_t>(values, t.bytes, to_integer<std::int64_t, T>);
      break;
    case TensorType::kI32:
      store<std::int32_t>(values, t.bytes, to_integer<std::int32_t, T>);
      break;
    case TensorType::kU8:
      store<std::uint8_t>(values, t.bytes, to_integer<std::uint8_t, T>);
      break;
    case TensorType::kBool:
      store<std::uint8_t>(values, t.bytes, [](T v) -> std::uint8_t { return v != T{0}; });
      break;
  }
  return t;
}

template std::vector<float> Tensor::as<float>() const;
template std::vector<double> Tensor::as<double>() const;
template std::vector<std::int32_t> Tensor::as<std::int32_t>() const;
template std::vector<std::int64_t> Tensor::as<std::int64_t>() const;
template Tensor make_tensor(TensorType, std::vector<std::int64_t>, std::span<const float>);
template Tensor make_tensor(TensorType, std::vector<std::int64_t>, std::span<const double>);
template Tensor make_tensor(TensorType, std::vector<std::int64_t>, std::span<const std::int32_t>);
template Tensor make_tensor(TensorType, std::vector<std::int64_t>, std::span<const std::int64_t>);

}  // namespace moe::reference
