"""PyTorch: a loop over the experts, in the ways its own functions offer.

loop           linear layers on the weights as they are
onednn-packed  the same loop on weights that oneDNN has packed for itself
grouped-mm     one call for all experts, tokens sorted by expert
compiled       the loop, with the expert compiled by torch.compile
"""

import driver
from problem_file import Problem


def tensor(values):
    """numpy to torch; uint16 is bf16."""
    import numpy
    import torch

    if values.dtype == numpy.uint16:
        return torch.from_numpy(values.view(numpy.int16)).view(torch.bfloat16)
    return torch.from_numpy(values)


def gate_and_up(problem: Problem):
    """[E, 2F, H]: gate above up, as every fused layer wants them."""
    import torch

    return torch.cat([tensor(problem.read("gate")), tensor(problem.read("up"))], dim=1)


class Loop(driver.Peer):
    rounds = ("products", "silu")

    def version(self):
        import torch

        torch.set_grad_enabled(False)
        return torch.__version__

    def prepare(self, problem):
        w13, w2 = gate_and_up(problem), tensor(problem.read("down"))
        return [(w13[e], w2[e]) for e in range(problem.experts)]

    def batch(self, x, ids, weights):
        return tensor(x), tensor(ids).long(), tensor(weights)

    def expert(self, x, weights):
        from torch.nn.functional import linear, silu

        w13, w2 = weights
        gate, up = linear(x, w13).chunk(2, dim=-1)
        return linear(silu(gate) * up, w2)

    def run(self, layer, batch):
        import torch

        x, ids, weights = batch
        order = ids.flatten().argsort(stable=True)
        counts = ids.flatten().bincount(minlength=len(layer)).tolist()
        tokens = order // ids.shape[1]
        weight = weights.flatten()[order].unsqueeze(1)
        y = torch.zeros(x.shape, dtype=torch.float32)
        begin = 0
        for e, count in enumerate(counts):
            if count == 0:
                continue
            rows = tokens[begin : begin + count]
            out = self.expert(x[rows], layer[e])
            y.index_add_(0, rows, out.float() * weight[begin : begin + count])
            begin += count
        return y

    def result(self, output):
        return output.float().numpy()


class Packed(Loop):
    def prepare(self, problem):
        import torch

        pack = torch.ops.mkldnn._reorder_linear_weight
        layer = []
        for w13, w2 in super().prepare(problem):
            layer.append(tuple(pack(w, None) for w in (w13, w2)))
        return layer

    def expert(self, x, weights):
        import torch
        from torch.nn.functional import silu

        linear = torch.ops.mkldnn._linear_pointwise
        gate, up = linear(x, weights[0], None, "none", [], "").chunk(2, dim=-1)
        return linear(silu(gate) * up, weights[1], None, "none", [], "")


class Compiled(Loop):
    notes = "the compiled expert may fuse silu and the product"

    def prepare(self, problem):
        import torch

        layer = super().prepare(problem)
        self.expert = torch.compile(super().expert, dynamic=True)
        return layer


class GroupedMm(Loop):
    def prepare(self, problem):
        return gate_and_up(problem).transpose(1, 2), tensor(problem.read("down")).transpose(1, 2)

    def run(self, layer, batch):
        import torch
        from torch.nn.functional import grouped_mm, silu

        x, ids, weights = batch
        w13, w2 = layer
        order = ids.flatten().argsort(stable=True)
        ends = ids.flatten().bincount(minlength=w13.shape[0]).cumsum(0).int()
        tokens = order // ids.shape[1]
        gate, up = grouped_mm(x[tokens], w13, offs=ends).chunk(2, dim=-1)
        out = grouped_mm(silu(gate) * up, w2, offs=ends)
        y = torch.zeros(x.shape, dtype=torch.float32)
        return y.index_add_(0, tokens, out.float() * weights.flatten()[order].unsqueeze(1))


VARIANTS = {"loop": Loop, "onednn-packed": Packed, "grouped-mm": GroupedMm, "compiled": Compiled}

if __name__ == "__main__":
    raise SystemExit(driver.main("torch", VARIANTS))
