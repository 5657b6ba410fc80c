"""Interleaved timing: one call of everyone in turn, many rounds, so that a busy moment hits all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numba
import numpy as np

from lossary.kernels import threads

Run = Callable[[], Any]


def interleaved(runs: Mapping[str, Run], *, rounds: int, budget: float) -> dict[str, dict[str, float]]:
    """Seconds per call: the least and the median of all rounds, within a budget of seconds for all together."""
    seen: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    start = time.perf_counter()
    for number in range(rounds):
        for name, run in runs.items():
            before = time.perf_counter()
            run()
            seen[name].append(time.perf_counter() - before)
        if number >= 4 and time.perf_counter() - start > budget:
            break
    return {name: {"min": min(times), "median": statistics.median(times)} for name, times in seen.items()}


@numba.njit(nogil=True, fastmath=True)  # type: ignore[misc]
def _touch(a: Any, b: Any, out: Any, first: int, last: int) -> int:
    for start in range(first, last, 8192):
        stop = min(start + 8192, last)
        x, y, z = a[start:stop], b[start:stop], out[start:stop]
        for j in range(x.size):
            z[j] = x[j] + y[j]
    return 0


@numba.njit(nogil=True, fastmath=True)  # type: ignore[misc]
def _touch_one(a: Any, out: Any, first: int, last: int) -> int:
    for start in range(first, last, 8192):
        stop = min(start + 8192, last)
        x, z = a[start:stop], out[start:stop]
        for j in range(x.size):
            z[j] = x[j] + np.float32(1.0)
    return 0


def stream(y_true: Any, y_pred: Any) -> Run:
    """The limit: every input read once and a gradient written, in pages that are there already."""
    p = y_pred.ravel()
    out = np.empty_like(p)
    step = max(8192, p.size // (8 * threads.count()))
    tasks = range(0, p.size, step)
    if y_true.dtype != y_pred.dtype:
        return lambda: threads.run(lambda i: _touch_one(p, out, i, min(i + step, p.size)), tasks)
    y = y_true.ravel()
    return lambda: threads.run(lambda i: _touch(y, p, out, i, min(i + step, p.size)), tasks)
