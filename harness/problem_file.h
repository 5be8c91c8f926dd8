#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/cell.h"
#include "harness/workload.h"

// Problems and outputs as files, for programs that are not ours.
namespace moe::harness {

// Writes the problem as safetensors:
//   x [T, H], gate [E, F, H], up [E, F, H], down [E, H, F]   in the dtype (tf32: F32)
//   expert I32 [T, K], weight F32 [T, K]                     the routing, heavier first
//   logits F32 [T, E]                                        what it was made from
// and, as metadata, the problem's name and the hash of its routing. Holds the weights once in f32,
// and one tensor more. Without its weights a problem is small, and belongs to any other of the same
// layer, dtype and seed. Throws UserError: e4m3 has no tensor type here.
void write_problem(const std::filesystem::path& path, const Cell& cell, const Workload& work);

// What a program hands in.
struct OutputFile {
  std::vector<float> y{};             // [T, H]
  std::vector<std::string> rounds{};  // its metadata "rounds": "products,silu"
};

// Reads y, F32, F16 or BF16. Throws UserError where it has another shape.
OutputFile read_output(const std::filesystem::path& path, const MoeShape& shape);

}  // namespace moe::harness
