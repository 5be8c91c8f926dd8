"""All kernels of a build: machine code beside the PTX it was made of, under readable names."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cuda_gates import cubin, ptx
from cuda_gates.objects import BadObject, read_object
from cuda_gates.occupancy import blocks_that_fit

FOREIGN = re.compile(r"^(cub|thrust)::")  # of the toolkit: not ours to gate


@dataclass
class Gated:
    file: str  # routing/top_k.cu: from kernels/cuda on
    name: str  # top_k<32, 4>
    machine: cubin.Kernel
    source: ptx.Kernel

    def __str__(self) -> str:
        return f"{self.file} {self.name}"

    def most_blocks(self, architecture: str) -> int | None:
        """Resident blocks, before dynamic shared memory; None: the block's size is not declared."""
        if self.source.threads is None:
            return None
        kernel = self.machine
        return blocks_that_fit(
            architecture, self.source.threads, kernel.registers, kernel.static_shared
        )


@dataclass
class Build:
    toolkit: str
    kernels: dict[str, list[Gated]]  # by architecture
    foreign: int


def demangled(names: list[str]) -> list[str]:
    """Without parameters, and without the namespaces that all of ours share."""
    if not names:
        return []
    tool = shutil.which("c++filt")
    if tool is None:
        raise BadObject("c++filt (of binutils) is not here")
    done = subprocess.run([tool, "-p"], input="\n".join(names), capture_output=True, text=True)
    lines = done.stdout.splitlines()
    short = [
        re.sub(r"moe::cuda::|\(anonymous namespace\)::|moe::|^void ", "", line) for line in lines
    ]
    return [name.replace(" >", ">") for name in short]


def of_image(file: str, architecture: str, machine_code: bytes, text: str) -> list[Gated]:
    machines = cubin.read_cubin(machine_code, architecture, file)
    sources = ptx.read_ptx(text)
    missing = sorted(set(machines) - set(sources))
    if missing:
        raise BadObject(f"{file}: {missing[0]} has machine code but no PTX for {architecture}")
    names = sorted(machines)
    return [
        Gated(file, name, machines[mangled], sources[mangled])
        for mangled, name in zip(names, demangled(names))
    ]


def read_build(folder: Path, architectures: list[str]) -> Build:
    build = Build("unknown", {a: [] for a in architectures}, 0)
    objects = sorted(folder.rglob("*.cu.o"))
    if not objects:
        raise BadObject(f"{folder} holds no objects: scripts/build.sh simt cuda_kernels")
    for path in objects:
        file = path.relative_to(folder).as_posix().removesuffix(".o").removeprefix("kernels/cuda/")
        images = read_object(path)
        for architecture in architectures:
            if architecture not in images.cubin or architecture not in images.ptx:
                raise BadObject(f"{path} has no code for {architecture}")
            build.toolkit = cubin.toolkit(images.cubin[architecture])
            found = of_image(
                file, architecture, images.cubin[architecture], images.ptx[architecture]
            )
            ours = [kernel for kernel in found if not FOREIGN.match(kernel.name)]
            build.foreign += len(found) - len(ours)
            build.kernels[architecture] += ours
    return build
