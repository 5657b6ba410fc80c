"""Losses for targets that count events."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Counts, Interval, NonNegative
from ..facts.record import Case
from ..objects.define import loss
from ..words import count, guard, mean, where, xlogy


def _poisson_slope(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-7) -> Any:
    rate = guard(y_pred, 0.0)
    # 1 - y/r as one fraction: the difference of two close numbers is exact before the division, not after it.
    none = y_true == 0.0
    slope = where(none, 1.0, (rate - y_true + epsilon) / where(none, 1.0, rate + epsilon))
    return slope / count(y_pred)


@loss(
    target=Counts(),
    prediction=NonNegative(),
    parameters={"epsilon": Interval("Added to the rate inside the logarithm", 0.0)},
    slope=_poisson_slope,
    definition="mean(y_pred - y_true * log(y_pred + epsilon))",
    source="S. D. Poisson (1837); negative log-likelihood without the term log(y_true!), which no prediction changes",
    peers={
        "keras.losses.Poisson": "",
        "torch.nn.PoissonNLLLoss": "Loss()   # y_pred = log_rates.exp(), as log_input=True is the default",
        "torch.nn.functional.poisson_nll_loss": "Loss()   # y_pred = log_rates.exp(), as log_input=True is the default",
        "sklearn.HalfPoissonLoss": "Loss(epsilon=0.0)   # of rates: y_pred = np.exp(raw)",
        "sklearn.metrics.mean_poisson_deviance": "2 * Loss(epsilon=0.0)   # and what the targets alone add",
        "xgboost.count:poisson": "Loss(epsilon=0.0)   # of rates: y_pred = np.exp(raw)",
        "lightgbm.poisson": "Loss(epsilon=0.0)   # of rates: y_pred = np.exp(raw)",
    },
    cases=(
        Case([[2.0, 0.0]], [[1.0, 3.0]], (2.0,), "((1 - 2 log 1) + (3 - 0))/2", {"epsilon": 0.0}),
        Case([[1.0]], [[math.e]], (math.e - 1.0,), "e - log e", {"epsilon": 0.0}),
    ),
)
def poisson(y_true: Any, y_pred: Any, *, epsilon: float = 1e-7) -> Any:
    """Negative log-likelihood of counts whose predicted mean is ``y_pred``.

    For numbers of events in a fixed time or space; predictions are rates, so the last layer should be positive
    (softplus or exp).  With ``epsilon=0.0`` it is the plain definition, with 0 log 0 = 0.

    >>> import lossary
    >>> print(lossary.poisson([[2.0, 0.0]], [[1.0, 3.0]], epsilon=0.0))
    [2.]
    """
    rate = guard(y_pred, 0.0)
    return mean(rate - xlogy(y_true, rate + epsilon))
