#pragma once
#include <cstdint>
#include <span>

#include "kernels/contract/shape.h"
#include "reference/error_bound.h"

namespace moe::harness {

// The nearest number of a format without scales, ties to even (tf32: away from zero, as the
// processors' conversion does). e4m3, int8 and int4 here mean bf16, in which their tokens come. v
// is finite.
float round_to(DType dtype, float v);

// Each row of `columns` values to the nearest of e4m3 times a scale of its own (OCP 8-bit floating
// point: 4 significant bits, largest 448): the smallest power of two with which the row's largest
// value fits. A power of two, so that whoever finds the scale again finds the same one.
void round_rows_to_e4m3(std::span<float> values, std::int64_t columns);
float e4m3_scale(float largest);    // of a row with this largest absolute value; 1 for 0
float round_to_e4m3(float scaled);  // |scaled| <= 448

// Weights of a matrix with rows of `columns` values to the nearest that the dtype has; with int8 to
// the nearest whole multiple, from -127 to 127, of a scale of each row; with int4 from -7 to 7, of
// a scale of each kInt4Group of a row. Scales are chosen as that of e4m3 is.
void round_weights(DType dtype, std::span<float> values, std::int64_t columns);

// The bits of bf16 or f16 of values that are such numbers: what a device's kernels read.
bool has_16_bits(DType dtype);  // of tokens
std::uint16_t bits_of(DType dtype, float v);

// Bytes of one stored weight: with its share of the byte that is the scale of its group (int4),
// without the scales of rows.
double weight_bytes(DType dtype);
// Bytes of one stored element of x.
std::int64_t token_bytes(DType dtype);

// What a strategy may round when it computes in this dtype: what it keeps between the two products
// and an expert's row of output in the format of the tokens, sums in f32. With int8
// and int4 it keeps both in f32, but rounds what enters a product to 16 bits, with a scale for each
// row.
reference::Roundings roundings_of(DType dtype);

}  // namespace moe::harness
