"""References for losses of signals."""

from __future__ import annotations

from typing import Any

import mpmath as mp

import oracle
from families.exact import Row, mean
from families.hurt import EPSILON


def _psnr(t: Row, p: Row, max_value: Any = 1.0, epsilon: Any = 1e-5) -> Any:
    error = mean((a - b) ** 2 for a, b in zip(t, p, strict=True)) / mp.mpf(max_value) ** 2
    return 10 * mp.log10(max(error, mp.mpf(epsilon) ** 2))


def _psnr_slope(t: Row, p: Row, max_value: Any = 1.0, epsilon: Any = 1e-5) -> list[Any]:
    errors = [b - a for a, b in zip(t, p, strict=True)]
    size = mp.sqrt(mean(e * e for e in errors))
    level = max(size, mp.mpf(epsilon) * mp.mpf(max_value))
    return [20 / mp.log(10) * e / (len(t) * size * level) if size else mp.mpf(0) for e in errors]


def _centered(row: Row, zero_mean: bool) -> list[Any]:
    middle = mean(row) if zero_mean else 0
    return [x - middle for x in row]


def _power(row: Row) -> Any:
    return mean(x * x for x in row)


def _snr(t: Row, p: Row, zero_mean: bool = True, epsilon: Any = 1e-8) -> Any:
    error = _centered([a - b for a, b in zip(t, p, strict=True)], zero_mean)
    return 10 * mp.log10((_power(error) + mp.mpf(epsilon)) / (_power(_centered(t, zero_mean)) + mp.mpf(epsilon)))


def _si_sdr(t: Row, p: Row, zero_mean: bool = True, epsilon: Any = 1e-8) -> Any:
    t, p = _centered(t, zero_mean), _centered(p, zero_mean)
    if not _power(t) or not _power(p):
        return mp.mpf(0)
    scale = mean(a * b for a, b in zip(t, p, strict=True)) / _power(t)
    found, lost = _power([scale * a for a in t]), _power([scale * a - b for a, b in zip(t, p, strict=True)])
    return 10 * mp.log10((lost / _power(p) + mp.mpf(epsilon)) / (found / _power(p) + mp.mpf(epsilon)))


def _torn(row: Row, zero_mean: bool) -> Any:
    """How much larger a signal is than what is left of it without its mean."""
    left = mp.sqrt(_power(_centered(row, zero_mean)))
    return 1 + (max(map(abs, row)) / left if left else 0)


def _terms_snr(t: Any, p: Any, index: int | None, zero_mean: bool = True, epsilon: Any = 1e-8) -> Any:
    errors = [b - a for a, b in zip(t, p, strict=True)]
    if index is None:
        return 20 / mp.log(10) * (_torn(errors, zero_mean) + _torn(t, zero_mean))
    slopes = oracle.slope("signal_noise_ratio", t, p, zero_mean=zero_mean, epsilon=epsilon)
    power = _power(_centered(errors, zero_mean)) + mp.mpf(epsilon)
    off = max(map(abs, errors)) / power / len(t) if power else 0
    return max(_torn(errors, zero_mean) * max(map(abs, slopes)), 20 / mp.log(10) * off if zero_mean else 0)


def _terms_si_sdr(t: Any, p: Any, index: int | None, zero_mean: bool = True, epsilon: Any = 1e-8) -> Any:
    """What an output has beside the signal is moved by what the output itself is rounded by."""
    torn = _torn(t, zero_mean) + _torn(p, zero_mean)
    signal, output = _centered(t, zero_mean), _centered(p, zero_mean)
    size, power = mp.sqrt(mp.fsum(x * x for x in output)), mp.sqrt(mp.fsum(x * x for x in signal))
    if not size or not power:
        return 0
    cosine = abs(mp.fsum(a * b for a, b in zip(signal, output, strict=True))) / size / power
    sine = mp.sqrt(max(1 - cosine**2, 0))
    lost, found = sine**2 + mp.mpf(epsilon), cosine**2 + mp.mpf(epsilon)
    decibels = 20 / mp.log(10)
    if index is None:
        return decibels * torn * (1 + (sine + torn * EPSILON) / lost + cosine / found)
    return decibels * torn * (cosine + sine**2) * (1 / lost + 1 / found) / size


VALUES = {"peak_signal_noise_ratio": _psnr, "signal_noise_ratio": _snr, "scale_invariant_sdr": _si_sdr}
SLOPES = {"peak_signal_noise_ratio": _psnr_slope}
# A logarithm of about 1 has the errors of what it is taken of.
TERMS = {
    "peak_signal_noise_ratio": lambda t, p, index, **_: 0 if index is not None else 20 / mp.log(10),
    "signal_noise_ratio": _terms_snr,
    "scale_invariant_sdr": _terms_si_sdr,
}
SETTINGS = {
    "peak_signal_noise_ratio": [{"epsilon": 0.0, "max_value": 255.0}],
    "signal_noise_ratio": [{"zero_mean": False}],
    "scale_invariant_sdr": [{"zero_mean": False}],
}
