"""What must hold for any kernel, whatever the tables say."""

import re
from dataclasses import dataclass, field

from cuda_gates.kernels import Gated

# PTX instruction -> the operations ptxas makes of it, one for one. Proven on the kernels of this
# project; ptxas may copy a whole loop body (unrolling), so a whole multiple is right too. Loads,
# stores, atomics, shuffles and barriers are not compared: ptxas merges, splits and moves them.
MADE_OF = {
    "mma": ["HMMA", "IMMA", "DMMA", "QMMA"],
    "wgmma": ["HGMMA", "IGMMA", "QGMMA"],
    "ldmatrix": ["LDSM"],
    "cp.async": ["LDGSTS"],
    "tensor load": ["UTMALDG"],
    "tensor store": ["UTMASTG"],
    "bulk copy": ["UBLKCP"],
}


@dataclass
class Claim:
    """What the authors of some kernels say of them."""

    file: str  # patterns that must fit the whole name
    kernel: str = ".*"
    architectures: list[str] = field(default_factory=list)  # none: all
    has: list[str] = field(default_factory=list)
    has_not: list[str] = field(default_factory=list)
    at_least: list[str] = field(default_factory=list)  # PTX instructions of which ptxas makes more
    copies_of_16: bool = False  # every cp.async moves 16 bytes
    may_spill: str = ""  # the reason
    never_launched: str = ""  # the reason: what it has of tensor cores is not compared
    why: str = ""

    def fits(self, kernel: Gated, architecture: str) -> bool:
        return (
            re.fullmatch(self.file, kernel.file) is not None
            and re.fullmatch(self.kernel, kernel.name) is not None
            and (not self.architectures or architecture in self.architectures)
        )


def spill_faults(kernel: Gated, claims: list[Claim]) -> list[str]:
    if any(claim.may_spill for claim in claims):
        return []
    faults = []
    stores, loads = kernel.machine.mix.get("STL", 0), kernel.machine.mix.get("LDL", 0)
    if stores or loads:
        faults.append(f"{stores} stores to and {loads} loads from local memory, expected none")
    if kernel.machine.stack:
        faults.append(f"a stack of {kernel.machine.stack} bytes, expected none")
    return faults


def translation_faults(kernel: Gated, claims: list[Claim]) -> list[str]:
    if any(claim.never_launched for claim in claims):
        return []
    lenient = {what for claim in claims for what in claim.at_least}
    faults = []
    for what, operations in MADE_OF.items():
        want = kernel.source.counts.get(what, 0)
        if what == "mma":
            want += kernel.source.eight_bit_mma  # each is two of 16 bits
        got = sum(kernel.machine.mix.get(name, 0) for name in operations)
        if want == 0:
            right = got == 0
        else:
            right = got >= want and (what in lenient or got % want == 0)
        if not right:
            names = " + ".join(operations)
            faults.append(f"{got} {names} of {want} {what} in the PTX, expected a whole multiple")
    return faults


def claim_faults(kernel: Gated, claims: list[Claim]) -> list[str]:
    faults = []
    for claim in claims:
        mix, counts = kernel.machine.mix, kernel.source.counts
        reason = f" ({claim.why})" if claim.why else ""
        for name in claim.has:
            if not mix.get(name, 0):
                faults.append(f"no {name}{reason}")
        for name in claim.has_not:
            if mix.get(name, 0):
                faults.append(f"{mix[name]} {name}, expected none{reason}")
        copies, wide = counts.get("cp.async", 0), counts.get("cp.async of 16", 0)
        if claim.copies_of_16 and copies != wide:
            faults.append(f"{copies - wide} of {copies} cp.async move less than 16 bytes{reason}")
    return faults


def faults_of(kernel: Gated, architecture: str, claims: list[Claim]) -> list[str]:
    fitting = [claim for claim in claims if claim.fits(kernel, architecture)]
    faults = spill_faults(kernel, fitting)
    faults += translation_faults(kernel, fitting) + claim_faults(kernel, fitting)
    return [f"sm_{architecture} {kernel}: {fault}" for fault in faults]


def idle_claims(build_kernels: dict[str, list[Gated]], claims: list[Claim]) -> list[str]:
    """A claim about no kernel checks nothing, silently: a renamed file would be one."""
    return [
        f"claims.json: {claim.file} {claim.kernel} is about no kernel"
        for claim in claims
        if not any(
            claim.fits(kernel, architecture)
            for architecture, kernels in build_kernels.items()
            for kernel in kernels
        )
    ]
