"""Losses printed as JavaScript, run in node beside NumPy."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import lossary
from inputs import EVERY_SETTING, Setting, program
from lossary.backends import NUMPY
from lossary.show import javascript
from nodejs import arguments, close, given, node

PRINTED = [setting for setting in EVERY_SETTING if not javascript.unfit(program(setting))]
# What is left out, and no more than that.
LEFT_OUT = {
    "circle": "it compares data points with each other",
    "ctc": "its data points are matrices",
    "generalized_dice": "its data points are matrices",
    "ntxent": "it compares data points with each other",
}


@pytest.fixture(scope="module")
def results() -> dict[str, list[tuple[list[Any], list[Any], Any]]]:
    """What node and NumPy make of the same arguments, by setting."""
    functions, calls, expected = [], {}, {}
    for setting in PRINTED:
        made, name = program(setting), f"f{len(functions)}"
        functions.append(javascript.printed(made, name))
        run = made.value_and_slope(NUMPY)
        with np.errstate(all="ignore"):
            cases = [(drawn, numbers, run(*drawn, *numbers)) for drawn, numbers in arguments(setting)]
        calls[name] = [[*given(made, drawn), *numbers] for drawn, numbers, _ in cases]
        expected[name] = [(drawn, numbers, [np.ravel(x) for x in found]) for drawn, numbers, found in cases]
    script = f"""{javascript.words_of(*functions)}
{chr(10).join(functions)}
const calls = {json.dumps(calls)};
const told = (key, x) => typeof x === "number" && !Number.isFinite(x) ? String(x) : x;
const found = Object.entries(calls).map(([name, all]) => [name, all.map(each => eval(name)(...each))]);
console.log(JSON.stringify(Object.fromEntries(found), told));
"""
    out = json.loads(node(script))
    return {
        str(setting): list(zip(out[f"f{place}"], expected[f"f{place}"], strict=True))
        for place, setting in enumerate(PRINTED)
    }


@pytest.mark.parametrize("setting", PRINTED, ids=str)
def test_numbers_are_those_of_numpy(setting: Setting, results: dict[str, Any]) -> None:
    for got, (drawn, numbers, expected) in results[str(setting)]:
        close(got, expected, f"{drawn} {numbers}")


def test_what_is_left_out_says_why() -> None:
    explained = {name: javascript.explain(name) for name in lossary.names() if lossary.get(name).record.builtin}
    found = {name: text.partition(": ")[2] for name, text in explained.items() if "is printed" not in text}
    assert found == LEFT_OUT


def test_a_script_needs_nothing_else() -> None:
    script = javascript.source(lossary.BinaryFocalCrossentropy(from_logits=True))
    asked = f"{script}console.log(binary_focal_crossentropy(1, 0.5)[0]);"
    chance = 1.0 / (1.0 + np.exp(-0.5))
    assert float(node(asked)) == pytest.approx(-((1.0 - chance) ** 2) * np.log(chance), rel=1e-12)
