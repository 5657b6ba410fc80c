"""References for losses of two classes."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

from families.exact import Row, chances, clipped, each, each_slope, mean, xlogy
from families.hurt import ROWS, WIDTH, Hurt, bits


def _bce(t: Any, p: Any, from_logits: bool = False, epsilon: Any = mp.mpf(1e-7)) -> Any:
    if from_logits:
        return t * mp.log(1 + mp.exp(-p)) + (1 - t) * mp.log(1 + mp.exp(p))
    q = min(max(p, epsilon), 1 - epsilon)
    return -xlogy(t, q) - xlogy(1 - t, 1 - q)


def _bce_slope(t: Any, p: Any, from_logits: bool = False, epsilon: Any = mp.mpf(1e-7)) -> Any:
    if from_logits:
        return (1 - t) / (1 + mp.exp(-p)) - t / (1 + mp.exp(p))
    return (1 - t) / max(1 - p, epsilon) - t / max(p, epsilon)


def _terms_bce(t: Any, p: Any, index: int | None, from_logits: bool = False) -> Any:
    return 2 * t[index] * (1 - t[index]) / len(p) if from_logits and index is not None else 0


def _focal(
    t: Any,
    p: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    epsilon: Any = mp.mpf(1e-7),
) -> Any:
    yes, no = chances(p, from_logits, epsilon)
    weight = t * mp.mpf(alpha) + (1 - t) * (1 - mp.mpf(alpha)) if apply_class_balancing else 1
    return weight * (1 - (t * yes + (1 - t) * no)) ** mp.mpf(gamma) * (-xlogy(t, yes) - xlogy(1 - t, no))


def _terms_focal(t: Any, p: Any, index: int | None, gamma: float = 2.0, from_logits: bool = False, **more: Any) -> Any:
    """The slopes of the weight and of the cross-entropy, which have two signs where the target lies between 0 and 1.

    Of raw scores also how far the rounding of a score moves a power of its odds.
    """
    if index is None:
        return 0
    a, x = t[index], p[index]
    yes, no = chances(x, from_logits, mp.mpf(1e-7))
    turn = yes * no if from_logits else 1
    missed = a * no + (1 - a) * yes
    by_weight = mp.mpf(gamma) * abs(1 - 2 * a) * turn / missed * _bce(a, x, from_logits)
    by_cost = (1 - a) * yes + a * no if from_logits else abs(yes - a) / (yes * no)
    mixed = by_weight + by_cost if 0 < a < 1 else 0
    return missed ** mp.mpf(gamma) * (mixed + ((1 + abs(x)) * (by_weight + by_cost) if from_logits else 0)) / len(p)


def _poly(t: Any, p: Any, from_logits: bool = False, poly_weight: float = 2.0, epsilon: Any = mp.mpf(1e-7)) -> Any:
    yes, no = chances(p, from_logits, epsilon)
    return -xlogy(t, yes) - xlogy(1 - t, no) + mp.mpf(poly_weight) * (1 - (t * yes + (1 - t) * no))


def _terms_poly(t: Any, p: Any, index: int | None, from_logits: bool = False, poly_weight: float = 2.0) -> Any:
    weight = mp.mpf(poly_weight)
    if index is None:
        return -min(weight, 0) * mean(
            a * (1 - b) + (1 - a) * b for a, b in zip(t, [chances(x, from_logits, 0)[0] for x in p], strict=True)
        )
    a, (yes, no) = t[index], chances(p[index], from_logits, mp.mpf(1e-7))
    turn = abs(weight * (1 - 2 * a)) * (yes * no if from_logits else 1)
    return (turn + (2 * a * (1 - a) if from_logits else 0)) / len(p) if 0 < a < 1 or weight < 0 else 0


def _cross_entropy_lambda(t: Row, f: Row, exposure: Row) -> Any:
    def each_one(y: Any, f: Any, exposure: Any) -> Any:
        rest = (1 + mp.exp(f)) ** -exposure  # The probability of no event.
        return -(xlogy(y, 1 - rest) + xlogy(1 - y, rest))

    return mean(each_one(*one) for one in zip(t, f, exposure, strict=True))


def _exposures(rng: np.random.Generator, scale: float) -> list[Any]:
    f = rng.normal(size=(ROWS, WIDTH)) * scale
    f[3], f[4] = np.linspace(-100.0, 100.0, WIDTH), -30.0
    return [bits(rng), f, 10.0 ** rng.uniform(-3, 3, (ROWS, WIDTH))]


def _terms_lambda(rows: Any, place: int | None, **_: Any) -> Any:
    """The rounding of the expected number of events, which an exponential magnifies."""
    found = []
    for y, f, exposure in zip(*rows, strict=True):
        rate = exposure * mp.log(1 + mp.exp(f))
        growth = exposure / (1 + mp.exp(-f))
        # Of the value in the rate, and of the slope: y growth / (exp(rate) - 1).
        moved = rate / mp.expm1(rate)
        found.append(y * moved * (1 if place is None else growth * (1 + rate) / rate))
    return max(found) / len(found)


VALUES = {
    "cross_entropy_lambda": _cross_entropy_lambda,
    "poly_binary_crossentropy": each(_poly),
    "binary_focal_crossentropy": each(_focal),
    "binary_crossentropy": each(_bce),
}
SLOPES = {
    "binary_crossentropy": each_slope(_bce_slope),
}
GUARDED = dict.fromkeys(("binary_focal_crossentropy", "poly_binary_crossentropy"), clipped)
TERMS = {
    "binary_crossentropy": _terms_bce,
    "binary_focal_crossentropy": _terms_focal,
    "poly_binary_crossentropy": _terms_poly,
}
SOFT = ("binary_crossentropy", "binary_focal_crossentropy", "poly_binary_crossentropy")
SETTINGS = {
    "binary_focal_crossentropy": [
        {"apply_class_balancing": True, "gamma": 0.0, "from_logits": True},
        {"gamma": 0.5},
    ],
    "poly_binary_crossentropy": [{"poly_weight": -0.5}, {"poly_weight": -1.0, "from_logits": True}],
}
HURT = [Hurt("cross_entropy_lambda", _exposures, _terms_lambda, {}, (1.0, 10.0, 1e-10))]
