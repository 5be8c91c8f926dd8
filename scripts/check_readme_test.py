"""check_readme.py must notice a command that fails and a link that leads nowhere."""

import check_readme


def check(tmp_path, capsys, text):
    (tmp_path / "README.md").write_text(text)
    return check_readme.main(tmp_path), capsys.readouterr().out


def test_a_marked_command_is_run_from_the_root(tmp_path, capsys):
    code, out = check(tmp_path, capsys, "<!-- run -->\n```sh\ntest -f README.md\n```\n")
    assert (code, out) == (0, "1 marked code blocks run\n")


def test_a_command_that_fails_is_found_with_its_place_and_output(tmp_path, capsys):
    text = "Text.\n\n<!-- run -->\n```sh\necho before\nfalse\ntrue\n```\n"
    code, out = check(tmp_path, capsys, text)
    assert code == 1
    assert "README.md:5: ended with 1:\n+ echo before\nbefore\n+ false" in out


def test_a_command_that_fails_before_a_pipe_is_found(tmp_path, capsys):
    assert check(tmp_path, capsys, "<!-- run -->\n```sh\nfalse | cat\n```\n")[0] == 1


def test_an_unmarked_block_is_not_run(tmp_path, capsys):
    marked = "<!-- run -->\n```sh\ntrue\n```\n"
    assert check(tmp_path, capsys, marked + "```sh\nfalse\n```\n")[0] == 0


def test_nothing_marked_is_not_a_pass(tmp_path, capsys):
    assert check(tmp_path, capsys, "```sh\ntrue\n```\n")[0] == 1


def test_a_link_that_leads_nowhere_is_found(tmp_path, capsys):
    text = "<!-- run -->\n```sh\ntrue\n```\n[here](README.md#top) [there](gone/a.md)\n"
    code, out = check(tmp_path, capsys, text)
    assert code == 1
    assert "README.md:5: gone/a.md does not exist" in out
    assert "README.md does not exist" not in out


def test_code_that_looks_like_a_link_is_not_one(tmp_path, capsys):
    text = "<!-- run -->\n```sh\ntrue\n```\n```cpp\n[](int) {}\n```\n"
    assert check(tmp_path, capsys, text)[0] == 0
