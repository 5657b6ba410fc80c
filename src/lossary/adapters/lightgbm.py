"""LightGBM's conventions: its objectives' factors, and how it calls objectives and metrics."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from .boosting import Boosting, Convention, Floats, Measure

# Factors: src/objective/regression_objective.hpp, binary_objective.hpp, multiclass_objective.hpp of LightGBM 4.7;
# poisson's Hessian carries exp(poisson_max_delta_step), 0.7 unless set.
_OWN = {
    "mean_squared_error": Convention("regression", factor=0.5),
    "binary_crossentropy": Convention("binary"),
    "poisson": Convention("poisson", curve=math.exp(0.7)),
    "gamma_deviance": Convention("gamma", factor=0.5),
    "tweedie_deviance": Convention("tweedie", factor=0.5),
    "fair_loss": Convention("fair"),
    "categorical_crossentropy": Convention("multiclass"),
    "sparse_categorical_crossentropy": Convention("multiclass"),
}


class Objective(Boosting):
    """A loss as an objective of LightGBM: for ``params["objective"]`` and ``LGBMRegressor(objective=...)``."""

    conventions: ClassVar = _OWN
    classes: ClassVar = "num_class=3 among the parameters of lightgbm.train, or lossary.BinaryCrossentropy() for two"

    # LightGBM counts the arguments: with three, its estimators hand over weights.
    def __call__(self, y_true: Any, y_pred: Any, weight: Any = None) -> tuple[Floats, Floats]:
        """Gradient and Hessian; ``(scores, Dataset)`` from `lightgbm.train`, ``(y_true, scores)`` from estimators."""
        if hasattr(y_pred, "get_label"):
            y_true, y_pred, weight = y_pred.get_label(), y_true, y_pred.get_weight()
        return self.derivatives(y_true, y_pred, weight)

    def _steeper(self, own: Convention, scores: Floats) -> float:
        # J. Friedman, Greedy function approximation (2001), section 4.6: K / (K - 1).
        return scores.shape[1] / (scores.shape[1] - 1.0) if own.name == "multiclass" else own.curve

    def init_score(self, y_true: Any, weight: Any = None) -> Floats:
        """The best start, for every data point: ``Dataset(init_score=...)`` or ``fit(init_score=...)``.

        LightGBM starts own objectives at 0 and does not keep initial scores: add ``init_score(y)[0]`` to raw
        predictions before `inverse_link`.
        """
        start = self.start(y_true, weight)
        rows = np.broadcast_to(start, (len(np.asarray(y_true)), len(start)))
        return rows[:, 0].copy() if len(start) == 1 else rows.copy()


class Metric(Measure):
    """A loss as a metric of LightGBM: for ``feval=...`` and ``eval_metric=...``."""

    classes: ClassVar = Objective.classes

    def __call__(self, y_true: Any, y_pred: Any, weight: Any = None) -> tuple[str, float, bool]:
        """``(name, value, is_higher_better)``, from ``(scores, Dataset)`` or ``(y_true, scores)``."""
        if hasattr(y_pred, "get_label"):
            y_true, y_pred, weight = y_pred.get_label(), y_true, y_pred.get_weight()
        return self.__name__, self.value(y_true, y_pred, weight), False
