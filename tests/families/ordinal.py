"""References for losses of ordered classes."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

from families.exact import Row
from families.hurt import ROWS, WIDTH, Hurt


def _coral(label: Row, scores: Row) -> Any:
    beyond = [1 / (1 + mp.exp(-z)) if k < label[0] else 1 / (1 + mp.exp(z)) for k, z in enumerate(scores)]
    return -mp.fsum(map(mp.log, beyond))


def _corn(label: Row, scores: Row) -> Any:
    return _coral(label, scores[: int(label[0]) + 1])


def _draw(rng: np.random.Generator, scale: float) -> list[Any]:
    labels = np.concatenate([[0, WIDTH], rng.integers(0, WIDTH + 1, ROWS - 2)])
    return [labels[:, None].astype(float), rng.normal(size=(ROWS, WIDTH)) * scale]


VALUES = {"coral": _coral, "corn": _corn}
HURT = [Hurt(name, _draw, scales=(1.0, 30.0, 1e15, 1e-15)) for name in VALUES]
