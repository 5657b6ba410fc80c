"""A loss in river's linear models, which learn from one data point at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from river.optim.losses import BinaryLoss, RegressionLoss

from .boosting import Boosting, Measure


class _Online:
    """One target and one raw score at a time, or arrays of them."""

    def __init__(self, loss: Any, link: str = "auto") -> None:
        self._arguments = (loss, link)
        self._measure = Measure(loss, link)
        self._derivatives = Boosting(loss, link, "exact")

    def __repr__(self) -> str:
        return f"lossary.river.loss({self._derivatives.loss!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._arguments

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        return _like(self._measure.values(*_arrays(y_true, y_pred)), y_pred)

    def gradient(self, y_true: Any, y_pred: Any) -> Any:
        """The derivative with respect to the raw score."""
        return _like(self._derivatives.derivatives(*_arrays(y_true, y_pred))[0], y_pred)

    def mean_func(self, y_pred: Any) -> Any:
        """The prediction that a raw score stands for."""
        return _like(self._derivatives.inverse_link(np.atleast_1d(np.asarray(y_pred, np.float64))), y_pred)


class Regression(_Online, RegressionLoss):
    """A loss of numbers."""


class Binary(_Online, BinaryLoss):
    """A loss of two classes."""

    def mean_func(self, y_pred: Any) -> Any:
        """The probability; of scores that stand for none, as margins, by the sigmoid, as river's own losses do."""
        return BinaryLoss.mean_func(self, y_pred) if self._derivatives.link == "identity" else super().mean_func(y_pred)


def _arrays(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    return tuple(np.atleast_1d(np.asarray(each, np.float64)) for each in (y_true, y_pred))  # type: ignore[return-value]


def _like(found: Any, given: Any) -> Any:
    return found if np.ndim(given) else float(found[0])
