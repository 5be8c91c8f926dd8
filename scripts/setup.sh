#!/usr/bin/env bash
# Makes this machine ready: Debian packages first, then a Python venv in .venv. Asks nothing, may be
# called again at any time, and is silent when there is nothing to do (then it needs no network).
#
#   scripts/setup.sh            what build and demo need; the Python packages are optional
#   scripts/setup.sh --strict   also what the tests need; anything missing is an error
#
# Exit codes: 0 ready, 2 usage, 4 something needed is missing and could not be installed.
set -euo pipefail
cd "$(dirname "$0")/.."

strict=false
case "${1-}" in
  "") ;;
  --strict) strict=true ;;
  *) echo "setup: unknown argument '$1'; usage: scripts/setup.sh [--strict]" >&2; exit 2 ;;
esac

packages=(
  g++ make cmake ninja-build pkg-config git        # the build
  librandom123-dev                                 # random numbers
  libxxhash-dev nlohmann-json3-dev libfmt-dev      # hashes, JSON, text
  libcli11-dev                                     # the command line
  libbenchmark-dev libgtest-dev libgmock-dev       # single-stage benchmarks, tests
)
# Only for `make test`, `make lint` and `make tidy`; libomp is clang's OpenMP, valgrind counts
# instructions.
if $strict; then packages+=(clang clang-format clang-tidy libomp-dev valgrind); fi
# Not installed here: chromium, with which one optional test looks at the report page; ccache,
# which is used when present; nvcc, without which there are no CUDA strategies.

# A pyenv or system Python that can make a venv is as good as Debian's.
stamp=.venv/requirements.sha256
wanted=$(sha256sum <scripts/requirements.txt)
venv_ready() { [[ -x .venv/bin/python && -f $stamp && $(<"$stamp") == "$wanted" ]]; }
python_makes_venvs() { python3 -c 'import ensurepip, venv' 2>/dev/null; }
venv_ready || python_makes_venvs || packages+=(python3 python3-venv)

not_installed() {
  local have
  have=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
  for package in "${packages[@]}"; do
    grep -qxF "installed $package" <<<"$have" || echo "$package"
  done
}

install() {
  local as_root=()
  if ! command -v apt-get >/dev/null; then
    echo "setup: no apt-get here; install what is called elsewhere: $*." >&2
    exit 4
  fi
  if ((EUID != 0)); then
    if ! sudo -n true 2>/dev/null; then
      echo "setup: neither root nor password-less sudo; ask an administrator to install: $*." >&2
      exit 4
    fi
    as_root=(sudo -n)
  fi
  local log
  log=$(mktemp)
  echo "setup: installing $# Debian packages: $*"
  if ! {
    "${as_root[@]}" apt-get update -qq &&
      "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@"
  } >"$log" 2>&1 </dev/null; then
    tail -n 15 "$log" >&2
    echo "setup: apt-get could not install: $* (its full output: $log)." >&2
    exit 4
  fi
  rm -f "$log"
}

make_venv() {
  echo "setup: installing the Python packages of scripts/requirements.txt into .venv"
  local log
  log=$(mktemp)
  if { python3 -m venv --clear .venv &&
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --retries 2 \
      -r scripts/requirements.txt; } >"$log" 2>&1 </dev/null; then
    echo "$wanted" >"$stamp"
    rm -f "$log"
    return
  fi
  tail -n 2 "$log" >&2
  if $strict; then
    echo "setup: the Python packages could not be installed, and the tests need them." >&2
    exit 4
  fi
  echo "setup: warning: no Python packages, so no report page (HTML); all else works." >&2
}

mapfile -t missing < <(not_installed)
if ((${#missing[@]} > 0)); then install "${missing[@]}"; fi
venv_ready || make_venv
