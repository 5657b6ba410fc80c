"""References for proper scores."""

from __future__ import annotations

import itertools
from typing import Any

import mpmath as mp
import numpy as np

from families.exact import Row, mean
from families.hurt import EPSILON, ROWS, WIDTH, Hurt, clipped, guarded
from families.likelihood import spread


def _crps_gaussian(y: Row, center: Row, sigma: Row, epsilon: Any = 1e-6) -> Any:
    def one(x: Any, m: Any, s: Any) -> Any:
        z = (x - m) / s
        return s * (z * (2 * mp.ncdf(z) - 1) + 2 * mp.npdf(z) - 1 / mp.sqrt(mp.pi))

    return mean(one(*each) for each in zip(y, center, clipped(epsilon, sigma), strict=True))


def _crps_ensemble(y: Row, members: Row, fair: bool = False) -> Any:
    count = len(members)
    spread = mp.fsum(abs(a - b) for a, b in itertools.product(members, members))
    return mean(abs(x - y[0]) for x in members) - spread / (2 * count * (count - 1 if fair else count))


def _crps(rng: np.random.Generator, scale: float) -> list[Any]:
    members = rng.normal(size=(ROWS, WIDTH)) * scale
    members[0] = 1e6 * scale + np.arange(WIDTH) * scale  # A sharp ensemble far away,
    members[1, 1:] = members[1, 0]  # one whose members agree,
    members[2] = scale * (1.0 + np.arange(WIDTH) * EPSILON)  # and neighbours in float32.
    return [rng.normal(size=(ROWS, 1)) * scale, members]


def _terms_crps_gaussian(rows: Any, place: int | None, **_: Any) -> Any:
    return 1 / mp.mpf(len(rows[0])) if place == 2 else 0


def _terms_crps(rows: Any, place: int | None, **_: Any) -> Any:
    (y,), members = rows
    return sum(abs(x - y) for x in members) / len(members) if place is None else mp.mpf(1) / len(members)


VALUES = {"crps_ensemble": _crps_ensemble, "crps_gaussian": _crps_gaussian}
GUARDED = {"crps_gaussian": guarded(2)}
HURT = [
    Hurt("crps_gaussian", spread, _terms_crps_gaussian, {"epsilon": 0.0}, (1.0, 1e15, 1e-15)),
    Hurt("crps_ensemble", _crps, _terms_crps, {}, (1.0, 1e30, 1e-25)),
    Hurt("crps_ensemble", _crps, _terms_crps, {"fair": True}),
]
