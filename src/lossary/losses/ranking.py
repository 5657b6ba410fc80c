"""Losses for lists: the better item of each pair is to have the higher score."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Interval, NonNegative, Real
from ..facts.record import Case
from ..objects.define import loss
from ..words import indicator, less, maximum, other, softplus, sum, where


@loss(
    aliases=("pairwise_logistic_loss", "PairwiseLogisticLoss", "ranknet", "RankNet", "RankNetLoss", "PairLogit"),
    target=NonNegative(),
    prediction=Real(),
    parameters={"temperature": Interval("What scores are divided by", 0.0, open_below=True)},
    definition="mean over pairs with y_true_i > y_true_j of log(1 + exp(-(y_pred_i - y_pred_j) / temperature))",
    source="C. J. C. Burges et al., Learning to rank using gradient descent (2005), eq. 3",
    cases=(
        Case([[1.0, 0.0]], [[0.0, math.log(3.0)]], (math.log(4.0),), "log(1 + 3)"),
        Case([[2.0, 1.0, 0.0]], [[0.0, 0.0, 0.0]], (math.log(2.0),), "three pairs of log 2"),
        Case([[1.0, 1.0]], [[5.0, -5.0]], (0.0,), "no pair"),
        Case([[1.0, 0.0]], [[0.0, 2.0 * math.log(3.0)]], (math.log(4.0),), "log(1 + 3)", {"temperature": 2.0}),
    ),
)
def pairwise_logistic(y_true: Any, y_pred: Any, *, temperature: float = 1.0) -> Any:
    """Logistic loss of the differences of scores, over all pairs of a list of which one item is better.

    For search results and recommendations: ``y_true`` is the relevance of each item, any numbers from 0 up of which
    only the order counts, ``y_pred`` its score from a linear layer, and a list lies along ``axis``.  The mean is over
    the pairs of a list, and a list without a pair costs 0; the memory grows with the square of its length.

    Lists of different lengths are padded, and ``where`` has False at the padding, whatever stands there; a list that is
    all padding leaves the mean.  Keras's mask of padded items does the same.

    >>> import lossary
    >>> print(lossary.pairwise_logistic([[1.0, 0.0]], [[0.0, 0.0]]).round(4))
    [0.6931]
    >>> lists = lossary.PairwiseLogistic()
    >>> print(lists([[1.0, 0.0, 0.0]], [[0.0, 0.0, 9.0]], where=[[True, True, False]]).round(4))  # One is padding.
    0.6931
    """
    better = less(other(y_true), y_true)
    pairs = maximum(sum(indicator(better)), 1.0)
    lead = (y_pred - other(y_pred)) / temperature
    return sum(where(better, softplus(-lead) / pairs, 0.0))
