"""Adding a loss edits nothing besides: in a copy with one more file of losses, every law finds it and runs on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Keras has no such loss, nobody has a reference of it, and its parameter is one that no other loss has.
SOURCE = '''
"""Losses of powers."""

from __future__ import annotations

from typing import Any

from ..facts.domain import Real
from ..facts.settings import Interval
from ..facts.record import Case
from ..objects.define import loss
from ..words import abs, mean, square


@loss(
    target=Real(),
    prediction=Real(),
    parameters={"steepness": Interval("The factor of the fourth power", 0.0)},
    definition="mean(d**2 + steepness * d**4), d = y_pred - y_true",
    source="made up",
    cases=(
        Case([[0.0, 1.0]], [[1.0, 3.0]], (11.0,), "(1 + 1 + 4 + 16)/2"),
        Case([[0.0]], [[2.0]], (12.0,), "4 + 16/2", {"steepness": 0.5}),
    ),
)
def quartic_of_the_copy(y_true: Any, y_pred: Any, steepness: float = 1.0) -> Any:
    """Squares and fourth powers of the differences.

    >>> import lossary
    >>> print(lossary.quartic_of_the_copy([[0.0, 1.0]], [[1.0, 3.0]]))
    [11.]
    """
    d = square(abs(y_pred - y_true))
    return mean(d + steepness * d * d)
'''
FILES = ("test_laws", "test_teeth", "test_accuracy", "test_values")


@pytest.mark.costly
def test_the_laws_run_on_a_loss_that_was_added(tmp_path: Path) -> None:
    for folder in ("src", "tests", "benchmarks"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "src" / "lossary" / "losses" / "powers.py").write_text(SOURCE)
    paths = os.pathsep.join([str(tmp_path / "src"), str(tmp_path)])
    chosen = "quartic_of_the_copy"
    command = [sys.executable, "-m", "pytest", "-v", "-o", "addopts=", "-p", "no:cacheprovider"]
    # Costly ones too: of a loss that is no example of a makeup, what shows that its tests bite is among them.
    command += ["-k", f"({chosen}) and not (torch or jax or tensorflow)", "-m", "not exhaustive"]
    done = subprocess.run(
        [*command, *(f"tests/{name}.py" for name in FILES)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    ran = {line.split("::")[0].removeprefix("tests/") for line in done.stdout.splitlines() if "PASSED" in line}
    assert ran == {f"{name}.py" for name in FILES}


WORDS = """

def cube(a: Operand) -> Node:
    \"\"\"``a * a * a``\"\"\"
    return apply("cube", a)


__all__ += ["cube"]
VOCABULARY["cube"] = cube
"""
RULES = """

from .words import cube  # noqa: E402

RULES["cube"] = lambda n, g: (3.0 * g * square(n.args[0]),)
"""
MEANING = """
    def cube(self, x: Array) -> Array:
        return x * x * x

    def square(self, x: Array) -> Array:"""
BACKEND = """
import numpy as np

from thin import Thin

from .numpy import NumpyBackend


class ThinBackend(NumpyBackend):
    name = "thin"
    noun = ""
    plain = frozenset({Thin})

    def owns(self, value):
        return isinstance(value, Thin)

    def asarray(self, value, like=None):
        return np.asarray(value).view(Thin)


BACKEND = ThinBackend()
"""
LIBRARY = """
import numpy as np


class Thin(np.ndarray):
    pass
"""
USE = """
import numpy as np
from thin import Thin

import lossary
from lossary import backends
from lossary.words import cube


@lossary.loss
def cubes(y_true, y_pred):
    return cube(y_pred - y_true)


y, p = (np.array([[1.0, 2.0]]) * scale for scale in (1.0, 3.0))
for kind, backend in ((np.ndarray, "numpy"), (Thin, "thin")):
    value, gradient = lossary.value_and_grad(cubes)(y.view(kind), p.view(kind))
    # 2**3 and 4**3; 3 * 2**2 and 3 * 4**2, each over two outputs
    assert lossary.get(cubes).batch(y.view(kind), p.view(kind)).backend.name == backend
    assert value == 36.0 and gradient.tolist() == [[6.0, 24.0]], (value, gradient)
    value, gradient = lossary.value_and_grad("huber")(y.view(kind), p.view(kind))
    assert value == 2.5 and gradient.tolist() == [[0.5, 0.5]], (value, gradient)
print(lossary.kernels.explain("huber", backend="thin"))
print(backends.mixed("huber", "y_true", backends.by_name("numpy"), "y_pred", backends.by_name("thin")))
"""


def test_a_word_and_a_backend_are_added_in_their_rooms_alone(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    package = tmp_path / "src" / "lossary"
    for room, text in (("graph/words.py", WORDS), ("graph/rules.py", RULES), ("backends/thin.py", BACKEND)):
        with (package / room).open("a") as file:
            file.write(text)
    base = package / "backends" / "_words.py"
    base.write_text(base.read_text().replace("\n    def square(self, x: Array) -> Array:", MEANING, 1))
    (tmp_path / "src" / "thin.py").write_text(LIBRARY)
    done = subprocess.run(
        [sys.executable, "-c", USE],
        env=os.environ | {"PYTHONPATH": str(tmp_path / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    explained, mixed = done.stdout.splitlines()
    assert explained == "huber runs in the words of thin: thin compiles the formula itself"
    assert mixed.startswith("huber: y_true is a NumPy array and y_pred is an array of thin; all arrays of a call come")
    assert mixed.endswith("Convert one of them: y_true = numpy.asarray(y_true)")
