"""References for losses of distributions."""

from __future__ import annotations

from typing import Any

import mpmath as mp

from families.exact import Row, clip, softmax, xlogy


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


def _reverse(t: Row, p: Row, epsilon: Any = mp.mpf(1e-7)) -> Any:
    return _kl(p, t, epsilon)


def _reverse_slope(t: Row, p: Row, epsilon: Any = mp.mpf(1e-7)) -> list[Any]:
    return [mp.log(clip(b, epsilon) / clip(a, epsilon)) + 1 for a, b in zip(t, p, strict=True)]


def _shannon(t: Row, p: Row, beta: float = 0.5) -> Any:
    beta = mp.mpf(beta)
    both = [(a, b, beta * a + (1 - beta) * b) for a, b in zip(t, p, strict=True)]
    return mp.fsum(beta * (xlogy(a, a / (m or 1))) + (1 - beta) * xlogy(b, b / (m or 1)) for a, b, m in both)


def _shannon_slope(t: Row, p: Row, beta: float = 0.5) -> list[Any]:
    beta, kept = mp.mpf(beta), [max(b, mp.mpf(1e-7)) for b in p]
    return [(1 - beta) * mp.log(b / (beta * a + (1 - beta) * b)) for a, b in zip(t, kept, strict=True)]


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
    "total_variation_distance": lambda t, p: mp.fsum(abs(a - b) for a, b in zip(t, p, strict=True)) / 2,
    "knowledge_distillation": _distillation,
}
SLOPES = {
    "kl_divergence": _kl_slope,
    "reverse_kl_divergence": _reverse_slope,
    "jensen_shannon_divergence": _shannon_slope,
    "knowledge_distillation": _distillation_slope,
}
TERMS = {
    "kl_divergence": _terms_kl,
    "reverse_kl_divergence": lambda t, p, index: _terms_kl(p, t, index) if index is None else 1,
    # A square of gaps that are rounded three times each, where the inputs' own rounding moves it by far more.
    "jensen_shannon_divergence": lambda t, p, index, beta=0.5: _shannon(t, p, beta) if index is None else 0,
    "knowledge_distillation": _terms_distillation,
}
SETTINGS = {
    "kl_divergence": [{"from_logs": True}],
    "jensen_shannon_divergence": [{"beta": 0.1}],
    "knowledge_distillation": [{"temperature": 4.0}],
}
