#!/usr/bin/env bash
# The demo: routes real text and real temperatures through two models, runs every strategy on what
# their routers decided and on generated loads, and draws a page of it. Everything it writes goes to
# results/local/demo. Called by `make demo`, which builds first.
set -euo pipefail
cd "$(dirname "$0")/.."

moebench=build/release/moebench
out=results/local/demo
temperatures=bench/data/nyc-temperatures-hourly.csv
mkdir -p "$out"

say() { printf '\n[%3d s] %s\n' "$SECONDS" "$1"; }

# init_model NAME: a checkpoint of the published shape with random weights, written once.
init_model() {
  if [[ -e $out/$1/config.json ]]; then return; fi
  rm -rf "$out/$1.new"
  "$moebench" model init "$out/$1.new" --config "reference/configs/$1.json" \
    --weights normal --seed 1
  mv "$out/$1.new" "$out/$1"
}

say "1/6 Time-MoE 50M: who goes where on hourly temperatures"
init_model time_moe_50m
"$moebench" trace capture --model "$out/time_moe_50m" --data "$temperatures" --column LGA \
  --context 512 --sequences 2 \
  --output "$out/time_moe_50m.trace.safetensors"

say "2/6 a small Mixtral: who goes where on text"
init_model mixtral_mini
"$moebench" trace capture --model "$out/mixtral_mini" --text LICENSE --context 512 \
  --sequences 2 \
  --output "$out/mixtral_mini.trace.safetensors"

say "3/6 every strategy on every load: judged first, then timed"
rm -f "$out/demo.jsonl"
"$moebench" run bench/matrices/demo.json --out "$out"

say "4/6 the report as text"
"$moebench" report "$out/demo.jsonl" --format md -o "$out/report.md"
echo "$out/report.md"

say "5/6 the report as a page"
page=$out/report.html
if .venv/bin/python -c 'import altair, jinja2, vl_convert' 2>/dev/null; then
  .venv/bin/python scripts/report.py "$out/demo.jsonl" \
    --trace "$out/time_moe_50m.trace.safetensors" -o "$page"
else
  page=$out/report.md
  echo "No page: it needs the Python packages of scripts/requirements.txt (scripts/setup.sh)."
fi

say "6/6 done: $PWD/$page"
if [[ -n ${DISPLAY-}${WAYLAND_DISPLAY-} ]] && command -v xdg-open >/dev/null; then
  xdg-open "$page" >/dev/null 2>&1 &
fi
