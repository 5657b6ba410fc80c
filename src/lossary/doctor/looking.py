"""What rows of outputs look like: facts that findings about predictions share."""

from __future__ import annotations

import numpy as np

from ..facts.domain import NonNegative
from .evidence import Evidence, Floats

# A probability this small has lost its gradient to the clip of the classic losses.
VANISHED = 1e-7


def in_unit(rows: Floats) -> bool:
    """Whether all are in [0, 1]."""
    return bool(rows.min() >= 0.0 and rows.max() <= 1.0)


def sums_to_one(e: Evidence, rows: Floats, axis: int = -1) -> bool:
    """Whether they sum to 1 along an axis."""
    return bool(np.abs(rows.sum(axis) - 1.0).max() < e.row_tolerance)


def head_is(evidence: Evidence, *activations: str) -> bool:
    """Whether the last layer is known to end in one of these."""
    return evidence.head is not None and evidence.head.activation in activations


def many_hot(targets: Floats) -> bool:
    """Whether a row of bits has more than one that is set."""
    return bool(((targets == 0) | (targets == 1)).all() and (targets.sum(1) > 1).any())


def single_softmax(rows: Floats) -> bool:
    """One column of ones, of which LS107 speaks."""
    return rows.shape[1] == 1 and bool((rows == 1.0).all())


def lost(e: Evidence) -> Floats | None:
    """Which rows give their right answer no probability."""
    p = e.probabilities
    if e.is_binary:
        return np.asarray((np.where(e.targets > 0.5, p, 1 - p) < VANISHED).any(1))
    labels = e.labels
    if labels is None or p.shape[1] < 2 or labels.max() >= p.shape[1]:
        return None
    return np.asarray(p[np.arange(len(p)), labels] < VANISHED)


def wrong_axis(e: Evidence) -> int | None:
    """The axis that holds the classes, if it is not the one the loss reads."""
    raw = e.raw_pred
    if not e.is_distribution or raw is None or raw.ndim < 2:
        return None
    read = e.axis % raw.ndim if -raw.ndim <= e.axis < raw.ndim else raw.ndim - 1
    others = [axis for axis in range(raw.ndim) if axis != read]
    if e.raw_true is not None and e.record.labels_are_integers and raw.ndim > 2 and not e.paired:
        return next((a for a in others if e.raw_true.shape == (*raw.shape[:a], *raw.shape[a + 1 :])), None)
    if e.from_logits or raw.shape[read] < 2 or not in_unit(raw) or sums_to_one(e, raw, read):
        return None
    return next((a for a in others if raw.shape[a] > 1 and sums_to_one(e, raw, a)), None)


def amounts_without_bound(e: Evidence) -> bool:
    """Whether targets are amounts while predictions of them may be anything, which then are clipped."""
    if e.puts_in_order or not e.record.is_pair:
        return False
    return isinstance(e.record.target, NonNegative) and not isinstance(e.record.prediction, NonNegative)


def decisions(e: Evidence) -> tuple[Floats, Floats, float] | None:
    """The classes that are predicted and true, and the mean probability of the former."""
    if e.is_binary and e.rows.shape[1] == 1:
        p = e.probabilities[:, 0]
        return (p > 0.5) * 1.0, (e.targets[:, 0] > 0.5) * 1.0, float(np.maximum(p, 1 - p).mean())
    if e.is_distribution and e.labels is not None and e.rows.shape[1] > 1:
        return e.probabilities.argmax(1), e.labels, float(e.probabilities.max(1).mean())
    return None
