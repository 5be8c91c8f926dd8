// Elements of matrices, as double.
#pragma once
#include <library_types.h>

#include <cstddef>
#include <string>

namespace moe::simt::lt {

// f32 f64 f16 bf16 e4m3 e5m2 s8 s32; 0 for the others.
int bytes_of(cudaDataType type);
std::string name_of(cudaDataType type);  // "bf16"
bool is_fp8(cudaDataType type);

double load(cudaDataType type, const std::byte* at);

// Rounded once, to nearest even. fp8 saturates to the largest finite value, integers to their
// limits.
void store(cudaDataType type, std::byte* at, double value);

}  // namespace moe::simt::lt
