"""OpenVINO: its grouped matrix product on tokens sorted by expert, in f32.

The CPU plugin turns GroupedMatMul into its own GatherMatmul where the weights are constants; so
each layer is a model of its own. Sorting is numpy's, and timed.
"""

import driver


class Grouped(driver.Peer):
    dtypes = ("f32",)

    def version(self):
        import openvino
        import openvino.opset17

        openvino.opset17.grouped_matmul  # noqa: B018  older ones have none
        return openvino.__version__

    def model(self, problem):
        import numpy
        import openvino
        import openvino.opset13 as op
        import openvino.opset17 as op17

        f32, i32 = numpy.float32, numpy.int32
        x = op.parameter([-1, problem.hidden], f32)
        token = op.parameter([-1], i32)  # of each row, sorted by expert
        ends = op.parameter([problem.experts], i32)
        row = op.parameter([-1, problem.top_k], i32)  # where a token's rows went
        weight = op.parameter([-1, problem.top_k, 1], f32)
        zero = op.constant(0, i32)
        rows = op.gather(x, token, zero)
        gate, up, down = (
            op.constant(problem.read(name), shared_memory=False) for name in ("gate", "up", "down")
        )
        hidden = op.multiply(
            op.swish(op17.grouped_matmul(rows, gate, ends)), op17.grouped_matmul(rows, up, ends)
        )
        out = op17.grouped_matmul(hidden, down, ends)
        weighted = op.multiply(op.gather(out, row, zero), weight)
        y = op.reduce_sum(weighted, op.constant([1], i32), keep_dims=False)
        return openvino.Model([y], [x, token, ends, row, weight])

    def prepare(self, problem):
        import openvino

        self.experts = problem.experts
        settings = {
            "INFERENCE_NUM_THREADS": self.threads,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        }
        compiled = openvino.Core().compile_model(self.model(problem), "CPU", settings)
        return compiled.create_infer_request()

    def batch(self, x, ids, weights):
        return x, ids, weights[:, :, None]

    def run(self, layer, batch):
        import numpy

        x, ids, weights = batch
        order = numpy.argsort(ids, axis=None, kind="stable").astype(numpy.int32)
        ends = numpy.bincount(ids.ravel(), minlength=self.experts).cumsum().astype(numpy.int32)
        row = numpy.empty_like(order)
        row[order] = numpy.arange(len(order), dtype=numpy.int32)
        inputs = [x, order // ids.shape[1], ends, row.reshape(ids.shape), weights]
        return layer.infer(inputs, share_inputs=True, share_outputs=True)[0]

    def result(self, output):
        return output.copy()


if __name__ == "__main__":
    raise SystemExit(driver.main("openvino", {"grouped-matmul": Grouped}))
