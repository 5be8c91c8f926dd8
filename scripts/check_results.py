#!/usr/bin/env python3
"""Checks result files: every line against results/schema.json, and what a schema cannot say.

    scripts/check_results.py results/local/*.jsonl

Prints one sentence per mistake, FILE:LINE first. Exits with 1 when there was one, 2 when a file
cannot be read.
"""

import argparse
import json
import sys
from pathlib import Path

import jsonschema

SCHEMA = Path(__file__).resolve().parent.parent / "results" / "schema.json"


def refuse_constant(word):
    raise ValueError(f"{word} is not JSON; a number that is not finite is written as null")


def refuse_twice(pairs):
    seen = {}
    for key, value in pairs:
        if key in seen:
            raise ValueError(f'"{key}" is there twice')
        seen[key] = value
    return seen


def leaves(error):
    """The errors that say what is wrong: a failed combination only says that something is."""
    if not error.context:
        return [error]
    # Of the branches of a oneOf, the one that fits best; of an allOf or then, every part.
    return leaves(jsonschema.exceptions.best_match(error.context))


def short(value):
    words = json.dumps(value)
    return words if len(words) < 60 else words[:57] + "..."


def in_words(error, line):
    place = "/" + "/".join(str(part) for part in error.absolute_path)
    if error.validator in ("type", "const", "enum"):
        words = f"found {short(error.instance)}, expected {short(error.validator_value)}"
    else:
        words = error.message if len(error.message) < 200 else error.message[:197] + "..."
    # A field that breaks a rule between fields may be fine by itself: say what the rule looks at.
    ruled = {"then", "else"} & set(error.absolute_schema_path)
    return f"{place}: {words}" + (f" in a line of status {line.get('status')}" if ruled else "")


def contradictions(line):
    """What a schema cannot say: fields that must agree with each other."""
    problem, strategy, timing = line["problem"], line["strategy"], line["timing"]
    expected = f"{line['problem_id']}/{strategy['name']}@{strategy['backend']}"
    if not line["cell"].startswith(expected):
        yield f"/cell: does not begin with {expected}"
    judged = line["validation"]
    if judged and judged["passed"] and not judged["worst_error"] <= judged["bound"]:
        yield f"/validation: passed with an error of {judged['worst_error']} over the bound"
    load = line["load"]
    if load and len(load["tokens_per_expert"]) != problem["experts"]:
        yield f"/load/tokens_per_expert: must have {problem['experts']} entries, one an expert"
    if timing:
        if timing["count"] != len(timing["samples"]):
            yield f"/timing/count: {timing['count']}, but {len(timing['samples'])} samples"
        if timing["min"] != min(timing["samples"]):
            yield "/timing/min: is not the least of the samples"
        if not timing["min"] <= timing["p05"] <= timing["median"] <= timing["p95"]:
            yield "/timing: min, p05, median and p95 are out of order"


def mistakes(text, validator):
    """What is wrong with one line, in words."""
    try:
        line = json.loads(text, parse_constant=refuse_constant, object_pairs_hook=refuse_twice)
    except ValueError as error:
        return [f"not a JSON object: {error}"]
    except RecursionError:
        return ["not a result line: nested too deeply"]
    errors = [leaf for error in validator.iter_errors(line) for leaf in leaves(error)]
    if errors:
        return list(dict.fromkeys(in_words(error, line) for error in errors))
    return list(contradictions(line))


def check(path, validator):
    """Prints the mistakes of a file; returns how many there were, and its number of lines."""
    wrong = number = 0
    with open(path, encoding="utf-8") as file:
        for number, text in enumerate(file, 1):
            for mistake in mistakes(text, validator):
                print(f"{path}:{number}: {mistake}", file=sys.stderr)
                wrong += 1
            if not text.endswith("\n"):
                print(f"{path}:{number}: the last line has no end; it is torn", file=sys.stderr)
                wrong += 1
    return wrong, number


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.jsonl")
    options = parser.parse_args(arguments)
    validator = jsonschema.Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    wrong = lines = 0
    for path in options.files:
        try:
            more, count = check(path, validator)
        except (OSError, UnicodeDecodeError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            return 2
        wrong, lines = wrong + more, lines + count
    print(
        f"{lines} lines in {len(options.files)} files: " + (f"{wrong} mistakes" if wrong else "ok")
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
