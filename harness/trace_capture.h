#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/trace.h"

namespace moe::harness {

// What to show a model. Time-MoE reads a series, Mixtral text.
struct CaptureRequest {
  std::filesystem::path model{};       // a model folder (reference/checkpoint.h)
  std::filesystem::path series{};      // CSV (harness/series.h), each column scaled as published
  std::vector<std::string> columns{};  // of the series; none named: all
  std::filesystem::path text{};        // any file: its bytes are the tokens
  std::int64_t context = 0;            // tokens a sequence
  std::int64_t sequences = 0;          // of a column, evenly spread over it; of the text, from its
                                       // beginning, one after the other
};

// Runs the model in double over context * sequences tokens (of each column) and keeps what its
// routers saw and chose. UserError where model and data do not match, the data are too short, or
// the model has no routers.
Trace capture_trace(const CaptureRequest& request);

}  // namespace moe::harness
