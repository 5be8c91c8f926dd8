"""Each rule of check_layers.py, shown to fire once."""

import check_layers
import pytest


def offences_of(tmp_path, capsys, file, text, others=()):
    for name, content in [(file, text), *[(other, "#pragma once\n") for other in others]]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    code = check_layers.main(["--root", str(tmp_path)])
    out = capsys.readouterr().out
    assert code == (1 if out else 0)
    return out


@pytest.mark.parametrize(
    ("file", "included"),
    [
        ("kernels/cpu/cheat.cc", "reference/moe_layer.h"),
        ("kernels/cpu/detail/cheat.h", "harness/validate.h"),
        ("kernels/cuda/cheat.cu", "kernels/cpu/detail/expert_ffn.h"),
        ("kernels/common/plan.h", "kernels/cpu/detail/expert_ffn.h"),
        ("kernels/contract/shape.h", "kernels/common/plan.h"),
        ("reference/moe_layer.cc", "harness/validate.h"),
        ("reference/route.cc", "kernels/cpu/detail/route.h"),
        ("harness/measure.cc", "kernels/cpu/detail/expert_ffn.h"),
        ("harness/measure.cc", "bench/table.h"),
        ("bench/commands/run.cc", "kernels/cpu/detail/expert_ffn.h"),
    ],
)
def test_an_include_against_the_arrows_is_found(tmp_path, capsys, file, included):
    text = f'// A comment.\n#include "{included}"\n'
    out = offences_of(tmp_path, capsys, file, text, [included])
    assert f'{file}:2: "{included}" is not allowed here (arrow: ' in out


@pytest.mark.parametrize(
    ("file", "included"),
    [
        ("kernels/cpu/sorted.cc", "kernels/cpu/detail/expert_ffn.h"),
        ("kernels/cuda/sorted.cu", "kernels/common/plan.h"),
        ("reference/moe_layer.cc", "kernels/contract/shape.h"),
        ("harness/validate.cc", "reference/moe_layer.h"),
        ("bench/commands/run.cc", "harness/measure.h"),
        ("bench/parts/product.cc", "kernels/cpu/detail/expert_ffn.h"),
    ],
)
def test_an_include_along_the_arrows_is_silent(tmp_path, capsys, file, included):
    assert offences_of(tmp_path, capsys, file, f'#include "{included}"\n', [included]) == ""


def test_an_include_from_beside_is_told_the_path_from_the_root(tmp_path, capsys):
    out = offences_of(tmp_path, capsys, "harness/a.cc", '#include "b.h"\n', ["harness/b.h"])
    assert 'harness/a.cc:1: "b.h" is not written from the root (meant "harness/b.h"?)' in out


def test_a_header_that_the_build_writes_is_silent(tmp_path, capsys):
    text = '#include "info.h"\n'
    assert offences_of(tmp_path, capsys, "harness/a.cc", text, ["harness/info.cmake"]) == ""


def test_the_contract_knows_only_the_standard_library(tmp_path, capsys):
    out = offences_of(tmp_path, capsys, "kernels/contract/a.h", "#include <cuda_bf16.h>\n")
    assert "kernels/contract/a.h:1: <cuda_bf16.h> is no standard header" in out


def test_a_file_outside_all_layers_is_found(tmp_path, capsys):
    out = offences_of(tmp_path, capsys, "kernels/new.h", "#include <vector>\n")
    assert '"kernels/new.h" lies in no layer' in out


def test_a_file_nobody_reads_to_the_end_is_found(tmp_path, capsys):
    assert "longer than 400 lines" in offences_of(tmp_path, capsys, "harness/a.cc", "\n" * 401)
    assert offences_of(tmp_path, capsys, "harness/a.cc", "\n" * 400) == ""


def test_a_mark_for_later_is_found(tmp_path, capsys):
    mark = "TO" + "DO"
    out = offences_of(tmp_path, capsys, "harness/a.cc", f"int a;  // {mark}: more\n")
    assert out.startswith("harness/a.cc:1: a mark for later work")


def test_an_empty_tree_is_not_a_pass(tmp_path):
    assert check_layers.main(["--root", str(tmp_path)]) == 1
