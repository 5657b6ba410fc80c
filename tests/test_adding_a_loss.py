"""Adding a loss edits nothing besides: in a copy with one more file of losses, every law finds it and runs on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Keras has no such loss, nobody has a reference of it, and its parameter is one that no other loss has.
SOURCE = '''
"""Losses of powers."""

from __future__ import annotations

from typing import Any

from .._domain import Interval, Real
from .._loss import loss
from .._record import Case
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
FILES = ("test_laws", "test_teeth", "test_kernels_teeth", "test_accuracy", "test_values")


def test_the_laws_run_on_a_loss_that_was_added(tmp_path: Path) -> None:
    for folder in ("src", "tests", "benchmarks"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "src" / "lossary" / "losses" / "powers.py").write_text(SOURCE)
    paths = os.pathsep.join([str(tmp_path / "src"), str(tmp_path)])
    chosen = "quartic_of_the_copy"
    command = [sys.executable, "-m", "pytest", "-v", "-o", "addopts=", "-p", "no:cacheprovider"]
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
