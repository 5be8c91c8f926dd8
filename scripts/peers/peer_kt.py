"""kt-kernel, the CPU half of ktransformers: its experts on bf16 weights.

Its package imports torch and a checkpoint reader for checkpoints; the kernels need neither, so the
compiled module is taken alone.
"""

import importlib
import sys
import sysconfig
import types
from pathlib import Path

import driver

ROWS_AT_MOST = 4096  # its buffers are made for a number of tokens


def extension():
    """Its own choice among the variants of the compiled module."""
    package = types.ModuleType("kt_kernel")
    package.__path__ = [str(Path(sysconfig.get_paths()["purelib"]) / "kt_kernel")]
    sys.modules["kt_kernel"] = package
    return importlib.import_module("kt_kernel._cpu_detect").initialize()


class Avx2(driver.Peer):
    dtypes = ("bf16",)
    rounds = ("products", "result")
    kind = "AVX2BF16_MOE"

    def version(self):
        from importlib.metadata import version

        self.module, variant = extension()
        self.notes = f"{variant}, {self.kind}"
        if not hasattr(self.module.moe, self.kind):
            raise RuntimeError(f"the variant {variant} for this CPU has no {self.kind}")
        return version("kt-kernel")

    def pool(self, threads: int):
        config = self.module.WorkerPoolConfig()
        config.subpool_count = 1
        config.subpool_numa_map = [0]
        config.subpool_thread_count = [threads]
        return self.module.CPUInfer(config)

    def prepare(self, problem):
        import numpy

        if not hasattr(self, "infer"):
            self.infer = self.pool(self.threads)
        on_gpu = numpy.zeros(problem.experts, dtype=numpy.uint8)
        config = self.module.moe.MOEConfig(
            problem.experts, problem.top_k, problem.hidden, problem.ffn, on_gpu.ctypes.data
        )
        config.layer_idx = 0
        config.pool = self.infer.backend_
        config.max_len = ROWS_AT_MOST
        held = [on_gpu]
        for name in ("gate", "up", "down"):
            experts = problem.read(name)
            held.append(experts)
            setattr(config, f"{name}_projs", [[expert.ctypes.data for expert in experts]])
            setattr(config, f"{name}_scales", [])
        layer = getattr(self.module.moe, self.kind)(config)
        order = numpy.arange(problem.experts, dtype=numpy.int64)
        self.infer.submit(layer.load_weights_task(order.ctypes.data))
        self.infer.sync()
        return layer, on_gpu, config

    def batch(self, x, ids, weights):
        import numpy

        rows = numpy.array([len(x)], dtype=numpy.int32)
        return rows, ids.astype(numpy.int64), weights, x, numpy.empty_like(x)

    def run(self, layer, batch):
        rows, ids, weights, x, y = (array.ctypes.data for array in batch)
        top_k = batch[1].shape[1]
        self.infer.submit(layer[0].forward_task(rows, top_k, ids, weights, x, y, False))
        self.infer.sync()
        return batch[4]

    def result(self, output):
        from problem_file import as_float

        return as_float(output)


class Amx(Avx2):
    kind = "AMXBF16_MOE"


if __name__ == "__main__":
    raise SystemExit(driver.main("kt", {"avx2": Avx2, "amx": Amx}))
