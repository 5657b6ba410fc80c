"""The slope and the whole Hessian of one row of NumPy's scores after the other, a direction at a time."""

from __future__ import annotations

import threading

import numpy as np

from ...backends import NUMPY
from ...calls.kernel import Fusible
from .run import Floats, kernel
from .target import TURNED


class OfRow(threading.local):
    """A function of the target and the scores of a row; kernels run without the lock, so every thread has arrays."""

    def __init__(self, call: Fusible) -> None:
        size, dtype = call.y_pred.shape[-1], NUMPY.dtype(call.y_pred)
        made = kernel(call.program, (TURNED, dtype))
        labels = call.program.record.labels_are_integers
        self._run, self._numbers, self._size = made.run, made.numbers(call.numbers), size
        self._targets = np.zeros(size, np.int64) if labels else np.zeros((size, size), dtype)
        self._scores, self._slopes, self._matrix = (np.zeros((size, size), dtype) for _ in range(3))
        self._flat = self._matrix.reshape(-1)
        self._directions = np.eye(size, dtype=dtype)

    def __call__(self, y_true: Floats, raw: Floats) -> tuple[Floats, Floats] | None:
        """Both, in arrays that the next call writes; None where values lie outside their sets or are not finite."""
        self._targets[...] = y_true
        self._scores[...] = raw
        arrays = self._targets, self._scores, self._directions, self._slopes, self._matrix
        faults = self._run(*arrays, 0, self._size, *self._numbers)
        slope, flat = self._slopes[0], self._flat
        # Squares add up faster than numbers are found finite; where they overflow, words compute it.
        finite = flat.dot(flat) + slope.dot(slope) < np.inf
        return (slope, self._matrix) if finite and not faults else None
