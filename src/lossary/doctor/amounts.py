"""The advice for amounts: what they are on the whole, with many zeros, up to a limit, and times until something."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..objects.get import get
from .advice import Advice
from .evidence import number, share
from .traits import Traits, skewness


def censored(t: Traits) -> Advice:
    """Numbers that pile up at a limit."""
    at = [f"{share((t.flat == pile).sum(), t.flat.size)} are exactly {number(pile)}" for pile in t.piles]
    return Advice(
        "numbers that look cut off at a limit",
        get("huber"),
        1,
        "linear",
        "mean_absolute_error",
        {
            "tweedie_deviance": "a zero is a real amount and not a limit (rainfall, claims); with a softplus output",
            "aft_nll": "the targets are times, and some were only seen to be longer than what is written",
            "binary_crossentropy": "first ask whether the limit is reached, then fit the rest",
            "mean_squared_error": "the limit is real and many targets are simply there",
        },
        (
            f"{'; '.join(at)}, while the rest varies freely: amounts of zero, or values cut off at a limit (censored)",
            "for censored values no loss of single numbers is unbiased: the truth lies beyond the limit",
        ),
        False,
    )


def amounts(t: Traits) -> Advice:
    """Positive numbers with a long tail, of which what is typical is asked for."""
    if t.has_zeros:
        return with_zeros(t)
    logs = f", {number(skewness(np.log(t.flat)))} on the log scale" if t.low > 0 else ""
    reasons = [
        f"numbers from {number(t.low)} to {number(t.high)} with a long upper tail (skewness {number(t.skew)}{logs}): "
        "errors matter in proportion"
    ]
    if t.low > 0:
        reasons.append(
            f"a mean of logarithms fits what is typical, near the geometric mean, {number(_geometric_mean(t))} of all "
            f"of them; the mean is {number(t.flat.mean())}. Where sums or averages are wanted take gamma_deviance"
        )
    return Advice(
        "positive amounts",
        get("mean_squared_logarithmic_error"),
        t.columns,
        "softplus",
        "mean_absolute_percentage_error" if t.low > 0 else "mean_absolute_error",
        {
            "mean_squared_error": "of np.log(y_true), with a linear output: the same idea, steadier in training",
            "gamma_deviance": "the mean itself is wanted and errors in proportion; no zeros; say goal='numbers'",
            "tweedie_deviance": "as gamma_deviance, with zeros among the amounts",
            "mean_absolute_error": "errors matter in absolute size",
        },
        tuple(reasons),
        True,
    )


def _geometric_mean(t: Traits) -> float:
    return float(np.exp(np.log(t.flat).mean()))


def mean(t: Traits) -> Advice:
    """Positive numbers with a long tail, of which the mean is asked for."""
    reasons = (
        f"numbers from {number(t.low)} to {number(t.high)} with a long upper tail (skewness {number(t.skew)})",
        "least expected gamma deviance has the mean, as least squared error has, but an error counts in proportion to "
        "it: large amounts, which vary more, do not decide alone",
        f"losses of logarithms fit the geometric mean instead, {number(_geometric_mean(t))} of all of them, where the "
        f"mean is {number(t.flat.mean())}",
    )
    return Advice(
        "the mean of positive amounts",
        get("gamma_deviance"),
        t.columns,
        "softplus",
        "root_mean_squared_error",
        {
            "mean_squared_error": "an error of one unit costs the same of small and of large amounts",
            "tweedie_deviance": "zeros turn up among them; power between 1 and 2",
            "mean_squared_logarithmic_error": "what is typical is wanted, not the mean: errors in proportion",
            "pinball": "too low and too high cost differently, or a quantile is wanted: quantile=0.9",
            "lognormal_nll": "you want to know how sure each prediction is: two numbers per target",
        },
        reasons,
        True,
    )


def with_zeros(t: Traits) -> Advice:
    """Amounts that are often exactly 0."""
    rest = t.flat[t.flat > 0]
    return Advice(
        "amounts that are often 0",
        get("tweedie_deviance"),
        t.columns,
        "softplus",
        "root_mean_squared_error",
        {
            "binary_crossentropy": "whether there is any amount is a question of its own; then gamma_deviance of those "
            "above 0",
            "mean_squared_error": "an error of one unit costs the same of small and of large amounts",
            "pinball": "a quantile is wanted: quantile=0.9; below the share of zeros it is 0",
            "aft_nll": "a zero is a limit below which nothing is measured, not an amount",
        },
        (
            f"{share((t.flat == 0).sum(), t.flat.size)} are exactly 0, and the rest, up to {number(t.high)}, has a "
            f"long upper tail (skewness {number(skewness(rest))}): claims, rain, sales",
            "a Tweedie law of a power between 1 and 2 is a number of events of random size, so that 0 has a "
            "probability of its own; its deviance is least at the mean. Losses of logarithms or of medians would "
            "answer 0 or little for most",
        ),
        True,
    )


def bounds(t: Traits) -> Advice:
    """Times as bounds, the upper of which is infinite where nobody saw the end."""
    ended = 100 * len(t.rows) / (len(t.rows) + t.open_ended)
    return replace(
        times(t),
        reasons=(
            "rows of two numbers, the second never below the first and infinite at times: bounds of a time, "
            f"{number(ended)}% of which have an end",
            times(t).reasons[1],
        ),
        confident=True,
        preparation="y_true = y_true.reshape(-1, 1, 2)   # bounds: (lower, upper)",
    )


def times(t: Traits) -> Advice:
    """Times, and whether they ended with an event or with the last look."""
    ended = float(t.rows[:, 1].mean())
    return Advice(
        "times, of which some only have a lower bound",
        get("aft_nll"),
        1,
        "linear",
        "mean_absolute_error",
        {
            "logistic_hazard": "time comes in few steps: a probability for each that it ends there",
            "weibull_survival_nll": "the whole law of the time is wanted: two numbers per data point",
            "mean_squared_error": "the second column is an answer of its own and not whether an event was seen",
        },
        (
            f"rows of a number above 0 ({number(t.rows[:, 0].min())} to {number(t.rows[:, 0].max())}) and a 0 or 1, "
            f"{number(100 * ended)}% of them 1: a time, and whether an event ended it",
            "a time that ended without one is a lower bound: to fit it as it is, or to leave it out, makes times too "
            "short",
        ),
        False,
        "time, event = y_true.T\n"
        "y_true = np.stack([time, np.where(event == 1, time, np.inf)], -1)[:, None]   # bounds: (lower, upper)",
    )
