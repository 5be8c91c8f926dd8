"""The page itself: complete, closed to the network, small, and drawn by a browser without a word."""

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import jsonschema
import pytest

from report import page, testdata

ENTRY = Path(__file__).parents[1] / "report.py"
SCHEMA = Path(__file__).parents[2] / "results" / "schema.json"
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
EVIL = "</script><img src=https://evil.example/x onerror=alert(1)>'\"&"


class Elements(HTMLParser):
    """Every element with its attributes, and the text of every JSON block."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.blocks, self._block = [], {}, None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._block = dict(attrs).get("id") if tag == "script" else None

    def handle_data(self, data):
        if self._block:
            self.blocks[self._block] = self.blocks.get(self._block, "") + data

    def json(self, name):
        return json.loads(self.blocks[name])


def render(tmp_path, lines, trace=False):
    run = testdata.write_run(tmp_path / "run.jsonl", lines)
    path = testdata.write_trace(tmp_path / "trace.safetensors") if trace else None
    return page.render([run], path)


@pytest.fixture(scope="module")
def lines():
    return testdata.run()


@pytest.fixture(scope="module")
def html(tmp_path_factory, lines):
    return render(tmp_path_factory.mktemp("page"), lines, trace=True)


def without_scripts(text):
    return re.sub(r"<script\b.*?</script>", "", text, flags=re.DOTALL)


def test_the_page_asks_nothing_of_any_network(html):
    for tag, attributes in Elements(html).tags:
        assert "src" not in attributes, tag
        assert attributes.get("href", "#").startswith("#"), tag
        assert tag not in ("link", "iframe", "object", "embed", "base", "img"), tag
    assert not re.search(r"https?://|@import|url\((?!#)", without_scripts(html))
    script = (Path(page.__file__).parent / "page.js").read_text()
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|https?://|eval\(", script)


def test_the_policy_forbids_what_the_page_does_not_need(html):
    policy = next(a["content"] for t, a in Elements(html).tags if "http-equiv" in a)
    assert policy.startswith("default-src 'none'")
    assert "unsafe-eval" not in policy and "script-src 'unsafe-inline'" not in policy
    assert policy.count("'sha256-") == 2


def test_every_cell_of_the_file_is_on_the_page_once(html, lines):
    parsed = Elements(html)
    expected = sorted(line["cell"] for line in lines)
    table = parsed.json("data-cells")
    column = table["columns"].index("cell")
    assert sorted(row[column] for row in table["rows"]) == expected
    assert sorted(a["data-cell"] for _, a in parsed.tags if "data-cell" in a) == expected
    assert len(parsed.json("data-samples")) == len(parsed.json("data-repros")) == len(lines)


def test_every_bad_status_is_named_with_its_reason(html):
    for status, reason in testdata.BAD.items():
        assert re.search(rf'class="status {status}">', html)
        assert reason.replace("'", "&#39;") in html


def test_every_figure_has_a_title_and_a_caption(html):
    tags = Elements(html).tags
    ids = [a["id"] for _, a in tags if "id" in a]
    named = [a["aria-labelledby"].split() for _, a in tags if a.get("role") == "img"]
    assert named and all(name in ids for pair in named for name in pair)
    assert len(ids) == len(set(ids))
    assert dict(tags)["html"]["lang"] == "en"


def test_every_chart_on_the_page_has_a_specification_and_no_data_of_its_own(html):
    parsed = Elements(html)
    specs = parsed.json("data-specs")
    assert {a["data-chart"] for _, a in parsed.tags if "data-chart" in a} == set(specs)
    for spec in specs.values():
        assert len(json.dumps(spec)) < 20_000


def test_without_a_trace_a_sentence_says_so(tmp_path, lines):
    assert "No trace was given" in render(tmp_path, lines[:5])


def test_1000_cells_stay_under_3_mb(tmp_path):
    workloads = [f"zipf:{i / 10}" for i in range(10)]
    lines = testdata.run(workloads=workloads, tokens=[2**i for i in range(10)], samples=100)
    assert len(lines) == 1000
    text = render(tmp_path, lines)
    assert len(text.encode()) < 3_000_000
    assert "of its samples at even distances" in text


def test_200_cells_keep_all_samples(html, lines):
    kept = Elements(html).json("data-samples")
    assert [len(s) for s in kept] == [
        len((x["timing"] or {"samples": []})["samples"]) for x in lines
    ]
    assert "All samples are shown" in html


def evil_line():
    line = testdata.record("time-moe-50m", "uniform", 16, "sort-and-group")
    line["strategy"]["name"] = line["workload"]["name"] = line["cell"] = EVIL
    line["problem"]["shape"] = line["repro"] = line["environment"]["argv"] = EVIL
    return line


def test_no_name_can_break_out_of_the_page(tmp_path):
    good = testdata.record("time-moe-50m", "uniform", 16, "loop-per-expert")
    text = render(tmp_path, [evil_line(), good, testdata.failed(evil_line(), "wrong")])
    parsed = Elements(text)
    assert all(tag != "img" and "onerror" not in attributes for tag, attributes in parsed.tags)
    assert "<img" not in without_scripts(text)
    assert EVIL in parsed.json("data-repros")


@pytest.mark.skipif(not SCHEMA.exists(), reason="results/schema.json is not there")
def test_the_made_up_lines_follow_the_schema(lines):
    validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text()))
    for line in lines:
        validator.validate(line)


def dump(tmp_path, text):
    """The page as a browser leaves it, and what the browser complained about."""
    path = tmp_path / "report.html"
    path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [BROWSER, "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
         f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=60000", "--dump-dom",
         path.as_uri()],
        check=False, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return done.stdout, [x for x in done.stderr.splitlines() if "CONSOLE" in x]


@pytest.mark.skipif(not BROWSER, reason="no Chromium on this machine")
@pytest.mark.parametrize("kind", ["all", "evil", "failed", "empty"])
def test_a_browser_draws_every_chart_without_a_word(tmp_path, lines, kind):
    empty = testdata.record("time-moe-50m", "uniform", 1, "sort-and-group")
    empty["problem"]["tokens"] = 0
    chosen = {
        "all": lines,
        "evil": [evil_line()],
        "failed": [testdata.failed(lines[0], "timeout")],
        "empty": [empty],
    }[kind]
    dom, complaints = dump(tmp_path, render(tmp_path, chosen, trace=True))
    # Vega says so where a chart has nothing to show; that is then the truth.
    complaints = [x for x in complaints if kind == "all" or "Infinite extent" not in x]
    assert complaints == []
    assert 'data-drawn="yes"' in dom
    drawn = without_scripts(dom)
    assert "could not be drawn" not in drawn
    assert drawn.count("data-chart=") == drawn.count('role="graphics-document"') > 0


def call(*arguments, python=(sys.executable,)):
    command = [*python, ENTRY, *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def test_the_entry_writes_the_page(tmp_path, lines):
    run = testdata.write_run(tmp_path / "run.jsonl", lines[:5])
    done = call(run, "-o", tmp_path / "report.html")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.html").stat().st_size > 500_000


def test_a_bad_line_is_one_sentence_and_exit_2(tmp_path):
    bad = tmp_path / "bad.jsonl"
    bad.write_text("{\n")
    done = call(bad, "-o", tmp_path / "report.html")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "bad.jsonl:1: not a JSON object" in done.stderr
    assert not (tmp_path / "report.html").exists()


def test_a_missing_file_is_one_sentence_and_exit_2(tmp_path):
    done = call(tmp_path / "none.jsonl", "-o", tmp_path / "report.html")
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "none.jsonl" in done.stderr


def test_missing_packages_are_one_sentence_and_exit_4(tmp_path):
    done = call(tmp_path / "run.jsonl", python=(sys.executable, "-S"))  # -S: no site-packages
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1 and "pip install altair" in done.stderr
