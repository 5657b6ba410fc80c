"""Accuracy in float32 against 60-digit references: value and slope, on five kinds of input."""

from __future__ import annotations

from typing import Any

import pytest

import accuracy
import lossary
from inputs import WITNESSES
from lossary.backends import by_name

Accounts = dict[tuple[str, str, str], accuracy.Account]
# Units in the last place.  NumPy and PyTorch keep row sums in float64; XLA's and TensorFlow's elementary functions
# are themselves off by a little more.
LIMITS = {"numpy": 4.0, "torch": 4.0, "jax": 6.0, "tensorflow": 6.0}


def assert_accurate(backend: str, chosen: list[accuracy.Setting], least: int, **some: Any) -> Accounts:
    accounts = accuracy.measure(accuracy.on_backend(backend), chosen, **some)
    assert len(accounts) == len(chosen) * len(accuracy.KINDS) * 2
    for key, account in accounts.items():
        assert account.count >= least, key
        assert account.nonfinite == 0, (key, account.examples)
        assert account.dead == 0, (key, account.examples)
        assert account.worst <= LIMITS[backend], (key, account.where)
    return accounts


@pytest.mark.parametrize("setting", accuracy.settings(), ids=lambda s: accuracy.label(*s))
def test_a_few_answers_of_every_loss(setting: accuracy.Setting) -> None:
    """Four of the short rows and one of the long, whose exact slopes take most of the time."""
    short = assert_accurate("numpy", [setting], 0, widths=slice(0, 3), most=4)
    long = assert_accurate("numpy", [setting], 0, widths=slice(3, 4), most=1)
    assert all(account.count + long[key].count for key, account in short.items())


@pytest.mark.parametrize("backend", [name for name in LIMITS if name != "numpy"])
def test_a_few_answers_on_every_backend(backend: str) -> None:
    chosen = [(setting.record, dict(setting.parameters)) for setting in WITNESSES]
    assert_accurate(backend, chosen, 1, widths=slice(2, 3), most=8)


@pytest.mark.exhaustive
@pytest.mark.parametrize("backend", LIMITS)
@pytest.mark.parametrize("setting", accuracy.settings(), ids=lambda s: accuracy.label(*s))
def test_every_answer_is_finite_alive_and_accurate(setting: accuracy.Setting, backend: str) -> None:
    assert_accurate(backend, [setting], 11)


@pytest.mark.costly
def test_every_setting_has_a_graph_in_pytensor() -> None:
    """It is not computed: what words cannot take together, such as bools and arrays, shows already."""
    backend = by_name("pytensor")
    for record, parameters in accuracy.settings():
        arrays = [backend.asarray(x[:2]) for x in accuracy.inputs(record, parameters, "ordinary")[1]]
        value, slope = lossary.get(record.name, **parameters).batch(*arrays).value_and_gradient("none")
        assert (value.ndim, slope.ndim) == (1, 2), record.name


def test_every_setting_in_the_words_of_pytorch() -> None:
    """Its words see bools where a condition is on parameters alone; calls in host memory are computed by NumPy's."""
    evaluate = accuracy.on_backend("torch")
    for record, parameters in accuracy.settings():
        y_true, y_pred = accuracy.inputs(record, parameters, "ordinary")[1]
        values, slopes = evaluate(record, parameters, y_true[:2], y_pred[:2])
        assert values.shape == (2,), record.name
        assert slopes.shape == (2, 2), record.name
