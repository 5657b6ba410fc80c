"""Losses for one class among several."""

from __future__ import annotations

from typing import Any

from .._domain import Classes, Interval, OneHot, Probabilities
from .._loss import loss
from .._record import Case
from ..words import count, equal, exp, first_max, indicator, is_label, log, log1p, max, maximum, minimum, sum, take, where


def _logits(z: Any) -> tuple[Any, Any, Any, Any]:
    """The leading class of a row of scores, its score, and ``sum exp(z_j - lead)`` of the others with its terms."""
    first = first_max(z)
    lead = max(z)
    others = where(first, 0.0, exp(z - lead))
    return first, lead, others, sum(others)


def _shares(p: Any) -> tuple[Any, Any, Any, Any]:
    first = first_max(p)
    others = sum(where(first, 0.0, p))
    total = others + max(p)
    return first, others, total, p / total


def _categorical_slope(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, *, epsilon: float = 1e-7
) -> Any:
    y_true = y_true * (1.0 - label_smoothing) + label_smoothing / count(y_pred)
    if from_logits:
        first, _, others, rest = _logits(y_pred)
        missing = sum(where(first, 0.0, y_true))
        scale = sum(y_true) / (1.0 + rest)
        return where(first, missing - scale * rest, scale * others - y_true)
    first, others, total, share = _shares(y_pred)
    per_share = y_true / maximum(share, epsilon)
    elsewhere = sum(where(first, 0.0, per_share * share))
    at_first = elsewhere - per_share * (others / total)
    return where(first, at_first, sum(per_share * share) - per_share) / total


@loss(
    aliases=("softmax_cross_entropy", "cce", "CCE", "categorical_cross_entropy"),
    target=OneHot(),
    prediction=Probabilities(),
    parameters={"label_smoothing": Interval(0.0, 1.0), "epsilon": Interval(0.0, 0.5)},
    slope=_categorical_slope,
    source="x",
    cases=(),
)
def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, *, epsilon: float = 1e-7
) -> Any:
    """CCE."""
    y_true = y_true * (1.0 - label_smoothing) + label_smoothing / count(y_pred)
    if from_logits:
        _, lead, _, rest = _logits(y_pred)
        behind = where(equal(y_true, 0.0), 0.0, y_true * (lead - y_pred))
        return sum(behind) + sum(y_true) * log1p(rest)
    first, others, total, share = _shares(y_pred)
    surprise = where(first, log1p(others / max(y_pred)), -log(maximum(share, epsilon)))
    bounded = maximum(minimum(surprise, -log(epsilon)), -log1p(-epsilon))
    return sum(where(equal(y_true, 0.0), 0.0, y_true * bounded))


def _sparse_slope(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, *, epsilon: float = 1e-7
) -> Any:
    hit = is_label(y_true, y_pred)
    if from_logits:
        first, _, others, rest = _logits(y_pred)
        miss = 1.0 - sum(indicator(first & hit))
        return where(first, miss - rest / (1.0 + rest), others / (1.0 + rest) - indicator(hit))
    first, others, total, share = _shares(y_pred)
    at_label = take(share, y_true)
    per_share = 1.0 / maximum(at_label, epsilon)
    return per_share * where(hit, where(first, -(others / total), at_label - 1.0), at_label) / total


@loss(
    aliases=("sparse_softmax_cross_entropy", "scce"),
    target=Classes(),
    prediction=Probabilities(),
    parameters={"epsilon": Interval(0.0, 0.5)},
    slope=_sparse_slope,
    source="x",
    cases=(),
)
def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, *, epsilon: float = 1e-7
) -> Any:
    """SCCE."""
    if from_logits:
        _, lead, _, rest = _logits(y_pred)
        return lead - take(y_pred, y_true) + log1p(rest)
    first, others, _, share = _shares(y_pred)
    surprise = where(first, log1p(others / max(y_pred)), -log(maximum(share, epsilon)))
    return maximum(minimum(take(surprise, y_true), -log(epsilon)), -log1p(-epsilon))
