"""Losses of the time until an event, which for some is not yet known."""

from __future__ import annotations

import math
from typing import Any

from ..facts.arguments import PerRow
from ..facts.domain import Bits, Classes, Logarithm, NonNegative, Parts, Positive, Real, Unit
from ..facts.record import Case
from ..facts.settings import Choice, Interval
from ..objects.define import loss
from ..words import (
    count,
    equal,
    exp,
    expm1,
    first_max,
    indicator,
    is_label,
    less,
    log,
    log1p,
    logical_not,
    max,
    maximum,
    mean,
    position,
    sigmoid,
    softplus,
    sum,
    take,
    weighted,
    where,
)  # fmt: skip
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
    target=Parts(lower=NonNegative(), upper=NonNegative(), ordered=(("lower", "upper"),), bounds=True),
    prediction=Real(),
    parameters={
        "distribution": Choice("What the logarithm of the time follows", ("normal", "logistic", "extreme")),
        "sigma": Interval("Scale of that distribution", 0.0, open_below=True),
    },
    slope=_aft_slope,
    definition="mean(log(sigma * lower) - log(f(u)) if lower == upper else -log(F(v) - F(u))), "
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


# --- times in intervals ----------------------------------------------------------------------------------------------


def _places(interval: Any, scores: Any) -> tuple[Any, Any, Any, Any]:
    """Marks the interval of a time and those before it; the scores times 1, or NaN where it is none of them; and 1."""
    here, place = is_label(interval, scores), position(scores)
    known = take(indicator(here), interval)
    return here, less(place, sum(where(here, place, 0.0))), known * scores, known


@loss(
    aliases=("discrete_logistic_hazard", "nnet_survival", "NLLLogistiHazardLoss"),
    target=PerRow(Parts(interval=Classes(), event=Bits())),
    prediction=Real(),
    definition="sum over k <= interval of (log(1 + exp(-y_pred[k])) if k = interval and event else "
    "log(1 + exp(y_pred[k]))), y_true = (interval, event)",
    source="M. F. Gensheimer, B. Narasimhan, A scalable discrete-time survival model for neural networks (2019), "
    "eq. 3; C. C. Brown (1975)",
    peers={
        "pycox.models.loss.nll_logistic_hazard": "Loss()   # of (idx_durations, events)",
    },
    cases=(
        Case([[1, 1]], [[0.0, math.log(3.0), 5.0]], (math.log(8.0 / 3.0),), "log 2 + log(1 + 1/3)"),
        Case([[1, 0], [0, 1]], [[0.0, math.log(3.0)], [0.0, 9.0]], (math.log(8.0), math.log(2.0)),
             "log 2 + log(1 + 3); log 2"),
    ),
)  # fmt: skip
def logistic_hazard(y_true: Any, y_pred: Any) -> Any:
    """Negative log-likelihood of the interval in which an event fell, or up to which it had not, from hazards.

    For the time until something fails, leaves or heals, cut into C intervals: ``y_pred`` has a raw score for each,
    whose sigmoid is the probability that the event falls into it if it has not come before.  ``y_true`` holds the
    number of the interval, 0 to C - 1, and 1 if the event was seen in it or 0 if it had not come by its end, along the
    last axis: ``lossary.pack(interval=k, event=e)`` of shape (N, 2), or a tuple of two arrays (N,).  Scores of later
    intervals have no part in it.  It is a sum over intervals, not a mean.

    >>> import lossary
    >>> print(lossary.logistic_hazard([[1, 1], [0, 0]], [[0.0, 0.0], [0.0, 0.0]]).round(4))
    [1.3863 0.6931]
    """
    here, before, scores, known = _places(y_true[0], y_pred)
    own = weighted(y_true[1], softplus(-scores)) + weighted(1.0 - y_true[1], softplus(scores))
    return known * sum(where(here, own, where(before, softplus(scores), 0.0)))


# The logarithm of the softplus of a number below is that number.
_RARE = -40.0
# Stands for the logarithm of 0.
_LEAST = -1e38


@loss(
    class_name="PCHazard",
    aliases=("nll_pc_hazard", "piecewise_constant_hazard", "NLLPCHazardLoss"),
    target=PerRow(Parts(interval=Classes(), event=Bits(), fraction=Unit())),
    prediction=Real(),
    definition="fraction * h[interval] - event * log(h[interval]) + sum over k < interval of h[k], "
    "h = log(1 + exp(y_pred)), y_true = (interval, event, fraction)",
    source="H. Kvamme, O. Borgan, Continuous and discrete-time survival prediction with neural networks (2021), eq. 16",
    peers={
        "pycox.models.loss.nll_pc_hazard_loss": "Loss()   # of (idx_durations, events, interval_frac)",
    },
    cases=(
        Case([[1.0, 1.0, 0.5]], [[0.0, 0.0]], (1.5 * math.log(2.0) - math.log(math.log(2.0)),),
             "log 2 + (log 2)/2 - log(log 2)"),
        Case([[0.0, 0.0, 0.25]], [[math.log(math.e**4 - 1.0), 7.0]], (1.0,), "4/4: no event, and no later interval"),
    ),
)  # fmt: skip
def pc_hazard(y_true: Any, y_pred: Any) -> Any:
    """Negative log-likelihood of a time whose hazard is constant in each of C intervals.

    For the time until something fails, leaves or heals, where intervals are too wide to forget when in them it was:
    ``y_pred`` has a raw score for each interval, whose softplus is the hazard per interval.  ``y_true`` holds the
    number of the interval, 0 to C - 1, 1 if the event was seen or 0 if it was still to come, and what part of the
    interval had passed then, in [0, 1], along the last axis: ``lossary.pack(interval=k, event=e, fraction=f)`` of shape
    (N, 3), or a tuple of three arrays (N,).  The value may be below 0.

    >>> import lossary
    >>> print(lossary.pc_hazard([[1, 1, 0.5], [0, 0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]).round(4))
    [1.4062 0.6931]
    """
    here, before, scores, known = _places(y_true[0], y_pred)
    rare, hazard = less(scores, _RARE), softplus(scores)
    level = where(rare, scores, log(softplus(where(rare, 0.0, scores))))
    own = weighted(y_true[2], hazard) - weighted(y_true[1], level)
    return known * sum(where(here, own, where(before, hazard, 0.0)))


def _sum_of(scores: Any, chosen: Any, *, beside_one: bool = False) -> tuple[Any, Any, Any]:
    """The logarithm of a sum of exponentials of scores, and of 0 if asked, in two summands, and the share of each.

    The first summand is the largest score.
    """
    kept = where(chosen, scores, -math.inf)
    largest, floor = max(kept), 0.0 if beside_one else _LEAST
    leads, top = first_max(kept) & (largest >= floor), maximum(largest, floor)
    against = where(leads, 0.0, exp(kept - top))
    rest = sum(against) + (where(largest < 0.0, 0.0, exp(-top)) if beside_one else 0.0)
    return top, log1p(rest), where(leads, 1.0, against) / (1.0 + rest)


def _deephit_parts(y_true: Any, y_pred: Any) -> tuple[Any, ...]:
    """The logits of a miss and of not having come later, how they change, and 1 if there is such an interval."""
    here, before, scores, known = _places(y_true[0], y_pred)
    other, more, miss = _sum_of(scores, logical_not(here), beside_one=True)
    late, later, survived = _sum_of(scores, logical_not(here | before), beside_one=True)
    early, earlier, failed = _sum_of(scores, here | before)
    wrong, past = (other - sum(where(here, scores, 0.0))) + more, (early - late) + (earlier - later)
    return wrong, past, where(here, -1.0, miss), failed - survived, known


def _deephit_slope(y_true: Any, y_pred: Any) -> Any:
    event, (wrong, past, miss, failed, known) = y_true[1], _deephit_parts(y_true, y_pred)
    return known * (event * sigmoid(wrong) * miss + (1.0 - event) * sigmoid(past) * failed)


@loss(
    class_name="DeepHitNLL",
    aliases=("deephit_pmf_nll", "pmf_nll", "NLLPMFLoss"),
    target=PerRow(Parts(interval=Classes(), event=Bits())),
    prediction=Real(),
    slope=_deephit_slope,
    definition="-log(p[interval] if event else sum over k > interval of p[k]), "
    "p = softmax of y_pred with a 0 appended, y_true = (interval, event)",
    source="C. Lee et al., DeepHit: a deep learning approach to survival analysis with competing risks (2018), eq. 4, "
    "of one risk",
    peers={
        "pycox.models.loss.nll_pmf": "Loss()   # of (idx_durations, events)",
    },
    cases=(
        Case([[0, 1], [0, 0]], [[math.log(2.0)], [math.log(2.0)]], (math.log(1.5), math.log(3.0)),
             "2/3 in the interval and 1/3 after it"),
        Case([[1, 1], [0, 0]], [[0.0, math.log(2.0)], [0.0, math.log(2.0)]], (math.log(2.0), math.log(4.0 / 3.0)),
             "1/4, 2/4 and after them 1/4"),
    ),
)  # fmt: skip
def deephit_nll(y_true: Any, y_pred: Any) -> Any:
    """Negative log-likelihood of the interval in which an event fell, or up to which it had not, from a distribution.

    For the time until something fails, leaves or heals, cut into C intervals: ``y_pred`` has a raw score for each, and
    a 0 is appended for what comes after them all; the softmax of these is the distribution of the event over time.
    ``y_true`` holds the number of the interval, 0 to C - 1, and 1 if the event was seen in it or 0 if it had not come
    by its end, along the last axis: ``lossary.pack(interval=k, event=e)`` of shape (N, 2), or a tuple of two arrays
    (N,).  Here one interval's score changes the risk in all others; in `logistic_hazard` it does not.  DeepHit adds a
    ranking loss.

    >>> import lossary
    >>> print(lossary.deephit_nll([[1, 1], [0, 0]], [[0.0, 0.0], [0.0, 0.0]]).round(4))
    [1.0986 0.4055]
    """
    event, (wrong, past, _, _, known) = y_true[1], _deephit_parts(y_true, y_pred)
    return known * (weighted(event, softplus(wrong)) + weighted(1.0 - event, softplus(past)))


def _case_parts(log_hazard: Any) -> tuple[Any, Any, Any]:
    """Marks the case, the logit of the others, and their shares among themselves."""
    case = equal(position(log_hazard), 0.0)
    top, more, share = _sum_of(log_hazard, logical_not(case))
    return case, (top - sum(where(case, log_hazard, 0.0))) + more, share


def _case_control_slope(log_hazard: Any) -> Any:
    case, others, share = _case_parts(log_hazard)
    return sigmoid(others) * where(case, -1.0, share)


@loss(
    aliases=("cox_cc", "CoxCCLoss"),
    target=None,
    predictions={"log_hazard": Real()},
    slope=_case_control_slope,
    definition="log(1 + sum over k > 0 of exp(log_hazard[k] - log_hazard[0]))",
    source="H. Kvamme, O. Borgan, I. Scheel, Time-to-event prediction with neural networks and Cox regression (2019), "
    "eq. 11",
    peers={
        "pycox.models.loss.cox_cc_loss": "Loss()   # of stack([g_case, *g_control], -1), with no clamp and no shrink",
    },
    cases=(
        Case([[0.0, 0.0, math.log(2.0)]], (math.log(4.0),), "log(1 + 1 + 2)"),
        Case([[math.log(2.0), 0.0]], (math.log(1.5),), "log(1 + 1/2)"),
    ),
)
def cox_case_control(log_hazard: Any) -> Any:
    """Cox's partial likelihood of a case beside a few others that were at risk with it: an approximation by samples.

    For proportional hazards in small batches: each row of ``log_hazard`` is one event, first the subject that had it
    and then subjects drawn at random from all whose own time is at least as long, (N, 1 + K).  The network scores every
    subject by itself, with one linear output and no bias: only differences within a row count.  There are no targets.

    Where fewer than K others were at risk, `where=` has False at the places that are left.

    >>> import lossary
    >>> print(lossary.cox_case_control([[0.0, 0.0, 0.0]]).round(4))
    [1.0986]
    """
    _, others, _ = _case_parts(log_hazard)
    return softplus(others)
