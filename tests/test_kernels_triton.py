"""Kernels of Triton: right in its interpreter, compiled for devices that are not there, in exact arithmetic."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from inputs import FUSED, WITNESSES, Setting, every, program
from lossary import kernels
from lossary.kernels.triton import emit, module
from test_kernels_functions import BOUNDS

triton = pytest.importorskip("triton", reason="Triton is not installed")
TESTS = Path(__file__).parent


def interpreted(script: str, *names: str) -> list[str]:
    """What a script prints that runs Triton's interpreter."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    command = [sys.executable, str(TESTS / script), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


def proved(names: list[str]) -> None:
    """These kernels agree with the words in double precision."""
    lines = interpreted("triton_interpreted.py", *names)
    assert len(lines) == (len(names) or len(FUSED))
    assert not [line for line in lines if not line.endswith("is right")]


def test_witnesses_are_right_in_the_interpreter() -> None:
    proved([str(setting) for setting in WITNESSES])


@pytest.mark.exhaustive
def test_all_are_right_in_the_interpreter() -> None:
    proved([])


def test_functions_are_as_accurate_as_those_of_other_kernels() -> None:
    found = dict(line.split() for line in interpreted("triton_functions.py"))
    assert len(found) == 11
    assert not {name: error for name, error in found.items() if not 0.5 <= float(error) <= BOUNDS[name]}


def test_the_source_can_be_asked_for() -> None:
    assert "def huber_elements(y_true, y_pred, gradient" in kernels.source("huber", device="cuda")


def signature(kernel: Any, *, labels: bool) -> tuple[dict[str, str], dict[str, Any]]:
    """The types of what a kernel takes, and what is known of it."""
    known: dict[str, Any] = {"ROWS": 4, "BLOCK": 512, "inner": 1}
    known |= dict.fromkeys(("values", "factors", "live", "upstream"))
    types = {"y_true": "*i64" if labels else "*fp32", "y_pred": "*fp32", "gradient": "*fp32", "totals": "*fp64"}
    types |= dict.fromkeys(("rows", "columns", "size"), "i32")
    names = kernel.arg_names
    found = {name: "constexpr" if name in known else types.get(name, "fp32") for name in names}
    return found, {name: value for name, value in known.items() if name in names}


@pytest.mark.parametrize("setting", every(FUSED), ids=str)
def test_compiles_for_devices_into_exact_arithmetic(setting: Setting) -> None:
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    made = emit.source(program(setting), rows=not program(setting).separable)
    kernel = module.module(made.text)[made.name]
    types, known = signature(kernel, labels=setting.record.labels_are_integers)
    source = ASTSource(kernel, types, constexprs=known)
    for device in (GPUTarget("cuda", 90, 32), GPUTarget("hip", "gfx942", 64)):
        compiled = triton.compile(source, target=device, options={"num_warps": 4, **module.OPTIONS})
        if device.backend == "cuda":
            assert not re.findall(r"approx|\.ftz|fma\.rn\.f32|div\.full", compiled.asm["ptx"])
