"""References for losses of the time until an event."""

from __future__ import annotations

from functools import partial
from typing import Any

import mpmath as mp
import numpy as np

import oracle
from families.exact import Row, mean, softmax
from families.hurt import ROWS, WIDTH, Hurt


def _normal(z: Any) -> tuple[Any, Any, Any]:
    """The probabilities below and above, and the density."""
    root = mp.sqrt(2)
    return mp.erfc(-z / root) / 2, mp.erfc(z / root) / 2, mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)


def _logistic(z: Any) -> tuple[Any, Any, Any]:
    below, above = 1 / (1 + mp.exp(-z)), 1 / (1 + mp.exp(z))
    return below, above, below * above


def _extreme(z: Any) -> tuple[Any, Any, Any]:
    return -mp.expm1(-mp.exp(z)), mp.exp(-mp.exp(z)), mp.exp(z - mp.exp(z))


_DISTRIBUTIONS = {"normal": _normal, "logistic": _logistic, "extreme": _extreme}


def _aft(lower: Any, upper: Any, y: Any, distribution: str, sigma: Any) -> Any:
    of = _DISTRIBUTIONS[distribution]
    if lower == upper:
        return mp.log(sigma * lower) - mp.log(of((mp.log(lower) - y) / sigma)[2])
    start = of((mp.log(lower) - y) / sigma) if lower else (0, 1, 0)
    end = of((mp.log(upper) - y) / sigma) if upper < mp.inf else (1, 0, 0)
    # By what lies above where less does.
    return -mp.log(start[1] - end[1] if start[1] < end[0] else end[0] - start[0])


def _aft_nll(lower: Row, upper: Row, y: Row, distribution: str = "normal", sigma: Any = 1.0) -> Any:
    return mean(_aft(*each, distribution, mp.mpf(sigma)) for each in zip(lower, upper, y, strict=True))


def _weibull(time: Row, event: Row, log_scale: Row, log_shape: Row) -> Any:
    terms = []
    for t, e, a, b in zip(time, event, log_scale, log_shape, strict=True):
        shape, scale = mp.exp(b), mp.exp(a)
        hazard = shape / scale * (t / scale) ** (shape - 1)
        terms.append((t / scale) ** shape - (e * mp.log(hazard) if e else 0))
    return mean(terms)


def _times(rng: np.random.Generator, scale: float, most: float = 30.0, sigma: float = 1.0) -> list[Any]:
    """Known times, open intervals, and intervals from a few units in the last place to many times sigma."""
    lower = rng.gamma(2.0, 2.0, (ROWS, WIDTH)) * scale
    upper = lower.copy()
    upper[1] = np.inf
    upper[3] = lower[3] * (1.0 + 10.0 ** rng.uniform(-6, 0, WIDTH))
    upper[4] = lower[4] * np.exp(sigma * np.array([0.5, 2.5, 4.0, 7.0]))
    lower[2] = 0.0
    lower[5], upper[5] = [lower[5, 0], 0.0, lower[5, 2], 0.0], [lower[5, 0], np.inf, np.inf, upper[5, 3]]
    z = np.where(rng.random((ROWS, WIDTH)) < 0.5, -1.0, 1.0) * 10.0 ** rng.uniform(-2, np.log10(most), (ROWS, WIDTH))
    ends = np.where(np.isfinite(upper) & (rng.random((ROWS, WIDTH)) < 0.5), upper, np.where(lower > 0, lower, scale))
    return [lower, upper, np.log(ends) - sigma * z]


def _terms_aft(rows: Any, place: int | None, distribution: str = "normal", sigma: float = 1.0) -> Any:
    scale, count, sizes = mp.mpf(sigma), len(rows[2]), []
    slopes = oracle.slopes("aft_nll", rows, 2, distribution=distribution, sigma=sigma)
    for lower, upper, y, slope in zip(*rows, slopes, strict=True):
        ends = [abs(mp.log(end)) for end in (lower, upper) if 0 < end < mp.inf]
        # What the distances from the prediction are rounded by, and how fast a slope changes with them.
        moved = max(ends, default=mp.mpf(0)) + abs(y)
        known = lower == upper
        if place is None:
            sizes.append(count * abs(slope) * moved + (1 + max(ends) if known else 0))
        else:
            steep = mp.exp((mp.log(lower) - y) / scale) if distribution == "extreme" and lower else 0
            sizes.append((1 + steep) * moved / scale**2)
    return mean(sizes) if place is None else max(sizes) / count


def _ages(rng: np.random.Generator, scale: float) -> list[Any]:
    time, event = rng.gamma(2.0, 2.0, (ROWS, WIDTH)) * scale, rng.integers(0, 2, (ROWS, WIDTH)).astype(float)
    event[5] = rng.random(WIDTH)
    log_shape = rng.normal(size=(ROWS, WIDTH))
    log_shape[4] = [-20.0, 5.0, -3.0, 3.0]
    # Hazards from exp(-60) to exp(40), and of about 1.
    hazard = rng.uniform(-60, 40, (ROWS, WIDTH))
    hazard[0], hazard[1] = rng.normal(size=WIDTH) * 1e-3, 0.0
    return [time, event, np.log(time) - hazard * np.exp(-log_shape), log_shape]


def _terms_weibull(rows: Any, place: int | None) -> Any:
    sizes = []
    for time, event, log_scale, log_shape in zip(*rows, strict=True):
        shape = mp.exp(log_shape)
        level = shape * (mp.log(time) - log_scale)
        hazard = mp.exp(level)
        # What the logarithm of the hazard is rounded by.
        moved = shape * (abs(mp.log(time)) + abs(log_scale)) + abs(level) * (1 + abs(log_shape))
        if place is None:
            sizes.append(hazard * (1 + moved) + event * (abs(mp.log(time)) + abs(level) + moved + abs(log_shape)))
        elif place == 2:
            off = hazard * moved + (event if event < 1 else 0)
            sizes.append(shape * (off + abs(hazard - event) * abs(log_shape)))
        else:
            sizes.append(event + moved * (abs(hazard - event) + abs(level) * hazard) + abs(level) * event)
    return mean(sizes) if place is None else max(sizes) / len(sizes)


# --- times in intervals ----------------------------------------------------------------------------------------------


def _either(event: Any, seen: Any, not_seen: Any) -> Any:
    """The logarithm of the likelihood of an event, or of none."""
    return (event * mp.log(seen) if event else 0) + ((1 - event) * mp.log(not_seen) if event < 1 else 0)


def _logistic_hazard(interval: Row, event: Row, z: Row) -> Any:
    here = int(interval[0])
    survived = mp.fprod(1 / (1 + mp.exp(x)) for x in z[:here])
    return -mp.log(survived) - _either(event[0], 1 / (1 + mp.exp(-z[here])), 1 / (1 + mp.exp(z[here])))


def _pc_hazard(interval: Row, event: Row, fraction: Row, z: Row) -> Any:
    hazard, here = [mp.log1p(mp.exp(x)) for x in z], int(interval[0])
    survived = mp.exp(-mp.fsum(hazard[:here]) - fraction[0] * hazard[here])
    return -mp.log(hazard[here] ** event[0] * survived)


def _deephit(interval: Row, event: Row, z: Row) -> Any:
    chances, here = softmax([*z, mp.mpf(0)]), int(interval[0])
    return -_either(event[0], chances[here], mp.fsum(chances[here + 1 :]))


def _case_control(scores: Row) -> Any:
    return -mp.log(softmax(scores)[0])


def _intervals(rng: np.random.Generator, scale: float, parts: int = 2) -> list[Any]:
    z = rng.normal(size=(ROWS, WIDTH)) * scale
    z[0] = rng.permutation([-40.0, 30.0, 0.0, 5.0])
    interval = rng.integers(0, WIDTH, (ROWS, 1)).astype(float)
    interval[1], interval[2] = 0.0, WIDTH - 1.0
    event = np.array([1.0, 1.0, 0.0, 0.0, 1.0, 0.25])[:, None]
    return [interval, event, *[rng.random((ROWS, 1))] * (parts - 2), z]


def _risks(rng: np.random.Generator, scale: float) -> list[Any]:
    scores = rng.normal(size=(ROWS, WIDTH)) * scale
    scores[0] = [30.0, 0.0, -40.0, 29.0]
    return [scores]


def _terms_logistic(rows: Any, place: int | None) -> Any:
    (event,) = rows[1]
    return 1 if 0 < event < 1 and place is not None else 0


def _terms_pc(rows: Any, place: int | None) -> Any:
    (interval,), (event,), _, z = rows
    return event * (1 + (abs(mp.log(mp.log1p(mp.exp(z[int(interval)])))) if place is None else 0))


def _terms_scores(name: str, rows: Any, place: int | None) -> Any:
    # A logit is off by what the differences of scores are rounded by.
    slopes = oracle.slopes(name, rows, len(rows) - 1)
    return max(map(abs, slopes)) * (1 + 2 * max(map(abs, rows[-1])))


VALUES = {
    "aft_nll": _aft_nll,
    "weibull_survival_nll": _weibull,
    "logistic_hazard": _logistic_hazard,
    "pc_hazard": _pc_hazard,
    "deephit_nll": _deephit,
    "cox_case_control": _case_control,
}
_ONE = (1.0,)
HURT = [
    Hurt("aft_nll", _times, _terms_aft, {}, (1.0, 1e10, 1e-10)),
    Hurt("aft_nll", partial(_times, most=1.0), _terms_aft, {}, (1.0, 1e3)),
    Hurt("aft_nll", partial(_times, sigma=0.25), _terms_aft, {"sigma": 0.25}, (1.0, 1e10)),
    Hurt("aft_nll", partial(_times, most=1e10), _terms_aft, {"distribution": "normal"}, (1.0,)),
    Hurt("aft_nll", partial(_times, most=1e3), _terms_aft, {"distribution": "logistic"}, (1.0, 1e10, 1e-10)),
    Hurt("aft_nll", partial(_times, most=60.0), _terms_aft, {"distribution": "extreme"}, (1.0, 1e10, 1e-10)),
    Hurt("aft_nll", partial(_times, sigma=4.0), _terms_aft, {"sigma": 4.0, "distribution": "logistic"}, _ONE),
    Hurt(
        "aft_nll", partial(_times, most=2.0, sigma=4.0), _terms_aft, {"sigma": 4.0, "distribution": "extreme"}, (1.0,)
    ),
    Hurt("weibull_survival_nll", _ages, _terms_weibull, {}, (1.0, 1e10, 1e-10)),
    Hurt("logistic_hazard", _intervals, _terms_logistic, {}, (1.0, 30.0, 1e10, 1e-10)),
    Hurt("pc_hazard", partial(_intervals, parts=3), _terms_pc, {}, (1.0, 30.0, 1e10, 1e-10)),
    Hurt("deephit_nll", _intervals, partial(_terms_scores, "deephit_nll"), {}, (1.0, 30.0, 1e10, 1e-10)),
    Hurt("cox_case_control", _risks, partial(_terms_scores, "cox_case_control"), {}, (1.0, 30.0, 1e10, 1e-10)),
]
