"""Hugging Face transformers: its own module of experts, as Mixtral and Qwen3-MoE hold it."""

import driver
from peer_torch import gate_and_up, tensor


class Eager(driver.Peer):
    rounds = ("products", "silu", "weighted", "partial", "result")
    implementation = "eager"

    def version(self):
        import torch
        import transformers

        torch.set_grad_enabled(False)
        return f"{transformers.__version__} (torch {torch.__version__})"

    def prepare(self, problem):
        from torch.nn import Parameter
        from transformers.models.mixtral.configuration_mixtral import MixtralConfig
        from transformers.models.mixtral.modeling_mixtral import MixtralExperts
        from transformers.models.qwen3_moe.configuration_qwen3_moe import Qwen3MoeConfig
        from transformers.models.qwen3_moe.modeling_qwen3_moe import Qwen3MoeExperts

        common = {"hidden_size": problem.hidden, "num_experts_per_tok": problem.top_k}
        if problem.experts > 16:
            config = Qwen3MoeConfig(
                num_experts=problem.experts, moe_intermediate_size=problem.ffn, **common
            )
            kind = Qwen3MoeExperts
        else:
            config = MixtralConfig(
                num_local_experts=problem.experts, intermediate_size=problem.ffn, **common
            )
            kind = MixtralExperts
        config._experts_implementation = self.implementation
        import torch

        with torch.device("meta"):
            experts = kind(config)
        experts.gate_up_proj = Parameter(gate_and_up(problem))
        experts.down_proj = Parameter(tensor(problem.read("down")))
        return experts.eval()

    def batch(self, x, ids, weights):
        return tensor(x), tensor(ids).long(), tensor(weights)

    def run(self, layer, batch):
        return layer(*batch)

    def result(self, output):
        return output.detach().float().numpy()


class GroupedMm(Eager):
    rounds = ("products", "silu", "weighted", "result")
    implementation = "grouped_mm"


class BatchedMm(GroupedMm):
    implementation = "batched_mm"
    notes = "copies the weights of every assignment"


VARIANTS = {"eager": Eager, "grouped-mm": GroupedMm, "batched-mm": BatchedMm}

if __name__ == "__main__":
    raise SystemExit(driver.main("transformers", VARIANTS))
