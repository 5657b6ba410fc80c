"""The slope and the whole Hessian of one row of scores after the other: what hosts ask for that know single rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..backends import Array
from ..calls import route
from ..calls.batch import Batch
from .loss import Loss

# Of the target and the scores of a row, an array (1, C); None where words are to compute them.
OfRow = Callable[[Any, Any], tuple[Array, Array] | None]


class RowHessian:
    """A function ``(y_true, raw) -> (slope, matrix)`` of rows like the one it is made with, each an array (1, C)."""

    def __init__(self, terms: Sequence[tuple[float, Loss]], y_true: Any, raw: Any) -> None:
        self._terms = [(weight, term, _at_once(term, y_true, raw)) for weight, term in terms]

    def __call__(self, y_true: Any, raw: Any) -> tuple[Array, Array]:
        """The slope, an array (C,), and the Hessian, an array (C, C)."""
        found = []
        for weight, term, run in self._terms:
            slope, matrix = (None if run is None else run(y_true, raw)) or _in_words(term, y_true, raw)
            found.append((slope, matrix) if weight == 1.0 else (weight * slope, weight * matrix))
        (slope, matrix), *rest = found
        for more_slope, more_matrix in rest:
            slope, matrix = slope + more_slope, matrix + more_matrix
        return slope, matrix


def _at_once(term: Loss, y_true: Any, raw: Any) -> OfRow | None:
    batch = term.lined_up((y_true, raw))
    return None if term.weighting or batch.live is not None else route.of(batch.backend).hessian_of_row(batch)


def _in_words(term: Loss, y_true: Any, raw: Any) -> tuple[Array, Array]:
    """Both, of the row as often as it has scores, each time with another direction."""
    size = raw.shape[-1]
    batch = term.lined_up((np.repeat(y_true, size, axis=0), np.repeat(raw, size, axis=0)))
    with batch.computing():
        directions = np.eye(size, dtype=raw.dtype)
        slope, matrix = batch.program.turn(batch.backend)(*batch.arguments, directions)
        each = factor(batch)
        if each is not None:
            slope, matrix = slope * each, matrix * each
    return slope[0], matrix


def factor(batch: Batch) -> Array | None:
    """What the derivatives of each point count, 0 for those that are left out."""
    if batch.weights is None and batch.live is None:
        return None
    ones = batch.backend.sum(batch.y_pred * 0.0) + 1.0
    if batch.live is not None:
        ones = batch.backend.where(batch.backend.expand_last(batch.live), ones, 0.0 * ones)
    return ones if batch.weights is None else ones * batch.backend.expand_last(batch.weights)
