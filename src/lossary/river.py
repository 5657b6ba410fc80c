"""Losses in river's linear models.

>>> import lossary.river
>>> lossary.river.loss("huber").gradient(0.0, 3.0)
1.0
"""

from __future__ import annotations

from typing import Any

from .adapters.river import Binary, Regression
from .facts.domain import Bits, Signs
from .objects.get import get

__all__ = ["Binary", "Regression", "loss"]


def loss(loss: Any, link: str = "auto") -> Any:
    """A loss for ``river.linear_model.LinearRegression(loss=...)`` and ``LogisticRegression(loss=...)``.

    Args:
        loss: Anything `lossary.get` understands: a name, an object, a sum, an own function.
        link: What makes predictions of raw scores, as in `lossary.grad_and_hess`.
    """
    kind = Binary if isinstance(get(loss).record.target, Bits | Signs) else Regression
    return kind(loss, link)
