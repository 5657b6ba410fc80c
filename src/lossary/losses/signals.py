"""Losses of signals, in decibels: images and sounds."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Real
from ..facts.record import Case
from ..facts.settings import Flag, Interval
from ..objects.define import loss
from ..words import (
    abs,
    count,
    guard,
    hypot1,
    log,
    max,
    maximum,
    mean,
    mean_square,
    minimum,
    scale_to_one,
    sqrt,
    square,
    sum,
    where,
)
from ._rows import aside, scaled

# Decibels of a ratio of amplitudes are so many times its logarithm.
_DECIBELS = 20.0 / math.log(10.0)
# Logarithms are divided by its inverse, of which float32 holds six more bits.
_NEPERS = math.log(10.0) / 20.0


_ZERO_MEAN = Flag("Whether the mean of each signal is taken away first")


def _scaled(row: Any) -> tuple[Any, Any]:
    """The row with a largest magnitude close to 1, and the factor that made it so."""
    scale = scale_to_one(max(abs(row)))
    return row * scale, scale


def _centered(row: Any, zero_mean: bool) -> Any:
    return row - mean(row) if zero_mean else row


def _peak_slope(y_true: Any, y_pred: Any, *, max_value: Any = 1.0, epsilon: Any = 1e-5) -> Any:
    error, scale = _scaled(y_pred - y_true)
    root = sqrt(mean_square(error))
    level = guard(root / scale, epsilon * max_value)
    steep = where(root == 0.0, 0.0, _DECIBELS / where(root == 0.0, 1.0, root * level))
    return error * (steep / count(y_pred))


@loss(
    aliases=("psnr", "psnr_loss"),
    target=Real(),
    prediction=Real(),
    regions=True,
    parameters={
        "max_value": Interval("The largest value that a pixel can have", 0.0, open_below=True),
        "epsilon": Interval(
            "Least error in units of max_value, 1e-5 for 100 decibels; smaller ones count as this", 0.0
        ),
    },
    slope=_peak_slope,
    definition="20 * log10(sqrt(mean((y_pred - y_true)**2)) / max_value)",
    source="Q. Huynh-Thu, M. Ghanbari, Scope of validity of PSNR in image/video quality assessment (2008), eq. 1, "
    "negated",
    peers={
        "kornia.losses.psnr_loss": "Loss(axis=None, epsilon=0.0)   # max_value=max_val",
    },
    cases=(
        Case([[0.0]], [[0.1]], (-20.0,), "20 log10(1/10)"),
        Case([[3.0, 0.0]], [[0.0, 4.0]], (10.0 * math.log10(12.5),), "10 log10((9 + 16)/2)"),
        Case([[0.0, 255.0]], [[25.5, 229.5]], (-20.0,), "20 log10(25.5/255)", {"max_value": 255.0}),
        Case([[0.5, 0.25]], [[0.5, 0.25]], (-100.0,), "20 log10(1e-5): a perfect image"),
    ),
)
def peak_signal_noise_ratio(y_true: Any, y_pred: Any, *, max_value: float = 1.0, epsilon: float = 1e-5) -> Any:
    """Peak signal-to-noise ratio, negated: the mean squared error in decibels below the largest value of a pixel.

    For pictures that are denoised, sharpened or compressed and judged by this ratio.  ``max_value`` is 1 for pixels in
    [0, 1] and 255 for bytes.  An image lies along ``axis``, as in ``axis=(1, 2, 3)``, and each has a logarithm of its
    own, so those that are nearly right have the steepest slopes; up to ``epsilon`` they grow, and a perfect image costs
    -100 and has the slope 0.

    >>> import lossary
    >>> print(lossary.peak_signal_noise_ratio([[0.0, 0.5]], [[0.1, 0.4]]).round(4))
    [-20.]
    """
    error, scale = _scaled(y_pred - y_true)
    return log(guard(sqrt(mean_square(error)) / scale / max_value, epsilon)) / _NEPERS


def _level(row: Any, epsilon: Any) -> Any:
    """The root of the mean square and epsilon; it neither overflows nor vanishes where it fits."""
    row, scale = _scaled(row)
    root, least = sqrt(mean_square(row)) / scale, sqrt(epsilon)
    larger = maximum(root, least)
    return larger * hypot1(minimum(root, least) / where(larger == 0.0, 1.0, larger))


def _signal_noise_slope(y_true: Any, y_pred: Any, zero_mean: bool = True, *, epsilon: Any = 1e-8) -> Any:
    error = _centered(y_pred - y_true, zero_mean)
    level = _level(error, epsilon)
    level = where(level == 0.0, 1.0, level)
    return _DECIBELS / count(y_pred) * (error / level / level)


@loss(
    aliases=("snr", "snr_loss", "SNRLoss"),
    target=Real(),
    prediction=Real(),
    parameters={
        "zero_mean": _ZERO_MEAN,
        "epsilon": Interval("Added to the mean squares of signal and noise", 0.0),
    },
    slope=_signal_noise_slope,
    definition="-10 * log10((mean(y_true**2) + epsilon) / (mean((y_true - y_pred)**2) + epsilon)), rows are without "
    "their means",
    source="J. Le Roux et al., SDR - half-baked or well done? (2019), eq. 1",
    peers={
        "auraloss.time.SNRLoss": "Loss()   # epsilon is added to sums there, not to means",
    },
    cases=(
        Case([[1.0, -1.0]], [[0.5, -0.5]], (-20.0 * math.log10(2.0),), "-10 log10(1/(1/4))", {"epsilon": 0.0}),
        Case([[3.0, 4.0]], [[3.0, 3.0]], (-10.0 * math.log10(25.0),), "-10 log10(25/1)",
             {"zero_mean": False, "epsilon": 0.0}),
        Case([[1.0, -1.0]], [[1.0, -1.0]], (-20.0,), "-10 log10((1 + e)/(0 + e)), e = 1/99",
             {"epsilon": 1.0 / 99.0}),
        Case([[5.0, 5.0]], [[7.0, 7.0]], (0.0,), "nothing but means", {"epsilon": 1e-6}),
    ),
)  # fmt: skip
def signal_noise_ratio(y_true: Any, y_pred: Any, zero_mean: bool = True, *, epsilon: float = 1e-8) -> Any:
    """Signal-to-noise ratio, negated: the power of the error in decibels below that of a signal.

    For waveforms that are cleaned or separated, along ``axis``: quiet ones count as much as loud ones.  Where the
    loudness of the output does not matter see `scale_invariant_sdr`.  ``epsilon`` is silence, -80 decibels of a signal
    between -1 and 1: a silent target or a perfect output has a finite value, and the slope 0 at the latter.

    >>> import lossary
    >>> print(lossary.signal_noise_ratio([[1.0, -1.0]], [[0.9, -0.9]]).round(4))
    [-20.]
    """
    error, signal = _centered(y_pred - y_true, zero_mean), _centered(y_true, zero_mean)
    return log(_level(error, epsilon) / _level(signal, epsilon)) / _NEPERS


def _parts(y_true: Any, y_pred: Any, zero_mean: bool) -> tuple[Any, ...]:
    """The cosine of two signals, what is left of the second beside the first as a share of it, and both as they are."""
    target, output = scaled(_centered(y_true, zero_mean)), scaled(_centered(y_pred, zero_mean))
    length = sqrt(output.squared)
    rest = aside(output, target) / length
    signal = target.row / sqrt(target.squared)
    return sum(signal * (output.row / length)), rest, signal, output.scale, length


def _scale_invariant_slope(y_true: Any, y_pred: Any, zero_mean: bool = True, *, epsilon: Any = 1e-8) -> Any:
    cosine, rest, signal, scale, length = _parts(y_true, y_pred, zero_mean)
    noise, found = sum(square(rest)), square(cosine)
    turn = cosine * (cosine * rest - noise * signal)
    lost, kept = noise + epsilon, found + epsilon
    steep = 1.0 / where(lost == 0.0, 1.0, lost) + 1.0 / where(kept == 0.0, 1.0, kept)
    # In this order, as the inverse of the length without its scale might overflow.
    return _DECIBELS * (turn * steep) / length * where(noise + found == 0.0, 0.0, scale)


@loss(
    class_name="ScaleInvariantSDR",
    aliases=("si_sdr", "SISDRLoss", "si_snr", "scale_invariant_signal_distortion_ratio"),
    target=Real(),
    prediction=Real(),
    parameters={
        "zero_mean": _ZERO_MEAN,
        "epsilon": Interval("Added to the shares of the output's power that are signal and distortion", 0.0),
    },
    slope=_scale_invariant_slope,
    definition="-10 * log10(sum((a * y_true)**2) / sum((a * y_true - y_pred)**2)), a = sum(y_true * y_pred) / "
    "sum(y_true**2), rows are without their means",
    source="J. Le Roux et al., SDR - half-baked or well done? (2019), eq. 5",
    peers={
        "auraloss.time.SISDRLoss": "Loss()   # epsilon is added to sums there, not to shares",
        "torchmetrics.functional.audio.scale_invariant_signal_distortion_ratio": "-1.0 * Loss(zero_mean=False)",
    },
    cases=(
        Case([[1.0, -1.0, 0.0, 0.0]], [[2.0, -2.0, 1.0, -1.0]], (-20.0 * math.log10(2.0),), "a = 2: -10 log10(8/2)",
             {"epsilon": 0.0}),
        Case([[1.0, 0.0]], [[3.0, 4.0]], (10.0 * math.log10(16.0 / 9.0),), "a = 3: -10 log10(9/16)",
             {"zero_mean": False, "epsilon": 0.0}),
        Case([[1.0, -1.0]], [[-5.0, 5.0]], (-20.0,), "a scaled copy: -10 log10((1 + e)/(0 + e)), e = 1/99",
             {"epsilon": 1.0 / 99.0}),
        Case([[1.0, 0.0]], [[0.0, 3.0]], (20.0,), "nothing of it: 10 log10((1 + e)/(0 + e)), e = 1/99",
             {"zero_mean": False, "epsilon": 1.0 / 99.0}),
    ),
)  # fmt: skip
def scale_invariant_sdr(y_true: Any, y_pred: Any, zero_mean: bool = True, *, epsilon: float = 1e-8) -> Any:
    """Scale-invariant signal-to-distortion ratio, negated: what of an output is no multiple of the signal, in decibels.

    For sources that are separated, whose loudness does not matter: the output times any number, also a negative one,
    costs the same.  Between -80 for a scaled copy and 80 for an output with nothing of the signal, with the default
    ``epsilon``; at both the slope is 0.  A silent target or output has the value 0.

    >>> import lossary
    >>> print(lossary.scale_invariant_sdr([[1.0, -1.0, 0.0, 0.0]], [[2.0, -2.0, 1.0, -1.0]]).round(4))
    [-6.0206]
    """
    cosine, rest, *_ = _parts(y_true, y_pred, zero_mean)
    return 0.5 * (log(sum(square(rest)) + epsilon) - log(square(cosine) + epsilon)) / _NEPERS
