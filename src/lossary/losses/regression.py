"""Losses for targets that are numbers."""

from __future__ import annotations

from typing import Any

from .._domain import Counts, Interval, NonNegative, Real
from .._loss import loss
from .._record import Case
from ..words import (
    abs,
    count,
    exp,
    guard,
    log,
    log1p,
    maximum,
    mean,
    mean_square,
    sinh,
    square,
    tanh,
    where,
)


@loss(
    aliases=("mse", "MSE", "squared_error", "l2"),
    target=Real(),
    prediction=Real(),
    source="C. F. Gauss, Theoria combinationis observationum, 1823",
    cases=(
        Case([[0.0, 1.0], [2.0, 4.0]], [[1.0, 3.0], [2.0, 1.0]], (2.5, 4.5), "(1 + 4)/2 and (0 + 9)/2"),
    ),
)
def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """Mean of the squared differences, for targets whose errors are about normal."""
    return mean_square(y_pred - y_true)


def _log_cosh_slope(y_true: Any, y_pred: Any) -> Any:
    return tanh(y_pred - y_true) / count(y_pred)


@loss(
    aliases=("logcosh",),
    target=Real(),
    prediction=Real(),
    slope=_log_cosh_slope,
    source="x",
    cases=(),
)
def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """Log cosh."""
    d = abs(y_pred - y_true)
    near = log1p(2.0 * square(sinh(0.5 * where(d < 1.0, d, 0.0))))
    far = d + log1p(exp(-2.0 * d)) - 0.6931471805599453
    return mean(where(d < 1.0, near, far))
