"""Accuracy of losses with several inputs: value and slopes against references in high precision."""

from __future__ import annotations

import pytest

from accuracy_arguments import HURT, answers
from families.hurt import Hurt
from inputs import few
from lossary import kernels

FIRST = list({hurt.name: hurt for hurt in reversed(HURT)}.values())
# XLA's and TensorFlow's powers and exponentials are themselves off by some units.
LIMITS = {"numpy": 6.0, "kernel": 6.0, "torch": 6.0, "jax": 12.0, "tensorflow": 12.0}


@pytest.mark.costly
@pytest.mark.parametrize("hurt", HURT, ids=str)
def test_value_and_slopes_have_the_digits_of_doubles(hurt: Hurt) -> None:
    worst = max(answers(hurt, "numpy", dtype="float64"))
    assert worst.error <= LIMITS["numpy"], worst


@pytest.mark.parametrize(
    ("hurt", "backend"),
    # `make test` has time for the first inputs of every loss.
    few(lambda pair: pair[0] in FIRST and pair[1] == "numpy", [(hurt, backend) for hurt in HURT for backend in LIMITS]),
    ids=str,
)
def test_value_and_slopes_have_their_digits(hurt: Hurt, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if backend == "kernel":
        monkeypatch.setattr(kernels, "THRESHOLD", 0)
    worst = max(answers(hurt, backend))
    assert worst.error <= LIMITS[backend], worst
