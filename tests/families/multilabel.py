"""References for losses of several labels."""

from __future__ import annotations

from typing import Any

import mpmath as mp

from families.exact import Row, chances, clipped, each, mean, xlogy


def _asymmetric(
    t: Any,
    p: Any,
    from_logits: bool = False,
    gamma_positive: float = 1.0,
    gamma_negative: float = 4.0,
    margin: float = 0.05,
    epsilon: Any = mp.mpf(1e-7),
) -> Any:
    yes, no = chances(p, from_logits, epsilon)
    left = max(yes - mp.mpf(margin), mp.mpf(0))
    positive = -(no ** mp.mpf(gamma_positive)) * xlogy(t, yes)
    return positive - left ** mp.mpf(gamma_negative) * xlogy(1 - t, 1 - left)


def _terms_asymmetric(t: Any, p: Any, index: int | None, from_logits: bool = False, **settings: Any) -> Any:
    """How far the rounding of probabilities and of scores moves powers, and the two signs of soft labels."""
    margin, gamma = mp.mpf(settings.get("margin", 0.05)), mp.mpf(settings.get("gamma_negative", 4.0)) + 1
    _, p = clipped(t, p, from_logits)
    settings |= {"from_logits": from_logits, "epsilon": 0}

    def part(a: Any, x: Any, size: Any) -> Any:
        yes = chances(x, from_logits, 0)[0]
        return gamma * yes / (yes - margin) * size if a == 0 and yes > margin else 0

    if index is None:
        return mean((1 - a) * part(0, x, _asymmetric(mp.mpf(0), x, **settings)) for a, x in zip(t, p, strict=True))
    a, x, step = t[index], p[index], mp.mpf(10) ** -40
    found = 0
    for label, share in ((mp.mpf(1), a), (mp.mpf(0), 1 - a)):
        with mp.workdps(160):
            ends = [_asymmetric(label, x + side * step, **settings) for side in (1, -1)]
            size = share * abs(ends[0] - ends[1]) / (2 * step)
        found += part(label, x, size) + ((1 + abs(x)) * size if from_logits else 0) + (size if 0 < a < 1 else 0)
    return found / len(p)


def _zlpr(t: Row, p: Row) -> Any:
    missing = mp.fsum(a * mp.exp(-x) for a, x in zip(t, p, strict=True))
    return mp.log(1 + missing) + mp.log(1 + mp.fsum((1 - a) * mp.exp(x) for a, x in zip(t, p, strict=True)))


def _sides_zlpr(t: Row, p: Row) -> list[tuple[Any, Any]]:
    """What each score lets go as a label that holds, and gains as one that does not."""
    missing = [a * mp.exp(-x) for a, x in zip(t, p, strict=True)]
    found = [(1 - a) * mp.exp(x) for a, x in zip(t, p, strict=True)]
    below, above = 1 + mp.fsum(missing), 1 + mp.fsum(found)
    return [(a / below, b / above) for a, b in zip(missing, found, strict=True)]


def _zlpr_slope(t: Row, p: Row) -> list[Any]:
    return [found - missing for missing, found in _sides_zlpr(t, p)]


def _terms_zlpr(t: Any, p: Any, index: int | None) -> Any:
    # The difference of two scores of 100 is rounded by 4e-6, and a share moves by that part of itself; a soft label is
    # rounded too, and its two shares are subtracted.
    size = max(map(abs, p))
    return 0 if index is None else sum(_sides_zlpr(t, p)[index]) * max(size, 1 if 0 < t[index] < 1 else 0)


def _pairs(t: Row, p: Row) -> list[tuple[int, int, Any, Any]]:
    """The places of two labels, the share of the first holding and the second not, and what the first lacks."""
    found = []
    for j, (hold, own) in enumerate(zip(t, p, strict=True)):
        for k, (held, score) in enumerate(zip(t, p, strict=True)):
            if j != k and hold * (1 - held) > 0:
                found.append((j, k, hold * (1 - held) / len(p), 1 - own + score))
    return found


def _multilabel_margin(t: Row, p: Row) -> Any:
    return mp.fsum(share * max(lack, 0) for _, _, share, lack in _pairs(t, p))


def _multilabel_margin_slope(t: Row, p: Row) -> list[Any]:
    slopes = [mp.mpf(0)] * len(p)
    for j, k, share, lack in _pairs(t, p):
        if lack > 0:
            slopes[j] -= share
            slopes[k] += share
    return slopes


def _terms_multilabel(t: Any, p: Any, index: int | None) -> Any:
    pairs = _pairs(t, p)
    if index is None:
        return mp.fsum(share * (1 + abs(p[j]) + abs(p[k])) for j, k, share, lack in pairs if lack > 0)
    return mp.fsum(share for j, k, share, _ in pairs if index in (j, k))


VALUES = {
    "multilabel_margin": _multilabel_margin,
    "asymmetric_loss": each(_asymmetric),
    "zlpr": _zlpr,
}
SLOPES = {"multilabel_margin": _multilabel_margin_slope, "zlpr": _zlpr_slope}
GUARDED = {"asymmetric_loss": clipped}
TERMS = {"multilabel_margin": _terms_multilabel, "asymmetric_loss": _terms_asymmetric, "zlpr": _terms_zlpr}
SETTINGS = {
    "asymmetric_loss": [
        {"margin": 0.0, "gamma_negative": 0.0, "from_logits": True},
        {"margin": 0.0, "gamma_positive": 0.5, "from_logits": True},
    ],
}
