// Reading and writing the attributes of descriptors by number, with the rules that all descriptors
// share.
#pragma once
#include <cublasLt.h>

#include <cstddef>
#include <cstring>
#include <span>

namespace moe::simt::lt {

struct Attribute {
  int id;
  std::size_t offset;  // in the object
  std::size_t bytes;
};

inline const Attribute* find(std::span<const Attribute> attributes, int id) {
  for (const Attribute& each : attributes) {
    if (each.id == id) return &each;
  }
  return nullptr;
}

// CUBLAS_STATUS_INVALID_VALUE: no such object, no buffer, no such attribute, or another size than
// it has.
template <class T>
cublasStatus_t set_attribute(T* object, std::span<const Attribute> attributes, int id,
                             const void* buffer, std::size_t bytes) {
  const Attribute* attribute = find(attributes, id);
  if (object == nullptr || buffer == nullptr || attribute == nullptr || bytes != attribute->bytes) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  std::memcpy(reinterpret_cast<std::byte*>(object) + attribute->offset, buffer, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

// With `bytes` 0 only the size is asked for.
template <class T>
cublasStatus_t get_attribute(const T* object, std::span<const Attribute> attributes, int id,
                             void* buffer, std::size_t bytes, std::size_t* written) {
  const Attribute* attribute = find(attributes, id);
  if (object == nullptr || attribute == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  if (bytes == 0) {
    if (written == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
    *written = attribute->bytes;
    return CUBLAS_STATUS_SUCCESS;
  }
  if (buffer == nullptr || bytes != attribute->bytes) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(buffer, reinterpret_cast<const std::byte*>(object) + attribute->offset, bytes);
  if (written != nullptr) *written = bytes;
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace moe::simt::lt
