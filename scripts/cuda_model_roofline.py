#!/usr/bin/env python3
"""What each stage of a layer would take if only published peaks limited it: a model, not a measurement.

    scripts/cuda_model_roofline.py mixtral-8x7b --tokens 1024 --dtype bf16 --gpu h100
    scripts/cuda_model_roofline.py time-moe-50m --tokens 1 64 1024 --gpu a100 h100 b200

For each stage the bytes that must move at least once and the multiplications and additions; the model
time is the larger of bytes / peak bandwidth and flops / peak rate. No launch, no latency, no cache, no
partly filled tile is in it: real kernels take longer, small ones much longer. The experts that are
hit are the expected number under even routing, E (1 - (1 - K / E)^T).

Exit code: 0 printed; 2 wrong usage.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Gpu:
    name: str
    bandwidth: float  # bytes a second
    vector: float  # f32 flops a second outside the tensor cores
    tensor: dict[str, float]  # flops a second, dense (no sparsity), by dtype; absent: it has none
    source: str


# Dense rates: where a data sheet gives them with sparsity, half of it.
GPUS = {
    "a100": Gpu(
        "A100 80GB SXM",
        2.039e12,
        19.5e12,
        {"tf32": 156e12, "bf16": 312e12, "f16": 312e12},
        "NVIDIA A100 Tensor Core GPU data sheet, June 2021",
    ),
    "h100": Gpu(
        "H100 SXM5 80GB",
        3.35e12,
        67e12,
        {"tf32": 494.7e12, "bf16": 989.4e12, "f16": 989.4e12, "e4m3": 1978.9e12},
        "NVIDIA H100 Tensor Core GPU data sheet and architecture white paper (SXM5)",
    ),
    "b200": Gpu(
        "B200 (HGX)",
        7.7e12,
        75e12,
        {"tf32": 1.1e15, "bf16": 2.25e15, "f16": 2.25e15, "e4m3": 4.5e15},
        "NVIDIA Blackwell data sheet, HGX B200, one GPU",
    ),
}
BYTES = {"f32": 4, "tf32": 4, "bf16": 2, "f16": 2, "e4m3": 1}


@dataclass(frozen=True)
class Shape:
    name: str
    hidden: int
    ffn: int
    experts: int
    top_k: int


@dataclass(frozen=True)
class Stage:
    name: str
    read: float  # bytes
    written: float
    flops: float = 0
    on_tensor_cores: bool = False


def find_shape(name: str) -> Shape:
    shapes = json.loads((ROOT / "harness" / "shapes.json").read_text())
    for shape in shapes:
        if shape["name"] == name:
            return Shape(name, shape["hidden"], shape["ffn"], shape["experts"], shape["top_k"])
    raise SystemExit(f"no shape is named {name}; there are: {', '.join(s['name'] for s in shapes)}")


def experts_hit(shape: Shape, tokens: int) -> float:
    return shape.experts * (1 - (1 - shape.top_k / shape.experts) ** tokens)


def stages(shape: Shape, tokens: int, dtype: str) -> list[Stage]:
    """Of the dropless layer with a permuting copy; products accumulate in f32."""
    rows, size = tokens * shape.top_k, BYTES[dtype]
    # Tokens of e4m3 layers come in bf16; expert outputs are stored in 16 bits then.
    wide = max(size, 2)
    hit = experts_hit(shape, tokens)
    hidden, ffn = shape.hidden, shape.ffn
    up_weights, down_weights = hit * 2 * ffn * hidden * size, hit * hidden * ffn * size
    tensor = dtype != "f32"
    return [
        Stage("top-k", tokens * shape.experts * 4, rows * 8, 5 * tokens * shape.experts),
        Stage("grouping", rows * 4, rows * 8),
        Stage("permute", tokens * hidden * wide, rows * hidden * size),
        Stage(
            "product 1 + SwiGLU",
            rows * hidden * size + up_weights,
            rows * ffn * size,
            4.0 * rows * ffn * hidden,
            tensor,
        ),
        Stage(
            "product 2",
            rows * ffn * size + down_weights,
            rows * hidden * wide,
            2.0 * rows * ffn * hidden,
            tensor,
        ),
        Stage("combine", rows * (hidden * wide + 8), tokens * hidden * 4, 2.0 * rows * hidden),
    ]


def model_seconds(stage: Stage, gpu: Gpu, dtype: str) -> tuple[float, str]:
    by_bytes = (stage.read + stage.written) / gpu.bandwidth
    rate = gpu.tensor[dtype] if stage.on_tensor_cores else gpu.vector
    by_flops = stage.flops / rate
    return max(by_bytes, by_flops), "bytes" if by_bytes >= by_flops else "flops"


def in_words(seconds: float) -> str:
    """Three digits."""
    for unit, size in [("s", 1.0), ("ms", 1e-3), ("us", 1e-6)]:
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def table(shape: Shape, tokens: int, dtype: str, gpu: Gpu) -> list[str]:
    lines = [f"model, not a measurement: {shape.name}, {tokens} tokens, {dtype}, {gpu.name}"]
    if dtype != "f32" and dtype not in gpu.tensor:
        return [*lines, f"  {gpu.name} has no tensor cores for {dtype}"]
    lines.append(f"  {'stage':<20}{'MB':>10}{'GFLOP':>10}  {'model time':>11}  bound by")
    total = 0.0
    for stage in stages(shape, tokens, dtype):
        seconds, bound = model_seconds(stage, gpu, dtype)
        total += seconds
        megabytes = (stage.read + stage.written) / 1e6
        lines.append(
            f"  {stage.name:<20}{megabytes:>10.3g}{stage.flops / 1e9:>10.3g}"
            f"  {in_words(seconds):>11}  {bound}"
        )
    lines.append(f"  {'all stages':<20}{'':>20}  {in_words(total):>11}  (model)")
    return lines


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shape", help="a name of harness/shapes.json")
    parser.add_argument("--tokens", type=int, nargs="+", default=[1, 64, 1024, 8192])
    parser.add_argument("--dtype", choices=sorted(BYTES), default="bf16")
    parser.add_argument("--gpu", choices=sorted(GPUS), nargs="+", default=["h100"])
    options = parser.parse_args(arguments)
    shape = find_shape(options.shape)
    for name in options.gpu:
        for tokens in options.tokens:
            print("\n".join(table(shape, tokens, options.dtype, GPUS[name])), end="\n\n")
    for name in options.gpu:
        gpu = GPUS[name]
        print(f"peaks of {gpu.name}: {gpu.bandwidth / 1e12:g} TB/s ({gpu.source})")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
