"""References for losses of distributions."""

from __future__ import annotations

from typing import Any

import mpmath as mp

from families.exact import Row, clip, sign, softmax, xlogy
from families.hurt import EPSILON


def _kl(t: Row, p: Row, epsilon: Any = mp.mpf(1e-7), from_logs: bool = False) -> Any:
    if from_logs:
        return mp.fsum(mp.mpf(0) if a == 0 else a * mp.log(a) - a * b for a, b in zip(t, p, strict=True))
    pairs = [(clip(a, epsilon), clip(b, epsilon)) for a, b in zip(t, p, strict=True)]
    return mp.fsum(mp.mpf(0) if a == 0 else a * mp.log(a / b) for a, b in pairs)


def _kl_slope(t: Row, p: Row, epsilon: Any = mp.mpf(1e-7), from_logs: bool = False) -> list[Any]:
    if from_logs:
        return [-mp.mpf(a) for a in t]
    pairs = [(clip(a, epsilon), clip(b, epsilon)) for a, b in zip(t, p, strict=True)]
    return [mp.mpf(0) if a == 0 else -a / b for a, b in pairs]


def _terms_kl(t: Any, p: Any, index: int | None, from_logs: bool = False) -> Any:
    if from_logs:
        return 0 if index is not None else sum(abs(a * mp.log(a or 1)) + abs(a * b) for a, b in zip(t, p, strict=True))
    return sum(abs(_kl([a], [b])) for a, b in zip(t, p, strict=True)) if index is None else 0


def _reverse(t: Row, p: Row, from_logits: bool = False, epsilon: Any = mp.mpf(1e-7)) -> Any:
    if from_logits:
        return mp.fsum(b * (mp.log(b) - mp.log(clip(a, epsilon))) for a, b in zip(t, softmax(p), strict=True))
    return _kl(p, t, epsilon)


def _through_softmax(q: Row, slopes: Row) -> list[Any]:
    middle = mp.fsum(b * g for b, g in zip(q, slopes, strict=True))
    return [b * (g - middle) for b, g in zip(q, slopes, strict=True)]


def _reverse_slope(t: Row, p: Row, from_logits: bool = False, epsilon: Any = mp.mpf(1e-7)) -> list[Any]:
    if from_logits:
        with mp.workdps(200):
            q = softmax(p)
            return _through_softmax(q, [mp.log(b) - mp.log(clip(a, epsilon)) for a, b in zip(t, q, strict=True)])
    return [mp.log(clip(b, epsilon) / clip(a, epsilon)) + 1 for a, b in zip(t, p, strict=True)]


def _shannon(t: Row, p: Row, from_logits: bool = False, beta: float = 0.5) -> Any:
    beta, p = mp.mpf(beta), softmax(p) if from_logits else p
    both = [(a, b, beta * a + (1 - beta) * b) for a, b in zip(t, p, strict=True)]
    return mp.fsum(beta * (xlogy(a, a / (m or 1))) + (1 - beta) * xlogy(b, b / (m or 1)) for a, b, m in both)


def _shannon_slope(t: Row, p: Row, from_logits: bool = False, beta: float = 0.5) -> list[Any]:
    if from_logits:
        with mp.workdps(200):
            q, beta = softmax(p), mp.mpf(beta)
            logs = (mp.log(b / (beta * a + (1 - beta) * b)) for a, b in zip(t, q, strict=True))
            return _through_softmax(q, [(1 - beta) * x for x in logs])
    beta, kept = mp.mpf(beta), [max(b, mp.mpf(1e-7)) for b in p]
    return [(1 - beta) * mp.log(b / (beta * a + (1 - beta) * b)) for a, b in zip(t, kept, strict=True)]


def _variation(t: Row, p: Row, from_logits: bool = False) -> Any:
    return mp.fsum(abs(a - b) for a, b in zip(t, softmax(p) if from_logits else p, strict=True)) / 2


def _variation_slope(t: Row, p: Row, from_logits: bool = False) -> list[Any]:
    if not from_logits:
        return [mp.mpf(sign(b - a)) / 2 for a, b in zip(t, p, strict=True)]
    with mp.workdps(200):
        q = softmax(p)
        return _through_softmax(q, [mp.mpf(sign(b - a)) / 2 for a, b in zip(t, q, strict=True)])


def _rounded(p: Row) -> tuple[list[Any], list[Any]]:
    """Shares of scores, and by how many units these are moved by the rounding of differences between scores."""
    q, top = softmax(p), max(p)
    lags = [b * (1 + top - x) for b, x in zip(q, p, strict=True)]
    return q, [min(own / b, mp.fsum(lags) - own) if b > 0.5 else own / b for own, b in zip(lags, q, strict=True)]


def _moved(p: Row, slopes: Row, bends: Row, index: int | None) -> Any:
    """What that does to a loss with these slopes in the shares, and slopes of these in the logarithms of shares."""
    q, units = _rounded(p)
    middle = mp.fsum(b * g for b, g in zip(q, slopes, strict=True))
    rows = list(zip(q, units, slopes, bends, strict=True))
    if index is None:
        return mp.fsum(b * u * (abs(g - middle) + EPSILON * u * bend) for b, u, g, bend in rows)
    each = [u * (abs(g - middle) + bend) + abs(g) for _, u, g, bend in rows]
    return q[index] * (each[index] + mp.fsum(b * one for b, one in zip(q, each, strict=True)))


def _terms_reverse(t: Row, p: Row, index: int | None, from_logits: bool = False) -> Any:
    if not from_logits:
        return _terms_kl(p, t, index) if index is None else 1
    q = softmax(p)
    pairs = [(b, mp.log(b), mp.log(clip(a, mp.mpf(1e-7)))) for a, b in zip(t, q, strict=True)]
    found = _moved(p, [x - y for _, x, y in pairs], [1 + abs(x) + abs(y) for _, x, y in pairs], index)
    return found + (mp.fsum(b * (abs(x) + abs(y)) for b, x, y in pairs) if index is None else 0)


def _terms_shannon(t: Row, p: Row, index: int | None, from_logits: bool = False, beta: float = 0.5) -> Any:
    """A square of gaps that are rounded three times each, where the inputs' own rounding moves it by far more."""
    whole = _shannon(t, p, from_logits, beta) if index is None else 0
    if not from_logits:
        return whole
    q, kept = softmax(p), 1 - mp.mpf(beta)
    slopes = [kept * mp.log(b / (beta * a + kept * b)) for a, b in zip(t, q, strict=True)]
    return whole + _moved(
        p, slopes, [kept * beta * a / (beta * a + kept * b) for a, b in zip(t, q, strict=True)], index
    )


def _terms_variation(t: Row, p: Row, index: int | None, from_logits: bool = False) -> Any:
    """A share that its rounding moves to the other side of its target has the other slope."""
    if not from_logits:
        return 0
    q, units = _rounded(p)
    slopes = [mp.mpf(sign(b - a)) / 2 for a, b in zip(t, q, strict=True)]
    near = [abs(b - a) < 4 * EPSILON * u * b for a, b, u in zip(t, q, units, strict=True)]
    return _moved(p, slopes, [x / EPSILON if x else 0 for x in near], index) + (
        mp.fsum(b * u for b, u in zip(q, units, strict=True)) if index is None else 0
    )


def _distillation(t: Row, p: Row, temperature: float = 1.0) -> Any:
    with mp.workdps(400):
        by_teacher, by_student = (_log_shares(x, mp.mpf(temperature)) for x in (t, p))
        terms = (mp.exp(a) * (a - b) for a, b in zip(by_teacher, by_student, strict=True))
        return mp.mpf(temperature) ** 2 * mp.fsum(terms)


def _log_shares(scores: Row, temperature: Any) -> list[Any]:
    top = max(scores)
    total = mp.log(mp.fsum(mp.exp((x - top) / temperature) for x in scores))
    return [(x - top) / temperature - total for x in scores]


def _distillation_slope(t: Row, p: Row, temperature: float = 1.0) -> list[Any]:
    with mp.workdps(400):
        teacher, student = (softmax([x / mp.mpf(temperature) for x in row]) for row in (t, p))
        return [mp.mpf(temperature) * (b - a) for a, b in zip(teacher, student, strict=True)]


def _terms_distillation(t: Row, p: Row, index: int | None, temperature: float = 1.0) -> Any:
    """The differences of scores, over the temperature, are rounded, and so are shares by that."""
    temperature = mp.mpf(temperature)
    size = max(map(abs, [*t, *p])) / temperature
    slopes = _distillation_slope(t, p, temperature)
    teacher, student = (softmax([x / temperature for x in row]) for row in (t, p))
    if index is None:
        whole = _distillation(t, p, temperature) / temperature**2
        leads = [a - b for a, b in zip(_log_shares(t, temperature), _log_shares(p, temperature), strict=True)]
        by_teacher = temperature * mp.fsum(a * abs(b - whole) for a, b in zip(teacher, leads, strict=True))
        # Subnormal terms of the sum are 0 where XLA and TensorFlow compute.
        lost = temperature**2 * len(p) * mp.mpf(2) ** (23 - 126)
        return temperature * (mp.fsum(map(abs, slopes)) + by_teacher) * size + lost
    shares = [a + b for a, b in zip(teacher, student, strict=True)]
    moved = mp.fsum(shares) - shares[index] if teacher[index] > 0.5 else shares[index]
    return temperature * moved * (1 + size)


VALUES = {
    "kl_divergence": _kl,
    "reverse_kl_divergence": _reverse,
    "jensen_shannon_divergence": _shannon,
    "total_variation_distance": _variation,
    "knowledge_distillation": _distillation,
}
SLOPES = {
    "kl_divergence": _kl_slope,
    "reverse_kl_divergence": _reverse_slope,
    "jensen_shannon_divergence": _shannon_slope,
    "total_variation_distance": _variation_slope,
    "knowledge_distillation": _distillation_slope,
}
TERMS = {
    "kl_divergence": _terms_kl,
    "reverse_kl_divergence": _terms_reverse,
    "jensen_shannon_divergence": _terms_shannon,
    "total_variation_distance": _terms_variation,
    "knowledge_distillation": _terms_distillation,
}
SETTINGS = {
    "kl_divergence": [{"from_logs": True}],
    "jensen_shannon_divergence": [{"beta": 0.1}, {"beta": 1.0}],
    "knowledge_distillation": [{"temperature": 4.0}],
}
