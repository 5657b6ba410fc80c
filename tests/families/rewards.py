"""References for losses of preferences without a reference."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

import oracle
from families.exact import Row, mean
from families.hurt import ROWS, WIDTH, Hurt, real


def _logistic(x: Any) -> Any:
    return mp.log(1 + mp.exp(-x))


def _bradley_terry(chosen: Row, rejected: Row, margin: Any = 0.0, center: Any = 0.0) -> Any:
    pairs = list(zip(chosen, rejected, strict=True))
    return mean(_logistic(a - b - mp.mpf(margin)) for a, b in pairs) + mp.mpf(center) * mean(
        (a + b) ** 2 for a, b in pairs
    )


def _simpo(chosen: Row, rejected: Row, beta: Any = 2.0, gamma: Any = 0.5) -> Any:
    beta, gamma = mp.mpf(beta), mp.mpf(gamma)
    return mean(_logistic(beta * (a - b - gamma / beta)) for a, b in zip(chosen, rejected, strict=True))


def _cpo(chosen: Row, rejected: Row, likely: Row, beta: Any = 0.1, alpha: Any = 1.0, label_smoothing: Any = 0.0) -> Any:
    wrong, beta = mp.mpf(label_smoothing), mp.mpf(beta)
    leads = [beta * (a - b) for a, b in zip(chosen, rejected, strict=True)]
    return mean((1 - wrong) * _logistic(x) + wrong * _logistic(-x) for x in leads) - mp.mpf(alpha) * mean(likely)


def _orpo(chosen: Row, rejected: Row, beta: Any = 0.1) -> Any:
    def odds(x: Any) -> Any:
        return mp.exp(x) / (1 - mp.exp(x))

    return mean(mp.mpf(beta) * mp.log(1 + odds(b) / odds(a)) - a for a, b in zip(chosen, rejected, strict=True))


def _likely(rng: np.random.Generator, scale: float) -> list[Any]:
    found = [-rng.gamma(1.0, size=(ROWS, WIDTH)) * scale for _ in range(2)]
    found[0][0] *= 1e-6  # Nearly certain.
    return found


def _terms_exponents(name: str) -> Any:
    """An exponent is off by what the differences of scores are rounded by, and a softplus moves by that."""

    def terms(rows: Any, place: int | None, beta: float = 1.0, **rest: Any) -> Any:
        parameters = dict(rest) if name == "bradley_terry" else {"beta": beta, **rest}
        size = 1 + mp.mpf(beta) * max(abs(a) + abs(b) for a, b in zip(*rows[:2], strict=True))
        size += mp.mpf(rest.get("margin", rest.get("gamma", 0.5)))
        likely = max(map(abs, rows[2])) if len(rows) == 3 else 0
        steep = max(abs(x) for x in oracle.slopes(name, rows, 0, **parameters))
        return steep * size / mp.mpf(beta) + likely if place is None else steep * size

    return terms


def _terms_centered(rows: Any, place: int | None, center: float = 0.0, **rest: Any) -> Any:
    sums = max(abs(a + b) for a, b in zip(*rows, strict=True))
    return _terms_exponents("bradley_terry")(rows, place, center=center, **rest) + 2 * mp.mpf(center) * sums


def _terms_orpo(rows: Any, place: int | None, beta: float = 0.1) -> Any:
    # The logarithm of the odds is off by that of the larger of two logarithms.
    size = max(abs(x) + abs(mp.log(1 - mp.exp(x))) for row in rows for x in row)
    return size * (mp.mpf(beta) if place is None else max(map(abs, oracle.slopes("orpo", rows, place, beta=beta))))


VALUES = {"bradley_terry": _bradley_terry, "simpo": _simpo, "cpo": _cpo, "orpo": _orpo}
HURT = [
    Hurt("bradley_terry", real(2), _terms_centered, {}, (1.0, 40.0, 1e-10)),
    Hurt("bradley_terry", real(2), _terms_centered, {"margin": 2.0, "center": 0.1}, (1.0, 40.0, 1e-10)),
    Hurt("simpo", real(2), _terms_exponents("simpo"), {"beta": 2.0}, (1.0, 20.0, 1e-10)),
    Hurt("simpo", real(2), _terms_exponents("simpo"), {"beta": 0.1, "gamma": 0.0}, (1.0, 20.0, 1e-10)),
    Hurt("cpo", real(3), _terms_exponents("cpo"), {"beta": 0.1}, (1.0, 100.0, 1e-10)),
    Hurt("cpo", real(3), _terms_exponents("cpo"), {"beta": 1.0, "alpha": 0.5, "label_smoothing": 0.2}, (1.0, 20.0)),
    Hurt("orpo", _likely, _terms_orpo, {}, (1.0, 30.0, 1e-6)),
]
