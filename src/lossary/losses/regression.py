"""Losses for targets that are numbers."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Clipped, NonNegative, Real
from ..facts.record import Case
from ..facts.settings import Interval
from ..objects.define import loss
from ..words import (
    abs,
    count,
    guard,
    log1p,
    max,
    maximum,
    mean,
    mean_square,
    scale_to_one,
    sign,
    sqrt,
    weighted,
    where,
)
from ._spread import in_units


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
        "sklearn.SGDRegressor.squared_error": "0.5 * Loss()",
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
        "catboost.MAE": "",
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


def _percentage_slope(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-7) -> Any:
    # Of the smallest targets the inverse is infinite, and at them the slope is 0 all the same.
    return weighted(sign(y_pred - y_true), 100.0 / maximum(abs(y_true), epsilon)) / count(y_pred)


@loss(
    aliases=("MAPE", "mape"),
    target=Real(),
    prediction=Real(),
    slope=_percentage_slope,
    parameters={"epsilon": Interval("Least magnitude of a target in the denominator", 0.0, usual=1e-7)},
    definition="100 * mean(abs(y_pred - y_true) / max(abs(y_true), epsilon))",
    source="J. S. Armstrong, Long-Range Forecasting (1978), p. 348",
    peers={
        "keras.losses.MeanAbsolutePercentageError": "",
        "sklearn.metrics.mean_absolute_percentage_error": "Loss() / 100   # a fraction there",
        "lightgbm.mape": "Loss(epsilon=1.0) / 100",
        "catboost.MAPE": "Loss(epsilon=1.0) / 100",
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
    return mean(100.0 * in_units(abs(y_pred - y_true), maximum(abs(y_true), epsilon)))


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
        "sklearn.metrics.mean_squared_log_error": "Loss(epsilon=0.0)   # targets from 0 on, and predictions below 0 "
        "count as 0",
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


def root_mean_square(row: Any) -> Any:
    """The root of the mean of the squares, which overflow or vanish only where it does."""
    scale = scale_to_one(max(abs(row)))
    return sqrt(mean_square(row * scale)) / scale


def root_slope(row: Any) -> Any:
    """The slope of a `root_mean_square` in the elements; 0 in a row of zeros."""
    scaled = row * scale_to_one(max(abs(row)))
    root = sqrt(mean_square(scaled))
    none = root == 0.0
    return scaled * (where(none, 0.0, 1.0 / where(none, 1.0, root)) / count(row))


def _root_mean_squared_slope(y_true: Any, y_pred: Any) -> Any:
    return root_slope(y_pred - y_true)


@loss(
    aliases=("RMSELoss",),
    target=Real(),
    prediction=Real(),
    slope=_root_mean_squared_slope,
    definition="sqrt(mean((y_pred - y_true)**2))",
    source="C. F. Gauss, Theoria combinationis observationum erroribus minimis obnoxiae (1823), section 7",
    peers={
        "sklearn.metrics.root_mean_squared_error": "Loss(axis=0)   # one root for each column",
        "neuralforecast.losses.pytorch.RMSE": "Loss(axis=None)   # one root for all",
        "catboost.RMSE": "lossary.MeanSquaredError()   # has its gradients",
        "allrank.pointwise_rmse": "Loss()   # of no_of_levels * y_pred",
    },
    cases=(
        Case([[0.0, 0.0]], [[3.0, 4.0]], (5.0 / math.sqrt(2.0),), "sqrt((9 + 16)/2)"),
        Case([[1.0, 2.0], [0.0, 0.0]], [[1.0, 2.0], [-2.0, 2.0]], (0.0, 2.0), "no error; sqrt((4 + 4)/2)"),
    ),
)
def root_mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """Root of the mean squared difference of each row, for rows that are to count by their size and not its square.

    It is in the unit of the targets.  Each data point has a root of its own, so that one bad row weighs less than in
    `mean_squared_error`; for one root over the whole batch, ``axis=None`` of an object.  With one output per row it is
    the absolute difference.  The slope of a row without an error is 0.

    >>> import lossary
    >>> print(lossary.root_mean_squared_error([[0.0, 0.0]], [[3.0, 4.0]]).round(4))
    [3.5355]
    """
    return root_mean_square(y_pred - y_true)


def _symmetric_parts(y_true: Any, y_pred: Any) -> tuple[Any, Any, Any, Any]:
    """Target and prediction, halved where the sum of their magnitudes would overflow, that sum, and the factor."""
    scale = where(abs(y_true) + abs(y_pred) < math.inf, 1.0, 0.5)
    t, p = scale * y_true, scale * y_pred
    return t, p, abs(t) + abs(p), scale


def _symmetric_slope(y_true: Any, y_pred: Any) -> Any:
    t, p, both, scale = _symmetric_parts(y_true, y_pred)
    both = where(both == 0.0, 1.0, both)
    # 1 where the two have one sign, 0 where they have not, and what lies between where the prediction is 0.
    share = 2.0 + 2.0 * sign(t) * sign(p)
    return weighted(scale * share * sign(p - t), abs(t) / both / both) / count(y_pred)


@loss(
    aliases=("smape", "symmetric_mape"),
    target=Real(),
    prediction=Real(),
    slope=_symmetric_slope,
    definition="mean(2 * abs(y_pred - y_true) / (abs(y_true) + abs(y_pred))), 0 where both are 0",
    source="S. Makridakis, Accuracy measures: theoretical and practical concerns (1993)",
    peers={
        "neuralforecast.losses.pytorch.SMAPE": "",
        "pytorch_forecasting.metrics.SMAPE": "Loss()   # 1e-8 is added to the denominator",
        "darts.utils.losses.SmapeLoss": "0.5 * Loss()   # no gradient flows through the denominator there",
        "catboost.SMAPE": "100 * Loss()   # a metric, in percent",
    },
    cases=(
        Case([[1.0, 0.0]], [[3.0, 0.0]], (0.5,), "(2 * 2/4 + 0)/2"),
        Case([[-2.0, 1.0]], [[3.0, 0.0]], (2.0,), "(2 * 5/5 + 2 * 1/1)/2"),
    ),
)
def symmetric_mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """Absolute difference as a share of the mean magnitude of target and prediction, for numbers of different size.

    A share from 0 to 2, no percentage, unlike `mean_absolute_percentage_error`; targets near 0 do not dominate it.  A
    prediction of the wrong sign costs 2, whatever it is, and so does every one for a target of 0: there the slope is 0
    and nothing is learnt.  It favours predictions that are too high.

    >>> import lossary
    >>> print(lossary.symmetric_mean_absolute_percentage_error([[1.0, 0.0]], [[3.0, 0.0]]))
    [0.5]
    """
    t, p, both, _ = _symmetric_parts(y_true, y_pred)
    return mean(2.0 * (abs(p - t) / where(both == 0.0, 1.0, both)))


@loss(
    aliases=("svr_loss", "EpsilonInsensitiveHinge"),
    target=Real(),
    prediction=Real(),
    parameters={"epsilon": Interval("Difference up to which nothing is paid", 0.0)},
    definition="mean(max(abs(y_pred - y_true) - epsilon, 0))",
    source="V. Vapnik, The Nature of Statistical Learning Theory (1995), eq. 6.2",
    peers={
        "sklearn.SGDRegressor.epsilon_insensitive": "",
        "sklearn.SVR.epsilon_insensitive": "Loss()",
        "river.optim.losses.EpsilonInsensitiveHinge": "Loss()   # of 2 * y_true - 1; epsilon is eps",
    },
    cases=(
        Case([[0.0, 0.0]], [[3.0, 0.5]], (1.0,), "((3 - 1) + 0)/2", {"epsilon": 1.0}),
        Case([[1.0]], [[-1.0]], (1.9,), "2 - 0.1"),
    ),
)
def epsilon_insensitive(y_true: Any, y_pred: Any, *, epsilon: float = 0.1) -> Any:
    """Absolute difference beyond a tolerance, for numbers that need not be met more closely than that.

    The loss of support vector regression.  ``epsilon`` is in the unit of the targets: what is measured no better than
    to 0.1 needs no closer fit.  Up to there, and at it, value and slope are 0.

    >>> import lossary
    >>> print(lossary.epsilon_insensitive([[0.0, 0.0]], [[3.0, 0.5]], epsilon=1.0))
    [1.]
    """
    return mean(maximum(abs(y_pred - y_true) - epsilon, 0.0))


@loss(
    target=Real(),
    prediction=Real(),
    parameters={"epsilon": Interval("Difference up to which nothing is paid", 0.0)},
    definition="mean(max(abs(y_pred - y_true) - epsilon, 0)**2)",
    source="C.-H. Ho, C.-J. Lin, Large-scale linear support vector regression (2012), eq. 3",
    peers={
        "sklearn.SGDRegressor.squared_epsilon_insensitive": "",
        "sklearn.LinearSVR.squared_epsilon_insensitive": "Loss()",
    },
    cases=(
        Case([[0.0, 0.0]], [[3.0, 0.5]], (2.0,), "((3 - 1)^2 + 0)/2", {"epsilon": 1.0}),
        Case([[1.0]], [[-1.0]], (3.61,), "(2 - 0.1)^2"),
    ),
)
def squared_epsilon_insensitive(y_true: Any, y_pred: Any, *, epsilon: float = 0.1) -> Any:
    """Squared difference beyond a tolerance: `epsilon_insensitive` without the jump of the slope.

    >>> import lossary
    >>> print(lossary.squared_epsilon_insensitive([[0.0, 0.0]], [[3.0, 0.5]], epsilon=1.0))
    [2.]
    """
    return mean_square(maximum(abs(y_pred - y_true) - epsilon, 0.0))
