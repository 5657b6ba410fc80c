"""Reference values and slopes in 60-digit arithmetic, written from the definitions and independent of the library.

A reference takes one row of exact inputs (the very floats that the library sees) and returns the loss of that data
point.  Slopes are the mathematical derivatives of the same definitions, with the documented rule at clips: the slope
at the boundary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import mpmath as mp

import oracle_arguments
import oracle_formula

mp.mp.dps = 60
Row = Sequence[Any]


def _mean(terms: Sequence[Any]) -> Any:
    return mp.fsum(terms) / len(terms)


def _per_element(value: Callable[..., Any], slope: Callable[..., Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def row_value(t: Row, p: Row, **kw: Any) -> Any:
        return _mean([value(a, b, **kw) for a, b in zip(t, p, strict=True)])

    def row_slope(t: Row, p: Row, **kw: Any) -> list[Any]:
        return [slope(a, b, **kw) / len(p) for a, b in zip(t, p, strict=True)]

    return row_value, row_slope


def _sign(x: Any) -> int:
    return (x > 0) - (x < 0)


def _xlogy(x: Any, y: Any) -> Any:
    return mp.mpf(0) if x == 0 else x * mp.log(y)


def _huber(t: Any, p: Any, delta: Any = 1) -> Any:
    d = abs(p - t)
    return d * d / 2 if d <= delta else delta * (d - mp.mpf(delta) / 2)


def _mape(t: Any, p: Any, epsilon: Any = mp.mpf(1e-7)) -> Any:
    return 100 * abs(p - t) / max(abs(t), epsilon)


def _msle(t: Any, p: Any, epsilon: Any = mp.mpf(1e-7)) -> Any:
    return (mp.log(1 + max(p, epsilon)) - mp.log(1 + max(t, epsilon))) ** 2


def _msle_slope(t: Any, p: Any, epsilon: Any = mp.mpf(1e-7)) -> Any:
    p = max(p, epsilon)
    return 2 * (mp.log(1 + p) - mp.log(1 + max(t, epsilon))) / (1 + p)


def _signed(t: Any) -> Any:
    return -1 if t == 0 else t


def _margin(t: Any, p: Any) -> Any:
    return max(1 - _signed(t) * p, 0)


def _poisson(t: Any, p: Any, epsilon: Any = mp.mpf(1e-7)) -> Any:
    return p - _xlogy(t, p + epsilon)


def _poisson_slope(t: Any, p: Any, epsilon: Any = mp.mpf(1e-7)) -> Any:
    return mp.mpf(1) if t == 0 else 1 - t / (p + epsilon)


def _bce(t: Any, p: Any, from_logits: bool = False, epsilon: Any = mp.mpf(1e-7)) -> Any:
    if from_logits:
        return t * mp.log(1 + mp.exp(-p)) + (1 - t) * mp.log(1 + mp.exp(p))
    q = min(max(p, epsilon), 1 - epsilon)
    return -_xlogy(t, q) - _xlogy(1 - t, 1 - q)


def _bce_slope(t: Any, p: Any, from_logits: bool = False, epsilon: Any = mp.mpf(1e-7)) -> Any:
    if from_logits:
        return (1 - t) / (1 + mp.exp(-p)) - t / (1 + mp.exp(p))
    return (1 - t) / max(1 - p, epsilon) - t / max(p, epsilon)


def _softmax(z: Row) -> list[Any]:
    top = max(z)
    terms = [mp.exp(x - top) for x in z]
    total = mp.fsum(terms)
    return [x / total for x in terms]


def _cce(t: Row, p: Row, from_logits: bool = False, epsilon: Any = mp.mpf(1e-7)) -> Any:
    if from_logits:
        top = max(p)
        log_sum = mp.log(mp.fsum(mp.exp(x - top) for x in p))
        return mp.fsum(a * (log_sum + top - x) for a, x in zip(t, p, strict=True))
    total = mp.fsum(p)
    shares = [min(max(x / total, epsilon), 1 - epsilon) for x in p]
    return -mp.fsum(_xlogy(a, q) for a, q in zip(t, shares, strict=True))


def _cce_slope(t: Row, p: Row, from_logits: bool = False, epsilon: Any = mp.mpf(1e-7)) -> list[Any]:
    if from_logits:
        weight = mp.fsum(t)
        return [weight * s - a for a, s in zip(t, _softmax(p), strict=True)]
    total = mp.fsum(p)
    shares = [x / total for x in p]
    # The derivative of -log at the clipped share, carried through the division by the row's sum.
    outer = [mp.mpf(0) if a == 0 else -a / max(q, epsilon) for a, q in zip(t, shares, strict=True)]
    inner = mp.fsum(g * q for g, q in zip(outer, shares, strict=True))
    return [(g - inner) / total for g in outer]


def _one_hot(label: int, length: int) -> list[Any]:
    return [mp.mpf(1) if i == int(label) else mp.mpf(0) for i in range(length)]


def _clip(x: Any, epsilon: Any) -> Any:
    return min(max(x, epsilon), 1)


def _kl(t: Row, p: Row, epsilon: Any = mp.mpf(1e-7)) -> Any:
    pairs = [(_clip(a, epsilon), _clip(b, epsilon)) for a, b in zip(t, p, strict=True)]
    return mp.fsum(mp.mpf(0) if a == 0 else a * mp.log(a / b) for a, b in pairs)


def _kl_slope(t: Row, p: Row, epsilon: Any = mp.mpf(1e-7)) -> list[Any]:
    pairs = [(_clip(a, epsilon), _clip(b, epsilon)) for a, b in zip(t, p, strict=True)]
    return [mp.mpf(0) if a == 0 else -a / b for a, b in pairs]


def _norm(x: Row) -> Any:
    return mp.sqrt(mp.fsum(a * a for a in x))


def _cosine(t: Row, p: Row) -> Any:
    lengths = _norm(t) * _norm(p)
    return mp.mpf(0) if lengths == 0 else -mp.fsum(a * b for a, b in zip(t, p, strict=True)) / lengths


def _cosine_slope(t: Row, p: Row) -> list[Any]:
    nt, np_ = _norm(t), _norm(p)
    if nt == 0 or np_ == 0:
        return [mp.mpf(0)] * len(p)
    cosine = mp.fsum(a * b for a, b in zip(t, p, strict=True)) / (nt * np_)
    return [-(a / nt - cosine * b / np_) / np_ for a, b in zip(t, p, strict=True)]


def _categorical_hinge(t: Row, p: Row) -> Any:
    own = mp.fsum(a * b for a, b in zip(t, p, strict=True))
    return max(1 + max((1 - a) * b for a, b in zip(t, p, strict=True)) - own, 0)


def _categorical_hinge_slope(t: Row, p: Row) -> list[Any]:
    if _categorical_hinge(t, p) == 0:
        return [mp.mpf(0)] * len(p)
    others = [(1 - a) * b for a, b in zip(t, p, strict=True)]
    best = others.index(max(others))
    return [(1 - a if i == best else 0) - a for i, a in enumerate(t)]


ORACLE: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "mean_squared_error": _per_element(lambda t, p: (p - t) ** 2, lambda t, p: 2 * (p - t)),
    "mean_absolute_error": _per_element(lambda t, p: abs(p - t), lambda t, p: _sign(p - t)),
    "mean_absolute_percentage_error": _per_element(
        _mape, lambda t, p, epsilon=mp.mpf(1e-7): 100 * _sign(p - t) / max(abs(t), epsilon)
    ),
    "mean_squared_logarithmic_error": _per_element(_msle, _msle_slope),
    "log_cosh": _per_element(lambda t, p: mp.log(mp.cosh(p - t)), lambda t, p: mp.tanh(p - t)),
    "huber": _per_element(_huber, lambda t, p, delta=1: max(min(p - t, delta), -delta)),
    "hinge": _per_element(_margin, lambda t, p: -_signed(t) if _margin(t, p) > 0 else 0),
    "squared_hinge": _per_element(lambda t, p: _margin(t, p) ** 2, lambda t, p: -2 * _signed(t) * _margin(t, p)),
    "poisson": _per_element(_poisson, _poisson_slope),
    "binary_crossentropy": _per_element(_bce, _bce_slope),
    "categorical_crossentropy": (_cce, _cce_slope),
    "sparse_categorical_crossentropy": (
        lambda t, p, **kw: _cce(_one_hot(t, len(p)), p, **kw),
        lambda t, p, **kw: _cce_slope(_one_hot(t, len(p)), p, **kw),
    ),
    "kl_divergence": (_kl, _kl_slope),
    "cosine_similarity": (_cosine, _cosine_slope),
    "categorical_hinge": (_categorical_hinge, _categorical_hinge_slope),
}


# Losses of regions and lists, whose references stand with those of several inputs.
ORACLE |= {
    name: (
        lambda t, p, own=name, **kw: oracle_arguments.value(own, [t, p], **kw),
        lambda t, p, own=name, **kw: oracle_arguments.slopes(own, [t, p], 1, **kw),
    )
    for name in ("dice", "tversky", "pairwise_logistic")
}


def exact(x: Any) -> Any:
    """A float, or nested floats, as exact 60-digit numbers."""
    return mp.mpf(float(x)) if not hasattr(x, "__len__") else [exact(e) for e in x]


def value(name: str, t: Any, p: Any, **parameters: Any) -> Any:
    """The reference value of one row."""
    function = ORACLE[name][0] if name in ORACLE else partial(oracle_formula.value, name)
    return function(exact(t), exact(p), **parameters)


def slope(name: str, t: Any, p: Any, **parameters: Any) -> list[Any]:
    """The reference slopes of one row with respect to the prediction."""
    function = ORACLE[name][1] if name in ORACLE else partial(oracle_formula.slope, name)
    return function(exact(t), exact(p), **parameters)
