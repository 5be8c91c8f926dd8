"""A loop over the experts with the matrix products of a BLAS, and numpy for the rest.

mkl       Intel MKL: sgemm, or its product of bf16 matrices with f32 sums, which is packed once
openblas  OpenBLAS: sgemm only
"""

import ctypes
import sys
from pathlib import Path

import driver

ROW_MAJOR, NO_TRANSPOSE, TRANSPOSE = 101, 111, 112
B_MATRIX, PACKED = 162, 151
INT, FLOAT, POINTER = ctypes.c_int, ctypes.c_float, ctypes.c_void_p


def silu(x):
    import numpy

    return x / (1 + numpy.exp(-x))


class Blas(driver.Peer):
    """The loop. Subclasses say how [M, K] is multiplied by weights [N, K]."""

    def batch(self, x, ids, weights):
        return x, ids, weights

    def run(self, layer, batch):
        import numpy

        x, ids, weights = batch
        order = numpy.argsort(ids, axis=None, kind="stable")
        counts = numpy.bincount(ids.ravel(), minlength=len(layer))
        tokens = order // ids.shape[1]
        weight = weights.ravel()[order][:, None]
        y = numpy.zeros(x.shape, dtype=numpy.float32)
        begin = 0
        for e in numpy.flatnonzero(counts):
            rows = tokens[begin : begin + counts[e]]
            w13, w2 = layer[e]
            both = self.product(x[rows], w13)
            ffn = both.shape[1] // 2
            hidden = silu(both[:, :ffn]) * both[:, ffn:]
            # A token comes to an expert once, so that plain indexing adds every row.
            y[rows] += self.product(hidden, w2) * weight[begin : begin + counts[e]]
            begin += counts[e]
        return y

    def result(self, output):
        return output

    def prepare(self, problem):
        import numpy

        w13 = numpy.concatenate([problem.read("gate"), problem.read("up")], axis=1)
        return [self.packed(a, b) for a, b in zip(w13, problem.read("down"))]

    def packed(self, w13, w2):
        return w13, w2

    def product(self, a, weights):
        """sgemm on [M, K] and [N, K]."""
        import numpy

        (m, k), n = a.shape, weights.shape[0]
        c = numpy.empty((m, n), dtype=numpy.float32)
        self.sgemm(
            *(ROW_MAJOR, NO_TRANSPOSE, TRANSPOSE, INT(m), INT(n), INT(k), FLOAT(1)),
            *(POINTER(a.ctypes.data), INT(k), POINTER(weights.ctypes.data), INT(k)),
            *(FLOAT(0), POINTER(c.ctypes.data), INT(n)),
        )
        return c


class OpenBlas(Blas):
    dtypes = ("f32",)

    def version(self):
        from importlib.metadata import version

        import scipy_openblas32

        library = Path(scipy_openblas32.get_lib_dir()) / "libscipy_openblas.so"
        self.library = ctypes.CDLL(str(library))
        self.sgemm = self.library.scipy_cblas_sgemm
        self.library.scipy_openblas_set_num_threads(INT(self.threads))
        core = self.library.scipy_openblas_get_corename
        core.restype = ctypes.c_char_p
        self.notes = f"kernels for {core().decode()}"
        return version("scipy-openblas32")


class Mkl(Blas):
    rounds = ()

    def version(self):
        from importlib.metadata import version

        folder = Path(sys.prefix) / "lib"
        (library,) = folder.glob("libmkl_rt.so.*")
        self.library = ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        self.library.MKL_Set_Num_Threads(INT(self.threads))
        self.sgemm = self.library.cblas_sgemm
        self.library.cblas_gemm_bf16bf16f32_pack_get_size.restype = ctypes.c_size_t
        return version("mkl")

    def packed(self, w13, w2):
        import numpy

        if w13.dtype == numpy.float32:
            return w13, w2
        return self.pack(w13), self.pack(w2)

    def pack(self, weights):
        import numpy

        n, k = weights.shape
        # Like its column-major elder, the packing takes the other matrix's extent and does not mind.
        size = self.library.cblas_gemm_bf16bf16f32_pack_get_size(B_MATRIX, INT(1), INT(n), INT(k))
        room = numpy.empty(size + 64, dtype=numpy.uint8)
        room = room[-room.ctypes.data % 64 :]
        self.library.cblas_gemm_bf16bf16f32_pack(
            *(ROW_MAJOR, B_MATRIX, TRANSPOSE, INT(1), INT(n), INT(k)),
            *(POINTER(weights.ctypes.data), INT(k), POINTER(room.ctypes.data)),
        )
        return room, n

    def product(self, a, weights):
        import numpy

        if isinstance(weights, numpy.ndarray):
            return super().product(a, weights)
        room, n = weights
        if a.dtype == numpy.float32:
            a = to_bf16(a)
        m, k = a.shape
        c = numpy.empty((m, n), dtype=numpy.float32)
        self.library.cblas_gemm_bf16bf16f32_compute(
            *(ROW_MAJOR, NO_TRANSPOSE, PACKED, INT(m), INT(n), INT(k), FLOAT(1)),
            *(POINTER(a.ctypes.data), INT(k), POINTER(room.ctypes.data), INT(k)),
            *(FLOAT(0), POINTER(c.ctypes.data), INT(n)),
        )
        return c


def to_bf16(values):
    """float32 to bf16 bits, to nearest, ties to even."""
    import numpy

    bits = values.view(numpy.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(numpy.uint16)


if __name__ == "__main__":
    raise SystemExit(driver.main("blas", {"mkl": Mkl, "openblas": OpenBlas}))
