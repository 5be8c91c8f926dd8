#pragma once
#include <CLI/CLI.hpp>

namespace moe::cli {

// `moebench route --policy policy.json --logits logits.safetensors --output out.safetensors`: one
// routing policy on logits from a file. harness/policy_file.h describes both files.
void add_route_command(CLI::App& app);

}  // namespace moe::cli
