#!/usr/bin/env bash
# Configures and builds one CMake preset: scripts/build.sh [PRESET [TARGET...]]. Default: release.
# Speaks only when something is compiled or fails. Uses ccache where there is one.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:-release}
shift || true
targets=()
if (($# > 0)); then targets=(--target "$@"); fi
if command -v ccache >/dev/null; then
  export CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER-ccache}
fi

if ! configured=$(cmake --preset "$preset" 2>&1); then
  echo "$configured" >&2
  exit 1
fi
build=(cmake --build --preset "$preset" --parallel "$(nproc)" "${targets[@]}")
if [[ -t 1 ]]; then # ninja then draws its progress on one line
  "${build[@]}"
else
  "${build[@]}" | { grep --line-buffered -vE 'ninja: no work to do|Re-checking globbed' || true; }
fi
