"""Losses for quantiles and intervals."""

from __future__ import annotations

from typing import Any

from ..facts.domain import Parts, Real, Unit
from ..facts.record import Case
from ..facts.settings import Interval
from ..objects.define import loss
from ..words import abs, count, maximum, mean, mean_square, minimum, sqrt, where


def _side(d: Any, level: Any) -> Any:
    """What a prediction that is too low, and one that is too high, costs for each unit."""
    return where(d < 0.0, level, 1.0 - level)


@loss(
    aliases=("quantile_loss", "check_loss", "tilted_loss", "quantile_score"),
    target=Real(),
    prediction=Real(),
    parameters={"quantile": Interval("Share of targets below a right prediction", 0.0, 1.0)},
    definition="mean(max(quantile * e, (quantile - 1) * e)), e = y_true - y_pred",
    source="R. Koenker, G. Bassett, Regression quantiles (1978), eq. 2.1",
    peers={
        "sklearn.metrics.mean_pinball_loss": "",
        "sklearn.PinballLoss": "",
        "xgboost.reg:quantileerror": "Loss(quantile=alpha)   # quantile_alpha",
        "lightgbm.quantile": "Loss(quantile=0.9)",
        "catboost.Quantile": "Loss(quantile=alpha)",
        "neuralforecast.losses.pytorch.QuantileLoss": "Loss(quantile=alpha)   # q",
        "scoringrules.quantile_score": "Loss(quantile=alpha)",
        "gluonts.quantile_loss": "2 * Loss(quantile=alpha)",
    },
    cases=(
        Case([[0.0, 0.0]], [[-1.0, 2.0]], (0.875,), "(1/4 * 1 + 3/4 * 2)/2", {"quantile": 0.25}),
        Case([[3.0]], [[1.0]], (1.0,), "2/2"),
    ),
)
def pinball(y_true: Any, y_pred: Any, *, quantile: float = 0.5) -> Any:
    """Absolute difference that costs more on one side, for predicting a quantile of the target.

    Its minimum is the value below which the target lies with probability ``quantile``: 0.9 for a forecast that is to be
    too low once in ten times.  At 0.5 it is half of `mean_absolute_error`.  Two of them make an interval, for which
    `interval_score` is at hand.  The slope at a difference of 0 is 0.

    >>> import lossary
    >>> print(lossary.pinball([[0.0, 0.0]], [[-1.0, 2.0]], quantile=0.25))
    [0.875]
    """
    d = y_pred - y_true
    return mean(_side(d, quantile) * abs(d))


def _expectile_slope(y_true: Any, y_pred: Any, *, expectile: Any = 0.5) -> Any:
    d = y_pred - y_true
    return 2.0 * (_side(d, expectile) * (d / count(y_pred)))


@loss(
    aliases=("expectile_loss", "asymmetric_squared_error"),
    target=Real(),
    prediction=Real(),
    parameters={"expectile": Interval("Weight of a prediction that is too low", 0.0, 1.0)},
    slope=_expectile_slope,
    definition="mean((expectile if y_pred < y_true else 1 - expectile) * (y_pred - y_true)**2)",
    source="W. K. Newey, J. L. Powell, Asymmetric least squares estimation and testing (1987), eq. 2.3",
    peers={
        "rlax.expectile_loss": "Loss(expectile=alpha)",
        "catboost.Expectile": "Loss(expectile=alpha)",
    },
    cases=(
        Case([[0.0, 0.0]], [[-1.0, 2.0]], (1.625,), "(1/4 * 1 + 3/4 * 4)/2", {"expectile": 0.25}),
        Case([[3.0]], [[1.0]], (2.0,), "4/2"),
    ),
)
def expectile(y_true: Any, y_pred: Any, *, expectile: float = 0.5) -> Any:
    """Squared difference that costs more on one side: a smooth relative of `pinball`.

    Above 0.5 the minimum lies above the mean, the further the heavier the upper tail is.  At 0.5 it is half of
    `mean_squared_error`.  Unlike a quantile, an expectile is no share of the targets.

    >>> import lossary
    >>> print(lossary.expectile([[0.0, 0.0]], [[-1.0, 2.0]], expectile=0.25))
    [1.625]
    """
    d = y_pred - y_true
    return mean_square(where(d < 0.0, sqrt(expectile), sqrt(1.0 - expectile)) * d)


def _quantile_huber_slope(y_true: Any, y_pred: Any, *, quantile: Any = 0.5, delta: Any = 1.0) -> Any:
    d = y_pred - y_true
    return _side(d, quantile) * maximum(minimum(d / delta, 1.0), -1.0) / count(y_pred)


@loss(
    aliases=("quantile_huber_loss",),
    target=Real(),
    prediction=Real(),
    parameters={
        "quantile": Interval("Share of targets below a right prediction, about", 0.0, 1.0),
        "delta": Interval("Difference up to which the loss is quadratic", 0.0, open_below=True),
    },
    slope=_quantile_huber_slope,
    definition="mean((quantile if y_pred < y_true else 1 - quantile) * (d**2 / (2 * delta) if d < delta "
    "else d - delta / 2)), d = abs(y_pred - y_true)",
    source="W. Dabney et al., Distributional reinforcement learning with quantile regression (2018), eq. 10",
    peers={
        "neuralforecast.losses.pytorch.HuberQLoss": "Loss(quantile=alpha)   # q; times delta there",
        "rlax.quantile_regression_loss": "Loss(quantile=alpha)   # huber_param is delta; times it there",
    },
    cases=(
        Case([[0.0, 0.0]], [[-0.5, 2.0]], (0.578125,), "(1/4 * 1/8 + 3/4 * 3/2)/2", {"quantile": 0.25}),
        Case([[1.0]], [[-3.0]], (1.5,), "1/2 (4 - 1)", {"delta": 2.0}),
    ),
)
def quantile_huber(y_true: Any, y_pred: Any, *, quantile: float = 0.5, delta: float = 1.0) -> Any:
    """A `pinball` loss whose corner is rounded off below ``delta``, for quantiles of returns and values.

    The smaller ``delta``, the closer its minimum is to the quantile; a wide one draws it towards an `expectile`.

    >>> import lossary
    >>> print(lossary.quantile_huber([[0.0, 0.0]], [[-0.5, 2.0]], quantile=0.25))
    [0.578125]
    """
    d = abs(y_pred - y_true)
    inside = d < delta
    near = where(inside, d, delta)
    return mean(_side(y_pred - y_true, quantile) * where(inside, 0.5 * near * (near / delta), d - 0.5 * delta))


@loss(
    aliases=("IQLoss",),
    target=Real(),
    prediction=Real(),
    given={"level": Unit()},
    definition="mean(max(level * e, (level - 1) * e)), e = y_true - y_pred",
    source="W. Dabney et al., Implicit quantile networks for distributional reinforcement learning (2018), eq. 3",
    peers={"neuralforecast.losses.pytorch.IQLoss": "Loss()   # which draws the levels itself"},
    cases=(
        Case([[0.0, 0.0]], [[-1.0, 2.0]], [[0.25, 0.5]], (0.625,), "(1/4 * 1 + 1/2 * 2)/2"),
        Case([[1.0]], [[-3.0]], [[0.75]], (3.0,), "3/4 * 4"),
    ),
)
def implicit_quantile(y_true: Any, y_pred: Any, level: Any) -> Any:
    """A `pinball` loss whose quantile is drawn anew for every output, for networks that are told which one to predict.

    The network takes ``level`` as an input beside its features, so that it learns all quantiles at once and can be
    sampled from.  Draw the levels evenly from (0, 1), hand the same ones to the network and to the loss; no gradient
    flows to them.

    >>> import lossary
    >>> print(lossary.implicit_quantile([[0.0, 0.0]], [[-1.0, 2.0]], [[0.25, 0.5]]))
    [0.625]
    """
    d = y_pred - y_true
    return mean(_side(d, level) * abs(d))


@loss(
    aliases=("winkler_score", "mean_interval_score", "WinklerScore", "MIS"),
    target=Real(),
    prediction=Parts(lower=Real(), upper=Real()),
    parameters={"alpha": Interval("Share of targets outside the interval", 0.0, 1.0, open_below=True)},
    definition="mean(upper - lower + 2 / alpha * (max(lower - y_true, 0) + max(y_true - upper, 0))), "
    "y_pred = (lower, upper)",
    source="R. L. Winkler, A decision-theoretic approach to interval estimation (1972); T. Gneiting, A. E. Raftery, "
    "Strictly proper scoring rules, prediction, and estimation (2007), eq. 43",
    cases=(
        Case([[3.0]], [[[0.0, 2.0]]], (6.0,), "2 + 4 * 1", {"alpha": 0.5}),
        Case([[-1.0]], [[[1.0, 2.0]]], (9.0,), "1 + 4 * 2", {"alpha": 0.5}),
        Case([[1.0, -1.0]], [[[0.0, 2.0], [0.0, 2.0]]], (12.0,), "(2 + (2 + 20))/2"),
    ),
)
def interval_score(y_true: Any, y_pred: Any, *, alpha: float = 0.1) -> Any:
    """Width of a predicted interval, and a fine for each target outside it.

    For forecasts of a range, in the unit of the target.  The interval is meant to hold the target with probability
    ``1 - alpha``; least expected loss has the one between the quantiles ``alpha/2`` and ``1 - alpha/2``.  ``y_pred``
    holds the lower and the upper bound along its last axis, as a linear layer of two units does, or is a tuple of two
    arrays in the shape of ``y_true``; so is the gradient.  Bounds that have changed places are taken as they are: their
    width counts as negative, and every target lies outside of at least one of them.

    >>> import lossary
    >>> print(lossary.interval_score([[3.0]], [[[0.0, 2.0]]], alpha=0.5))
    [6.]
    """
    lower, upper = y_pred
    outside = maximum(lower - y_true, 0.0) + maximum(y_true - upper, 0.0)
    return mean(upper - lower + 2.0 / alpha * outside)
