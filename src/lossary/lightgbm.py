"""Losses as objectives and metrics of LightGBM.

>>> import lossary.lightgbm
>>> lossary.lightgbm.objective("bce")
<lightgbm.Objective of BinaryCrossentropy(): link='logit', hessian='exact', its second derivative is above 0 everywhere>
"""

from __future__ import annotations

from typing import Any

from .adapters.lightgbm import Metric, Objective

__all__ = ["Metric", "Objective", "metric", "objective"]


def objective(loss: Any, link: str = "auto", hessian: str = "auto", scale: float | str = "auto") -> Objective:
    """A loss as an objective of LightGBM.

    Write ``lightgbm.train({"objective": objective, ...}, dataset)``, or ``LGBMRegressor(objective=objective)`` and
    ``LGBMClassifier(objective=objective)``.

    Args:
        loss: Anything `lossary.get` understands: a name, an object, a sum, an own function.
        link: What makes predictions of raw scores, as in `lossary.grad_and_hess`.  ``"auto"``: ``"logit"`` or
            ``"softmax"`` for losses of probabilities, ``"log"`` for losses of rates, else ``"identity"``.
        hessian: ``"exact"``, ``"positive"``, ``"majorizer"`` or ``"constant"``, as in `lossary.grad_and_hess`.
            ``"auto"`` is the exact one where it is above 0 and does not die out, else the majorizer; ``.hessian`` and
            ``.reason`` say what it came to.  LightGBM's own huber, quantile and regression_l1 are ``"constant"``.
        scale: A factor of gradient and Hessian, which matters beside ``lambda_l2`` and ``min_sum_hessian_in_leaf``.
            ``"auto"``: where LightGBM has the loss, it is its factor (half the squared error, K/(K - 1) times the
            Hessian of softmax); where there is a majorizer it is evened to a mean of 1 in every round.

    Returns:
        The objective.  Besides being called it has ``init_score(y, weight)``, ``inverse_link(scores)`` and
        ``start(y, weight)``.
    """
    return Objective(loss, link, hessian, scale)


def metric(loss: Any, link: str = "auto", name: str | None = None) -> Metric:
    """A loss as a metric of LightGBM: its weighted mean, less is better.

    Beside an own objective LightGBM hands raw scores to metrics, and the metric applies the link.  Beside a built-in
    one it hands over predictions: then write ``link="identity"``.

    Args:
        loss: Anything `lossary.get` understands.
        link: What makes predictions of what the metric is given, as in `objective`.
        name: Its name in logs; the loss's by default.
    """
    return Metric(loss, link, name)
