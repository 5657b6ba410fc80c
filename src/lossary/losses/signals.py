"""Losses of signals, in decibels: images and sounds."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Interval, Real
from ..facts.record import Case
from ..objects.define import loss
from ..words import abs, count, guard, log, max, mean_square, scale_to_one, sqrt, where

# Decibels of a ratio of amplitudes are so many times its logarithm.
_DECIBELS = 20.0 / math.log(10.0)


def _scaled(row: Any) -> tuple[Any, Any]:
    """The row with a largest magnitude close to 1, and the factor that made it so."""
    scale = scale_to_one(max(abs(row)))
    return row * scale, scale


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
        "basicsr.losses.PSNRLoss": "Loss(axis=(1, 2, 3))   # 1e-8 is added to the mean square there",
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
    return _DECIBELS * log(guard(sqrt(mean_square(error)) / scale / max_value, epsilon))
