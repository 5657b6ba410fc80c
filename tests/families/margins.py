"""References for losses of the score of two classes."""

from __future__ import annotations

from typing import Any

import mpmath as mp

from families.exact import each, each_slope


def _signed(t: Any) -> Any:
    return -1 if t == 0 else t


def _margin(t: Any, p: Any) -> Any:
    return max(1 - _signed(t) * p, 0)


def _modified_huber(t: Any, p: Any) -> Any:
    return _margin(t, p) ** 2 if _signed(t) * p >= -1 else -4 * _signed(t) * p


def _binary_sparsemax(t: Any, p: Any) -> Any:
    # The largest value of q u + q (1 - q) over probabilities q of the wrong class, where u is its lead.
    lead = -_signed(t) * p
    q = min(max((1 + lead) / 2, mp.mpf(0)), mp.mpf(1))
    return q * lead + q * (1 - q)


def _modified_huber_slope(t: Any, p: Any) -> Any:
    return -_signed(t) * min(2 * _margin(t, p), 4)


def _gan_hinge(t: Any, p: Any, generator: bool = False) -> Any:
    return -_signed(t) * p if generator else _margin(t, p)


def _terms_linear(t: Any, p: Any, index: int | None, **_: Any) -> Any:
    return sum(map(abs, p)) / len(p) if index is None else 0


VALUES = {
    "hinge": each(_margin),
    "squared_hinge": each(lambda t, p: _margin(t, p) ** 2),
    "soft_margin": each(lambda t, p: mp.log(1 + mp.exp(-_signed(t) * p))),
    "exponential": each(lambda t, p: mp.exp(-_signed(t) * p)),
    "modified_huber": each(_modified_huber),
    "perceptron": each(lambda t, p: max(-_signed(t) * p, 0)),
    "binary_sparsemax": each(_binary_sparsemax),
    "wasserstein_gan": each(lambda t, p: -_signed(t) * p),
    "gan_hinge": each(_gan_hinge),
}
SLOPES = {
    "hinge": each_slope(lambda t, p: -_signed(t) if _margin(t, p) > 0 else 0),
    "squared_hinge": each_slope(lambda t, p: -2 * _signed(t) * _margin(t, p)),
    "exponential": each_slope(lambda t, p: -_signed(t) * mp.exp(-_signed(t) * p)),
    "modified_huber": each_slope(_modified_huber_slope),
    "perceptron": each_slope(lambda t, p: -_signed(t) if _signed(t) * p <= 0 else 0),
    "binary_sparsemax": each_slope(lambda t, p: _modified_huber_slope(t, p) / 4),
    "gan_hinge": each_slope(
        lambda t, p, generator=False: -_signed(t) if generator or _margin(t, p) > 0 else 0,
    ),
}
TERMS = {
    "wasserstein_gan": _terms_linear,
    "gan_hinge": lambda t, p, index, generator=False: _terms_linear(t, p, index) if generator else 0,
}
SETTINGS = {"gan_hinge": [{"generator": True}]}
