"""Losses of forecasts, in units of what a naive forecast of the same series costs."""

from __future__ import annotations

from typing import Any

from ..facts.arguments import PerRow
from ..facts.domain import Positive, Real
from ..facts.record import Case
from ..objects.define import loss
from ..words import abs, count, mean, sign, sqrt
from .regression import root_mean_square, root_slope


def _scaled_slope(y_true: Any, y_pred: Any, scale: Any) -> Any:
    return sign(y_pred - y_true) / count(y_pred) / scale


@loss(
    aliases=("mase",),
    target=Real(),
    prediction=Real(),
    given={"scale": PerRow(Positive())},
    slope=_scaled_slope,
    definition="mean(abs(y_pred - y_true)) / scale",
    source="R. J. Hyndman, A. B. Koehler, Another look at measures of forecast accuracy (2006), section 4",
    peers={
        "neuralforecast.losses.pytorch.MASE": "Loss()   # which takes the history and the seasonality",
        "pytorch_forecasting.metrics.MASE": "Loss()   # whose scale is of history and targets together, lag 1, over "
        "their number",
    },
    cases=(
        Case([[0.0, 0.0]], [[1.0, -3.0]], [4.0], (0.5,), "(1 + 3)/2/4"),
        Case([[1.0], [2.0]], [[2.0], [2.0]], [2.0, 5.0], (0.5, 0.0), "1/2; no error"),
    ),
)
def mean_absolute_scaled_error(y_true: Any, y_pred: Any, scale: Any) -> Any:
    """Mean absolute difference in units of a naive forecast's, for many series of different size.

    ``scale`` has one number for each series: the mean absolute change over one season in what was known when it was
    forecast, ``np.abs(history[:, m:] - history[:, :-m]).mean(-1)`` with ``m=1`` where there are no seasons.  Below 1
    the forecast is better than repeating the last season.  A history that never changes has the scale 0, for which this
    error is not defined: leave it out, or give it another scale.

    >>> import lossary
    >>> print(lossary.mean_absolute_scaled_error([[0.0, 0.0]], [[1.0, -3.0]], [4.0]))
    [0.5]
    """
    return mean(abs(y_pred - y_true)) / scale


def _root_scaled_slope(y_true: Any, y_pred: Any, scale: Any) -> Any:
    return root_slope(y_pred - y_true) / sqrt(scale)


@loss(
    aliases=("rmsse",),
    target=Real(),
    prediction=Real(),
    given={"scale": PerRow(Positive())},
    slope=_root_scaled_slope,
    definition="sqrt(mean((y_pred - y_true)**2) / scale)",
    source="S. Makridakis, E. Spiliotis, V. Assimakopoulos, M5 accuracy competition: Results, findings, and "
    "conclusions (2022), eq. 1",
    cases=(
        Case([[0.0, 0.0]], [[3.0, 4.0]], [2.0], (2.5,), "sqrt(25/2/2)"),
        Case([[1.0], [2.0]], [[3.0], [2.0]], [16.0, 5.0], (0.5, 0.0), "sqrt(4/16); no error"),
    ),
)
def root_mean_squared_scaled_error(y_true: Any, y_pred: Any, scale: Any) -> Any:
    """Root of the mean squared difference in units of a naive forecast's, for many series that are often 0.

    As `mean_absolute_scaled_error`, but its minimum is the mean and not the median, which for sales is often 0.
    ``scale`` has one number for each series, the mean square and not its root:
    ``np.square(history[:, m:] - history[:, :-m]).mean(-1)``.  The slope of a row without an error is 0.

    >>> import lossary
    >>> print(lossary.root_mean_squared_scaled_error([[0.0, 0.0]], [[3.0, 4.0]], [2.0]))
    [2.5]
    """
    return root_mean_square(y_pred - y_true) / sqrt(scale)
