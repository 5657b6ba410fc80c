"""Losses for rankings: the better item of each pair is to have the higher score."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..facts.domain import NonNegative, Real, Signs
from ..facts.record import Case
from ..facts.settings import Flag, Interval
from ..objects.define import loss
from ..words import indicator, less, log1p, maximum, mean, mean_square, other, softplus, sum, weighted, where
from ._softmax import crossentropy_slope, odds


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
    # Of other pairs not even the difference counts: infinity less itself is no number.
    lead = where(better, (y_pred - other(y_pred)) / temperature, 0.0)
    return sum(where(better, softplus(-lead) / pairs, 0.0))


def _gains(y_true: Any, normalize: bool) -> tuple[Any, Any]:
    """The labels and their sum."""
    total = sum(y_true)
    if not normalize:
        return y_true, total
    return y_true / where(total == 0.0, 1.0, total), where(total == 0.0, 0.0, 1.0)


def _best_scores(y_true: Any) -> Any:
    """Logarithms of the labels; far below them where a label is 0."""
    return np.log(np.maximum(y_true, 1e-12))


def _ranking_softmax_slope(y_true: Any, y_pred: Any, normalize: bool = False) -> Any:
    return crossentropy_slope(*_gains(y_true, normalize), y_pred, True, 0.0)


@loss(
    aliases=("list_softmax",),
    target=NonNegative(),
    prediction=Real(),
    parameters={"normalize": Flag("Whether the labels of a list are divided by their sum")},
    slope=_ranking_softmax_slope,
    best=_best_scores,
    definition="-sum(y_true * log(softmax(y_pred)))",
    source="Z. Cao et al., Learning to rank: from pairwise approach to listwise approach (2007); S. Bruch et al., An "
    "analysis of the softmax cross entropy loss for learning-to-rank with binary relevance (2019), eq. 2",
    peers={
        "optax.losses.ranking_softmax_loss": "",
        "rax.softmax_loss": "Loss()",
        "tensorflow_ranking.keras.losses.SoftmaxLoss": "Loss()   # a mean over lists with something relevant there",
        "catboost.QuerySoftMax": 'Loss(reduction="sum")   # over the sum of y_true; scores are multiplied by its '
        "beta first",
    },
    cases=(
        Case([[2.0, 0.0, 1.0]], [[0.0, math.log(2.0), 0.0]], (3.0 * math.log(4.0),), "2 log 4 + log 4: 1/4 each"),
        Case([[2.0, 0.0, 1.0]], [[0.0, math.log(2.0), 0.0]], (math.log(4.0),), "(2 log 4 + log 4)/3",
             {"normalize": True}),
        Case([[0.0, 0.0]], [[3.0, -1.0]], (0.0,), "nothing is relevant"),
        Case([[0.0, 0.0]], [[3.0, -1.0]], (0.0,), "nothing is relevant", {"normalize": True}),
    ),
)  # fmt: skip
def ranking_softmax(y_true: Any, y_pred: Any, normalize: bool = False) -> Any:
    """Cross-entropy of a list of items whose scores compete for being the relevant ones.

    For search results, recommendations and clicks: ``y_true`` is how relevant each item is, numbers from 0 up,
    ``y_pred`` its score from a linear layer, and a list lies along ``axis``.  It is linear in the length of a list
    where `pairwise_logistic` is quadratic, and graded labels count as weights: relevance 2 as two clicks.  Labels are
    not normalized, so a list with more relevant items counts for more; with ``normalize=True`` every list counts alike.
    A list without a relevant item costs 0.

    Lists of different lengths are padded, and ``where`` has False at the padding, whatever stands there.

    >>> import lossary
    >>> print(lossary.ranking_softmax([[1.0, 0.0]], [[0.0, 0.0]]).round(4))
    [0.6931]
    """
    (gains, total), (_, lag, _, rest) = _gains(y_true, normalize), odds(y_pred)
    return total * log1p(rest) - sum(weighted(gains, lag))


@loss(
    target=Signs(),
    predictions={"first": Real(), "second": Real()},
    parameters={"margin": Interval("By how much the better one is to score higher", 0.0)},
    definition="mean(max(margin - y_true * (first - second), 0)), y_true are 1 for first, -1 for second",
    source="R. Herbrich, T. Graepel, K. Obermayer, Support vector learning for ordinal regression (1999)",
    peers={
        "torch.nn.MarginRankingLoss": "",
        "torch.nn.functional.margin_ranking_loss": "",
    },
    cases=(
        Case([[1.0]], [[0.0]], [[1.0]], (1.5,), "1/2 - (0 - 1)", {"margin": 0.5}),
        Case([[1.0, -1.0]], [[3.0, 3.0]], [[1.0, 1.0]], (1.0,), "(0 + 2)/2"),
        Case([[0.0]], [[1.0]], [[1.5]], (0.5,), "1 - 1/2, 0 read as -1", {"margin": 1.0}),
    ),
)
def margin_ranking(y_true: Any, first: Any, second: Any, *, margin: float = 0.0) -> Any:
    """What the better of two items lacks to a lead of ``margin`` in its score.

    For pairs of items one of which is better: ``y_true`` is 1 if it is the first and -1 (or 0) if it is the second,
    ``first`` and ``second`` are their scores, all of one shape, and both have a gradient.  PyTorch's order is ``(first,
    second, y_true)``.  Without a margin equal scores for all items cost nothing; a margin above 0 keeps a model from
    ending there.

    A model of Keras returns ``keras.ops.stack([first, second], axis=-1)``.

    >>> import lossary
    >>> print(lossary.margin_ranking([[1]], [[0.0]], [[1.0]], margin=0.5))
    [1.5]
    """
    # The zero comes first: scores that are equal have the slope of those in the wrong order, without a margin too.
    return mean(maximum(0.0, margin - where(y_true == 0.0, -1.0, y_true) * (first - second)))


@loss(
    class_name="BPR",
    aliases=("bayesian_personalized_ranking", "bpr_loss"),
    target=None,
    predictions={"positive": Real(), "negative": Real()},
    definition="mean(log(1 + exp(-(positive - negative))))",
    source="S. Rendle et al., BPR: Bayesian personalized ranking from implicit feedback (2009), section 4",
    peers={
        "recbole.model.loss.BPRLoss": "",
    },
    cases=(
        Case([[0.0]], [[math.log(3.0)]], (math.log(4.0),), "log(1 + 3)"),
        Case([[math.log(3.0), 1.0]], [[0.0, 1.0]], (0.5 * math.log(8.0 / 3.0),), "(log(1 + 1/3) + log 2)/2"),
    ),
)
def bpr(positive: Any, negative: Any) -> Any:
    """Bayesian personalized ranking: an item that a user chose is to score higher than one that the user did not.

    For recommendations from clicks and purchases: ``positive`` and ``negative`` are scores in one shape, of items that
    were chosen and of others drawn at random.  There are no targets, and both have a gradient.  The penalty on the size
    of the embeddings, part of the paper's criterion, is the optimizer's weight decay.

    A model of Keras returns ``keras.ops.stack([positive, negative], axis=-1)``; its targets are not looked at.

    >>> import lossary
    >>> print(lossary.bpr([[1.0]], [[1.0]]).round(4))
    [0.6931]
    """
    return mean(softplus(negative - positive))


@loss(
    class_name="MarginMSE",
    target=Real(),
    predictions={"positive": Real(), "negative": Real()},
    definition="mean((positive - negative - y_true)**2), y_true are the teacher's differences",
    source="S. Hofstaetter et al., Improving efficient neural ranking models with cross-architecture knowledge "
    "distillation (2020), eq. 3",
    peers={
        "sentence_transformers.losses.MarginMSELoss": "",
    },
    cases=(
        Case([[1.0]], [[3.0]], [[1.0]], (1.0,), "(3 - 1 - 1)^2"),
        Case([[0.5, -2.0]], [[1.0, 0.0]], [[0.5, 5.0]], (4.5,), "(0 + (-5 + 2)^2)/2"),
    ),
)
def margin_mse(y_true: Any, positive: Any, negative: Any) -> Any:
    """Squared error of the lead of one score over another, for a ranker that learns from a teacher's.

    For distillation: the student need not reproduce the teacher's scores, only their differences, ``y_true``.
    ``positive`` and ``negative`` are the student's scores of a relevant passage and of another one; both have a
    gradient.

    A model of Keras returns ``keras.ops.stack([positive, negative], axis=-1)``.

    >>> import lossary
    >>> print(lossary.margin_mse([[1.0]], [[3.0]], [[1.0]]))
    [1.]
    """
    return mean_square(positive - negative - y_true)
