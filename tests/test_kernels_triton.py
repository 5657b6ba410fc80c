"""Kernels of Triton: right in its interpreter, compiled for devices that are not there, in exact arithmetic."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import lossary
from inputs import EVERY_FUSED, FEWEST, FEWEST_OF_SEVERAL
from lossary import kernels
from lossary.kernels.lowering.form import SPECIAL
from test_kernels_functions import BOUNDS
from test_words_accuracy import LIMIT, LIMITS

TESTS = Path(__file__).parent
# `make test` installs Triton here and not beside TensorFlow, after which it crashes.
FOLDER = TESTS.parent / ".venv-triton"
FEW = [str(setting) for setting in (*FEWEST, *FEWEST_OF_SEVERAL)]

needs_triton = pytest.mark.skipif(sys.platform != "linux", reason="Triton is made for Linux alone")


def printed(script: str, *names: str) -> list[str]:
    """What a script prints that runs Triton."""
    assert (FOLDER / "triton").is_dir(), "Triton is missing: make .venv-triton/.done"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), str(FOLDER), *sys.path])}
    command = [sys.executable, str(TESTS / script), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


@needs_triton
@pytest.mark.costly
@pytest.mark.parametrize("names", [FEW, pytest.param([], marks=pytest.mark.exhaustive)], ids=["few", "all"])
@pytest.mark.parametrize(
    "script", ["triton_interpreted.py", pytest.param("triton_compiled.py", marks=pytest.mark.costly)]
)
def test_kernels_are_right(script: str, names: list[str]) -> None:
    lines = printed(script, *names)
    assert len(lines) == (len(names) or len(EVERY_FUSED))
    assert not [line for line in lines if not line.endswith("is right")]


@needs_triton
@pytest.mark.costly
def test_functions_are_as_accurate_as_those_of_other_kernels() -> None:
    found = dict(line.split() for line in printed("triton_functions.py"))
    assert len(found) == 13 + len(SPECIAL)
    bounds = BOUNDS | {name: LIMITS.get(name, LIMIT) for name in SPECIAL}
    assert not {name: error for name, error in found.items() if not 0.5 <= float(error) <= bounds[name]}


def test_another_device_is_refused() -> None:
    with pytest.raises(lossary.ParameterError, match=r"huber: device is 'mps'; accepted are 'cpu', 'cuda'"):
        kernels.source("huber", device="mps")


def test_the_source_can_be_asked_for() -> None:
    assert "def huber_elements(y_true, y_pred, gradient" in kernels.source("huber", device="cuda")
