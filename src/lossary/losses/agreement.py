"""Losses of whole rows: how far a prediction agrees with its target up to a shift, a factor, or neither."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Clipped, NonNegative, Real
from ..facts.record import Case
from ..facts.settings import Interval
from ..objects.define import loss
from ..words import abs, count, guard, log1p, max, maximum, mean, mean_square, scale_to_one, sqrt, square, where
from .directions import cosine_between, cosine_slope


def _centred(row: Any) -> Any:
    """A row less its mean; the second time takes away what rounding left of the mean the first time."""
    rest = row - mean(row)
    return rest - mean(rest)


def _pearson_slope(y_true: Any, y_pred: Any) -> Any:
    return cosine_slope(_centred(y_true), _centred(y_pred))


@loss(
    aliases=("PearsonLoss", "correlation_loss", "negative_pearson"),
    target=Real(),
    prediction=Real(),
    slope=_pearson_slope,
    definition="1 - sum(a * b) / (norm(a) * norm(b)), a = y_true - mean(y_true), b = y_pred - mean(y_pred)",
    source="K. Pearson, Mathematical contributions to the theory of evolution III: Regression, heredity and panmixia "
    "(1896)",
    peers={
        "scipy.stats.pearsonr": "Loss()   # is 1 - pearsonr(y_true, y_pred).statistic",
        "torchmetrics.functional.pearson_corrcoef": "Loss()   # is 1 - pearson_corrcoef(y_pred, y_true)",
        "audtorch.metrics.functional.pearsonr": "Loss()   # is 1 - pearsonr(y_pred, y_true)",
    },
    cases=(
        Case([[1.0, 2.0, 3.0]], [[1.0, 3.0, 2.0]], (0.5,), "1 - (1 + 0)/(sqrt(2) sqrt(2))"),
        Case([[0.0, 2.0], [0.0, 2.0]], [[5.0, 4.0], [7.0, 7.0]], (2.0, 1.0), "opposite; a constant has no correlation"),
        Case([[1.0, 2.0, 4.0]], [[2.0**52 + 1.0, 2.0**52 + 2.0, 2.0**52 + 4.0]], (0.0,), "a shift"),
        Case([[2.0**52 + 1.0, 2.0**52 + 2.0, 2.0**52 + 4.0]], [[1.0, 2.0, 4.0]], (0.0,), "the other way round"),
    ),
)
def pearson_correlation(y_true: Any, y_pred: Any) -> Any:
    """1 less the correlation of each row, for predictions whose order and proportions count, not their level or unit.

    From 0 for a rising straight line between the two to 2 for a falling one.  A row is what is correlated: a series, or
    with ``axis=0`` the batch.  What it leaves open, shift and factor, `concordance_correlation` asks for too.  A
    constant row has no correlation: its value is 1 and its slope 0.

    >>> import lossary
    >>> print(lossary.pearson_correlation([[1.0, 2.0, 3.0]], [[1.0, 3.0, 2.0]]).round(4))
    [0.5]
    """
    correlation, below_one = cosine_between(_centred(y_true), _centred(y_pred))
    return where(correlation > 0.0, below_one, 1.0 - correlation)


def _concordance_parts(y_true: Any, y_pred: Any) -> tuple[Any, ...]:
    """The difference, both centred rows, the shift, and what the value is divided by, of one scale; and the scale."""
    d = y_pred - y_true
    a, b, shift = _centred(y_true), _centred(y_pred), mean(d)
    # Of this scale no square overflows or vanishes.
    scale = scale_to_one(maximum(maximum(max(abs(a)), max(abs(b))), abs(shift)))
    d, a, b, shift = d * scale, a * scale, b * scale, shift * scale
    whole = mean_square(a) + mean_square(b) + square(shift)
    return d, a, b, shift, where(whole == 0.0, 1.0, whole), scale


def _concordance_slope(y_true: Any, y_pred: Any) -> Any:
    d, a, b, shift, whole, scale = _concordance_parts(y_true, y_pred)
    value, from_target = mean_square(d) / whole, b + shift
    # The same twice: of close rows differences are small, of rows that are not alike the concordance.
    close = d - value * from_target
    apart = 2.0 * mean(a * b) / whole * from_target - a
    return 2.0 * (where(value < 0.5, close, apart) / whole / count(d)) * scale


@loss(
    aliases=("ccc", "CCCLoss", "concordance_correlation_coefficient"),
    target=Real(),
    prediction=Real(),
    slope=_concordance_slope,
    definition="1 - 2 * mean(t * p) / (mean(t**2) + mean(p**2) + (mean(y_true) - mean(y_pred))**2), "
    "t = y_true - mean(y_true), p = y_pred - mean(y_pred)",
    source="L. I.-K. Lin, A concordance correlation coefficient to evaluate reproducibility (1989), eq. 1",
    peers={
        "audtorch.metrics.functional.concordance_cc": "Loss()   # is 1 - concordance_cc(y_pred, y_true)",
        "torchmetrics.functional.concordance_corrcoef": "Loss()   # is 1 - it, but for moments over n - 1 there",
    },
    cases=(
        Case([[0.0, 2.0]], [[1.0, 3.0]], (1.0 / 3.0,), "1 - 2 * 1/(1 + 1 + 1)"),
        Case([[1.0, -1.0], [2.0, 2.0]], [[-1.0, 1.0], [2.0, 2.0]], (2.0, 0.0), "1 + 2/(1 + 1); equal constants"),
        Case(
            [[2.0**52 + 1.0, 2.0**52 + 2.0, 2.0**52 + 4.0]],
            [[2.0**52 + 2.0, 2.0**52 + 3.0, 2.0**52 + 5.0]],
            (9.0 / 37.0,),
            "1/(14/9 + 14/9 + 1): the variance of 1, 2 and 4 is 7 - (7/3)^2",
        ),
    ),
)
def concordance_correlation(y_true: Any, y_pred: Any) -> Any:
    """1 less Lin's concordance of each row: as `pearson_correlation`, and a wrong level or spread costs as well.

    For series that are to be met in shape and size, as ratings of emotions.  It is the mean squared difference divided
    by the most that it could be for such moments without a correlation, from 0 to 2.  A row is what is compared: a
    series, or with ``axis=0`` the batch.  A perfect row costs 0, a constant one too.

    >>> import lossary
    >>> print(lossary.concordance_correlation([[0.0, 2.0]], [[1.0, 3.0]]).round(4))
    [0.3333]
    """
    d, _, _, _, whole, _ = _concordance_parts(y_true, y_pred)
    return mean_square(d) / whole


def _log_parts(y_true: Any, y_pred: Any, variance_focus: Any, epsilon: Any) -> tuple[Any, Any, Any, Any]:
    """The logarithm of the quotient, its mean, the root, and the clipped depth."""
    t, p = guard(y_true, epsilon), guard(y_pred, epsilon)
    below = p < t
    size = log1p(where(below, t - p, p - t) / where(below, p, t))
    d = where(below, -size, size)
    middle = mean(d)
    squared = mean_square(_centred(d)) + (1.0 - variance_focus) * square(middle)
    none = squared == 0.0
    return d, middle, where(none, 0.0, sqrt(where(none, 1.0, squared))), p


def _scale_invariant_slope(y_true: Any, y_pred: Any, *, variance_focus: Any = 0.5, epsilon: Any = 1e-6) -> Any:
    d, middle, root, p = _log_parts(y_true, y_pred, variance_focus, epsilon)
    none = root == 0.0
    return where(none, 0.0, d - variance_focus * middle) / where(none, 1.0, root) / count(p) / p


@loss(
    aliases=("silog", "silog_loss", "scale_invariant_log"),
    target=NonNegative(),
    prediction=Clipped(),
    regions=True,
    parameters={
        "variance_focus": Interval("How far a common factor is forgiven: 0 not at all, 1 in full", 0.0, 1.0),
        "epsilon": Interval("Least depth; smaller ones count as this", 0.0),
    },
    slope=_scale_invariant_slope,
    definition="sqrt(mean(d**2) - variance_focus * mean(d)**2), d = log(max(y_pred, epsilon)) - "
    "log(max(y_true, epsilon))",
    source="D. Eigen, C. Puhrsch, R. Fergus, Depth map prediction from a single image (2014), eq. 4, and its root",
    peers={
        "keras_hub.DepthAnythingLoss": "Loss(axis=(1, 2))   # lambd",
        "mmseg.SiLogLoss": "Loss(axis=(1, 2), epsilon=0.0)   # pixels up to eps have where=False",
    },
    cases=(
        Case([[1.0, 1.0]], [[math.e, math.e]], (math.sqrt(0.5),), "sqrt(1 - 1/2)", {"epsilon": 0.0}),
        Case([[1.0, 1.0]], [[math.e, math.e]], (0.0,), "a common factor", {"variance_focus": 1.0}),
        Case([[1.0, 2.0]], [[math.e, 2.0]], (0.5,), "sqrt(1/2 - 1/4)", {"variance_focus": 1.0}),
        Case([[1.0, 2.0]], [[math.e, 2.0]], (math.sqrt(0.5),), "sqrt((1 + 0)/2)", {"variance_focus": 0.0}),
    ),
)
def scale_invariant_logarithmic_error(
    y_true: Any, y_pred: Any, *, variance_focus: float = 0.5, epsilon: float = 1e-6
) -> Any:
    """Root of the mean squared error of the logarithm, in which a common factor counts less, for maps of depth.

    One picture rarely tells how far everything is; ``variance_focus`` says how much of a factor common to all pixels
    is forgiven, half of it in the paper.  The whole picture is one row: ``axis=(1, 2)`` of (N, H, W).  Pixels without a
    depth have False in ``where``.  Predictions below ``epsilon`` count as ``epsilon`` and have the slope there.  The
    paper has the square of this, some code ten times it.

    >>> import lossary
    >>> print(lossary.scale_invariant_logarithmic_error([[1.0, 2.0]], [[2.0, 2.0]]).round(4))
    [0.4245]
    """
    return _log_parts(y_true, y_pred, variance_focus, epsilon)[2]
