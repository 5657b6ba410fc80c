"""Losses for amounts and counts that are 0 at the truth: how much likelihood a prediction of the mean costs."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import NonNegative, Positive
from ..facts.record import Case
from ..facts.settings import Flag, Interval
from ..objects.define import loss
from ..words import (
    abs,
    count,
    detach,
    exp,
    expm1,
    expm1mx,
    less,
    log,
    log1p,
    log1pmx,
    maximum,
    mean,
    minimum,
    residual,
    spread,
    sum,
    weighted,
    where,
)


def _log_quotient(a: Any, b: Any) -> Any:
    """``log(a / b)`` of numbers above 0 that are not close to each other."""
    quotient = a / b
    ordinary = (quotient > 1e-37) & (quotient < 1e37)
    return where(ordinary, log(where(ordinary, quotient, 1.0)), log(a) - log(b))


_LOGS = Flag("Whether y_pred holds logarithms of means (a linear last layer)")


def _beneath(y_true: Any, logs: Any) -> tuple[Any, Any]:
    """``log(y_true) - logs``, and the quotient of which it is the logarithm."""
    s, fits = log(y_true) - logs, abs(logs) < 80.0
    return s, where(fits, y_true * exp(-where(fits, logs, 0.0)), exp(where(fits, 0.0, s)))


def _lack(s: Any, quotient: Any) -> Any:
    """``1 - quotient``, the logarithm of which is s."""
    close = abs(s) < 1.0
    return where(close, -expm1(where(close, s, 0.0)), 1.0 - quotient)


def _gamma_slope(y_true: Any, y_pred: Any, *, from_logs: bool = False) -> Any:
    if from_logs:
        return 2.0 * (_lack(*_beneath(y_true, y_pred)) / count(y_pred))
    return 2.0 * ((y_pred - y_true) / y_pred / count(y_pred) / y_pred)


@loss(
    aliases=("gamma_loss",),
    target=Positive(),
    prediction=Positive(),
    parameters={"from_logs": _LOGS},
    slope=_gamma_slope,
    definition="mean(2 * (y_true / y_pred - 1 - log(y_true / y_pred)))",
    source="J. A. Nelder, R. W. M. Wedderburn, Generalized linear models (1972)",
    peers={
        "sklearn.metrics.mean_gamma_deviance": "",
        "sklearn.HalfGammaLoss": "0.5 * Loss(from_logs=True)   # less what the targets alone add",
        "xgboost.reg:gamma": "0.5 * Loss(from_logs=True)   # less what the targets alone add",
        "xgboost.gamma-deviance": "Loss()",
        "lightgbm.gamma": "0.5 * Loss(from_logs=True)   # less what the targets alone add",
        "lightgbm.gamma_deviance": "Loss()",
    },
    cases=(
        Case([[math.e]], [[1.0]], (2.0 * (math.e - 2.0),), "2 (e - 1 - log e)"),
        Case([[3.0, 1.0]], [[3.0, 2.0]], (math.log(2.0) - 0.5,), "(0 + 2 (1/2 - 1 - log(1/2)))/2"),
        Case([[1e-25]], [[1e25]], (100.0 * math.log(10.0) - 2.0,), "2 (10^-50 - 1 - log(10^-50))"),
        Case([[3.0, 1.0]], [[math.log(3.0), math.log(2.0)]], (math.log(2.0) - 0.5,), "of the logarithms, as the second",
             {"from_logs": True}),
        Case([[1.0]], [[200.0]], (398.0,), "2 (e^-200 - 1 + 200)", {"from_logs": True}),
    ),
)  # fmt: skip
def gamma_deviance(y_true: Any, y_pred: Any, *, from_logs: bool = False) -> Any:
    """Cost of a relative error, for skewed amounts above 0 whose spread grows with their mean, as claims, durations.

    Twice the log-likelihood of a gamma distribution that a perfect mean would add.  It is the same whatever the unit,
    and for small relative errors their square.  Predictions are means, so the last layer must be positive (exp or
    softplus); with ``from_logs=True``, the log link, it is linear.  Targets of 0 belong to `tweedie_deviance`.

    >>> import lossary
    >>> print(lossary.gamma_deviance([[3.0, 1.0]], [[3.0, 2.0]]).round(4))
    [0.1931]
    """
    if from_logs:
        s, quotient = _beneath(y_true, y_pred)
        close = abs(s) < 1.5
        return 2.0 * mean(where(close, expm1mx(where(close, s, 0.0)), quotient - 1.0 - s))
    x = (y_true - y_pred) / y_pred
    close = (x > -0.7) & (x < math.inf)
    # r - 1 - log(r) keeps its digits as x - log(1 + x) where r = 1 + x is not small.
    far = x - _log_quotient(y_true, y_pred)
    return mean(2.0 * where(close, -log1pmx(where(close, x, 0.0)), far))


def _power(logs: Any, share: Any) -> Any:
    """``exp(share * logs)``, with the digits that rounding the product takes."""
    exponent = share * logs
    fits = abs(exponent) < 1000.0
    lost = residual(where(fits, exponent, 0.0), where(fits, logs, 0.0), spread(share, logs))
    return exp(exponent) * (1.0 - detach(where(fits, lost, 0.0)))


def _tweedie_slope(y_true: Any, y_pred: Any, *, power: Any = 1.5, from_logs: bool = False) -> Any:
    if from_logs:
        s, quotient = _beneath(y_true, y_pred)
        more = quotient > 8.0
        over = y_true * _power(y_pred, 1.0 - power) * (1.0 / where(more, quotient, 1.0) - 1.0)
        under = _power(y_pred, 2.0 - power) * _lack(s, where(more, 0.0, quotient))
        return 2.0 * (where(more, over, under) / count(y_pred))
    # p^-power in two steps, the first of them a quotient, so that it fits wherever the slope does.
    share = minimum(power, 1.0)
    return 2.0 * ((y_pred - y_true) / y_pred**share / count(y_pred) * y_pred ** (share - power))


@loss(
    aliases=("tweedie_loss",),
    target=NonNegative(),
    prediction=Positive(),
    parameters={"power": Interval("The variance grows as this power of the mean"), "from_logs": _LOGS},
    slope=_tweedie_slope,
    definition="mean(2 * (y_true**(2 - power) / ((1 - power) * (2 - power)) "
    "- y_true * y_pred**(1 - power) / (1 - power) + y_pred**(2 - power) / (2 - power)))",
    source="B. Jorgensen, Exponential dispersion models (1987), eq. 2.14",
    peers={
        "sklearn.metrics.mean_tweedie_deviance": "Loss(power=0.0)   # of predictions above 0; of all numbers: "
        "MeanSquaredError",
        "sklearn.metrics.mean_poisson_deviance": "Loss(power=1.0)",
        "sklearn.HalfTweedieLoss": "0.5 * Loss(from_logs=True)   # less what the targets alone add",
        "sklearn.HalfTweedieLossIdentity": "0.5 * Loss()   # less what the targets alone add",
        "xgboost.reg:tweedie": "0.5 * Loss(from_logs=True)   # less what the targets alone add",
        "lightgbm.tweedie": "0.5 * Loss(from_logs=True)   # less what the targets alone add",
        "catboost.Tweedie": "0.5 * Loss(from_logs=True)   # less what the targets alone add",
    },
    cases=(
        Case([[4.0]], [[1.0]], (4.0,), "2 (2/(-1/4) - 4/(-1/2) + 1/(1/2)) = 2 (-8 + 8 + 2)"),
        Case([[0.0]], [[4.0]], (8.0,), "2 * 2/(1/2): what is left of no event"),
        Case([[2.0, 1.0]], [[5.0, 3.0]], (6.5,), "(9 + 4)/2: squared errors", {"power": 0.0}),
        Case([[math.e]], [[1.0]], (2.0,), "2 (e log e - e + 1): Poisson", {"power": 1.0}),
        Case([[math.e]], [[1.0]], (2.0 * (math.e - 2.0),), "2 (e - 1 - log e): gamma", {"power": 2.0}),
        Case([[1.0]], [[2.0]], (0.25,), "(1 - 2)^2/(1 * 2^2): inverse Gaussian", {"power": 3.0}),
        Case([[4.0, 0.0]], [[0.0, math.log(4.0)]], (6.0,), "of the logarithms, the first two: (4 + 8)/2",
             {"from_logs": True}),
        Case([[0.0]], [[100.0]], (4.0 * math.exp(50.0),), "2 * (e^100)^(1/2)/(1/2)", {"from_logs": True}),
    ),
)  # fmt: skip
def tweedie_deviance(y_true: Any, y_pred: Any, *, power: float = 1.5, from_logs: bool = False) -> Any:
    """Deviance for amounts that are often 0 and else spread with their mean, as claims of insurances and rain do.

    ``power`` says how the variance grows with the mean: 0 is the squared difference, 1 Poisson, 2 the
    `gamma_deviance`, 3 inverse Gaussian, and between 1 and 2 a number of events of random size; there is no step
    between them.  From 2 on a target of 0 costs infinitely much.  Predictions are means, so the last layer must be
    positive (exp or softplus); with ``from_logs=True``, the log link, it is linear.

    >>> import lossary
    >>> print(lossary.tweedie_deviance([[4.0, 0.0]], [[1.0, 4.0]]))
    [6.]
    """
    b: Any = 2.0 - power
    none = y_true == 0.0
    y = where(none, 1.0 if from_logs else y_pred, y_true)
    # With s = log(y / p) it is 2 p^b s^2 times the divided difference of exp at 0, s and b s.  Seen from the middle one
    # of the three, at a distance of A and B to the others, that is a sum of two terms above 0, whatever the power is.
    low, middle, high = minimum(b, 0.0), minimum(maximum(b, 0.0), 1.0), maximum(b, 1.0)
    s = where(none, 0.0, log(y) - y_pred) if from_logs else _signed_log(y, y_pred)

    def of_mean(share: Any) -> Any:
        return _power(y_pred, share) if from_logs else y_pred**share

    def scale(share: Any) -> Any:
        return y**share * of_mean(b - share)

    def bend(rate: Any, s: Any, end: Any) -> Any:
        """``(exp(x) - 1 - x) / rate`` with ``x = rate * s``, times the scale; 0 for a rate of 0."""
        x = rate * s
        steep = x > 2.0
        far, near = maximum(x, 2.0), minimum(x, 2.0)
        grown = where(steep, scale(end) * (1.0 - (1.0 + far) * exp(-far)), weighted(expm1mx(near), scale(middle)))
        return grown / maximum(rate, 2.0**-60)

    bends = bend(high - middle, s, high) + bend(middle - low, -s, low)
    at_none = where(less(0.0, b), of_mean(b) / maximum(b, 1e-30), math.inf)
    return 2.0 * mean(where(none, at_none, bends / (high - low)))


def _signed_log(a: Any, b: Any) -> Any:
    """``log(a / b)`` of numbers above 0; of close ones from their difference."""
    lower = a < b
    ratio = where(lower, b - a, a - b) / where(lower, a, b)
    ordinary = ratio < 1e37
    size = where(ordinary, log1p(where(ordinary, ratio, 0.0)), abs(log(a) - log(b)))
    return where(lower, -size, size)


def _generalized_kl_slope(y_true: Any, y_pred: Any, *, from_logs: bool = False) -> Any:
    if from_logs:
        return exp(y_pred) - y_true
    none = y_true == 0.0
    return where(none, 1.0, (y_pred - y_true) / where(none, 1.0, y_pred))


@loss(
    class_name="GeneralizedKLDivergence",
    aliases=("i_divergence",),
    target=NonNegative(),
    prediction=NonNegative(),
    parameters={"from_logs": _LOGS},
    slope=_generalized_kl_slope,
    definition="sum(y_true * log(y_true / y_pred) - y_true + y_pred)",
    source="I. Csiszar, Why least squares and maximum entropy? (1991); D. D. Lee, H. S. Seung, Algorithms for "
    "non-negative matrix factorization (2001), eq. 3",
    peers={
        "scipy.special.kl_div": "Loss()   # element by element there",
        "optax.generalized_kl_divergence": "Loss(from_logs=True)",
        "optax.convex_kl_divergence": "Loss(from_logs=True)",
        "sklearn.NMF.kullback-leibler": "Loss()",
    },
    cases=(
        Case([[1.0, 0.0]], [[math.e, 2.0]], (math.e,), "(-1 - 1 + e) + 2"),
        Case([[2.0, 3.0]], [[1.0, 3.0]], (2.0 * math.log(2.0) - 1.0,), "(2 log 2 - 2 + 1) + 0"),
        Case([[1e25]], [[1e-25]], (1e25 * (50.0 * math.log(10.0) - 1.0),), "10^25 log(10^50) - 10^25 + 10^-25"),
        Case([[1.0, 0.0]], [[1.0, math.log(2.0)]], (math.e,), "(-1 - 1 + e) + 2", {"from_logs": True}),
        Case([[2.0, 0.0]], [[-200.0, -200.0]], (2.0 * math.log(2.0) + 398.0,), "2 (log 2 + 200) - 2 + 2 e^-200",
             {"from_logs": True}),
    ),
)  # fmt: skip
def generalized_kl_divergence(y_true: Any, y_pred: Any, *, from_logs: bool = False) -> Any:
    """Kullback-Leibler divergence of amounts that need not sum to 1, for intensities, counts and factorised matrices.

    0 where prediction and target agree and above 0 elsewhere, unlike `kl_divergence` of rows that are no
    distributions.  Half of the Poisson deviance, summed over the row: `tweedie_deviance` with ``power=1`` is its mean.
    The last layer is positive, or linear with ``from_logs=True``.

    >>> import lossary
    >>> print(lossary.generalized_kl_divergence([[2.0, 0.0]], [[1.0, 3.0]]).round(4))
    [3.3863]
    """
    none = y_true == 0.0
    if from_logs:
        y, total = where(none, 1.0, y_true), exp(y_pred)
        s = y_pred - log(y)
        close = abs(s) < 2.0
        near = y * expm1mx(where(close, s, 0.0))
        return sum(where(none, total, where(close, near, total - y - y * s)))
    y, p = where(none, 1.0, y_true), where(none, 1.0, y_pred)
    gap = p - y
    x = gap / y
    close = (x > -0.7) & (x < 2.0)
    x = where(close, x, 0.0)
    # What x was rounded by counts three times; log1pmx has the slope -x / (1 + x).
    near = residual(gap, x, y) * (x / (1.0 + x)) - y * log1pmx(x)
    far = gap - y * _log_quotient(p, y)
    return sum(where(none, y_pred, where(close, near, far)))
