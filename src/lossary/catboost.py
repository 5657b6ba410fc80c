"""Losses as objectives and metrics of CatBoost.

>>> import lossary.catboost
>>> lossary.catboost.Objective("poisson")
<catboost.Objective of Poisson(): link='log', hessian='exact', its second derivative is above 0 everywhere>
"""

from .adapters.catboost import Metric, MultiObjective, Objective
from .adapters.catboost_targets import MultiTargetMetric, MultiTargetObjective

__all__ = ["Metric", "MultiObjective", "MultiTargetMetric", "MultiTargetObjective", "Objective"]
