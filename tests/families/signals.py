"""References for losses of signals."""

from __future__ import annotations

from typing import Any

import mpmath as mp

from families.exact import Row, mean


def _psnr(t: Row, p: Row, max_value: Any = 1.0, epsilon: Any = 1e-5) -> Any:
    error = mean((a - b) ** 2 for a, b in zip(t, p, strict=True)) / mp.mpf(max_value) ** 2
    return 10 * mp.log10(max(error, mp.mpf(epsilon) ** 2))


def _psnr_slope(t: Row, p: Row, max_value: Any = 1.0, epsilon: Any = 1e-5) -> list[Any]:
    errors = [b - a for a, b in zip(t, p, strict=True)]
    size = mp.sqrt(mean(e * e for e in errors))
    level = max(size, mp.mpf(epsilon) * mp.mpf(max_value))
    return [20 / mp.log(10) * e / (len(t) * size * level) if size else mp.mpf(0) for e in errors]


VALUES = {"peak_signal_noise_ratio": _psnr}
SLOPES = {"peak_signal_noise_ratio": _psnr_slope}
# A logarithm of about 1 has the errors of what it is taken of.
TERMS = {"peak_signal_noise_ratio": lambda t, p, index, **_: 0 if index is not None else 20 / mp.log(10)}
SETTINGS = {"peak_signal_noise_ratio": [{"epsilon": 0.0, "max_value": 255.0}]}
