#!/usr/bin/env bash
# Every strategy x even, skewed, hot and captured routing x 0 to 1024 tokens x five shapes, validated
# against the reference: bench/matrices/acceptance.json. The captured routing comes from small models
# of the same numbers of experts, which read real temperatures here.
set -euo pipefail
cd "$(dirname "$0")/.."

moebench=build/release/moebench
out=results/local/acceptance
rm -rf "$out"
mkdir -p "$out"

# capture EXPERTS TOP_K: a Time-MoE with two layers of so many experts on hourly temperatures.
capture() {
  local name=e$1k$2
  sed -e "s/\"num_experts\": [0-9]*/\"num_experts\": $1/" \
    -e "s/\"num_experts_per_tok\": [0-9]*/\"num_experts_per_tok\": $2/" \
    reference/configs/tiny_time_moe.json >"$out/$name.json"
  "$moebench" model init "$out/$name" --config "$out/$name.json" --weights golden 2>/dev/null
  "$moebench" trace capture --model "$out/$name" --data bench/data/nyc-temperatures-hourly.csv \
    --column LGA --context 512 --sequences 2 --output "$out/$name.trace.safetensors"
}
capture 8 2
capture 7 3
capture 4 4
capture 1 1

"$moebench" validate bench/matrices/acceptance.json
