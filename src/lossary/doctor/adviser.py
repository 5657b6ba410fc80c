"""The adviser: from targets alone to a loss, an output layer and a metric, with the reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, Literal, get_args

import numpy as np

from ..errors import ParameterError
from . import amounts, recipes
from .advice import Advice
from .evidence import number
from .traits import FEW, Traits, look, skewness

Goal = Literal["classes", "multi-label", "counts", "ordinal", "amounts", "proportions", "numbers", "masks"]
GOALS: Final[tuple[str, ...]] = get_args(Goal)


def suggest(y_true: Any, *, goal: Goal | None = None) -> Advice:
    """Which loss, output layer and metric fit these targets.

    Use it when you start on a new problem.  Only the targets are looked at, so it says so where they do not tell:
    ``.confident`` is then False, and a ``goal`` settles it.

    Args:
        y_true: Targets: an array of any framework, a list, or a column of pandas or polars; one entry or row per data
            point.  Text and categorical columns name classes.
        goal: What the targets mean, if you know: ``"classes"``, ``"multi-label"``, ``"counts"``, ``"ordinal"``,
            ``"amounts"`` (positive, errors matter in proportion), ``"proportions"``, ``"numbers"`` (their mean is
            wanted) or ``"masks"``.

    Returns:
        An `Advice`: ``.loss``, ``.name``, ``.units``, ``.activation``, ``.metric``, ``.alternatives``, ``.reasons``,
        ``.confident`` and ``.code("keras" | "torch")``.

    Raises:
        ParameterError: The goal is none of those above.
        DTypeError: ``y_true`` holds neither numbers nor text.
        ShapeError: ``y_true`` is empty.

    >>> import lossary
    >>> advice = lossary.suggest([0, 1, 1, 0] * 10)
    >>> advice.loss, advice.units, advice.activation
    (BinaryCrossentropy(), 1, 'sigmoid')
    """
    if goal is not None and goal not in GOALS:
        raise ParameterError(
            f"suggest: goal is {goal!r}; accepted are {', '.join(map(repr, GOALS))}. To let the targets decide, "
            f"leave it out"
        )
    with np.errstate(all="ignore"):
        traits = look(y_true)
        advice = _BY_GOAL[goal](traits) if goal is not None else _decide(traits)
        return _with_cautions(advice, traits, goal)


def _with_cautions(advice: Advice, t: Traits, goal: str | None) -> Advice:
    """Adds what speaks against trusting the advice."""
    reasons = list(advice.reasons)
    confident = advice.confident
    if goal is not None:
        reasons = [f"you said that the targets are {goal}", *(r for r in reasons if "say goal=" not in r)]
        confident = True
    fault = (
        None
        if advice.preparation or advice.loss.record.labels_are_integers
        else advice.loss.record.target.fault(t.rows)
    )
    if fault is not None:
        reasons.append(
            f"but {number(t.rows[fault])} is among them, and {advice.name} takes {advice.loss.record.target.describe()}"
        )
        confident = False
    if t.dropped:
        reasons.append(
            f"{t.dropped} targets are missing or infinite and were left out here; leave them out of training too"
        )
    if len(t.values) == 1:
        reasons.append(f"every target is {number(t.low)}: there is nothing to learn, and nothing to tell the task by")
        confident = False
    elif t.flat.size < FEW and not t.names:
        reasons.append(
            f"there are only {t.flat.size} numbers, too few to tell how they are spread; pass the whole column"
        )
        confident = False
    return replace(advice, reasons=tuple(reasons), confident=confident)


def _decide(t: Traits) -> Advice:
    if t.open_ended:
        return amounts.bounds(t)
    if t.rank >= 3:
        return _grid(t)
    if t.columns > 1:
        return _table(t)
    return _column(t)


# --- one column -----------------------------------------------------------------------------------------------------


def _column(t: Traits) -> Advice:
    if t.names:
        return recipes.classes(t)
    if t.bits or (len(t.values) == 2 and t.whole):
        return recipes.binary(t)
    if t.whole:
        return _whole(t)
    if t.has_zeros:
        return amounts.with_zeros(t)
    if t.piles:
        return amounts.censored(t)
    if t.low >= 0 and t.high <= 1:
        return recipes.proportions(t)
    return _continuous(t)


def _whole(t: Traits) -> Advice:
    """Whole numbers: classes, counts, grades or plain numbers."""
    if t.low < 0 or (t.high > 255 and t.count_misfit > 0.3 and t.skew < 1):
        return _continuous(t)
    few = len(t.values) <= max(2, t.flat.size // 10)
    evenly = t.unevenness < 0.2
    counts = t.count_misfit < 0.15
    if t.contiguous and few and t.low == 0 and evenly and not (counts and t.count_misfit < t.unevenness):
        return recipes.classes(t)
    if t.contiguous and few and t.low == 1 and 3 <= len(t.values) <= 11:
        return recipes.ordinal(t, confident=not evenly)
    if counts or (t.skew > 1 and t.low <= 1 and len(t.values) > 5):
        return recipes.counts(t)
    if t.contiguous and few and t.low == 0:
        return replace(
            recipes.classes(t),
            confident=False,
            reasons=(
                *recipes.classes(t).reasons,
                "unequal frequencies fit classes, grades and counts alike; say goal='classes', 'ordinal' or 'counts'",
            ),
        )
    if t.skew > 1:
        return amounts.amounts(t)
    return replace(_continuous(t), confident=len(t.values) > 30)


def _continuous(t: Traits) -> Advice:
    if t.outliers is not None and not _log_is_tamer(t, 0.5):
        return recipes.robust(t)
    if t.skew > 1 and _log_is_tamer(t, 0.9):
        return amounts.amounts(t)
    return recipes.numbers(t)


def _mean(t: Traits) -> Advice:
    """Numbers of which the mean is asked for, whatever their spread."""
    if t.has_zeros:
        return amounts.with_zeros(t)
    advice = _continuous(t)
    return amounts.mean(t) if advice.name == "mean_squared_logarithmic_error" and t.low > 0 else advice


def _log_is_tamer(t: Traits, factor: float) -> bool:
    """Whether the logarithms of positive numbers are less skew than the numbers, by this factor."""
    return t.low > 0 and abs(skewness(np.log(t.flat))) < factor * abs(t.skew)


# --- rows and grids -----------------------------------------------------------------------------------------------


def _table(t: Traits) -> Advice:
    sums = t.rows.sum(1)
    distributions = bool((np.abs(sums - 1) < 1e-3).all()) and t.low >= 0
    if t.bits and distributions:
        return recipes.one_hot(t)
    if t.bits:
        return recipes.multi_label(t)
    if distributions:
        return replace(
            recipes.one_hot(t),
            task=f"a distribution over {t.columns} classes",
            metric="kl_divergence",
            reasons=("rows that are not negative and sum to 1",),
            alternatives={"kl_divergence": "the loss should be 0 at a perfect match; gradients are the same"},
        )
    if bool((np.abs(np.square(t.rows).sum(1) - 1) < 1e-3).all()):
        return recipes.directions(t)
    if t.are_corners:
        return recipes.boxes(t)
    if t.are_times:
        return amounts.times(t)
    if t.whole and t.low >= 0 and t.contiguous:
        advice = _label_grid(
            t, "a table of integers: a sequence of classes per data point, or several counts or grades"
        )
        if len(t.values) > 10:
            return advice
        lists = {"pairwise_logistic": "each row is a list of items and the numbers say how relevant each is"}
        return replace(advice, alternatives=advice.alternatives | lists)
    if t.low >= 0 and t.high <= 1:
        return recipes.proportions(t)
    return _continuous(t)


def _grid(t: Traits) -> Advice:
    last = int(t.array.shape[-1])
    if len(t.values) <= 2 and t.low == 0 and t.high in (0, 1, 255) and not (last > 1 and _hot_along_last(t)):
        return recipes.mask(t)
    if _hot_along_last(t):
        return replace(recipes.one_hot(t), task=f"one class among {last} at every position", spatial=True)
    if t.whole and t.low >= 0 and len(t.values) < 256 and last not in (1, 3, 4):
        return _label_grid(t, f"whole numbers {number(t.low)} to {number(t.high)} at every position: a map of classes")
    advice = recipes.proportions(t) if t.low >= 0 and t.high <= 1 else _continuous(t)
    return replace(
        advice,
        units=last,
        confident=False,
        spatial=True,
        reasons=(
            *advice.reasons,
            f"an array of shape {t.array.shape}, such as images to reconstruct: say goal='numbers' or 'masks'",
        ),
    )


def _hot_along_last(t: Traits) -> bool:
    return t.bits and t.array.shape[-1] > 1 and bool((t.rows.sum(1) == 1).all())


def _label_grid(t: Traits, reason: str) -> Advice:
    advice = replace(recipes.classes(t), task=f"one class among {int(t.high) + 1} at every position", reasons=(reason,))
    return replace(advice, confident=t.rank >= 3, spatial=t.rank >= 3)


_BY_GOAL: dict[str, Callable[[Traits], Advice]] = {
    "classes": lambda t: recipes.one_hot(t) if t.columns > 1 and t.bits else recipes.classes(t),
    "multi-label": recipes.multi_label,
    "counts": recipes.counts,
    "ordinal": recipes.ordinal,
    "amounts": amounts.amounts,
    "proportions": recipes.proportions,
    "numbers": _mean,
    "masks": recipes.mask,
}
