"""The gates on kernels that are known, and on made-up ones that break one rule each."""

import collections
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cuda_gates import cubin, kernels, ptx, rules, tables
from cuda_gates.objects import BadObject, read_object
from cuda_gates.occupancy import blocks_that_fit

ARCHITECTURES = ["80", "90a", "100a"]
SOURCE = Path(__file__).parent / "testdata" / "gates.cu"
NVCC = shutil.which("nvcc") or shutil.which("nvcc", path="/usr/local/cuda/bin")


def made_up(mix=None, counts=None, **more) -> kernels.Gated:
    machine = cubin.Kernel(registers=40, mix=mix or {}, stack=more.pop("stack", 0))
    return kernels.Gated("a.cu", "kernel<2>", machine, ptx.Kernel(128, counts or {}, **more))


def build_of(kernel: kernels.Gated) -> kernels.Build:
    return kernels.Build("13.0", {a: [kernel] for a in ARCHITECTURES}, 0)


def faults(kernel: kernels.Gated, *claims: rules.Claim) -> list[str]:
    return rules.faults_of(kernel, "90a", list(claims))


def test_a_kernel_without_faults_has_none():
    assert faults(made_up({"HMMA": 4, "LDSM": 2}, {"mma": 4, "ldmatrix": 2})) == []


def test_stores_to_local_memory_are_a_fault():
    assert faults(made_up({"STL": 3, "LDL": 2})) == [
        "sm_90a a.cu kernel<2>: 3 stores to and 2 loads from local memory, expected none"
    ]


def test_a_stack_is_a_fault():
    assert "a stack of 16 bytes" in faults(made_up(stack=16))[0]


def test_a_spill_with_a_reason_is_none():
    assert faults(made_up({"STL": 3}), rules.Claim("a.cu", may_spill="sorts in local memory")) == []


def test_a_copy_that_ptxas_dropped_is_a_fault():
    assert "1 LDGSTS of 2 cp.async" in faults(made_up({"LDGSTS": 1}, {"cp.async": 2}))[0]


def test_a_loop_that_ptxas_copied_is_none():
    assert faults(made_up({"HMMA": 12}, {"mma": 4})) == []


def test_one_and_a_half_times_the_products_are_a_fault_unless_claimed():
    kernel = made_up({"HMMA": 6}, {"mma": 4})
    assert len(faults(kernel)) == 1
    assert faults(kernel, rules.Claim("a.cu", at_least=["mma"])) == []


def test_a_product_of_8_bit_floats_is_two_of_16_bits():
    assert faults(made_up({"HMMA": 8}, {"mma": 4}, eight_bit_mma=4)) == []


def test_a_kernel_that_is_never_launched_is_not_compared_with_its_ptx():
    kernel = made_up({}, {"ldmatrix": 8})
    assert len(faults(kernel)) == 1
    assert faults(kernel, rules.Claim("a.cu", never_launched="sm_80 has no such numbers")) == []


def test_products_nobody_asked_for_are_a_fault():
    assert "2 HMMA" in faults(made_up({"HMMA": 2}))[0]


def test_a_wgmma_kernel_must_not_fall_back_to_mma():
    claim = rules.Claim("a.cu", has=["HGMMA"], has_not=["HMMA"], why="wgmma")
    found = faults(made_up({"HMMA": 2}, {"mma": 2}), claim)
    assert [f.split(": ", 1)[1] for f in found] == [
        "no HGMMA (wgmma)",
        "2 HMMA, expected none (wgmma)",
    ]


def test_a_claim_of_another_architecture_is_not_asked():
    assert faults(made_up(), rules.Claim("a.cu", architectures=["80"], has=["HMMA"])) == []


def test_copies_of_less_than_16_bytes_are_a_fault_where_16_are_claimed():
    kernel = made_up({"LDGSTS": 2}, {"cp.async": 2, "cp.async of 16": 1})
    assert "1 of 2 cp.async" in faults(kernel, rules.Claim("a.cu", copies_of_16=True))[0]


def test_a_claim_about_no_kernel_is_a_fault():
    found = rules.idle_claims(build_of(made_up()).kernels, [rules.Claim("b.cu")])
    assert found == ["claims.json: b.cu .* is about no kernel"]


def test_a_table_that_was_just_written_has_no_differences(tmp_path):
    build = build_of(made_up({"HMMA": 2}))
    tables.write_table(tmp_path, "80", build)
    assert tables.differences(tmp_path, "80", build) == []


@pytest.mark.parametrize("registers, count", [(48, 0), (49, 1), (31, 1)])
def test_registers_may_differ_by_eight(tmp_path, registers, count):
    kernel = made_up()
    tables.write_table(tmp_path, "80", build_of(kernel))
    kernel.machine.registers = registers
    found = [f for f in tables.differences(tmp_path, "80", build_of(kernel)) if "registers" in f]
    assert len(found) == count


def test_a_kernel_that_appeared_and_one_that_went_are_differences(tmp_path):
    tables.write_table(tmp_path, "80", build_of(made_up()))
    other = made_up()
    other.name = "other"
    assert tables.differences(tmp_path, "80", build_of(other)) == [
        "sm_80 a.cu other: not in the table",
        "sm_80 a.cu kernel<2>: in the table, not in the build",
    ]


def test_tables_of_another_toolkit_are_not_compared(tmp_path):
    tables.write_table(tmp_path, "80", build_of(made_up({"HMMA": 2})))
    build = build_of(made_up())
    build.toolkit = "13.1"
    assert tables.differences(tmp_path, "80", build) == []


@pytest.mark.parametrize(
    "registers, shared, blocks",
    [(32, 0, 16), (166, 0, 3), (64, 100 * 1024, 1), (255, 0, 2)],
)
def test_blocks_of_128_threads_on_an_a100(registers, shared, blocks):
    assert blocks_that_fit("80", 128, registers, shared) == blocks


def test_ptx_is_counted_kernel_by_kernel():
    text = """
.visible .entry first(.param .u64 p)
.maxntid 64, 2, 1
{
 @%p1 mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f1}, {%r1}, {%r2}, {%f1};
 { .reg .b32 %t; cp.async.cg.shared.global [%r1], [%rd1], 16; }
 cp.async.ca.shared.global [%r1], [%rd1], 4;
 cp.async.bulk.tensor.2d.shared::cluster.global.tile [%r1], [%rd1, {%r2, %r3}], [%r4];
}
.visible .entry second() { ret; }
"""
    found = ptx.read_ptx(text)
    assert found["first"].threads == 128
    assert found["first"].counts["mma"] == 1 and found["first"].counts["tensor load"] == 1
    assert found["first"].counts["cp.async"] == 2 and found["first"].counts["cp.async of 16"] == 1
    assert found["second"].counts == {}


def test_no_object_is_one_sentence():
    with pytest.raises(BadObject, match="holds no objects"):
        kernels.read_build(Path("/nowhere"), ARCHITECTURES)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory) -> Path:
    if NVCC is None:
        pytest.skip("no nvcc")
    folder = tmp_path_factory.mktemp("gates")
    generate = [
        word
        for a in ARCHITECTURES
        for word in ("-gencode", f"arch=compute_{a},code=[compute_{a},sm_{a}]")
    ]
    command = [NVCC, "-std=c++20", "-O3", "--no-compress", *generate, "-c", str(SOURCE)]
    subprocess.run([*command, "-o", str(folder / "gates.cu.o")], check=True)
    return folder


def by_name(build: kernels.Build, architecture: str) -> dict[str, kernels.Gated]:
    return {kernel.name: kernel for kernel in build.kernels[architecture]}


def test_the_machine_code_of_known_kernels(compiled):
    build = kernels.read_build(compiled, ARCHITECTURES)
    for architecture in ARCHITECTURES:
        found = by_name(build, architecture)
        widths = found["widths"]
        for bits in (8, 16, 32, 64, 128):
            assert widths.machine.mix[f"LDG.{bits}"] == 1, (architecture, bits)
        assert widths.machine.static_shared == 1024 and widths.source.threads == 128
        assert widths.machine.mix["SHFL"] == 1 and widths.machine.mix["BAR"] == 1
        assert found["local_array"].machine.stack == 400
        mix = found["products"].machine.mix
        assert (mix["HMMA"], mix["IMMA"], mix["LDSM"], mix["LDGSTS"]) == (1, 1, 1, 2)
    hopper = by_name(build, "90a")["hopper"].machine.mix
    assert hopper["HGMMA"] == 1 and hopper["UBLKCP"] == 1 and "HMMA" not in hopper


def test_only_the_kernel_with_an_array_of_its_own_breaks_a_rule(compiled):
    build = kernels.read_build(compiled, ARCHITECTURES)
    broken = {k.name for a in ARCHITECTURES for k in build.kernels[a] if rules.faults_of(k, a, [])}
    assert broken == {"local_array"}


INSTRUCTION = re.compile(r"/\*[0-9a-f]{4,}\*/\s+(?:\{\s*)?(?:@!?U?P\w+\s+)?([A-Z0-9_]+)(\S*)")
SAME = {
    "ATOM": "ATOMG",
    "REDG": "RED",
    "ATOMS": "ATOMS",
}  # names of one operation on newer machines


def disassembled(cuobjdump: str, path: Path, architecture: str) -> collections.Counter:
    """The counted operations of a whole object as the toolkit names them."""
    command = [cuobjdump, "-sass", "-arch", f"sm_{architecture}", str(path)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = set(cubin.OPERATIONS.values())
    found = collections.Counter()
    for name, suffix in INSTRUCTION.findall(text):
        name = SAME.get(name, name)
        if name in cubin.HAVE_WIDTH:
            width = re.search(r"\.(U8|S8|U16|S16|64|128|256)\b", suffix)
            bits = width.group(1).lstrip("US") if width else "32"
            found[f"{name}.{bits}"] += 1
        elif name in names:
            found[name] += 1
    return found


def test_operations_are_those_that_the_toolkit_disassembles(compiled):
    cuobjdump = shutil.which("cuobjdump")
    if cuobjdump is None or shutil.which("nvdisasm") is None:
        pytest.skip("no cuobjdump and nvdisasm")
    path = compiled / "gates.cu.o"
    images = read_object(path)
    for architecture in ARCHITECTURES:
        ours = collections.Counter()
        found = cubin.read_cubin(images.cubin[architecture], architecture, "gates.cu")
        for kernel in found.values():
            ours.update(kernel.mix)
        assert ours == disassembled(cuobjdump, path, architecture), architecture
