"""Accuracy in float32 against 60-digit references: value and slope, on five kinds of input."""

from __future__ import annotations

import pytest

import accuracy
from lossary._loss import records

# Units in the last place.  NumPy and PyTorch keep row sums in float64; XLA's and TensorFlow's elementary functions
# are themselves off by a little more.
LIMITS = {"numpy": 4.0, "torch": 4.0, "jax": 6.0, "tensorflow": 6.0}


@pytest.mark.parametrize("backend", LIMITS)
def test_every_answer_is_finite_alive_and_accurate(backend: str) -> None:
    accounts = accuracy.measure(accuracy.on_backend(backend))
    variants = sum(len(accuracy.variants(record)) for record in records() if record.builtin)
    assert len(accounts) == variants * len(accuracy.KINDS) * 2
    for key, account in accounts.items():
        assert account.count > 10, key
        assert account.nonfinite == 0, (key, account.examples)
        assert account.dead == 0, (key, account.examples)
        assert account.worst <= LIMITS[backend], (key, account.where)
