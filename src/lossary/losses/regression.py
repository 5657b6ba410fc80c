"""Losses for targets that are numbers."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Clipped, Interval, NonNegative, Real
from ..facts.record import Case
from ..objects.define import loss
from ..words import abs, count, guard, log1p, maximum, mean, mean_square, where


@loss(
    aliases=("MSE", "mse", "squared_error", "mse_loss"),
    target=Real(),
    prediction=Real(),
    definition="mean((y_pred - y_true)**2)",
    source="C. F. Gauss, Theoria combinationis observationum erroribus minimis obnoxiae (1823)",
    peers={
        "keras.losses.MeanSquaredError": "",
        "torch.nn.MSELoss": "",
        "torch.nn.functional.mse_loss": "",
        "optax.squared_error": "",
        "optax.l2_loss": "0.5 * Loss()",
        "sklearn.metrics.mean_squared_error": "",
        "sklearn.HalfSquaredError": "0.5 * Loss()",
        "sklearn.metrics.brier_score_loss": "Loss()   # of 0/1 targets and probabilities",
        "xgboost.reg:squarederror": "0.5 * Loss()",
        "xgboost.rmse": "Loss()   # and the root of its mean",
        "lightgbm.regression": "0.5 * Loss()",
        "lightgbm.regression_l2": "0.5 * Loss()",
        "lightgbm.l2": "Loss()   # as an objective half of it",
    },
    cases=(Case([[0.0, 1.0], [2.0, 4.0]], [[1.0, 3.0], [2.0, 1.0]], (2.5, 4.5), "(1 + 4)/2; (0 + 9)/2"),),
)
def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """Mean of the squared differences, for numbers whose errors are about normal and of one size.

    Its minimum is the conditional mean.  A few outliers dominate it; then `huber` or `log_cosh` fit better.

    >>> import lossary
    >>> print(lossary.mean_squared_error([[0.0, 1.0], [2.0, 4.0]], [[1.0, 3.0], [2.0, 1.0]]))
    [2.5 4.5]
    """
    return mean_square(y_pred - y_true)


@loss(
    aliases=("MAE", "mae", "l1", "absolute_error", "l1_loss"),
    target=Real(),
    prediction=Real(),
    definition="mean(abs(y_pred - y_true))",
    source="R. J. Boscovich (1757); P. S. Laplace, Theorie analytique des probabilites (1812)",
    peers={
        "keras.losses.MeanAbsoluteError": "",
        "torch.nn.L1Loss": "",
        "torch.nn.functional.l1_loss": "",
        "sklearn.metrics.mean_absolute_error": "",
        "sklearn.AbsoluteError": "",
        "xgboost.reg:absoluteerror": "",
        "lightgbm.regression_l1": "",
    },
    cases=(Case([[0.0, 1.0], [2.0, 4.0]], [[1.0, 3.0], [2.0, 1.0]], (1.5, 1.5), "(1 + 2)/2; (0 + 3)/2"),),
)
def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """Mean of the absolute differences, for numbers with outliers.

    Its minimum is the conditional median.  The slope has the same size however small the error is, so late training
    profits from a falling learning rate; at a difference of 0 it is 0.

    >>> import lossary
    >>> print(lossary.mean_absolute_error([[0.0, 1.0], [2.0, 4.0]], [[1.0, 3.0], [2.0, 1.0]]))
    [1.5 1.5]
    """
    return mean(abs(y_pred - y_true))


@loss(
    aliases=("MAPE", "mape"),
    target=Real(),
    prediction=Real(),
    parameters={"epsilon": Interval("Least magnitude of a target in the denominator", 0.0)},
    definition="100 * mean(abs(y_pred - y_true) / max(abs(y_true), epsilon))",
    source="J. S. Armstrong, Long-Range Forecasting (1978), p. 348",
    peers={
        "keras.losses.MeanAbsolutePercentageError": "",
        "sklearn.metrics.mean_absolute_percentage_error": "Loss() / 100   # a fraction there",
        "lightgbm.mape": "Loss(epsilon=1.0) / 100",
    },
    cases=(Case([[2.0, -4.0]], [[3.0, -3.0]], (37.5,), "100 (1/2 + 1/4)/2"),),
)
def mean_absolute_percentage_error(y_true: Any, y_pred: Any, *, epsilon: float = 1e-7) -> Any:
    """Mean absolute difference in percent of the target, for positive numbers of very different size.

    It favours predictions that are too low, and targets near 0 dominate it: a target of 0 counts as ``epsilon``.

    >>> import lossary
    >>> print(lossary.mean_absolute_percentage_error([[2.0, -4.0]], [[3.0, -3.0]]))
    [37.5]
    """
    return mean(100.0 * (abs(y_pred - y_true) / maximum(abs(y_true), epsilon)))


def _log_ratio(y_true: Any, y_pred: Any, epsilon: Any) -> tuple[Any, Any]:
    """``log1p(y_pred) - log1p(y_true)`` and the guarded prediction."""
    y_true = guard(y_true, epsilon)
    y_pred = guard(y_pred, epsilon)
    # As one logarithm of 1 plus the relative gap to the smaller of the two, nothing cancels.
    below = y_pred < y_true
    gap = where(below, y_true - y_pred, y_pred - y_true)
    ratio = log1p(gap / (1.0 + where(below, y_pred, y_true)))
    return where(below, -ratio, ratio), y_pred


def _squared_logarithmic_slope(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-7) -> Any:
    ratio, y_pred = _log_ratio(y_true, y_pred, epsilon)
    return 2.0 * ratio / (1.0 + y_pred) / count(y_pred)


@loss(
    aliases=("MSLE", "msle", "squared_log_error"),
    target=NonNegative(),
    prediction=Clipped(),
    parameters={"epsilon": Interval("Least value of targets and predictions; smaller ones count as this", 0.0)},
    slope=_squared_logarithmic_slope,
    definition="mean((log(1 + max(y_pred, epsilon)) - log(1 + max(y_true, epsilon)))**2)",
    source="Keras, mean_squared_logarithmic_error; scikit-learn, User Guide, Mean squared logarithmic error",
    peers={
        "keras.losses.MeanSquaredLogarithmicError": "",
        "sklearn.metrics.mean_squared_log_error": "Loss(epsilon=0.0)",
        "xgboost.reg:squaredlogerror": "0.5 * Loss(epsilon=0.0)",
    },
    cases=(
        Case(
            [[0.0, math.e - 1.0]],
            [[math.e - 1.0, math.e**3 - 1.0]],
            (2.5,),
            "((1 - 0)^2 + (3 - 1)^2)/2",
            {"epsilon": 0.0},
        ),
    ),
)
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any, *, epsilon: float = 1e-7) -> Any:
    """Mean squared difference of ``log(1 + y)``, for amounts and counts that grow by factors.

    An error by a factor costs the same at every size.  Predictions below ``epsilon`` count as ``epsilon``; the slope
    there is the slope at ``epsilon``, so that a negative prediction is still drawn upwards.

    >>> import lossary
    >>> print(lossary.mean_squared_logarithmic_error([[0.0, 3.0]], [[0.0, 0.0]]).round(4))
    [0.9609]
    """
    ratio, _ = _log_ratio(y_true, y_pred, epsilon)
    return mean_square(ratio)
