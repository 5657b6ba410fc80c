"""One-hot rows as integer labels.

Where every target row is one-hot, a loss for such rows is its sibling for labels, which looks at one class of the
row instead of all: categorical cross-entropy then takes one logarithm a row.  Each task reads the labels of its rows
before it computes them; a row that is not one-hot sends the whole call back.
"""

# The loop is compiled from its source, in which the names are those of `lossary.kernels.cpu.compiled.namespace`.
# mypy: disable-error-code="name-defined, no-untyped-def"
# ruff: noqa: F821

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from ..compiler.typed import Typed
from . import store

# Elements from which on it pays to look, and the longest rows in which a count and a place share 32 bits.
WORTH, LONGEST = 1 << 16, (1 << 15) - 1


def one_hot_labels(y_true, labels, first, last):
    """The place of the 1 in each row; returns 1 as soon as rows hold anything besides a 1 and zeros."""
    columns = y_true.shape[1]
    marks = lanes(NOWHERE)
    for start in range(first, last, LANES):
        size, wrong = min(LANES, last - start), NONE
        for k in range(size):
            targets = row(y_true, start + k)
            found = np.int32(0)
            for j in range(columns):
                found += select(targets[j] != ZERO, np.int32(j) + np.int32(65536), np.int32(0))
            marks[k] = found
        places = beginning(labels, start)
        for k in range(size):
            place = marks[k] & 65535
            wrong = faulty(wrong, marks[k] >> 16 == 1)
            places[k] = place
        if not wrong:
            for k in range(size):
                wrong = faulty(wrong, row(y_true, start + k)[places[k]] == ONE)
        if wrong:
            return 1
    return 0


def source() -> tuple[str, str]:
    """The name and the source of `one_hot_labels`."""
    return one_hot_labels.__name__, inspect.getsource(one_hot_labels)


def reader(y_true: Any, labels: Any) -> Callable[[int, int], int] | None:
    """What writes the labels of rows from the first up to the last; None where it is not worth trying.

    It returns 0 where all of them are one-hot.  Soft targets show in the first row, the middle one, or the last.
    """
    look, rows = _look(str(y_true.dtype)), len(y_true)
    if look is None or any(look(y_true, labels, i, i + 1) for i in (0, rows // 2, rows - 1)):
        return None
    return partial(look, y_true, labels)


@cache
def _look(dtype: str) -> Any | None:
    parameters = [Typed(dtype, 2), Typed("int64", 1, is_written=True), Typed("int64"), Typed("int64")]
    try:
        return store.compiled(*source(), dtype, parameters, {})[0]
    except Exception:
        return None  # No compiler, or nothing to compile: rows are then computed as rows.
