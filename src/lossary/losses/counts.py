"""Losses for targets that count events."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Counts, NonNegative, Parts
from ..facts.record import Case
from ..facts.settings import Flag, Interval
from ..objects.define import loss
from ..words import binet, binet_slope, count, exp, guard, log, log1p, maximum, mean, residual, weighted, where, xlogy
from ._spread import in_units
from .positive import excess, log_quotient, relative_excess

# Below this nothing is left of a logarithm beside the inverse.
_LEAST = 1e-36


def _poisson_slope(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-7, from_logs: bool = False) -> Any:
    if from_logs:
        return (exp(y_pred) - y_true) / count(y_pred)
    rate = guard(y_pred, 0.0)
    # 1 - y/r as one fraction: the difference of two close numbers is exact before the division, not after it.
    none = y_true == 0.0
    slope = where(none, 1.0, (rate - y_true + epsilon) / where(none, 1.0, rate + epsilon))
    return slope / count(y_pred)


@loss(
    target=Counts(),
    prediction=NonNegative(),
    parameters={
        "epsilon": Interval("Added to the rate inside the logarithm; unused from logarithms", 0.0),
        "from_logs": Flag("Whether y_pred holds logarithms of rates (a linear last layer)"),
    },
    slope=_poisson_slope,
    definition="mean(y_pred - y_true * log(y_pred + epsilon))",
    source="S. D. Poisson (1837); negative log-likelihood without the term log(y_true!), which no prediction changes",
    peers={
        "keras.losses.Poisson": "",
        "torch.nn.PoissonNLLLoss": "Loss(from_logs=True)",
        "torch.nn.functional.poisson_nll_loss": "Loss(from_logs=True)",
        "sklearn.HalfPoissonLoss": "Loss(from_logs=True)",
        "xgboost.count:poisson": "Loss(from_logs=True)",
        "lightgbm.poisson": "Loss(from_logs=True)",
        "catboost.Poisson": "Loss(from_logs=True)",
    },
    cases=(
        Case([[2.0, 0.0]], [[1.0, 3.0]], (2.0,), "((1 - 2 log 1) + (3 - 0))/2", {"epsilon": 0.0}),
        Case([[1.0]], [[math.e]], (math.e - 1.0,), "e - log e", {"epsilon": 0.0}),
        Case([[1.0, 2.0]], [[0.0, math.log(3.0)]], (2.0 - math.log(3.0),), "((1 - 0) + (3 - 2 log 3))/2",
             {"from_logs": True}),
    ),
)  # fmt: skip
def poisson(y_true: Any, y_pred: Any, *, epsilon: float = 1e-7, from_logs: bool = False) -> Any:
    """Negative log-likelihood of counts whose predicted mean is ``y_pred``.

    For numbers of events in a fixed time or space; predictions are rates, so the last layer should be positive
    (softplus or exp); with ``from_logs=True`` it is linear and predictions are their logarithms, which neither overflow
    nor reach a rate of 0.  With ``epsilon=0.0`` it is the plain definition, with 0 log 0 = 0.

    >>> import lossary
    >>> print(lossary.poisson([[2.0, 0.0]], [[1.0, 3.0]], epsilon=0.0))
    [2.]
    """
    if from_logs:
        return mean(exp(y_pred) - weighted(y_true, y_pred))
    rate = guard(y_pred, 0.0)
    return mean(rate - xlogy(y_true, rate + epsilon))


def _binomial_parts(y_true: Any, y_pred: Any, epsilon: Any) -> tuple[Any, ...]:
    """The two parameters, their sum with each other and with the count, and how far the mean lies above the count."""
    expected, dispersion = guard(y_pred[0], epsilon), guard(y_pred[1], epsilon)
    total = expected + dispersion
    return expected, dispersion, total, y_true + dispersion, (expected - y_true) / total


def _binomial_slopes(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-7) -> Any:
    expected, dispersion, total, drawn, above = _binomial_parts(y_true, y_pred, epsilon)
    size, none, share = count(y_pred[0]), y_true == 0.0, dispersion / total
    in_mean = where(none, share, (expected - y_true) * share / expected)
    # Up to 1, digamma is that of 1 more, less the inverse, which what the mean is off by nearly takes away.
    few = ~none & (dispersion < 1.0)
    start, step = where(few, 1.0 + dispersion, dispersion), where(few, y_true - 1.0, y_true)
    steps = (binet_slope(start) - binet_slope(drawn)) - 0.5 * (step / start) / drawn
    inverse = -residual(expected, y_true - 1.0, dispersion) / total / dispersion
    apart = log(total) - log(maximum(dispersion, _LEAST))
    close = inverse - expected / total + log(start / drawn) + log_quotient(total / dispersion, apart)
    off = relative_excess(drawn / total, -above, log(drawn) - log(total))
    return in_mean / size, (where(few, close, off) + where(none, 0.0, steps)) / size


def _is_least(y_true: Any, dispersion: Any) -> Any:
    """Where the dispersion is next to nothing beside the count: what remains is that of its logarithm."""
    return (y_true > 0.0) & (y_true / dispersion == math.inf)


@loss(
    class_name="NegativeBinomialNLL",
    target=Counts(),
    prediction=Parts(mean=NonNegative(), dispersion=NonNegative()),
    parameters={"epsilon": Interval("Least mean and dispersion; smaller ones count as this", 0.0)},
    slope=_binomial_slopes,
    definition="mean(lgamma(dispersion) + lgamma(y_true + 1) - lgamma(y_true + dispersion) "
    "+ dispersion * log(1 + mean / dispersion) + y_true * log(1 + dispersion / mean)), y_pred = (mean, dispersion)",
    source="A. C. Cameron, P. K. Trivedi, Econometric models based on count data (1986)",
    peers={
        "torch.distributions.NegativeBinomial": "Loss(epsilon=0.0)   # is -NegativeBinomial(r, logits=log(m / r))"
        ".log_prob(y)",
        "scoringrules.logs_negbinom": "Loss()   # mean = n * (1 - prob) / prob, dispersion = n; inf where n < 1 there",
        "darts.NegativeBinomialLikelihood": "Loss()   # dispersion = 1 / alpha",
        "pytorch_forecasting.NegativeBinomialDistributionLoss": "Loss(epsilon=0.0)   # dispersion = 1 / shape",
        "gluonts.NegativeBinomial": "Loss(epsilon=0.0)   # dispersion = total_count, mean = r * exp(logits)",
    },
    cases=(
        Case([[1.0]], [[[1.0, 1.0]]], (math.log(4.0),), "geometric: 1/2 of 1/2"),
        Case([[0.0, 2.0]], [[[2.0, 2.0], [1.0, 1.0]]], ((math.log(4.0) + math.log(8.0)) / 2.0,),
             "2 log(1 + 2/2), and 1/2 of 1/2 of 1/2"),
    ),
)  # fmt: skip
def negative_binomial_nll(y_true: Any, y_pred: Any, *, epsilon: float = 1e-7) -> Any:
    """Negative log-likelihood of overdispersed counts, which spread more than a Poisson distribution of the same mean.

    For sales, visits, reads of genes, and other counts that come in clusters.  ``y_pred`` holds the mean and the
    dispersion along its last axis, or is a tuple of two arrays, from layers with softplus.  The variance is
    ``mean + mean**2 / dispersion``: the smaller the dispersion, the wider, and with a large one it is that of
    Poisson's distribution.  Others call ``1 / dispersion`` so.  Both count as ``epsilon`` below it, with the slope they
    have there.

    >>> import lossary
    >>> print(lossary.negative_binomial_nll([[1.0]], [[[1.0, 1.0]]]).round(4))
    [1.3863]
    """
    expected, dispersion, total, drawn, above = _binomial_parts(y_true, y_pred, epsilon)
    none = y_true == 0.0
    seen, over = where(none, 1.0, y_true), log(drawn) - log(total)
    # The gamma functions by J. Stirling's formula, in which all that is large cancels on paper.
    gap = above * dispersion
    off = excess(seen, gap, (expected / seen) * (drawn / total), log(expected) - log(seen) + over)
    off = off + excess(dispersion, -gap, drawn / total, over)
    steps = (binet(dispersion) - binet(drawn)) + binet(seen) + 0.5 * (log(seen) + log1p(y_true / dispersion))
    least = log(seen) - log(dispersion) + seen * log1p(in_units(dispersion, expected))
    some = where(_is_least(y_true, dispersion), least, off + steps + math.log(2.0 * math.pi) / 2.0)
    return mean(where(none, _log_growth(expected, dispersion), some))


def _log_growth(a: Any, times: Any) -> Any:
    """``times * log(1 + a / times)``, also where the quotient is no number."""
    rate = in_units(a, times)
    fits = rate < math.inf
    growth = where(fits, log1p(where(fits, rate, 0.0)), log(a) - log(times))
    return where(times == 0.0, 0.0, times * growth)
