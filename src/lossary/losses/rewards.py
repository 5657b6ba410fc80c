"""Losses for preferences without a reference: scores of two answers, or their log-probabilities."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import LogProbability, Real
from ..facts.record import Case
from ..facts.settings import Interval
from ..objects.define import loss
from ..words import count, exp, expm1, guard, is_off, log1mexp, mean, softplus, square, weighted, where

_PAIR = {"chosen": Real(), "rejected": Real()}


@loss(
    aliases=("bradley_terry_reward", "pairwise_reward", "reward_loss"),
    target=None,
    predictions=_PAIR,
    parameters={
        "margin": Interval("By how much the chosen answer is to score higher", 0.0),
        "center": Interval("Weight of the squared sum of both rewards, which keeps them around 0", 0.0, off=0.0),
    },
    definition="mean(log(1 + exp(-(chosen - rejected - margin))) + center * (chosen + rejected)**2)",
    source="R. A. Bradley, M. E. Terry, Rank analysis of incomplete block designs (1952); L. Ouyang et al., Training "
    "language models to follow instructions with human feedback (2022), eq. 1",
    peers={
        "trl.RewardTrainer": "Loss()   # center_rewards_coefficient: center",
    },
    cases=(
        Case([[math.log(3.0)]], [[0.0]], (math.log(4.0 / 3.0),), "log(1 + 1/3)"),
        Case([[math.log(3.0)]], [[0.0]], (math.log(2.0),), "log(1 + 1)", {"margin": math.log(3.0)}),
        Case([[1.0, -2.0]], [[1.0, -2.0]], (math.log(2.0) + 5.0,), "log 2 + (4 + 16)/4", {"center": 0.5}),
    ),
)
def bradley_terry(chosen: Any, rejected: Any, *, margin: float = 0.0, center: float = 0.0) -> Any:
    """Negative log-likelihood of comparisons, for a model that gives each answer a reward.

    ``chosen`` and ``rejected`` are the rewards of two answers, one per comparison, (N,) or (N, 1); both have a
    gradient.  Only their difference counts, so rewards may drift; ``center``, about 0.01, holds them around 0.  Margins
    that differ between comparisons are taken from ``chosen`` before.  For items of a list see `pairwise_logistic`.

    A model of Keras returns ``keras.ops.stack([chosen, rejected], axis=-1)``; its targets are not looked at.

    >>> import lossary
    >>> print(lossary.bradley_terry([[1.0]], [[0.0]]).round(4))
    [0.3133]
    """
    lacking = softplus(margin - (chosen - rejected))
    return mean(lacking if is_off(center) else lacking + center * square(chosen + rejected))


@loss(
    class_name="SimPO",
    aliases=("simple_preference_optimization",),
    target=None,
    predictions=_PAIR,
    parameters={
        "beta": Interval("What the lead is multiplied by", 0.0, open_below=True),
        "gamma": Interval("How large it is to be then", 0.0),
    },
    definition="mean(log(1 + exp(-(beta * (chosen - rejected) - gamma))))",
    source="Y. Meng, M. Xia, D. Chen, SimPO: Simple preference optimization with a reference-free reward (2024), eq. 6",
    peers={
        "trl.experimental.cpo.CPOConfig(loss_type='simpo')": "Loss(beta=0.1)   # with cpo_alpha=0.0, else a likelihood "
        "beside it",
        "liger_kernel.chunked_loss.LigerFusedLinearSimPOLoss": "Loss(beta=0.1)   # of log-probabilities, and a "
        "likelihood beside it",
    },
    cases=(
        Case([[-1.0]], [[-1.0 - math.log(3.0)]], (math.log(4.0 / 3.0),), "log(1 + 3/9)", {"gamma": math.log(3.0)}),
        Case([[-2.0]], [[-2.0]], (math.log(1.0 + math.sqrt(math.e)),), "log(1 + e^(1/2))"),
    ),
)
def simpo(chosen: Any, rejected: Any, *, beta: float = 2.0, gamma: float = 0.5) -> Any:
    """Preference optimization without a reference, by means of log-probabilities per token.

    For language models where `dpo` costs too much memory: ``chosen`` and ``rejected`` are log-probabilities of answers,
    divided by their numbers of tokens, so that long answers are not liked for their length.  The lead is to reach
    ``gamma / beta``.  ``beta`` is the paper's 2; TRL and Liger have 0.1.  Shapes and Keras as for `bradley_terry`.

    >>> import lossary
    >>> print(lossary.simpo([[-1.0]], [[-2.0]]).round(4))
    [0.2014]
    """
    return mean(softplus(gamma - beta * (chosen - rejected)))


@loss(
    class_name="CPO",
    aliases=("contrastive_preference_optimization",),
    target=None,
    predictions={**_PAIR, "chosen_mean": Real()},
    parameters={
        "beta": Interval("What the lead is multiplied by", 0.0, open_below=True),
        "alpha": Interval("Weight of the likelihood of the chosen answer", 0.0),
        "label_smoothing": Interval("Share of preferences that are taken to be wrong", 0.0, 0.5),
    },
    definition="mean((1 - label_smoothing) * log(1 + exp(-d)) + label_smoothing * log(1 + exp(d)) - alpha * "
    "chosen_mean), d = beta * (chosen - rejected)",
    source="H. Xu et al., Contrastive preference optimization (2024), eq. 3-5",
    peers={
        "trl.experimental.cpo.CPOConfig(loss_type='sigmoid')": "Loss()   # cpo_alpha: alpha",
        "liger_kernel.chunked_loss.LigerFusedLinearCPOLoss": "Loss()   # of log-probabilities, not of hidden states",
    },
    cases=(
        Case([[-1.0]], [[-1.0 - math.log(3.0)]], [[-0.5]], (math.log(4.0 / 3.0) + 0.5,), "log(1 + 1/3) + 1/2",
             {"beta": 1.0}),
        Case([[-1.0]], [[-1.0 - math.log(3.0)]], [[-0.5]], (0.75 * math.log(4.0 / 3.0) + 0.25 * math.log(4.0),),
             "3/4 log(4/3) + 1/4 log 4", {"beta": 1.0, "alpha": 0.0, "label_smoothing": 0.25}),
        Case([[-7.0]], [[-7.0]], [[-0.5]], (math.log(2.0) + 1.0,), "log 2 + 2/2", {"alpha": 2.0}),
    ),
)  # fmt: skip
def cpo(
    chosen: Any, rejected: Any, chosen_mean: Any, *, beta: float = 0.1, alpha: float = 1.0, label_smoothing: float = 0.0
) -> Any:
    """Contrastive preference optimization: `dpo` without a reference, held by the likelihood of the chosen answer.

    For translation and other tasks with good chosen answers.  ``chosen`` and ``rejected`` are log-probabilities of
    whole answers, summed over their tokens, ``chosen_mean`` that of the chosen answer divided by its number of tokens.
    All three have a gradient, and that of ``chosen`` and of its mean meet in the model.  Shapes and Keras as for
    `bradley_terry`, with three in the stack.

    >>> import lossary
    >>> print(lossary.cpo([[-10.0]], [[-12.0]], [[-1.0]]).round(4))
    [1.5981]
    """
    lead = beta * (chosen - rejected)
    compared = weighted(1.0 - label_smoothing, softplus(-lead)) + weighted(label_smoothing, softplus(lead))
    return mean(compared - alpha * chosen_mean)


def _certain_at_most(logarithm: Any) -> Any:
    """A logarithm of a probability that rounding may have left above 0, with its slope."""
    return -guard(-logarithm, 0.0)


def _are_certain(chosen: Any, rejected: Any) -> Any:
    """Where odds are infinite on both sides, and as good as each other."""
    return (chosen == 0.0) & (rejected == 0.0)


def _orpo_slopes(chosen: Any, rejected: Any, *, beta: Any = 0.1) -> Any:
    chosen, rejected = _certain_at_most(chosen), _certain_at_most(rejected)
    # In what is left of both probabilities to 1, with all its digits: finite where the chosen answer is certain.
    left, other_left = -expm1(chosen), -expm1(rejected)
    both = _are_certain(chosen, rejected)
    other_left = where(both, 1.0, other_left)
    share = where(both, 0.0, beta / (exp(chosen - rejected) * other_left + left))
    return (-1.0 - share) / count(chosen), weighted(left / other_left, share) / count(chosen)


@loss(
    class_name="ORPO",
    aliases=("odds_ratio_preference_optimization",),
    target=None,
    predictions={"chosen": LogProbability(), "rejected": LogProbability()},
    parameters={"beta": Interval("Weight of the odds ratio", 0.0, open_below=True)},
    slope=_orpo_slopes,
    definition="mean(-chosen + beta * log(1 + exp(-o))), o = (chosen - rejected) - (log(1 - exp(chosen)) - log(1 - "
    "exp(rejected)))",
    source="J. Hong, N. Lee, J. Thorne, ORPO: Monolithic preference optimization without reference model (2024), "
    "eq. 6-7",
    peers={
        "trl.experimental.orpo.ORPOTrainer": "Loss()",
        "liger_kernel.chunked_loss.LigerFusedLinearORPOLoss": "Loss()   # of log-probabilities, not of hidden states",
    },
    cases=(
        Case([[-math.log(2.0)]], [[-math.log(4.0)]], (math.log(2.0) + math.log(4.0 / 3.0),),
             "log 2 + log(1 + 1/3): odds 1 and 1/3", {"beta": 1.0}),
        Case([[-math.log(4.0)]], [[-math.log(4.0)]], (math.log(4.0) + 0.5 * math.log(2.0),), "log 4 + log(2)/2",
             {"beta": 0.5}),
        Case([[0.0]], [[0.0]], (math.log(2.0),), "0 + log(1 + 1): both are certain", {"beta": 1.0}),
    ),
)  # fmt: skip
def orpo(chosen: Any, rejected: Any, *, beta: float = 0.1) -> Any:
    """Odds ratio preference optimization: fine-tuning on the chosen answers and preferring them, in one step.

    For language models without a reference and without fine-tuning before.  ``chosen`` and ``rejected`` are
    log-probabilities of answers divided by their numbers of tokens, below 0; the first term is the usual negative
    log-likelihood of the chosen answer.  Of a rejected answer that is certain, the value is infinite; where both are,
    the odds are equal, and their slope, which has no bound there, is taken as 0.  Shapes and Keras as for
    `bradley_terry`.

    >>> import lossary
    >>> print(lossary.orpo([[-0.5]], [[-1.0]]).round(4))
    [0.532]
    """
    chosen, rejected = _certain_at_most(chosen), _certain_at_most(rejected)
    worse = (rejected - chosen) + (log1mexp(chosen) - log1mexp(where(_are_certain(chosen, rejected), -1.0, rejected)))
    return mean(beta * softplus(where(_are_certain(chosen, rejected), 0.0, worse)) - chosen)
