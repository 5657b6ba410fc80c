"""Losses of the time until an event, which for some is not yet known."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Bits, Choice, Interval, Logarithm, NonNegative, Parts, Positive, Real
from ..facts.record import Case
from ..objects.define import loss
from ..words import count, equal, exp, expm1, less, log, log1p, logical_not, mean, weighted, where
from ._censored import DISTRIBUTIONS


def _bounds(y_true: Any, y_pred: Any, sigma: Any) -> tuple[Any, Any, Any, Any]:
    """Whether the time is known, its bounds as seen from the prediction in units of sigma, and their distance."""
    lower, upper = y_true
    known, open_below = equal(lower, upper), equal(lower, 0.0)
    start, end, near = log(lower), log(upper), less(upper, 2.0 * lower) & logical_not(known)
    # Where they are close, by their relative distance, which has digits that a difference of logarithms has not.
    beyond = where(near, upper - lower, 1.0) / where(near, lower, 1.0)
    width = where(near, log1p(beyond), where(known | open_below, 1.0, end - start))
    return known, (start - y_pred) / sigma, (end - y_pred) / sigma, where(open_below, math.inf, width / sigma)


def _aft_slope(y_true: Any, y_pred: Any, distribution: str = "normal", *, sigma: Any = 1.0) -> Any:
    of, (known, u, v, width) = DISTRIBUTIONS[distribution], _bounds(y_true, y_pred, sigma)
    return where(known, of.density_slope(u), of.between_slope(u, v, width)) / sigma / count(y_pred)


@loss(
    aliases=("accelerated_failure_time", "aft"),
    class_name="AFTNLL",
    target=Parts(lower=NonNegative(), upper=NonNegative(), ordered=(("lower", "upper"),)),
    prediction=Real(),
    parameters={
        "distribution": Choice("What the logarithm of the time follows", ("normal", "logistic", "extreme")),
        "sigma": Interval("Scale of that distribution", 0.0, open_below=True),
    },
    slope=_aft_slope,
    definition="mean(log(sigma * lower) - log(f(u)) if lower = upper else -log(F(v) - F(u))), "
    "u = (log(lower) - y_pred) / sigma, v = (log(upper) - y_pred) / sigma, y_true = (lower, upper)",
    source="L. J. Wei, The accelerated failure time model (1992); A. Barnwal, H. Cho, T. Hocking, Survival regression "
    "with accelerated failure time model in XGBoost (2022), eq. 5",
    peers={
        "xgboost.survival:aft": "Loss()   # distribution=aft_loss_distribution, sigma=aft_loss_distribution_scale; "
        "densities below 1e-12 count as that there",
        "catboost.SurvivalAft": "Loss()   # sigma=scale; -1 stands for an upper bound of infinity there",
    },
    cases=(
        Case([[[1.0, 1.0]]], [[0.0]], (math.log(2.0 * math.pi) / 2.0,), "the peak of the normal density"),
        Case([[[math.e, math.e]]], [[3.0]], (1.0 + math.log(2.0) + 0.5 + math.log(2.0 * math.pi) / 2.0,),
             "log(2 e) + ((1 - 3)/2)^2/2 + log(2 pi)/2", {"sigma": 2.0}),
        Case([[[1.0, math.inf], [0.0, math.e]]], [[0.0, 1.0]], (math.log(2.0),), "each has a half above or below"),
        Case([[[1.0, math.inf]]], [[math.log(3.0)]], (math.log(4.0 / 3.0),), "1 - F(-log 3) = 3/4",
             {"distribution": "logistic"}),
        Case([[[0.5, 2.0], [1.0, 1.0]]], [[0.0, 0.0]], ((math.log(3.0) + math.log(4.0)) / 2.0,),
             "2/3 - 1/3 of the logistic distribution; its peak is 1/4", {"distribution": "logistic"}),
        Case([[[1.0, 2.0], [0.0, 3.0]]], [[0.0, 0.0]],
             ((1.0 - math.log1p(-math.exp(-1.0)) - math.log1p(-math.exp(-3.0))) / 2.0,),
             "exp(-1) - exp(-2), and 1 - exp(-3)", {"distribution": "extreme"}),
        Case([[[4.0, 4.0]]], [[0.0]], (math.log(4.0) + 2.0,), "log(2 * 4) + sqrt(4) - log(4)/2",
             {"distribution": "extreme", "sigma": 2.0}),
    ),
)  # fmt: skip
def aft_nll(y_true: Any, y_pred: Any, distribution: str = "normal", *, sigma: float = 1.0) -> Any:
    """Accelerated failure time: negative log-likelihood of times of which bounds are known.

    For the time until something fails, leaves or heals, where some had not done so when they were last seen.
    ``y_true`` holds two bounds along its last axis, or is a tuple of two arrays: both are the time where it is known
    (then above 0), the upper one is infinite where the event was still to come, the lower one is 0 where it had been
    before the first look, and in between it is known to lie.  ``y_pred`` is the logarithm of the time, from a linear
    layer; as a time its exponential.  A ``distribution`` "normal" makes times log-normal, "logistic" log-logistic, and
    "extreme" makes them follow a Weibull distribution of shape ``1 / sigma``.

    An infinite upper bound says nothing by itself: a missing one is `inf`, not 0 and not a NaN.

    >>> import lossary
    >>> print(lossary.aft_nll([[[2.0, 2.0], [3.0, float("inf")]]], [[0.0, 1.0]]).round(4))  # Failed at 2; alive at 3.
    [1.3136]
    """
    of, (known, u, v, width) = DISTRIBUTIONS[distribution], _bounds(y_true, y_pred, sigma)
    density = of.density(u) - log(where(known, y_true[0], 1.0)) - log(sigma)
    return -mean(where(known, density, of.between(u, v, width)))


def _weibull_parts(y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
    """The root of the shape, and the logarithms of the time and of the hazard up to it."""
    (time, _), (log_scale, log_shape) = y_true, y_pred
    # Half by half: a shape beyond all numbers leaves a time of just the scale alone.
    root, logarithm = exp(0.5 * log_shape), log(time)
    return root, logarithm, weighted(weighted(logarithm - log_scale, root), root)


def _weibull_slopes(y_true: Any, y_pred: Any) -> Any:
    (root, _, hazard), event = _weibull_parts(y_true, y_pred), y_true[1]
    excess = where(equal(event, 1.0), expm1(hazard), exp(hazard) - event)
    size = count(y_pred[0])
    return -weighted(weighted(excess, root), root) / size, (weighted(excess, hazard) - event) / size


@loss(
    aliases=("weibull_aft",),
    class_name="WeibullSurvivalNLL",
    target=Parts(time=Positive(), event=Bits()),
    prediction=Parts(log_scale=Logarithm(), log_shape=Logarithm()),
    slope=_weibull_slopes,
    definition="mean((time / scale)**shape - event * (log(shape) - log(scale) + (shape - 1) * log(time / scale))), "
    "y_true = (time, event), y_pred = (log(scale), log(shape))",
    source="J. D. Kalbfleisch, R. L. Prentice, The statistical analysis of failure time data (2002), eq. 3.1",
    peers={
        "torchsurv.neg_log_likelihood_weibull": "Loss()   # hazards above 1e10 count as that there",
        "lifelines.WeibullFitter": "Loss()   # scale = lambda_, shape = rho_",
    },
    cases=(
        Case([[[math.e, 1.0]]], [[[0.0, math.log(2.0)]]], (math.e**2 - 1.0 - math.log(2.0),),
             "e^2 - (log 2 + (2 - 1) * 1)"),
        Case([[[3.0, 0.0], [2.0, 1.0]]], [[[0.0, 0.0], [math.log(2.0), math.log(3.0)]]],
             ((4.0 + math.log(2.0) - math.log(3.0)) / 2.0,), "(3 + 1 - log 3 + log 2)/2"),
    ),
)  # fmt: skip
def weibull_survival_nll(y_true: Any, y_pred: Any) -> Any:
    """Negative log-likelihood of a Weibull distribution whose scale and shape are predicted, of censored times.

    For the time until something fails where risks rise or fall as it ages: a shape above 1 means wear, one below 1
    means that what was to fail early has failed.  ``y_true`` holds the time and, along its last axis, 1 if the event
    was seen then and 0 if it was still to come (`lossary.pack(time=t, event=e)`, or a tuple of two arrays).  ``y_pred``
    holds the logarithms of scale and shape, both from linear layers; the scale is the time by which 63% have failed.
    `aft_nll` with ``distribution="extreme"`` has one shape for all, and takes intervals too.

    The value grows with ``(time / scale)**shape`` and is infinite for poor starts: divide times by their mean first.

    >>> import lossary
    >>> print(lossary.weibull_survival_nll([[[2.0, 1.0], [3.0, 0.0]]], [[[0.0, 0.0], [1.0, 0.0]]]).round(4))
    [1.5518]
    """
    _, logarithm, hazard = _weibull_parts(y_true, y_pred)
    return mean(exp(hazard) + weighted(y_true[1], logarithm - hazard - y_pred[1]))
