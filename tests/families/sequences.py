"""References for losses of sequences: every path through the classes, one by one."""

from __future__ import annotations

import itertools
from typing import Any

import mpmath as mp
import numpy as np

import oracle
from families.exact import softmax
from families.hurt import ROWS, Hurt

STEPS, CLASSES, LENGTH = 4, 3, 2


def _read(path: tuple[int, ...], blank: int) -> list[int]:
    """What a path says: without repetitions, then without blanks."""
    return [label for label, _ in itertools.groupby(path) if label != blank]


def _ctc(t: Any, p: Any, blank: Any = 0, infeasible: str = "inf") -> Any:
    classes = len(p[0])
    blank = int(blank) % classes
    wanted = [int(label) for label in t if label >= 0 and int(label) != blank]
    shares = [softmax(row) for row in p]
    paths = itertools.product(range(classes), repeat=len(p))
    chances = [
        mp.fprod(shares[step][label] for step, label in enumerate(path))
        for path in paths
        if _read(path, blank) == wanted
    ]
    if not chances:
        return mp.mpf(0 if infeasible == "zero" else "inf")
    return -mp.log(mp.fsum(chances))


def _steps(rng: np.random.Generator, scale: float) -> list[Any]:
    labels = rng.integers(1, CLASSES, (ROWS, LENGTH)).astype(float)
    labels[0], labels[1], labels[2] = [1, 1], [2, 0], [-1, -1]
    scores = rng.normal(size=(ROWS, STEPS, CLASSES)) * scale
    right = np.array([1, 2, 0, 0]) if labels[3, 0] != labels[3, 1] else np.array([1, 0, 2, 0])
    labels[3] = [1, 2]
    scores[3] = scale * np.eye(CLASSES)[right]  # As after training.
    return [labels, scores]


def _terms(rows: Any, place: int | None, **parameters: Any) -> Any:
    """A row of slopes has the digits of its largest; what is likely is near 1, whose logarithm is known to 1e-16."""
    if place is None:
        return 1e-8
    return max(*map(abs, oracle.slopes("ctc", rows, place, **parameters)), mp.mpf(1e-8))


VALUES = {"ctc": _ctc}
HURT = [
    Hurt("ctc", _steps, _terms, {}, (1.0, 1e-10, 10.0, 60.0)),
    Hurt("ctc", _steps, _terms, {"infeasible": "zero"}, (1.0,)),
]
