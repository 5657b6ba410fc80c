"""Losses that predict a whole distribution for targets above 0: amounts, durations, and shares between 0 and 1."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import NonNegative, Parts, Positive, Real, Unit
from ..facts.record import Case
from ..facts.settings import Interval
from ..objects.define import loss
from ..words import (
    abs,
    binet,
    binet_slope,
    count,
    guard,
    less,
    log,
    log1p,
    log1pmx,
    maximum,
    mean,
    minimum,
    residual,
    square,
    weighted,
    where,
)
from ._spread import in_units, likelihood

_HALF_LOG_2PI = math.log(2.0 * math.pi) / 2.0


def log_quotient(ratio: Any, apart: Any) -> Any:
    """``log(ratio)``; of one too large or too small to be a number, what the logarithms of its parts make."""
    fits = less(1e-37, ratio) & less(ratio, math.inf)
    return where(fits, log(where(fits, ratio, 1.0)), apart)


def log_ratio(ratio: Any, rest: Any, apart: Any) -> Any:
    """As `log_quotient`, of a ratio of which also the difference from 1 is given, with all its digits."""
    near = less(abs(rest), 0.75)
    return where(near, log1p(where(near, rest, 0.0)), log_quotient(where(near, 1.0, ratio), apart))


def relative_excess(ratio: Any, rest: Any, apart: Any) -> Any:
    """``ratio - 1 - log(ratio)``, likewise."""
    near = less(abs(rest), 0.75)
    return where(near, -log1pmx(where(near, rest, 0.0)), rest - log_quotient(where(near, 1.0, ratio), apart))


def excess(size: Any, gap: Any, ratio: Any, apart: Any) -> Any:
    """``size * (ratio - 1 - log(ratio))``, what a mean that is off costs; the gap is ``size * (ratio - 1)``.

    C. Loader, Fast and accurate computation of binomial probabilities (2000), has the same of binomial distributions.
    """
    rest = gap / size
    near = less(abs(rest), 0.75)
    far = gap - weighted(size, log_quotient(where(near, 1.0, ratio), apart))
    return where(near, -size * log1pmx(where(near, rest, 0.0)), where(size == 0.0, gap, far))


def _lognormal_slopes(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-6) -> Any:
    sigma, size = guard(y_pred[1], epsilon), count(y_pred[0])
    z = in_units(y_pred[0] - log(y_true), sigma)
    return in_units(z, sigma) / size, ((1.0 - z) / sigma) * (1.0 + z) / size


@loss(
    class_name="LogNormalNLL",
    target=Positive(),
    prediction=Parts(mu=Real(), sigma=NonNegative()),
    parameters={"epsilon": Interval("Least sigma; smaller ones count as this", 0.0)},
    slope=_lognormal_slopes,
    definition="mean(log(y_true) + log(sigma) + log(2 * pi) / 2 + ((log(y_true) - mu) / sigma)**2 / 2), "
    "y_pred = (mu, sigma)",
    source="F. Galton, The geometric mean, in vital and social statistics (1879); D. McAlister (1879)",
    peers={
        "torch.distributions.LogNormal": "Loss(epsilon=0.0)   # is -LogNormal(mu, sigma).log_prob(y)",
        "scoringrules.logs_lognormal": "",
        "darts.LogNormalLikelihood": "",
        "pytorch_forecasting.LogNormalDistributionLoss": "Loss(epsilon=0.0)   # of rescaled parameters",
    },
    cases=(
        Case([[math.e]], [[[0.0, 1.0]]], (1.5 + _HALF_LOG_2PI,), "log e + 0 + log(2 pi)/2 + 1/2"),
        Case([[1.0, math.e]], [[[0.0, 1.0], [1.0, 2.0]]], ((1.0 + math.log(2.0)) / 2.0 + _HALF_LOG_2PI,),
             "((0 + 0) + (1 + log 2))/2 + log(2 pi)/2"),
    ),
)  # fmt: skip
def lognormal_nll(y_true: Any, y_pred: Any, *, epsilon: float = 1e-6) -> Any:
    """Negative log-likelihood of a lognormal distribution: the logarithm of the target is normal.

    For amounts that differ by factors, such as prices, incomes or durations.  ``y_pred`` holds along its last axis, or
    as a tuple of two arrays, the mean ``mu`` and the standard deviation ``sigma`` of the logarithm; ``exp(mu)`` is the
    median of the target.  They come from a linear layer and from one with softplus.  A sigma below ``epsilon`` counts
    as ``epsilon``, with the slope it has there.  The value is that of the target itself: less ``log(y_true)``, which no
    prediction changes, it is `gaussian_nll` of the logarithms with its constant, whose second part is a variance.

    >>> import lossary
    >>> print(lossary.lognormal_nll([[1.0]], [[[0.0, 1.0]]]).round(4))
    [0.9189]
    """
    sigma, logarithm = guard(y_pred[1], epsilon), log(y_true)
    z = in_units(logarithm - y_pred[0], sigma)
    return mean(likelihood(logarithm + log(sigma) + _HALF_LOG_2PI, 0.5 * square(z)))


def _gamma_parts(y_true: Any, y_pred: Any, epsilon: Any) -> tuple[Any, ...]:
    """Shape and rate, and their difference times it, the target over its mean, and the logarithm of that in parts."""
    shape, rate = guard(y_pred[0], epsilon), guard(y_pred[1], epsilon)
    apart = log(rate) + log(y_true) - log(shape)
    return shape, rate, -residual(shape, rate, y_true), rate * y_true / shape, apart


def _gamma_slopes(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-7) -> Any:
    shape, rate, gap, ratio, apart = _gamma_parts(y_true, y_pred, epsilon)
    size = count(y_pred[0])
    in_shape = (binet_slope(shape) - 0.5 / shape) - log_ratio(ratio, gap / shape, apart)
    in_rate = where(abs(gap) < math.inf, gap / rate, y_true - shape / rate)
    return in_shape / size, in_rate / size


@loss(
    class_name="GammaNLL",
    target=Positive(),
    prediction=Parts(shape=NonNegative(), rate=NonNegative()),
    parameters={"epsilon": Interval("Least shape and rate; smaller ones count as this", 0.0)},
    slope=_gamma_slopes,
    definition="mean(lgamma(shape) - shape * log(rate) - (shape - 1) * log(y_true) + rate * y_true), "
    "y_pred = (shape, rate)",
    source="K. Pearson, Contributions to the mathematical theory of evolution (1893)",
    peers={
        "scoringrules.logs_gamma": "",
        "darts.GammaLikelihood": "",
        "ngboost.GammaLogScore": "Loss(epsilon=0.0)   # y_pred holds (shape, rate), whose logs it fits",
    },
    cases=(
        Case([[math.e]], [[[2.0, 1.0]]], (math.e - 1.0,), "log 1! - 0 - log e + e"),
        Case([[2.0, 1.0]], [[[1.0, 0.5], [3.0, 1.0]]], ((math.log(2.0) + 1.0 + math.log(2.0) + 1.0) / 2.0,),
             "((0 + log 2 + 1) + (log 2! - 0 - 0 + 1))/2"),
    ),
)  # fmt: skip
def gamma_nll(y_true: Any, y_pred: Any, *, epsilon: float = 1e-7) -> Any:
    """Negative log-likelihood of a gamma distribution whose shape and rate are predicted.

    For amounts above 0 whose spread grows with their mean: claims, rain, waiting times.  The mean is ``shape / rate``
    and the standard deviation that over ``sqrt(shape)``.  ``y_pred`` holds both along its last axis, or is a tuple of
    two arrays, from layers with softplus; below ``epsilon`` they count as ``epsilon``, with the slope they have there.
    PyTorch's distribution has the same parameters, SciPy's the scale ``1 / rate``.  Where all targets share one shape
    and the mean alone is predicted, this is a gamma deviance.

    >>> import lossary
    >>> print(lossary.gamma_nll([[1.0]], [[[1.0, 2.0]]]).round(4))  # 2 - log 2
    [1.3069]
    """
    shape, _, gap, ratio, apart = _gamma_parts(y_true, y_pred, epsilon)
    # lgamma by J. Stirling's formula, in which all that is large cancels on paper.
    constant = binet(shape) - 0.5 * log(shape) + _HALF_LOG_2PI
    return mean(excess(shape, gap, ratio, apart) + log(y_true) + constant)


def _beta_parts(y_true: Any, y_pred: Any, epsilon: Any) -> tuple[Any, ...]:
    """Both parameters; then for the target and for what it leaves of 1: it, its parameter, and what that is off by."""
    a, b = guard(y_pred[0], epsilon), guard(y_pred[1], epsilon)
    share, left = (minimum(guard(x, epsilon), 1.0 - epsilon) for x in (y_true, 1.0 - y_true))
    # b*y - a*(1 - y), how far the target lies above its mean, from the smaller one of y and 1 - y.
    above = where(share < left, -residual(residual(a, a, share), b, share), residual(residual(b, b, left), a, left))
    return a, b, (share, a, above), (left, b, -above)


def _beta_log(side: tuple[Any, ...], total: Any) -> Any:
    share, size, gap = side
    return log_ratio(total * share / size, gap / size, log(total) + log(share) - log(size))


def _beta_slopes(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-7) -> Any:
    a, b, share, left = _beta_parts(y_true, y_pred, epsilon)
    total, size = a + b, count(y_pred[0])
    return _beta_slope(a, b / total, share, total) / size, _beta_slope(b, a / total, left, total) / size


def _beta_slope(own: Any, rest: Any, side: Any, total: Any) -> Any:
    step = rest / own
    usual = binet_slope(own) - binet_slope(total) - 0.5 * step - _beta_log(side, total)
    # Of small numbers digamma is minus the inverse, and its differences are ``step``.
    return where(total < 1e-8, -step - log(side[0]), usual)


def _beta_cost(side: tuple[Any, ...], total: Any) -> Any:
    """What one of the two parameters costs.  With a share of 0 that is infinite, below 1 a gain."""
    share, size, gap = side
    none = share == 0.0
    seen = where(none, 1.0, share)
    cost = excess(size, gap, total * seen / size, log(total) + log(seen) - log(size)) + log(seen)
    return where(none, cost - weighted(size - 1.0, log(share)), cost)


@loss(
    class_name="BetaNLL",
    target=Unit(),
    prediction=Parts(a=NonNegative(), b=NonNegative()),
    parameters={"epsilon": Interval("Least a, b, target and distance of it from 1; smaller ones count as this", 0.0)},
    slope=_beta_slopes,
    definition="mean(lgamma(a) + lgamma(b) - lgamma(a + b) - (a - 1) * log(y_true) - (b - 1) * log(1 - y_true)), "
    "y_pred = (a, b)",
    source="S. Ferrari, F. Cribari-Neto, Beta regression for modelling rates and proportions (2004), eq. 1",
    peers={
        "scoringrules.logs_beta": "",
        "darts.BetaLikelihood": "",
        "pytorch_forecasting.BetaDistributionLoss": "Loss()   # a = mean * concentration, b = concentration - a",
    },
    cases=(
        Case([[0.25]], [[[2.0, 1.0]]], (math.log(2.0),), "the density 2 y is 1/2"),
        Case([[1.0]], [[[1.0, 2.0]]], (math.log(2.0),), "the density 2 (1 - y) is 1/2 at 3/4", {"epsilon": 0.25}),
        Case(
            [[0.5, 0.3]], [[[2.0, 2.0], [1.0, 1.0]]], (-math.log(1.5) / 2.0,), "(-log(6/4) + 0)/2: 6 y (1 - y), and 1"
        ),
    ),
)
def beta_nll(y_true: Any, y_pred: Any, *, epsilon: float = 1e-7) -> Any:
    """Negative log-likelihood of a beta distribution for shares, rates and proportions between 0 and 1.

    For targets that are parts of a whole: click rates, cloud cover, yields.  ``y_pred`` holds ``a`` and ``b`` along its
    last axis, or is a tuple of two arrays, from layers with softplus; the mean is ``a / (a + b)``, and the larger the
    sum, the sharper the distribution.  Targets of exactly 0 or 1 have no density and are moved inside by ``epsilon``.
    The value may be far below 0.  It is not the weighted Gaussian likelihood that is called beta-NLL too (M. Seitzer
    et al., 2022).

    >>> import lossary
    >>> print(lossary.beta_nll([[0.25]], [[[2.0, 1.0]]]).round(4))
    [0.6931]
    """
    a, b, share, left = _beta_parts(y_true, y_pred, epsilon)
    total, smaller, larger = a + b, minimum(a, b), maximum(a, b)
    nothing = larger == 0.0
    # The three gamma functions by J. Stirling's formula, in which all that is large cancels on paper.
    constant = binet(smaller) + where(nothing, 0.0, binet(larger) - binet(total))
    constant = constant + 0.5 * (log1p(where(nothing, 1.0, smaller / larger)) - log(smaller)) + _HALF_LOG_2PI
    return mean(_beta_cost(share, total) + _beta_cost(left, total) + constant)
