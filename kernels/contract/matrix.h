#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace moe {

// A row-major matrix somebody else owns. Rows may be wider than `cols`.
template <class T>
struct MatrixView {
  T* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t stride = 0;  // elements from one row to the next

  constexpr std::span<T> row(std::int64_t r) const {
    return {data + r * stride, static_cast<std::size_t>(cols)};
  }
  template <std::same_as<const T> U>
  requires(!std::same_as<U, T>)  // nvcc warns of a conversion to the class itself
      constexpr
      operator MatrixView<U>() const {
    return {data, rows, cols, stride};
  }
};

// A view of `rows` x `cols` values that lie without gaps.
template <class T>
constexpr MatrixView<T> packed(T* data, std::int64_t rows, std::int64_t cols) {
  return {data, rows, cols, cols};
}

}  // namespace moe
