"""Every example runs as a newcomer runs it, and arrives where it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def figures(name: str) -> list[float]:
    """The numbers an example prints, in order."""
    environment = os.environ | {"KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [float(number) for number in re.findall(r"[-+]?\d+\.\d+", done.stdout)]


def test_every_example_is_tested():
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {path.stem for path in EXAMPLES.glob("*.py")} <= tested


def test_regression():
    _, _, slope, offset, first, last, _ = figures("regression")
    # The standard error of slope and offset over 256 points with noise 0.1 is about 0.01.
    assert slope == pytest.approx(3, abs=0.05)
    assert offset == pytest.approx(-1, abs=0.05)
    assert last == pytest.approx(0.01, abs=0.003)
    # The mean of the first epoch begins at (3 - w)**2 / 3 + 1 for a random slope w and falls while it is taken.
    assert first > 10 * last


def test_two_classes():
    assert figures("two_classes")[0] > 95


def test_ten_classes():
    assert figures("ten_classes")[0] > 93


def test_torch_loop():
    robust, robust_offset, _, _, _, moved, *_ = figures("torch_loop")
    assert robust == pytest.approx(3, abs=0.05)
    assert robust_offset == pytest.approx(0, abs=0.05)
    # Least squares follows the outliers: one point in ten, 5 too high, lifts the line by about 0.5.
    assert moved == pytest.approx(0.5, abs=0.1)


def test_jax_grad():
    direction, accuracy = figures("jax_grad")
    assert direction == pytest.approx(2, abs=0.15)
    assert accuracy > 98


def test_tensorflow_tape():
    slope, offset, *_ = figures("tensorflow_tape")
    assert slope == pytest.approx(2, abs=0.1)
    assert offset == pytest.approx(0.5, abs=0.1)


def test_pytensor_graph():
    slope, _, value = figures("pytensor_graph")
    assert slope == pytest.approx(3, abs=0.05)
    # One point in ten is 5 off: log cosh 5 = 5 - log 2 = 4.307, a tenth of it.
    assert value == pytest.approx(0.43, abs=0.02)


def test_custom_loss():
    value, near, far, quantile, found, of_points = figures("custom_loss")
    # (0.9 * 1 + 0.1 * 2) / 2 and the slopes -0.9 / 2, 0.1 / 2.
    assert (value, near, far) == pytest.approx((0.55, -0.45, 0.05))
    assert quantile == 0.9
    assert found == pytest.approx(of_points, rel=0.05)
    # The ninth decile of an exponential distribution is log 10.
    assert of_points == pytest.approx(2.303, abs=0.1)
