"""Every example arrives where it says: several in one process, and in the proof each as a newcomer runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def printed(script: Path) -> str:
    environment = os.environ | {"KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def figures(output: str) -> list[float]:
    """The numbers an example prints, in order."""
    return [float(number) for number in re.findall(r"[-+]?\d+\.\d+", output)]


def regression(figures):
    _, _, slope, offset, first, last, _ = figures
    # The standard error of slope and offset over 256 points with noise 0.1 is about 0.01.
    assert slope == pytest.approx(3, abs=0.05)
    assert offset == pytest.approx(-1, abs=0.05)
    assert last == pytest.approx(0.01, abs=0.003)
    # The mean of the first epoch begins at (3 - w)**2 / 3 + 1 for a random slope w and falls while it is taken.
    assert first > 10 * last


def two_classes(figures):
    assert figures[0] > 95


def ten_classes(figures):
    assert figures[0] > 93


def torch_loop(figures):
    robust, robust_offset, _, _, _, moved, *_ = figures
    assert robust == pytest.approx(3, abs=0.05)
    assert robust_offset == pytest.approx(0, abs=0.05)
    # Least squares follows the outliers: one point in ten, 5 too high, lifts the line by about 0.5.
    assert moved == pytest.approx(0.5, abs=0.1)


def language_model(figures):
    last, first, right = figures
    # Before it has learnt anything, every word of 97 is as likely as any other: log 97 = 4.575.
    assert first == pytest.approx(4.575)
    assert last < 1.0
    assert right > 90


def jax_grad(figures):
    direction, accuracy = figures
    assert direction == pytest.approx(2, abs=0.15)
    assert accuracy > 98


def tensorflow_tape(figures):
    slope, offset, *_ = figures
    assert slope == pytest.approx(2, abs=0.1)
    assert offset == pytest.approx(0.5, abs=0.1)


def pytensor_graph(figures):
    slope, _, value = figures
    assert slope == pytest.approx(3, abs=0.05)
    # One point in ten is 5 off: log cosh 5 = 5 - log 2 = 4.307, a tenth of it.
    assert value == pytest.approx(0.43, abs=0.02)


def custom_loss(figures):
    value, near, far, quantile, found, of_points = figures
    # (0.9 * 1 + 0.1 * 2) / 2 and the slopes -0.9 / 2, 0.1 / 2.
    assert (value, near, far) == pytest.approx((0.55, -0.45, 0.05))
    assert quantile == 0.9
    assert found == pytest.approx(of_points, rel=0.05)
    # The ninth decile of an exponential distribution is log 10.
    assert of_points == pytest.approx(2.303, abs=0.1)


def torch_modules(figures):
    *_, accuracy, millionths = figures
    assert accuracy > 93
    assert millionths < 1


def optax_loop(figures):
    accuracy, parts, whole = figures
    assert accuracy > 98
    assert parts == whole


def hugging_face(figures):
    whole, parts = figures[-2:]
    assert parts == pytest.approx(whole, abs=2e-5)
    assert whole < 2.83  # The logarithm of 17, of a model that knows nothing.


def skorch_classifier(figures):
    assert figures[0] > 0.95


def xgboost_objective(figures):
    _, on_time, counts, rates = figures
    assert on_time == pytest.approx(0.9, abs=0.04)
    assert rates == pytest.approx(counts, rel=0.02)


def lightgbm_objective(figures):
    squared, huber = figures
    # Every twentieth target is 500 too high: the mean by 25, the median by about nothing.
    assert squared > 20
    assert huber < 1


def catboost_objective(figures):
    accuracy, guessed = figures
    assert accuracy > guessed + 3


def sklearn_scorer(figures):
    score, after, before = figures
    assert -np.log(3) < score < -0.3
    assert after < 0.6 * before


def as_printed(library):
    """The numbers that the page which starts gives for a library, as far as machines agree."""
    lines = (EXAMPLES.parent / "docs" / "start" / "printed.txt").read_text().splitlines()
    said = [number for line in lines if line.split()[0] == library for number in figures(line)]

    def same(found):
        assert found == pytest.approx(said, abs=0.01)
        assert len(said) > 0

    same.__name__ = f"start/in_{library.replace('pytorch', 'torch').replace('scikit-learn', 'sklearn')}"
    return same


EXPECTED = [regression, two_classes, ten_classes, custom_loss, jax_grad, tensorflow_tape, torch_loop, pytensor_graph]
EXPECTED += [language_model, torch_modules, optax_loop, hugging_face, skorch_classifier]
EXPECTED += [xgboost_objective, lightgbm_objective, catboost_objective, sklearn_scorer]
EXPECTED += [as_printed(library) for library in ("keras", "pytorch", "jax", "scikit-learn", "xgboost")]


def path(example) -> Path:
    return EXAMPLES / f"{example.__name__}.py"


def test_every_example_is_tested():
    assert {*EXAMPLES.glob("*.py"), *EXAMPLES.glob("start/*.py")} == set(map(path, EXPECTED))


@pytest.mark.costly
@pytest.mark.parametrize("example", EXPECTED, ids=lambda example: example.__name__)
def test_an_example_by_itself(example):
    example(figures(printed(path(example))))
