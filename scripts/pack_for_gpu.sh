#!/usr/bin/env bash
# One archive for a machine that has a GPU and a CUDA toolkit but no internet: the commit that is
# checked out, and the Debian packages it is built with, from this machine.
#
#   scripts/pack_for_gpu.sh [ARCHIVE.tar.gz]      default: build/moebench-gpu.tar.gz
#
# There: tar -xf moebench-gpu.tar.gz && moebench-gpu/run_on_gpu.sh. That machine needs x86-64 Linux with
# glibc 2.34, g++ 12 or later and nvcc 13.0. CMake and ninja are packed where pip can fetch them here.
# Exit codes: 0 written, 2 usage, 4 a package is not installed (scripts/setup.sh).
set -euo pipefail
cd "$(dirname "$0")/.."

if (($# > 1)) || [[ ${1-} == -* ]]; then
  echo "pack_for_gpu: usage: scripts/pack_for_gpu.sh [ARCHIVE.tar.gz]" >&2
  exit 2
fi
archive=$(realpath -m "${1:-build/moebench-gpu.tar.gz}")
packages=(librandom123-dev libxxhash-dev nlohmann-json3-dev libfmt-dev
  libcli11-dev libbenchmark-dev libgtest-dev libgmock-dev googletest pkgconf-bin)

# Those packages and the libraries they need, but for those of the compiler, which is there already.
closure() {
  local -A seen=()
  local queue=("$@") package next
  while ((${#queue[@]} > 0)); do
    package=${queue[0]} queue=("${queue[@]:1}")
    [[ -n ${seen[$package]-} ]] && continue
    seen[$package]=1
    echo "$package"
    for next in $(dpkg-query -W -f='${Depends}\n' "$package" | tr ',|' '\n' | sed 's/[(:].*//'); do
      [[ $next =~ ^lib(fmt|xxhash|benchmark|pkgconf|gtest|gmock) ]] &&
        dpkg-query -W "$next" >/dev/null 2>&1 && queue+=("$next")
    done
  done
  return 0
}

# vendor DIR: copies what compiling and linking need.
vendor() {
  local package
  for package in "${packages[@]}"; do
    if ! dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed; then
      echo "pack_for_gpu: the package $package is not installed: scripts/setup.sh" >&2
      exit 4
    fi
  done
  mkdir -p "$1"
  closure "${packages[@]}" | xargs dpkg-query -L | sort -u |
    grep -E '^/usr/(include|lib|bin|share/(cmake|pkgconfig|doc/[^/]*/copyright$))' |
    while read -r file; do
      if [[ -f $file || -L $file ]] && [[ ! -d $file ]]; then echo "$file"; fi
    done | tar -c --no-recursion -T - -P --transform='s|^/||' | tar -x -C "$1"
}

# tools DIR: CMake and ninja that run on any Linux.
tools() {
  local wheels=$1/wheels
  if ! python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$wheels" 'cmake<4' ninja; then
    echo "pack_for_gpu: pip cannot fetch CMake and ninja: the other machine needs its own" >&2
    return 0
  fi
  local wheel
  for wheel in "$wheels"/*.whl; do python3 -m zipfile -e "$wheel" "$1"; done
  rm -r "$wheels"
  find "$1" -path '*bin/*' -type f -exec chmod +x {} +
  find "$1" -name ninja -type f -exec chmod +x {} +
}

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
root=$stage/moebench-gpu
mkdir -p "$root" "$(dirname "$archive")"
# A clone and not an export: a result names the commit it was built from.
git clone --quiet --depth 1 "file://$PWD" "$root/source"
vendor "$root/vendor"
tools "$root/tools"
cp "$root/source/scripts/run_on_gpu.sh" "$root/"
tar -czf "$archive" -C "$stage" moebench-gpu
if [[ -n $(git status --porcelain) ]]; then
  echo "pack_for_gpu: what is not committed was left out" >&2
fi
echo "$archive: $(du -h "$archive" | cut -f1), commit $(git rev-parse --short HEAD)"
