"""Losses for quantiles and intervals."""

from __future__ import annotations

from typing import Any

from ..facts.domain import Interval, Parts, Real
from ..facts.record import Case
from ..objects.define import loss
from ..words import maximum, mean


@loss(
    aliases=("winkler_score", "mean_interval_score", "WinklerScore"),
    target=Real(),
    prediction=Parts(lower=Real(), upper=Real()),
    parameters={"alpha": Interval("Share of targets outside the interval", 0.0, 1.0, open_below=True)},
    definition="mean(upper - lower + 2 / alpha * (max(lower - y_true, 0) + max(y_true - upper, 0))), "
    "y_pred = (lower, upper)",
    source="R. L. Winkler, A decision-theoretic approach to interval estimation (1972); T. Gneiting, A. E. Raftery, "
    "Strictly proper scoring rules, prediction, and estimation (2007), eq. 43",
    cases=(
        Case([[3.0]], [[[0.0, 2.0]]], (6.0,), "2 + 4 * 1", {"alpha": 0.5}),
        Case([[-1.0]], [[[1.0, 2.0]]], (9.0,), "1 + 4 * 2", {"alpha": 0.5}),
        Case([[1.0, -1.0]], [[[0.0, 2.0], [0.0, 2.0]]], (12.0,), "(2 + (2 + 20))/2"),
    ),
)
def interval_score(y_true: Any, y_pred: Any, *, alpha: float = 0.1) -> Any:
    """Width of a predicted interval, and a fine for each target outside it.

    For forecasts of a range, in the unit of the target.  The interval is meant to hold the target with probability
    ``1 - alpha``; least expected loss has the one between the quantiles ``alpha/2`` and ``1 - alpha/2``.  ``y_pred``
    holds the lower and the upper bound along its last axis, as a linear layer of two units does, or is a tuple of two
    arrays in the shape of ``y_true``; so is the gradient.  Bounds that have changed places are taken as they are: their
    width counts as negative, and every target lies outside of at least one of them.

    >>> import lossary
    >>> print(lossary.interval_score([[3.0]], [[[0.0, 2.0]]], alpha=0.5))
    [6.]
    """
    lower, upper = y_pred
    outside = maximum(lower - y_true, 0.0) + maximum(y_true - upper, 0.0)
    return mean(upper - lower + 2.0 / alpha * outside)
