"""Inputs on which a careless spelling of each loss loses its digits, overflows or dies: batches per setting."""

from __future__ import annotations

from typing import Any

import numpy as np

from inputs import Setting, is_separable
from lossary.facts.domain import Classes, Domain, LogProbabilities, NonNegative, OneHot, Signs, Unit

_ABOVE, _BELOW = 1.0 + 2.0**-23, 1.0 - 2.0**-24

# Differences: tiny ones, both sides of the change of formula at 1, and where an exponential or a square overflows.
_DIFFERENCES = [0.0, 1e-30, -1e-12, 1e-8, 3e-3, -0.03, 0.5, _BELOW, 1.0, -_ABOVE, 9.0, 44.3, -88.8, 89.5, 1e4, 1e15]
# Scores: where a sigmoid rounds to 1, where its complement leaves float32, and where exp overflows.
_SCORES = [0.0, 1e-30, -1e-8, 0.02, 0.3, 8.0, -16.75, 16.75, 20.0, 50.0, -87.4, 88.8, -90.0, 103.0, 1e4, -1e30]
# Margins on both sides of the edge, and far from it.
_MARGINS = [0.0, 1e-30, 0.98, _BELOW, 1.0, _ABOVE, -1.0, -_BELOW, 1e-8, 1e15, -1e15]
# Probabilities of one thing: 0 and 1, the clip, and next to 1.
_CHANCES = [0.0, 1e-30, 9e-8, 1e-7, 1.1e-7, 1e-3, 0.5, 0.999, 1.0 - 2.0**-22, _BELOW, 1.0]
# Amounts: none, next to none, neighbours, both sides of where one term outgrows another, and far more.
_AMOUNTS = [0.0, 1e-8, 1e-30, 1e-3, 0.5 * _ABOVE, 0.9, 1.5, 3.0, 3.0 * _BELOW, 9.0, 10.1, 1e4, 1e15]
# Rows of scores: leads of 16 and more, one to the last normal number, ties, and sizes whose exponentials leave float32.
_SCORE_ROWS = [
    [0.0, 0.0, 0.0], [16.0, 0.0, -1.0], [17.5, 0.0, 0.0], [50.0, -50.0, 0.0], [100.0, 0.0, 1.0], [0.0, 20.0, 20.0],
    [0.98, 0.0, -1.0],
    [-100.0, -100.0, -99.0], [88.8, 88.7, -88.8], [1e-8, 0.0, -1e-8], [1e4, 1e4, 0.0], [-1e30, -1e30, -1e30],
    [86.0, 0.0, -90.0],
]  # fmt: skip
# So many classes that the one in front has a small share, or all of it but for less than a unit in its last place.
_WIDE = [
    ([1.0, 0.0, 0.0, 0.0, 0.0, 0.0], [0.2, 0.0, 0.0, -0.3, 0.0, 0.1]), ([0.0, 0.5, 0.5, 0.0, 0.0, 0.0], [0.0] * 6),
    *(([0.5, 0.25, 0.25, 0.0, 0.0, 0.0], [1.1 * x, 0.0, 0.0, -9.0 * x, -9.0 * x, -9.0 * x]) for x in (1.0, 0.25)),
    ([0.75, 0.25, 0.0, 0.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.0, 0.2, 0.3]),
    *(([1.0, 0.0, 0.0, 0.0, 0.0, 0.0], [9.9 * x, *([-9.9 * x] * 5)]) for x in (1.0, 0.25)),
]  # fmt: skip
# Rows of shares: next to 1, 0, below the clip, ties, and rows that do not sum to 1 exactly.
_SHARE_ROWS = [
    [1.0, 0.0, 0.0], [1.0 - 2.0**-22, 2.0**-23, 2.0**-23], [_BELOW, 6e-8, 0.0], [0.5, 0.5, 0.0], [0.4, 0.3, 0.3],
    [1e-8, 1.0, 1e-8], [1e-3, 0.999, 1e-30], [0.25, 0.25, 0.5], [0.25, 0.125, 0.5], [0.9, 0.8, 0.7],
]  # fmt: skip
# Rows of predictions that sum to far less than 1, a share that is a power of two, and one that leaves next to nothing.
_MORE_SHARES = [[0.125, 0.0625, 0.125], [0.03125, 0.96875, 0.0], [1.0, 1e-20, 0.0]]
# Rows whose squares overflow or vanish, and a row of zeros.
_VECTORS = [
    [-1e19, -1e19, 0.0], [1e-20, 2e-20, -1e-20], [3e19, -1e-19, 1.0], [1e-14, 1e14, 0.0], [0.0, 0.0, 0.0],
    [1.0, 1.0, 1.0], [1e-30, 1e-30, 1e-30], [2e30, 0.0, -2e30],
]  # fmt: skip
# Rows that nearly agree though their entries do not, one that lies exactly where a divergence is taken as far, and one
# that may be amounts, with nothing as a target.
_CLOSE = [
    ([0.0, 3.0, 0.5], [0.5, 3.0 * _ABOVE, 2.0]),
    ([9.3, 0.1, -1.7], [9.3 * (1.0 + 2.0**-21), 0.1, -1.7 * _ABOVE]), ([0.0, 0.0, -200.0], [0.0, -80.0, 0.0]),
]  # fmt: skip


def edges(setting: Setting) -> list[tuple[Any, Any]]:
    """Batches of targets and predictions, one data point per row; losses of elements also with one per data point."""
    pairs = _pairs(setting)
    batches = [pairs]
    if not isinstance(pairs[0][0], int) and len(pairs[0][0]) == 2:
        batches.append([(t[:1], p[:1]) for t, p in pairs])
    if setting.parameters.get("from_logits") and len(pairs[0][1]) == 3 and not isinstance(pairs[0][0], int):
        batches.append(_WIDE)
    kind = np.int64 if setting.record.labels_are_integers else np.float32
    return [(np.array([t for t, _ in some], kind), np.array([p for _, p in some], np.float32)) for some in batches]


def _pairs(setting: Setting) -> list[tuple[Any, Any]]:
    """Those of the drawn pairs that lie in the sets of the loss."""
    record = setting.record
    target, prediction = record.target, record.prediction_domain(setting.parameters)
    found = [
        (t, p)
        for t, p in _drawn(setting)
        if (isinstance(t, int) or np.all(target.contains(np.float32(t)))) and np.all(prediction.contains(np.float32(p)))
    ]
    assert found, setting
    return found


def _drawn(setting: Setting) -> list[tuple[Any, Any]]:
    target, prediction = setting.record.target, setting.record.prediction_domain(setting.parameters)
    if isinstance(target, OneHot | Classes):
        shares = [*_SHARE_ROWS, *_MORE_SHARES]
        return _classes(setting, shares if isinstance(prediction, Unit) else _score_rows(prediction))
    if not is_separable(setting):
        if not isinstance(target, Unit):
            return [(t, p) for t in _VECTORS for p in _VECTORS[:4]] + _CLOSE
        rows = _SHARE_ROWS if isinstance(prediction, Unit) else [*_SCORE_ROWS, [8.0, 0.0, -1.0], [95.0, 0.0, 94.0]]
        return [(t, p) for t in _SHARE_ROWS for p in rows]
    if isinstance(target, NonNegative):
        amounts = [([t, 1.0], [p, 2.0]) for t in (0.0, 1e-8, 0.5, 1.0, 3.0, 1e4) for p in _AMOUNTS]
        near = [(x, x * _ABOVE) for x in (2e-6, 0.5, 3.0, 1e5, 1e15)]
        far = [(0.0, 1e-8), (1e-8, 0.0), (1e-7, 2e-7), (1e30, 0.0), (3.0, -2.0), (0.0, 1e30)]
        return amounts + [([t, 1.0], [p, 1.0]) for t, p in near + far]
    if isinstance(target, Signs):
        return [([t, 1.0], [p, 0.5]) for t in (-1.0, 0.0, 1.0) for p in _MARGINS]
    if isinstance(target, Unit):
        predictions = _CHANCES if isinstance(prediction, Unit) else _SCORES
        met = ([0.5, 1.0], [0.5 if predictions is _CHANCES else 0.0, 0.5])
        small = ([0.03125, 1.0], [0.25, 0.5])
        return [([t, 1.0], [p, 0.5]) for t in (0.0, 1e-8, 0.3, 1.0) for p in predictions] + [met, small]
    # A square that fits beside one that would overflow the sum, and differences of neighbours.
    more = [([0.0, 0.0], [1.2e19, 1.0]), ([1e4, 3.0], [1e4 + 2.0**-10, 3.0 * _ABOVE]), ([1e-8, 0.0], [0.0, 1e-9])]
    more += [([-3.0, 1.0], [-2.5, 1.0]), ([-0.5, 2.0], [0.75, 2.0]), ([0.0, 0.0], [-1.2e19, 1.0])]
    more += [([0.3, -7.7], [0.3 * _ABOVE, -7.7 * _ABOVE])]
    return [([0.0, 1.0], [d, 1.0]) for d in _DIFFERENCES] + more


def _score_rows(prediction: Domain) -> list[list[float]]:
    """Rows of scores; their logarithms of shares where those are asked for."""
    if not isinstance(prediction, LogProbabilities):
        return _SCORE_ROWS
    return [list(np.array(row) - np.logaddexp.reduce(row)) for row in _SCORE_ROWS]


def _classes(setting: Setting, scores: list[list[float]]) -> list[tuple[Any, Any]]:
    if setting.record.labels_are_integers:
        return [(label, row) for label in range(3) for row in scores]
    soft = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.25, 0.5, 0.25]]
    return [(t, row) for t in soft for row in scores]
