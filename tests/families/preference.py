"""References for losses of preferences."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np

import oracle
from families.exact import Row, mean
from families.hurt import ROWS, WIDTH, Hurt, bits, real


def _dpo(
    chosen: Row, rejected: Row, ref_chosen: Row, ref_rejected: Row, beta: Any = 0.1, label_smoothing: Any = 0.0
) -> Any:
    wrong = mp.mpf(label_smoothing)
    gains = [mp.mpf(beta) * ((a - c) - (b - d)) for a, b, c, d in zip(chosen, rejected, ref_chosen, ref_rejected)]  # noqa: B905
    return mean((1 - wrong) * mp.log(1 + mp.exp(-g)) + wrong * mp.log(1 + mp.exp(g)) for g in gains)


def _terms_dpo(rows: Any, place: int | None, beta: float = 0.1, label_smoothing: float = 0.0) -> Any:
    # The exponent is off by what the sums of log-probabilities are rounded by.
    size = 1 + mp.mpf(beta) * max(abs(x - r) for x, r in zip([*rows[0], *rows[1]], [*rows[2], *rows[3]], strict=True))
    parameters = {"beta": beta, "label_smoothing": label_smoothing}
    steep = max(map(abs, oracle.slopes("dpo", rows, 0, **parameters)))
    smooth = mp.mpf(label_smoothing) * mp.mpf(beta)
    return (steep + smooth) * size / (mp.mpf(beta) if place is None else 1)


def _leads(rows: Any, beta: Any) -> list[Any]:
    return [mp.mpf(beta) * ((a - b) - (c - d)) for a, b, c, d in zip(*rows, strict=True)]


def _robust_dpo(*rows: Row, beta: Any = 0.1, label_smoothing: Any = 0.1) -> Any:
    wrong, settings = mp.mpf(label_smoothing), {"beta": beta}
    right, turned = _dpo(*rows, **settings), _dpo(rows[1], rows[0], rows[3], rows[2], **settings)
    return ((1 - wrong) * right - wrong * turned) / (1 - 2 * wrong)


def _ipo(*rows: Row, beta: Any = 0.1) -> Any:
    return mean((lead - 1 / (2 * mp.mpf(beta))) ** 2 for lead in _leads(rows, 1))


def _slic_hinge(*rows: Row, beta: Any = 0.1) -> Any:
    return mean(max(1 - lead, 0) for lead in _leads(rows, beta))


def _share(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _apo_zero(*rows: Row, beta: Any = 0.1) -> Any:
    own, others = ([mp.mpf(beta) * (x - r) for x, r in zip(rows[i], rows[i + 2], strict=True)] for i in (0, 1))
    return mean(1 - _share(a) + _share(b) for a, b in zip(own, others, strict=True))


def _apo_down(*rows: Row, beta: Any = 0.1) -> Any:
    own = [mp.mpf(beta) * (x - r) for x, r in zip(rows[0], rows[2], strict=True)]
    return mean(_share(a) + 1 - _share(lead) for a, lead in zip(own, _leads(rows, beta), strict=True))


def _kto(
    y: Row, p: Row, reference: Row, divergence: Row, beta: Any = 0.1, desirable_weight: Any = 1.0,
    undesirable_weight: Any = 1.0,
) -> Any:  # fmt: skip
    leads = [mp.mpf(beta) * (a - b - c) for a, b, c in zip(p, reference, divergence, strict=True)]
    weights = [mp.mpf(desirable_weight if t else undesirable_weight) for t in y]
    return mean(w * _share(-x if t else x) for t, x, w in zip(y, leads, weights, strict=True))


def _liked(rng: np.random.Generator, scale: float) -> list[Any]:
    return [bits(rng), *real(2)(rng, scale), np.abs(rng.normal(size=(ROWS, WIDTH))) * scale]


def _terms_exponents(name: str, first: int = 0) -> Any:
    """An exponent is off by what the sums of log-probabilities are rounded by, and a sigmoid moves by that."""

    def terms(rows: Any, place: int | None, beta: float = 0.1, **rest: Any) -> Any:
        sizes = [sum(map(abs, column)) for column in zip(*rows[first:], strict=True)]
        steep = max(abs(x) for x in oracle.slopes(name, rows, first, beta=beta, **rest))
        size = 1 + mp.mpf(beta) * max(sizes)
        return steep * size / (mp.mpf(beta) if place is None else 1)

    return terms


def _terms_robust(rows: Any, place: int | None, beta: float = 0.1, label_smoothing: float = 0.1) -> Any:
    return 2 * _terms_exponents("robust_dpo")(rows, place, beta=beta, label_smoothing=label_smoothing)


def _terms_leads(rows: Any, place: int | None, beta: float = 0.1) -> Any:
    off = max(sum(map(abs, column)) for column in zip(*rows, strict=True)) + 1 / (2 * mp.mpf(beta))
    wrong = max(abs(lead - 1 / (2 * mp.mpf(beta))) for lead in _leads(rows, 1))
    return 2 * off * (wrong if place is None else mp.mpf(1) / len(rows[0]))


def _terms_slic(rows: Any, place: int | None, beta: float = 0.1) -> Any:
    return 1 + mp.mpf(beta) * max(sum(map(abs, column)) for column in zip(*rows, strict=True)) if place is None else 0


VALUES = {
    "dpo": _dpo,
    "robust_dpo": _robust_dpo,
    "ipo": _ipo,
    "slic_hinge": _slic_hinge,
    "apo_zero": _apo_zero,
    "apo_down": _apo_down,
    "kto": _kto,
}
HURT = [
    Hurt("dpo", real(4), _terms_dpo, {}, (1.0, 100.0, 1e-10)),
    Hurt("dpo", real(4), _terms_dpo, {"label_smoothing": 0.2, "beta": 1.0}, (1.0, 20.0)),
    Hurt("robust_dpo", real(4), _terms_robust, {}, (1.0, 100.0, 1e-10)),
    Hurt("robust_dpo", real(4), _terms_robust, {"label_smoothing": 0.4, "beta": 1.0}, (1.0, 20.0)),
    Hurt("ipo", real(4), _terms_leads, {}, (1.0, 100.0, 1e-10)),
    Hurt("slic_hinge", real(4), _terms_slic, {}, (1.0, 100.0, 1e-10)),
    Hurt("apo_zero", real(4), _terms_exponents("apo_zero"), {}, (1.0, 100.0, 1e-10)),
    Hurt("apo_down", real(4), _terms_exponents("apo_down"), {}, (1.0, 100.0, 1e-10)),
    Hurt("kto", _liked, _terms_exponents("kto", 1), {}, (1.0, 100.0, 1e-10)),
    Hurt("kto", _liked, _terms_exponents("kto", 1), {"beta": 1.0, "desirable_weight": 3.0}, (1.0, 10.0)),
]
