"""The constant prediction with the least loss: where boosting starts, and what a model has to beat."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import texts
from ..backends import NUMPY
from ..calls.programs import program_for
from ..facts.domain import Classes, OneHot, Signs
from ..facts.registry import answers
from ..looks.labels import agree
from .curvature import Curvature, spelled
from .loss import Loss
from .raw import LINKS, Link, link_of, raw

Floats = np.ndarray[Any, Any]
# Raw scores of probabilities and rates are looked for up to here: beyond, nothing but rounding is to be won.
_FAR = 30.0
_GRID, _STEPS = 65, 200
_ROUNDING = 1e-12
# The longest step of Newton's method in scores, how much space is stretched across a kink, and steps one way.
_LONGEST, _STRETCH, _MOVES = 4.0, 3.0, 40


@answers
def best_constant(loss: Loss, y_true: Any, sample_weight: Any = None) -> Any:
    """The prediction that has the least weighted loss where it is made for every data point."""
    agree(loss.name, {"y_true": y_true, "sample_weight": sample_weight})
    link = link_of(loss)
    found = best_raw(loss, link, y_true, sample_weight)
    if loss.parameters.get("from_logits"):
        return _plain(found)
    if loss.parameters.get("from_logs"):
        link = LINKS["log_softmax" if link.is_of_rows else "identity"]
    with np.errstate(all="ignore"):
        return _plain(link.inverse(spelled(NUMPY), found))


def _plain(found: Floats) -> Any:
    return float(found[0]) if found.shape == (1,) else found


def best_raw(loss: Loss, link: Link, y_true: Any, sample_weight: Any = None) -> Floats:
    """The raw scores, one per output, that are best where every data point has them."""
    targets = np.asarray(y_true)
    if not targets.size:
        raise texts.no_constant(loss.name, targets.shape)
    weights = np.ones(len(targets)) if sample_weight is None else np.asarray(sample_weight, np.float64).reshape(-1)
    if link.is_of_rows or isinstance(loss.record.target, Classes | OneHot):
        return _of_rows(loss, link, targets, weights)
    if not loss.record.is_pair and targets.shape[-1:] == (len(loss.record.arguments[0].parts),):
        return np.array([_of_column(loss, link, targets.astype(np.float64), weights)])
    if targets.ndim > 2:
        raise texts.no_constant(loss.name, targets.shape)
    columns = targets.reshape(len(targets), -1).astype(np.float64)
    if columns.shape[1] > 1 and not program_for(loss.record, loss.parameters, NUMPY).separable:
        return _of_rows(loss, link, columns, weights)
    return np.array([_of_column(loss, link, column, weights) for column in columns.T])


def _of_column(loss: Loss, link: Link, targets: Floats, weights: Floats) -> float:
    mean = _mean(loss, link, targets, weights)
    if mean is not None:
        return mean
    total, slope = _totals(loss, link, targets, weights)
    ends = _ends(loss, link, targets)
    grid = np.linspace(*ends, _GRID)
    if targets.ndim == 1:
        usual = np.clip(_scores(loss, link, targets), *ends)
        grid = np.unique(np.concatenate([grid, np.quantile(usual, np.linspace(0.0, 1.0, 17))]))
    costs = np.array([total(each) for each in grid])
    costs = np.where(np.isnan(costs), math.inf, costs)
    place = int(np.argmin(costs))
    level = costs <= costs[place] + _ROUNDING * abs(costs[place])
    low, high = place, place
    while low > 0 and level[low]:
        low -= 1
    while high < len(grid) - 1 and level[high]:
        high += 1
    # Where the slope is 0 on a whole stretch, as between the two numbers in the middle, its middle is meant.
    first = _crossing(slope, grid[low], grid[high], lambda x: x < 0.0)
    last = _crossing(slope, grid[low], grid[high], lambda x: x <= 0.0)
    middle = 0.5 * (first + last)
    return middle if total(middle) <= costs[place] + _ROUNDING * abs(costs[place]) else float(grid[place])


def _mean(loss: Loss, link: Link, targets: Floats, weights: Floats) -> float | None:
    """The raw score of the mean, where the loss has its slopes in balance there, as squares and likelihoods have."""
    if targets.ndim > 1 or isinstance(loss.record.target, Signs):
        return None
    with np.errstate(all="ignore"):
        score = float(link.forward(spelled(NUMPY), np.average(targets, weights=weights)))
    if not abs(score) < (_FAR if link.name != "identity" else math.inf):
        return None
    slopes, curves = Curvature(loss, link, "exact")(targets, np.full(len(targets), score), weights)
    in_balance = abs(slopes.sum()) <= _ROUNDING * np.abs(slopes).sum() + math.ulp(0.0)
    return score if in_balance and curves.min() >= 0.0 and curves.max() > 0.0 else None


def _crossing(slope: Callable[[float], float], low: float, high: float, falls: Callable[[float], bool]) -> float:
    """Where a slope stops falling; halving needs no more than that it does so once."""
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if not low < middle < high:
            break
        low, high = (middle, high) if falls(slope(middle)) else (low, middle)
    return 0.5 * (low + high)


def _totals(
    loss: Loss, link: Link, targets: Floats, weights: Floats
) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """The loss of all data points at a raw score, and its slope there."""
    curvature, value = Curvature(loss, link, "exact"), raw(loss, link).replaced(reduction="sum")
    different, counts = targets, weights
    if targets.ndim == 1:
        different, places = np.unique(targets, return_inverse=True)
        counts = np.bincount(places, weights)

    def scores(score: float) -> Floats:
        return np.full(len(different), score)

    def points(x: Floats) -> Floats:
        """Numbers one below the other: side by side they are one data point of a loss over rows."""
        return x.reshape(len(different), -1)

    return (
        lambda score: float(value(points(different), points(scores(score)), counts)),
        lambda score: float(curvature(different, scores(score), counts)[0].sum()),
    )


def _scores(loss: Loss, link: Link, targets: Floats) -> Floats:
    """The best raw score of each target."""
    if isinstance(loss.record.target, Signs):
        return np.where(targets > 0.0, 1.0, -1.0)
    with np.errstate(all="ignore"):
        found: Floats = link.forward(spelled(NUMPY), targets)
    return found


def _ends(loss: Loss, link: Link, targets: Floats) -> tuple[float, float]:
    """Raw scores between which the best one lies."""
    if targets.ndim > 1:
        return -_FAR, _FAR
    scores = _scores(loss, link, targets)
    if link.name != "identity":
        scores = np.clip(np.nan_to_num(scores, nan=0.0, posinf=_FAR, neginf=-_FAR), -_FAR, _FAR)
    elif isinstance(loss.record.target, Signs):
        return -_FAR, _FAR
    low, high = float(scores.min()), float(scores.max())
    margin = 0.0 if link.name == "identity" and low < high else 1e-3 * max(abs(low), abs(high), 1.0)
    return low - margin, high + margin


# --- rows -----------------------------------------------------------------------------------------------------------


def _of_rows(loss: Loss, link: Link, targets: Floats, weights: Floats) -> Floats:
    """Newton's method with a diagonal, from the shares of the classes, with steps that only ever lead down."""
    if isinstance(loss.record.target, Classes):
        labels = targets.reshape(-1).astype(np.int64)
        counts = np.bincount(labels, weights)
        targets, weights, shares = np.arange(len(counts)), counts, counts / counts.sum()
    else:
        targets, places = np.unique(targets, axis=0, return_inverse=True)
        weights = np.bincount(places.reshape(-1), weights)
        shares = (targets * weights[:, None]).sum(0) / weights.sum()
    curvature, value = Curvature(loss, link, "positive"), raw(loss, link).replaced(reduction="sum")

    def rows(score: Floats) -> Floats:
        return np.broadcast_to(score, (len(targets), len(shares))).copy()

    def total(score: Floats) -> float:
        return float(value(targets, rows(score), weights))

    def slope(score: Floats) -> Floats:
        found: Floats = curvature(targets, rows(score), weights)[0].sum(0)
        return found

    score: Floats = np.log(np.maximum(shares, math.exp(-_FAR)))
    best = total(score)
    for _ in range(_STEPS):
        slopes, curves = (each.sum(0) for each in curvature(targets, rows(score), weights))
        step = slopes / np.maximum(curves, 1e-12)
        step *= min(1.0, _LONGEST / max(np.abs(step).max(), 1e-300))
        while (lower := total(score - step)) >= best and np.abs(step).max() > 1e-12:
            step = 0.5 * step
        if not lower < best:
            break
        score, best = score - step, lower
    slopes = curvature(targets, rows(score), weights)[0]
    is_flat = np.abs(slopes.sum(0)).max() <= 1e-7 * np.abs(slopes).sum()
    return score if is_flat else _over_kinks(total, slope, score, best)


def _over_kinks(
    total: Callable[[Floats], float], slope: Callable[[Floats], Floats], score: Floats, best: float
) -> Floats:
    """The minimum of a loss with kinks, as those of margins have, where slopes lead from one side to the other.

    N. Shor, Minimization Methods for Non-Differentiable Functions (1985), chapter 3: along the difference of two
    slopes, which points across a kink, space is stretched, so that steps come to lie along it.
    """
    found, here, stretched, length = score, score, np.eye(len(score)), 1.0
    before = slope(here)
    for _ in range(_STEPS * len(score)):
        towards = stretched.T @ before
        size = float(np.linalg.norm(towards))
        if size <= _ROUNDING * float(np.linalg.norm(before)):  # Nothing but a common shift of all scores is left.
            break
        direction = stretched @ (towards / size)
        moves = 0
        while moves < _MOVES:
            here, moves = here - length * direction, moves + 1
            after = slope(here)
            if (value := total(here)) < best:
                found, best = here, value
            if after @ direction <= 0.0:
                break
            length *= 1.0 if moves < 3 else 1.2
        length *= 0.9 if moves == 1 else 1.0
        across = stretched.T @ (after - before)
        if (norm := float(np.linalg.norm(across))) > 1e-300:
            across = across / norm
            stretched = stretched + (1.0 / _STRETCH - 1.0) * np.outer(stretched @ across, across)
        before = after
    return found
