#!/usr/bin/env bash
# The checks that need no build. scripts/lint.sh --fix formats instead of complaining.
set -uo pipefail
cd "$(dirname "$0")/.."

mapfile -t cpp < <(find kernels reference harness bench scripts -name '*.cc' -o -name '*.h' \
  -o -name '*.cu' -o -name '*.cuh' | sort)

if [[ ${1-} == --fix ]]; then
  clang-format -i "${cpp[@]}" && .venv/bin/python -m ruff check --fix --quiet . &&
    .venv/bin/python -m ruff format --quiet .
  exit
fi

failed=()
check() {
  local name=$1
  shift
  "$@" || failed+=("$name")
}
check "C++ format (make format)" clang-format --dry-run -Werror "${cpp[@]}"
check "Python rules" .venv/bin/python -m ruff check --quiet .
check "Python format (make format)" .venv/bin/python -m ruff format --check --quiet .
check "layers" python3 scripts/check_layers.py
check "result table" python3 scripts/readme_table.py --check

if ((${#failed[@]} > 0)); then
  printf 'lint: failed: %s\n' "${failed[@]}" >&2
  exit 1
fi
