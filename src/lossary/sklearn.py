"""Losses as scorers of scikit-learn, and in its histogram gradient boosting.

>>> import lossary.sklearn
>>> lossary.sklearn.scorer("bce")
scorer(BinaryCrossentropy())
"""

from __future__ import annotations

from typing import Any

from .adapters.sklearn_hist import HistLoss
from .adapters.sklearn_scorer import LossScorer

__all__ = ["HistLoss", "LossScorer", "scorer"]


def scorer(loss: Any) -> LossScorer:
    """A loss as a scorer for `cross_val_score`, `GridSearchCV` and their like: minus its weighted mean.

    It asks estimators for what the loss takes: ``predict_proba`` for losses of probabilities, ``decision_function`` for
    margins and with ``from_logits=True``, ``predict`` for numbers.  Labels of any kind, text too, are read by the
    estimator's ``classes_``.  Weights are averaged as scikit-learn does; where its metadata routing is on,
    ``scorer(loss).set_score_request(sample_weight=True)`` asks for them.

    Args:
        loss: Anything `lossary.get` understands: a name, an object, a sum, an own function.

    >>> import numpy as np, lossary.sklearn
    >>> from sklearn.dummy import DummyClassifier
    >>> x, y = np.zeros((4, 1)), np.array(["no", "yes", "yes", "yes"])
    >>> model = DummyClassifier(strategy="prior").fit(x, y)  # 3/4 yes
    >>> round(lossary.sklearn.scorer("bce")(model, x, y), 4)  # (log 4 + 3 log(4/3)) / 4
    -0.5623
    """
    return LossScorer(loss)
