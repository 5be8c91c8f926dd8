"""ggml: the graph llama.cpp builds for a layer of experts, three ggml_mul_mat_id on plain weights.

Compiled on this machine by setup.sh. Sums are f32; in bf16, tokens and hidden values are rounded.
"""

import ctypes

import driver

GRAPH_TENSORS = 1024  # room for the graph's bookkeeping


class MulMatId(driver.Peer):
    rounds = ()

    def version(self):
        from importlib.metadata import version

        import ggml

        self.ggml = ggml
        self.graphs = {}
        self.backend = ggml.ggml_backend_cpu_init()
        ggml.ggml_backend_cpu_set_n_threads(self.backend, self.threads)
        return version("ggml-python")

    def prepare(self, problem):
        self.problem = problem
        return [problem.read(name) for name in ("gate", "up", "down")]

    def batch(self, x, ids, weights):
        from problem_file import as_float

        if len(x) not in self.graphs:
            self.graphs[len(x)] = self.graph(len(x))
        return len(x), as_float(x), ids, weights

    def graph(self, tokens: int) -> dict:
        g, p = self.ggml, self.problem
        kind = g.GGML_TYPE_BF16 if p.dtype == "bf16" else g.GGML_TYPE_F32
        f32 = g.GGML_TYPE_F32
        size = GRAPH_TENSORS * g.ggml_tensor_overhead() + g.ggml_graph_overhead()
        context = g.ggml_init(g.ggml_init_params(mem_size=size, mem_buffer=None, no_alloc=True))
        gate = g.ggml_new_tensor_3d(context, kind, p.hidden, p.ffn, p.experts)
        up = g.ggml_new_tensor_3d(context, kind, p.hidden, p.ffn, p.experts)
        down = g.ggml_new_tensor_3d(context, kind, p.ffn, p.hidden, p.experts)
        x = g.ggml_new_tensor_3d(context, f32, p.hidden, 1, tokens)
        ids = g.ggml_new_tensor_2d(context, g.GGML_TYPE_I32, p.top_k, tokens)
        weights = g.ggml_new_tensor_3d(context, f32, 1, p.top_k, tokens)
        inputs = [gate, up, down, x, ids, weights]
        for tensor in inputs:
            tensor.contents.data = 64  # not null: the allocator leaves it to us
        hidden = g.ggml_swiglu_split(
            context,
            g.ggml_mul_mat_id(context, gate, x, ids),
            g.ggml_mul_mat_id(context, up, x, ids),
        )
        rows = g.ggml_mul(context, g.ggml_mul_mat_id(context, down, hidden, ids), weights)
        step, plane = rows.contents.nb[1], rows.contents.nb[2]
        y = None
        for k in range(p.top_k):
            view = g.ggml_view_2d(context, rows, p.hidden, tokens, plane, k * step)
            y = view if y is None else g.ggml_add(context, y, view)
        if p.top_k == 1:
            y = g.ggml_cont(context, y)
        nodes = g.ggml_new_graph(context)
        g.ggml_build_forward_expand(nodes, y)
        memory = g.ggml_backend_alloc_ctx_tensors(context, self.backend)
        return {"inputs": inputs, "nodes": nodes, "y": y, "memory": memory, "context": context}

    def run(self, layer, batch):
        tokens, *arrays = batch
        graph = self.graphs[tokens]
        for tensor, array in zip(graph["inputs"], (*layer, *arrays)):
            tensor.contents.data = array.ctypes.data
        if self.ggml.ggml_backend_graph_compute(self.backend, graph["nodes"]) != 0:
            raise RuntimeError("ggml_backend_graph_compute")
        return graph["y"], tokens

    def result(self, output):
        import numpy

        y, tokens = output
        values = (ctypes.c_float * (tokens * self.problem.hidden)).from_address(y.contents.data)
        return numpy.array(values, dtype=numpy.float32).reshape(tokens, -1)


if __name__ == "__main__":
    raise SystemExit(driver.main("ggml", {"mul-mat-id": MulMatId}))
