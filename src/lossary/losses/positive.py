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
    mean,
    minimum,
    residual,
    square,
    where,
)
from ._spread import in_units, likelihood

_HALF_LOG_2PI = math.log(2.0 * math.pi) / 2.0


def log_ratio(ratio: Any, rest: Any) -> Any:
    """Logarithm of a ratio of which also the difference from 1 is given, with all its digits."""
    near = less(abs(rest), 0.75)
    return where(near, log1p(where(near, rest, 0.0)), log(where(near, 1.0, ratio)))


def excess(ratio: Any, rest: Any) -> Any:
    """``ratio - 1 - log(ratio)``, likewise: what a mean that is off costs.

    C. Loader, Fast and accurate computation of binomial probabilities (2000), has the same of binomial distributions.
    """
    near = less(abs(rest), 0.75)
    return where(near, -log1pmx(where(near, rest, 0.0)), rest - log(where(near, 1.0, ratio)))


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
    """Shape and rate, the target over its mean, and that less 1, whose digits a difference of the two would lose."""
    shape, rate = guard(y_pred[0], epsilon), guard(y_pred[1], epsilon)
    return shape, rate, rate * y_true / shape, -residual(shape, rate, y_true) / shape


def _gamma_slopes(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-7) -> Any:
    shape, rate, ratio, rest = _gamma_parts(y_true, y_pred, epsilon)
    size = count(y_pred[0])
    in_shape = (binet_slope(shape) - 0.5 / shape) - log_ratio(ratio, rest)
    return in_shape / size, -residual(shape, rate, y_true) / rate / size


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
    shape, _, ratio, rest = _gamma_parts(y_true, y_pred, epsilon)
    # lgamma by J. Stirling's formula, in which all that is large cancels on paper.
    constant = binet(shape) - 0.5 * log(shape) + _HALF_LOG_2PI
    return mean(shape * excess(ratio, rest) + log(y_true) + constant)


def _beta_parts(y_true: Any, y_pred: Any, epsilon: Any) -> tuple[Any, ...]:
    """Both parameters and their sum; then for the target and for what it leaves of 1: it, over its mean, less 1."""
    a, b = guard(y_pred[0], epsilon), guard(y_pred[1], epsilon)
    total = a + b
    share, left = (minimum(guard(x, epsilon), 1.0 - epsilon) for x in (y_true, 1.0 - y_true))
    # b*y - a*(1 - y), how far the target lies above its mean, from the smaller one of y and 1 - y.
    above = where(share < left, -residual(residual(a, a, share), b, share), residual(residual(b, b, left), a, left))
    return a, b, total, (share, total * share / a, above / a), (left, total * left / b, -above / b)


def _beta_slopes(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-7) -> Any:
    a, b, total, (_, *share), (_, *left) = _beta_parts(y_true, y_pred, epsilon)
    size, both = count(y_pred[0]), binet_slope(total)
    in_a = (binet_slope(a) - both) - 0.5 * (b / a) / total - log_ratio(*share)
    in_b = (binet_slope(b) - both) - 0.5 * (a / b) / total - log_ratio(*left)
    return in_a / size, in_b / size


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
    a, b, total, (share, *above), (left, *below) = _beta_parts(y_true, y_pred, epsilon)
    # The three gamma functions by J. Stirling's formula, in which all that is large cancels on paper.
    constant = (binet(a) + binet(b) - binet(total)) + 0.5 * log(total / a / b) + _HALF_LOG_2PI
    return mean(a * excess(*above) + b * excess(*below) + log(share) + log(left) + constant)
