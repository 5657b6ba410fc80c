"""The slope and the diagonal of the Hessian of every output in one pass, for raw scores in NumPy's arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...backends import NUMPY
from ...calls.kernel import Fusible
from . import target, threads
from .run import Floats, flat, kernel
from .target import CHUNK, TASK


def derivatives(call: Fusible) -> tuple[Floats, Floats] | None:
    """Both, without weights; None where one is not finite, which the words compute more carefully.

    Raises:
        NoKernelError: There is no kernel.
    """
    y_true, y_pred = call.y_true, call.y_pred
    columns = y_pred.shape[-1]
    made = kernel(call.program, (target.curvature_use(call.program, columns), NUMPY.dtype(y_pred)))
    shape, unit = ((-1, columns), columns) if made.use.rows else ((-1,), CHUNK)
    found = np.empty(y_pred.shape, y_pred.dtype), np.empty(y_pred.shape, y_pred.dtype)
    labels = call.program.record.labels_are_integers
    targets = flat(y_true.astype(np.int64, copy=False)) if labels else flat(y_true).reshape(shape)
    arrays = [targets, *(flat(x).reshape(shape) for x in (y_pred, *found)), *([] if made.use.rows else [1.0])]
    _run(made.run, arrays, -(-y_pred.size // unit), max(1, TASK // unit), made.numbers(call.numbers))
    return found if all(np.isfinite(x.sum()) for x in found) else None


def _run(run: Any, arrays: Sequence[Any], units: int, step: int, numbers: Sequence[Any]) -> None:
    def task(first: int) -> int:
        done: int = run(*arrays, first, min(first + step, units), *numbers)
        return done

    threads.run(task, range(0, units, step))
