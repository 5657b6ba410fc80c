"""Accuracy in float32 against 60-digit references: value and slope, on five kinds of input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import accuracy
import lossary
import oracle
from inputs import WITNESSES, few
from lossary.backends import by_name
from lossary.facts.record import Record

Accounts = dict[tuple[str, str, str], accuracy.Account]
# Units in the last place.  NumPy and PyTorch keep row sums in float64; XLA's and TensorFlow's elementary functions
# are themselves off by a little more.
LIMITS = {"numpy": 4.0, "torch": 4.0, "jax": 6.0, "tensorflow": 6.0}


def has_own_formula(setting: accuracy.Setting) -> bool:
    """Whether its parameters are those of the loss but for switches, on which the formula depends."""
    record, parameters = setting
    return not any(each.is_number and each.name in parameters for each in record.parameters)


def assert_accurate(backend: str, chosen: list[accuracy.Setting], least: int, **some: Any) -> Accounts:
    accounts = accuracy.measure(accuracy.on_backend(backend), chosen, **some)
    assert len(accounts) == len(chosen) * len(accuracy.KINDS) * 2
    for key, account in accounts.items():
        assert account.count >= least, key
        assert account.nonfinite == 0, (key, account.examples)
        assert account.dead == 0, (key, account.examples)
        assert account.worst <= LIMITS[backend], (key, account.where)
    return accounts


@pytest.mark.parametrize(
    ("record", "parameters"),
    few(has_own_formula, accuracy.settings()),
    ids=lambda x: getattr(x, "name", None) or str(x),
)
def test_a_few_answers_of_every_loss(record: Record, parameters: dict[str, Any]) -> None:
    accounts = assert_accurate("numpy", [(record, parameters)], 0, widths=slice(0, 3), most=5)
    assert all(account.count for account in accounts.values())


@pytest.mark.costly
@pytest.mark.parametrize("setting", accuracy.settings(), ids=lambda s: accuracy.label(*s))
def test_a_long_row_of_every_loss(setting: accuracy.Setting) -> None:
    """Its exact slopes take long."""
    assert_accurate("numpy", [setting], 0, widths=slice(3, 4), most=1)


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


# JAX compiles every word by itself; that it is accurate near ordinary targets is seen above.
@pytest.mark.parametrize("backend", few(lambda name: name != "jax", LIMITS))
@pytest.mark.parametrize("smoothing", [0.1, 0.25])
def test_slopes_keep_their_digits_near_smoothed_targets(backend: str, smoothing: float) -> None:
    """Where a model with smoothed labels ends: ``(p - s)/(p (1 - p))``, and of rows ``(sum(s) p/sum(p) - s)/p``."""
    rng, mp = np.random.default_rng(7), accuracy.oracle.mp
    share = mp.mpf(smoothing)
    y_true = np.concatenate([np.eye(4)[[0, 1, 2, 3] * 4], rng.dirichlet(np.ones(4), 16)]).astype(np.float32)
    off = rng.normal(size=y_true.shape) * 10.0 ** rng.uniform(-7, -2, (len(y_true), 1))
    of_rows = {"categorical_crossentropy": {}, "poly_crossentropy": {"poly_weight": 0.0}}
    for name, each in {"binary_crossentropy": 2, **dict.fromkeys(of_rows, 4)}.items():
        y_pred = ((y_true * (1 - smoothing) + smoothing / each) * (1 + off)).clip(0, 1).astype(np.float32)
        setting = lossary.get(name).record, {"label_smoothing": smoothing, **of_rows.get(name, {})}
        for in_words in (True, False):
            _, slopes = accuracy.on_backend(backend, in_words=in_words)(*setting, y_true, y_pred)
            for t, p, slope in zip(y_true, y_pred, slopes, strict=True):
                s, q = [mp.mpf(float(x)) * (1 - share) + share / each for x in t], [mp.mpf(float(x)) for x in p]
                gaps, total = [b - a for a, b in zip(s, q, strict=True)], mp.fsum(q)
                for place, (a, b) in enumerate(zip(s, q, strict=True)):
                    if each == 2:
                        exact = (b - a) / (b * (1 - b)) / 4
                        unit = accuracy.last_place(exact)
                    else:
                        exact = (mp.fsum(s) - a * total / b) / total
                        unit = accuracy.EPSILON * mp.fsum(map(abs, gaps)) / (b * total)
                    assert abs(mp.mpf(float(slope[place])) - exact) <= LIMITS[backend] * unit, (name, t, p, place)


@pytest.mark.parametrize(
    ("name", "parameters", "t", "p"),
    [
        ("tweedie_deviance", {"power": 1.0}, [2e-42, 0.1], [1e-40, 3e-39]),
        ("tweedie_deviance", {}, [3e-39, 2e-42], [1e-40, 1e-40]),
        ("scale_invariant_sdr", {"zero_mean": False}, [1.0], [2e-42]),
    ],
)
def test_slopes_fit_beside_inverses_that_do_not(name: str, parameters: Any, t: list[float], p: list[float]) -> None:
    y_true, y_pred = np.array([t], np.float32), np.array([p], np.float32)
    exact = [float(x) for x in oracle.slope(name, y_true[0], y_pred[0], **parameters)]
    for reduction in ("sum", "none"):
        found = lossary.get(name, **parameters, reduction=reduction).value_and_grad(y_true, y_pred)[1][0]
        fits = np.abs(exact) < accuracy.LARGEST
        assert fits.any()
        np.testing.assert_allclose(found[fits], np.array(exact)[fits], rtol=1e-5)
