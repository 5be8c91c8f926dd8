#!/usr/bin/env bash
# Everything `make test` checks. Goes on after a failure, so that one call tells all, and ends with
# what failed, what was skipped and why, and the line `N passed, N failed, N skipped`.
set -uo pipefail
cd "$(dirname "$0")/.."
trap 'exit 130' INT

scripts/setup.sh --strict || exit

results=$PWD/build/test-results # one JUnit file a step that runs tests; read by test_summary.py
rm -rf "$results"
mkdir -p "$results"
: >"$results/steps.tsv"

# step NAME COMMAND...: runs it and notes its exit code.
step() {
  local name=$1 begin=$SECONDS code=0
  shift
  echo "== $name"
  "$@" || code=$?
  printf '%s\t%d\n' "$name" "$code" >>"$results/steps.tsv"
  echo "== $name: $( ((code == 0)) && echo passed || echo "FAILED ($code)"), $((SECONDS - begin)) s"
  return "$code"
}

# The tests of a built preset.
run_ctest() {
  step "$1" ctest --preset "$1" -j2 --timeout 300 --no-tests=error \
    --output-junit "$results/$1.xml"
}

step lint scripts/lint.sh
if step build-release scripts/build.sh release; then
  run_ctest release
  step readme python3 scripts/check_readme.py
  step instruction-gate python3 scripts/instruction_gate.py
  step acceptance scripts/acceptance.sh
fi
if step build-debug scripts/build.sh debug kernels_test reference_test harness_test; then run_ctest debug; fi
# The PTX interpreter: its own tests everywhere, CUDA kernels and strategies on it where nvcc is found.
if step build-simt scripts/build.sh simt harness/simt/all; then
  if command -v nvcc >/dev/null &&
    step build-cuda scripts/build.sh simt kernels/cuda/all strategies_on_interpreter_test \
      models_on_interpreter_test moebench moebench_gpu fake_nvml; then
    # What ptxas made of the CUDA kernels, and what they do in the interpreter, against their tables.
    step cuda-gates python3 scripts/cuda_gates.py
    step cuda-counters python3 scripts/cuda_counters.py
  fi
  run_ctest simt
fi
# What reads foreign text, under the sanitizers; the whole interpreter takes them five minutes to build
# (CONTRIBUTING.md).
if step build-simt-debug scripts/build.sh simt-debug simt_ptx_test; then run_ctest simt-debug; fi
step pytest .venv/bin/python -m pytest --junit-xml "$results/pytest.xml"

echo
echo "== summary after $SECONDS s"
python3 scripts/test_summary.py "$results"
