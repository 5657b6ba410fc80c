"""Losses as norms of statsmodels' robust linear models.

>>> import lossary.statsmodels
>>> lossary.statsmodels.norm("welsch")
Norm(Welsch())
"""

from __future__ import annotations

from typing import Any

from .adapters.statsmodels import Norm

__all__ = ["Norm", "norm"]


def norm(loss: Any) -> Norm:
    """A loss of differences as a norm: ``statsmodels.api.RLM(y, x, M=lossary.statsmodels.norm("huber")).fit()``.

    Residuals come in units of their scale, which is estimated: its ``HuberT`` is ``lossary.Huber(delta=1.345)``.

    Args:
        loss: Anything `lossary.get` understands: a name, an object, a sum, an own function.
    """
    return Norm(loss)
