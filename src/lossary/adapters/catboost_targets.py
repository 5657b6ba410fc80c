"""A loss of several columns of targets in CatBoost, which knows such objectives by the class they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import catboost
import numpy as np

from .. import texts
from ..facts.domain import Classes
from .boosting import Boosting
from .catboost import Metric, Objective

_Objective: Any = catboost.MultiTargetCustomObjective
_Metric: Any = catboost.MultiTargetCustomMetric


class MultiTargetObjective(Boosting, _Objective):
    """A loss as an objective of CatBoost for targets (N, K), as its own ``MultiRMSE`` and ``MultiLogloss``.

    Write ``CatBoost({"loss_function": lossary.catboost.MultiTargetObjective(loss), "eval_metric":
    lossary.catboost.MultiTargetMetric(loss)})``, or the dict of its `params`.

    Args:
        loss: Anything `lossary.get` understands: a name, an object, a sum, an own function.
        link: What makes predictions of raw scores, as in `lossary.grad_and_hess`.
        hessian: ``"auto"``, or as in `lossary.grad_and_hess`, but for ``"majorizer"``.
        scale: A factor of both derivatives; ``"auto"`` is CatBoost's own where it has the loss.
    """

    conventions: ClassVar = Objective.conventions
    classes: ClassVar = Objective.classes
    no_jit = True

    def __init__(self, loss: Any, link: str = "auto", hessian: str = "auto", scale: float | str = "auto") -> None:
        super().__init__(loss, link, hessian, scale)
        if isinstance(self.loss.record.target, Classes):
            raise texts.labels_in_columns(self.loss.name)
        if self.hessian == "majorizer":
            raise texts.targets_without_curvature(self.loss.name, self.reason)

    def params(self) -> dict[str, Any]:
        """What CatBoost has to know: the objective and its metric."""
        return {"loss_function": self, "eval_metric": MultiTargetMetric(self.loss, self.link)}

    def calc_ders_multi(self, approxes: Any, targets: Any, weight: float) -> Any:
        """The gradient and the Hessian of minus the loss of one data point."""
        slope, curve = self.derivatives(np.array(targets, np.float64)[None], np.array(approxes, np.float64)[None])
        return (slope[0] * -weight).tolist(), np.diag(curve[0] * -weight).tolist()


class MultiTargetMetric(Metric, _Metric):
    """A loss as a metric of CatBoost for targets (N, K), beside `MultiTargetObjective`: its weighted mean."""

    def evaluate(self, approxes: Sequence[Any], target: Sequence[Any], weight: Any) -> tuple[float, float]:
        """The weighted sum of the loss, and the sum of the weights."""
        return super().evaluate(approxes, np.stack([np.asarray(each) for each in target], axis=-1), weight)
