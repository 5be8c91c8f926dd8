#!/usr/bin/env bash
# In the archive of pack_for_gpu.sh: builds with the CUDA strategies, runs the cells of gpu-accept and
# the benchmarks of single stages, and leaves one file: gpu-results.tar.gz. Needs no internet.
#
#   ./run_on_gpu.sh [SECONDS]      default 460: what all of it may take, the build included
#
# Exit codes: those of `moebench run` (0: every cell is right or was declined with its reason);
# 4: no nvcc, no CMake, the build failed (build.log is in the results), or there is no GPU that can be used.
# Without one it still builds and judges the strategies of the CPU, and times nothing.
set -uo pipefail
cd "$(dirname "$0")" || exit 4
here=$PWD
seconds=${1:-460}
results=$here/results
rm -rf "$results"
mkdir -p "$results"

for folder in "${CUDA_HOME:-/usr/local/cuda}/bin" "$here"/tools/*/data/bin "$here"/tools/*.data/scripts; do
  [[ -d $folder ]] && PATH=$PATH:$folder
done
# An old CMake of the machine is passed over.
cmake=$(command -v cmake || true)
if [[ -z $cmake ]] || ! [[ $("$cmake" --version | head -1) =~ \ (3\.(2[5-9]|[3-9][0-9])|[4-9])\. ]]; then
  packed=("$here"/tools/*/data/bin/cmake)
  cmake=${packed[0]}
fi
for tool in nvcc ninja g++ "${cmake:-cmake}"; do
  if ! command -v "$tool" >/dev/null; then
    echo "run_on_gpu: $tool is not on this machine" >&2
    exit 4
  fi
done

usr=$here/vendor/usr
lib=$usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export PKG_CONFIG_SYSROOT_DIR=$here/vendor PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1
export PKG_CONFIG_LIBDIR=$lib/pkgconfig

build() {
  cd "$here/source" || return
  "$cmake" --preset cuda -DCMAKE_PREFIX_PATH="$usr;$lib" -DPKG_CONFIG_EXECUTABLE="$usr/bin/pkgconf" \
    -Dfmt_DIR="$lib/cmake/fmt" -DGTest_DIR="$lib/cmake/GTest" \
    -Dbenchmark_DIR="$lib/cmake/benchmark" -DCLI11_DIR="$usr/share/cmake/CLI11" &&
    "$cmake" --build --preset cuda --parallel "$(nproc)" --target moebench \
      bench_cuda_routing bench_cuda_rows bench_cuda_product
}

# finish CODE: everything in one file, and out.
finish() {
  tar -czf "$here/gpu-results.tar.gz" -C "$here" results
  local bytes
  bytes=$(stat -c %s "$here/gpu-results.tar.gz")
  echo "run_on_gpu: $here/gpu-results.tar.gz, $bytes bytes, after $SECONDS s"
  ((bytes < 16 * 1024 * 1024)) || echo "run_on_gpu: larger than 16 MiB" >&2
  exit "$1"
}

echo "run_on_gpu: building; the log is results/build.log"
if ! (build) >"$results/build.log" 2>&1; then
  tail -n 20 "$results/build.log" >&2
  echo "run_on_gpu: the build failed" >&2
  finish 4
fi
echo "run_on_gpu: built after $SECONDS s"
nvidia-smi >"$results/nvidia-smi.txt" 2>&1
nvcc --version >"$results/nvcc.txt" 2>&1
cd "$here/source" || exit 4
build/cuda/moebench doctor >"$results/doctor.txt" 2>&1

# A fifth of what is left is for the single stages.
left=$(((seconds - SECONDS) * 4 / 5))
((left > 30)) || left=30
code=0
MOEBENCH_REQUIRE_GPU=1 build/cuda/moebench run bench/matrices/gpu_accept.json --preset gpu-accept \
  --time-budget "${left}s" --out "$results/gpu-accept" || code=$?
if ((code == 4)); then # it said why
  echo "run_on_gpu: without a GPU only the strategies of the CPU are judged"
  build/cuda/moebench validate bench/matrices/smoke.json --backend cpu 2>"$results/validate.log" |
    tee "$results/validate.txt" || code=1
  finish "$code"
fi
for part in routing rows product; do
  left=$((seconds - SECONDS))
  ((left > 10)) || break
  timeout "$left" "build/cuda/bench/bench_cuda_$part" --benchmark_min_time=0.02 \
    --benchmark_out="$results/$part.json" --benchmark_out_format=json >"$results/$part.txt" 2>&1
done
finish "$code"
