#!/usr/bin/env bash
# clang-tidy on the C++ files changed since main; on all of them with scripts/tidy.sh --all. Apart
# from `make test`, because it takes several seconds a file.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh release # writes compile_commands.json and the generated sources
if [[ ${1-} == --all ]]; then
  mapfile -t files < <(find kernels reference harness bench -name '*.cc' | sort)
else
  base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main)
  mapfile -t files < <({ git diff --name-only --diff-filter=d "$base" -- '*.cc'
    git ls-files --others --exclude-standard -- '*.cc'; } | grep -v '^scripts/testdata/' | sort -u)
fi
if ((${#files[@]} == 0)); then
  echo "tidy: no changed C++ file (scripts/tidy.sh --all looks at every one)"
  exit
fi
# -Wno-unknown...: the flags in compile_commands.json are those of g++.
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(nproc)" \
  clang-tidy -p build/release --quiet --extra-arg=-Wno-unknown-warning-option \
  2> >(grep -v ' warnings\? generated\.$' >&2)
