"""XGBoost's conventions: its objectives' factors, and how it calls objectives and metrics."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from ..objects.loss import Loss
from .boosting import Boosting, Convention, Floats, Measure

# Factors: src/objective/regression_loss.h, regression_obj.cu, multiclass_obj.cu of XGBoost 3.2; count:poisson's Hessian
# carries exp(max_delta_step), 0.7 unless set.
_OWN = {
    "mean_squared_error": Convention("reg:squarederror", factor=0.5),
    "mean_squared_logarithmic_error": Convention("reg:squaredlogerror", factor=0.5),
    "pseudo_huber": Convention("reg:pseudohubererror"),
    "binary_crossentropy": Convention("binary:logistic"),
    "poisson": Convention("count:poisson", curve=math.exp(0.7), parameters={"max_delta_step": 0.7}),
    "gamma_deviance": Convention("reg:gamma", factor=0.5),
    "tweedie_deviance": Convention("reg:tweedie", factor=0.5),
    "categorical_crossentropy": Convention("multi:softprob", curve=2.0),
    "sparse_categorical_crossentropy": Convention("multi:softprob", curve=2.0),
}
# An objective of XGBoost that makes predictions of raw scores as the link does.
_LINKS = {
    "identity": "reg:squarederror",
    "log": "reg:gamma",
    "logit": "binary:logistic",
    "softmax": "multi:softprob",
    "log_softmax": "multi:softprob",
}


def labels(loss: Loss, matrix: Any) -> Any:
    """The targets in a DMatrix: its labels, or the bounds between which they are known to lie."""
    if loss.record.arguments[0].parts == ("lower", "upper"):
        return np.stack([matrix.get_float_info(f"label_{side}_bound") for side in ("lower", "upper")], axis=1)
    return matrix.get_label()


class Objective(Boosting):
    """A loss as an objective of XGBoost: for ``xgboost.train(obj=...)`` and ``XGBRegressor(objective=...)``."""

    conventions: ClassVar = _OWN
    classes: ClassVar = "num_class=3 among the parameters of xgboost.train, or lossary.BinaryCrossentropy() for two"

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> tuple[Floats, Floats]:
        """Gradient and Hessian: `xgboost.train` hands over ``(scores, DMatrix)``, estimators ``(y_true, scores)``."""
        if hasattr(y_pred, "get_label"):
            y_true, y_pred, sample_weight = labels(self.loss, y_pred), y_true, y_pred.get_weight()
        return self.derivatives(y_true, y_pred, sample_weight)

    def params(self, y_true: Any, sample_weight: Any = None) -> dict[str, Any]:
        """What `xgboost.train` has to know besides: the start, and an objective's name that keeps the link in predict.

        The gradients are those of ``obj=`` all the same.
        """
        start = self.start(y_true, sample_weight)
        name = self.convention.name if self.convention else _LINKS[self.link]
        found: dict[str, Any] = {"objective": name}
        if name == "multi:softprob":
            return {**found, "num_class": len(start), "base_score": [float(each) for each in start]}
        if len(start) == 1:
            found["base_score"] = float(self.inverse_link(start)[0])
        else:
            found["base_score"] = [float(each) for each in self.inverse_link(start)]
        return {**found, **(self.convention.parameters if self.convention else {})}


class Metric(Measure):
    """A loss as a metric of XGBoost: for ``custom_metric=...`` and ``eval_metric=...``."""

    classes: ClassVar = Objective.classes

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """``(name, value)`` from ``(scores, DMatrix)``; the value from ``(y_true, scores)``."""
        if hasattr(y_pred, "get_label"):
            return self.__name__, self.value(labels(self.loss, y_pred), y_true, y_pred.get_weight())
        return self.value(y_true, y_pred, sample_weight)
