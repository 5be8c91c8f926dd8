"""ONNX Runtime: its contrib operator com.microsoft.MoE, in f32.

The operator routes by itself, from logits. It is given logits whose softmax are the weights of the
problem, so that its own routing finds the same experts; that time is part of its run.
"""

import driver

NO_MASS = 1e-30  # what is left for the experts not chosen, where the weights add up to one


def logits_of(ids, weights, experts: int):
    """[T, E]: softmax gives each chosen expert its weight, and the rest to the others alike."""
    import numpy

    rest = numpy.maximum(1 - weights.sum(axis=1, keepdims=True), NO_MASS)
    others = max(1, experts - ids.shape[1])
    logits = numpy.repeat(numpy.log(rest / others), experts, axis=1)
    numpy.put_along_axis(logits, ids.astype(numpy.int64), numpy.log(weights), axis=1)
    return logits.astype(numpy.float32)


class Moe(driver.Peer):
    dtypes = ("f32",)
    notes = "routes by itself, timed"

    def version(self):
        import onnx  # noqa: F401
        import onnxruntime

        return onnxruntime.__version__

    def model(self, problem) -> bytes:
        from onnx import TensorProto, helper

        def value(name, *shape):
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

        node = helper.make_node(
            "MoE",
            ["x", "logits", "fc1", "", "fc2"],
            ["y"],
            domain="com.microsoft",
            k=problem.top_k,
            activation_type="swiglu",
            swiglu_fusion=1,
            activation_alpha=1.0,
            activation_beta=0.0,
            swiglu_limit=1e30,
            normalize_routing_weights=0,
        )
        h, f, e = problem.hidden, problem.ffn, problem.experts
        graph = helper.make_graph(
            [node],
            "moe",
            [
                value("x", "T", h),
                value("logits", "T", e),
                value("fc1", e, 2 * f, h),
                value("fc2", e, h, f),
            ],
            [value("y", "T", h)],
        )
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()

    def prepare(self, problem):
        import numpy
        import onnxruntime

        self.problem = problem
        if not hasattr(self, "session"):
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = self.threads
            options.inter_op_num_threads = 1
            self.session = onnxruntime.InferenceSession(
                self.model(problem), options, providers=["CPUExecutionProvider"]
            )
        both = numpy.stack([problem.read("gate"), problem.read("up")], axis=2)  # interleaved rows
        fc1 = both.reshape(problem.experts, 2 * problem.ffn, problem.hidden)
        wrap = onnxruntime.OrtValue.ortvalue_from_numpy
        return {"fc1": wrap(fc1), "fc2": wrap(problem.read("down"))}

    def batch(self, x, ids, weights):
        import onnxruntime

        wrap = onnxruntime.OrtValue.ortvalue_from_numpy
        return {"x": wrap(x), "logits": wrap(logits_of(ids, weights, self.problem.experts))}

    def run(self, layer, batch):
        return self.session.run_with_ort_values(["y"], {**layer, **batch})[0]

    def result(self, output):
        return output.numpy()


if __name__ == "__main__":
    raise SystemExit(driver.main("onnxruntime", {"moe": Moe}))
