"""Losses for preferences that hold a model to a reference: of two answers one was liked better."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Bits, Real
from ..facts.record import Case
from ..facts.settings import Interval
from ..objects.define import loss
from ..words import abs, count, exp, expm1, maximum, mean, mean_square, sigmoid, softplus, square, weighted, where

_PAIR = {"chosen": Real(), "rejected": Real()}
_REFERENCES = {"reference_chosen": Real(), "reference_rejected": Real()}
_BETA = Interval("How closely the model stays to the reference", 0.0, open_below=True)


def _lead(chosen: Any, rejected: Any, reference_chosen: Any, reference_rejected: Any) -> Any:
    """How much more the chosen answer gained over the reference than the rejected one."""
    return (chosen - reference_chosen) - (rejected - reference_rejected)


@loss(
    aliases=("direct_preference_optimization", "dpo_loss", "DPOLoss", "cdpo"),
    class_name="DPO",
    target=None,
    predictions=_PAIR,
    given=_REFERENCES,
    parameters={
        "beta": _BETA,
        "label_smoothing": Interval("Share of preferences that are taken to be wrong", 0.0, 0.5),
    },
    definition="(1 - label_smoothing) * log(1 + exp(-d)) + label_smoothing * log(1 + exp(d)), "
    "d = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))",
    source="R. Rafailov et al., Direct preference optimization (2023), eq. 7; E. Mitchell, A note on DPO with noisy "
    "preferences (2023)",
    peers={
        "trl.DPOConfig(loss_type='sigmoid')": "Loss()",
        "liger_kernel.chunked_loss.LigerFusedLinearDPOLoss": "Loss()   # of log-probabilities, not of hidden states",
    },
    cases=(
        Case([[-1.0]], [[-3.0]], [[-2.5]], [[-4.0]], (math.log(4.0 / 3.0),), "log(1 + 1/3): d = log 9 ((-1 + 2.5) - 1)",
             {"beta": 2.0 * math.log(3.0)}),
        Case([[-1.0]], [[-2.0]], [[-2.0]], [[-1.0]], (math.log(4.0 / 3.0),), "log(1 + 1/3): d = log 3",
             {"beta": math.log(3.0) / 2.0}),
        Case([[-1.0]], [[-2.0]], [[-2.0]], [[-1.0]], (0.75 * math.log(4.0 / 3.0) + 0.25 * math.log(4.0),),
             "3/4 log(4/3) + 1/4 log 4: d = log 3", {"beta": math.log(3.0) / 2.0, "label_smoothing": 0.25}),
    ),
)  # fmt: skip
def dpo(
    chosen: Any, rejected: Any, reference_chosen: Any, reference_rejected: Any, *, beta: float = 0.1,
    label_smoothing: float = 0.0,
) -> Any:  # fmt: skip
    """Direct preference optimization: the chosen answer is to gain more over a reference than the rejected one.

    For language models that learn from comparisons.  All four are log-probabilities of whole answers, summed over
    their tokens, one per comparison, (N,) or (N, 1): under the model that is trained and under the reference, which has
    no gradient.  With ``label_smoothing`` some preferences are taken to be noise.

    A model of Keras returns ``keras.ops.stack([chosen, rejected], axis=-1)``, and its targets are
    ``lossary.pack(reference_chosen=x, reference_rejected=y)``.

    >>> import lossary
    >>> print(lossary.dpo([[-1.0]], [[-2.0]], [[-2.0]], [[-1.0]]).round(4))
    [0.5981]
    """
    lead = beta * _lead(chosen, rejected, reference_chosen, reference_rejected)
    return mean(weighted(1.0 - label_smoothing, softplus(-lead)) + weighted(label_smoothing, softplus(lead)))


def _robust_slopes(
    chosen: Any, rejected: Any, reference_chosen: Any, reference_rejected: Any, *, beta: Any = 0.1,
    label_smoothing: Any = 0.1,
) -> Any:  # fmt: skip
    lead = beta * _lead(chosen, rejected, reference_chosen, reference_rejected)
    slope = beta * (sigmoid(-lead) + label_smoothing / (1.0 - 2.0 * label_smoothing)) / count(chosen)
    return -slope, slope


@loss(
    class_name="RobustDPO",
    aliases=("rdpo", "provably_robust_dpo"),
    target=None,
    predictions=_PAIR,
    given=_REFERENCES,
    parameters={
        "beta": _BETA,
        "label_smoothing": Interval("Share of preferences that are known to be wrong", 0.0, 0.49),
    },
    slope=_robust_slopes,
    definition="((1 - label_smoothing) * log(1 + exp(-d)) - label_smoothing * log(1 + exp(d))) / (1 - 2 * "
    "label_smoothing), d = beta * ((chosen - reference_chosen) - (rejected - reference_rejected))",
    source="S. R. Chowdhury, A. Kini, N. Natarajan, Provably robust DPO (2024), eq. 12",
    peers={
        "trl.DPOConfig(loss_type='robust')": "Loss()   # label_smoothing is 0 there unless it is given",
    },
    cases=(
        Case([[-1.0]], [[-2.0]], [[-2.0]], [[-1.0]], (1.5 * math.log(4.0 / 3.0) - 0.5 * math.log(4.0),),
             "2 (3/4 log(4/3) - 1/4 log 4): d = log 3", {"beta": math.log(3.0) / 2.0, "label_smoothing": 0.25}),
        Case([[-1.0]], [[-3.0]], [[-2.5]], [[-4.0]], (math.log(4.0 / 3.0),), "as dpo: log(1 + 1/3)",
             {"beta": 2.0 * math.log(3.0), "label_smoothing": 0.0}),
        Case([[-3.0]], [[-1.0]], [[-2.0]], [[-2.0]], (2.0 * math.log(2.0) + 0.5 * math.log(3.0),),
             "log 4 + 1/2 log 3: d = -log 3", {"beta": math.log(3.0) / 2.0, "label_smoothing": 0.25}),
    ),
)  # fmt: skip
def robust_dpo(
    chosen: Any, rejected: Any, reference_chosen: Any, reference_rejected: Any, *, beta: float = 0.1,
    label_smoothing: float = 0.1,
) -> Any:  # fmt: skip
    """Direct preference optimization for a known share of wrong preferences: on average what `dpo` is without them.

    For comparisons by annotators whose rate of errors is known, ``label_smoothing``; with 0 it is `dpo`.  The value
    falls without bound as the lead grows, so it says little by itself.  Arguments, shapes and Keras as for `dpo`.

    >>> import lossary
    >>> print(lossary.robust_dpo([[-1.0]], [[-2.0]], [[-2.0]], [[-1.0]]).round(4))
    [0.5731]
    """
    lead = beta * _lead(chosen, rejected, reference_chosen, reference_rejected)
    # Of log(1 + exp(d)) = d + log(1 + exp(-d)) the logarithms go into one.
    return mean(softplus(-lead) - label_smoothing / (1.0 - 2.0 * label_smoothing) * lead)


@loss(
    class_name="IPO",
    aliases=("identity_preference_optimization",),
    target=None,
    predictions=_PAIR,
    given=_REFERENCES,
    parameters={"beta": Interval("The lead that is aimed at is 1/(2 beta)", 0.0, open_below=True)},
    definition="mean(((chosen - reference_chosen) - (rejected - reference_rejected) - 1 / (2 * beta))**2)",
    source="M. G. Azar et al., A general theoretical paradigm to understand learning from human preferences (2023), "
    "eq. 17",
    peers={
        "trl.DPOConfig(loss_type='ipo')": "Loss()   # of means per token",
    },
    cases=(
        Case([[-1.0]], [[-2.0]], [[-2.0]], [[-1.0]], (1.0,), "((1 + 1) - 3)^2", {"beta": 1.0 / 6.0}),
        Case([[-1.0, -1.0]], [[-6.0, -1.0]], [[-1.0, -2.0]], [[-1.0, -2.0]], (12.5,), "((5 - 5)^2 + (0 - 5)^2)/2"),
    ),
)
def ipo(chosen: Any, rejected: Any, reference_chosen: Any, reference_rejected: Any, *, beta: float = 0.1) -> Any:
    """Squared error of the lead over the reference from a fixed one, for preferences that are nearly certain.

    Where `dpo` drives the lead up for ever, this one aims at ``1 / (2 * beta)``, 5 by default: a size for means of
    log-probabilities per token, which is what TRL and the authors' code hand to it, not for sums.  Shapes and Keras as
    for `dpo`.

    >>> import lossary
    >>> print(lossary.ipo([[-1.0]], [[-2.0]], [[-2.0]], [[-1.0]]))
    [9.]
    """
    return mean_square(_lead(chosen, rejected, reference_chosen, reference_rejected) - 0.5 / beta)


@loss(
    aliases=("slic", "rso_hinge"),
    target=None,
    predictions=_PAIR,
    given=_REFERENCES,
    parameters={"beta": Interval("What leads are multiplied by; the margin is 1/beta", 0.0, open_below=True)},
    definition="mean(max(1 - beta * ((chosen - reference_chosen) - (rejected - reference_rejected)), 0))",
    source="Y. Zhao et al., SLiC-HF (2023); T. Liu et al., Statistical rejection sampling improves preference "
    "optimization (2024), eq. 9",
    peers={
        "trl.DPOConfig(loss_type='hinge')": "Loss()",
    },
    cases=(
        Case([[-1.0]], [[-2.0]], [[-2.0]], [[-1.0]], (0.5,), "1 - (1 + 1)/4", {"beta": 0.25}),
        Case([[-1.0, -9.0]], [[-4.0, -1.0]], [[-2.0, -1.0]], [[-1.0, -1.0]], (1.5,), "(0 + (1 + 8/4))/2",
             {"beta": 0.25}),
    ),
)  # fmt: skip
def slic_hinge(chosen: Any, rejected: Any, reference_chosen: Any, reference_rejected: Any, *, beta: float = 0.1) -> Any:
    """Hinge of the lead over the reference: it stops pushing once the chosen answer leads by ``1 / beta``.

    For preferences where `dpo` pushes leads too far.  Arguments, shapes and Keras as for `dpo`.

    >>> import lossary
    >>> print(lossary.slic_hinge([[-1.0]], [[-2.0]], [[-2.0]], [[-1.0]]).round(4))
    [0.8]
    """
    return mean(maximum(1.0 - beta * _lead(chosen, rejected, reference_chosen, reference_rejected), 0.0))


@loss(
    class_name="APOZero",
    aliases=("anchored_preference_optimization_zero",),
    target=None,
    predictions=_PAIR,
    given=_REFERENCES,
    parameters={"beta": _BETA},
    definition="mean(sigmoid(-beta * (chosen - reference_chosen)) + sigmoid(beta * (rejected - reference_rejected)))",
    source="K. D'Oosterlinck et al., Anchored preference optimization and contrastive revisions (2024), eq. 7",
    peers={
        "trl.DPOConfig(loss_type='apo_zero')": "Loss()",
    },
    cases=(
        Case([[-1.0]], [[-2.0]], [[-2.0]], [[-1.0]], (0.5,), "1/(1 + 3) + 1/(1 + 3)", {"beta": math.log(3.0)}),
        Case([[-1.0]], [[-2.0]], [[-1.0]], [[-3.0]], (1.25,), "1/2 + 3/4", {"beta": math.log(3.0)}),
    ),
)
def apo_zero(chosen: Any, rejected: Any, reference_chosen: Any, reference_rejected: Any, *, beta: float = 0.1) -> Any:
    """Anchored preference optimization for good answers: the chosen one is to gain on the reference, the other to lose.

    For chosen answers that are better than what the model writes by now; where they are worse see `apo_down`.  Each
    answer has a term of its own, so unlike `dpo` it never lowers the chosen answer to lower the other more.  Between 0
    and 2; terms that are far from their answer have little slope.  Arguments, shapes and Keras as for `dpo`.

    >>> import lossary
    >>> print(lossary.apo_zero([[-1.0]], [[-2.0]], [[-2.0]], [[-1.0]]).round(4))
    [0.95]
    """
    return mean(sigmoid(-beta * (chosen - reference_chosen)) + sigmoid(beta * (rejected - reference_rejected)))


def _sine(x: Any) -> Any:
    """The hyperbolic sine of ``-x`` over the half of its exponential; unlike a sign it has a slope at 0."""
    side = where(x < 0.0, -1.0, 1.0)
    return side * expm1(-2.0 * side * x)


def _apo_down_slopes(
    chosen: Any, rejected: Any, reference_chosen: Any, reference_rejected: Any, *, beta: Any = 0.1
) -> Any:
    own, other = beta * (chosen - reference_chosen), beta * (rejected - reference_rejected)
    lead = own - other
    # The slopes of the two sigmoids nearly agree near 0, where training starts.  Their difference is a product of
    # hyperbolic sines of half the difference and half the sum of the exponents, over squares of cosines.
    half, rest = -0.5 * other, own - 0.5 * other
    far, near = exp(-abs(lead)), exp(-abs(own))
    apart = maximum(far, near) * (_sine(half) * _sine(rest) / square((1.0 + far) * (1.0 + near)))
    factor = beta / count(chosen)
    return factor * apart, factor * (far / square(1.0 + far))


@loss(
    class_name="APODown",
    aliases=("anchored_preference_optimization_down",),
    target=None,
    predictions=_PAIR,
    given=_REFERENCES,
    parameters={"beta": _BETA},
    slope=_apo_down_slopes,
    definition="mean(sigmoid(beta * (chosen - reference_chosen)) + sigmoid(-beta * ((chosen - reference_chosen) - "
    "(rejected - reference_rejected))))",
    source="K. D'Oosterlinck et al., Anchored preference optimization and contrastive revisions (2024), eq. 8",
    peers={
        "trl.DPOConfig(loss_type='apo_down')": "Loss()",
    },
    cases=(
        Case([[-1.0]], [[-2.0]], [[-2.0]], [[-1.0]], (0.85,), "3/4 + 1/(1 + 9)", {"beta": math.log(3.0)}),
        Case([[-1.0]], [[-2.0]], [[-1.0]], [[-3.0]], (1.25,), "1/2 + 3/4", {"beta": math.log(3.0)}),
    ),
)
def apo_down(chosen: Any, rejected: Any, reference_chosen: Any, reference_rejected: Any, *, beta: float = 0.1) -> Any:
    """Anchored preference optimization for weak answers: both are to lose on the reference, the rejected one more.

    For chosen answers that are worse than what the model writes by now; where they are better see `apo_zero`.  Between
    0 and 2.  Arguments, shapes and Keras as for `dpo`.

    >>> import lossary
    >>> print(lossary.apo_down([[-1.0]], [[-2.0]], [[-2.0]], [[-1.0]]).round(4))
    [0.9751]
    """
    lead = _lead(chosen, rejected, reference_chosen, reference_rejected)
    return mean(sigmoid(beta * (chosen - reference_chosen)) + sigmoid(-beta * lead))


@loss(
    class_name="KTO",
    aliases=("kahneman_tversky_optimization", "kto_loss"),
    target=Bits(),
    given={"reference": Real(), "divergence": Real()},
    parameters={
        "beta": _BETA,
        "desirable_weight": Interval("Weight of desirable answers", 0.0),
        "undesirable_weight": Interval("Weight of undesirable answers", 0.0),
    },
    definition="mean(desirable_weight * sigmoid(-d) if y_true == 1 else undesirable_weight * sigmoid(d)), d = beta * "
    "(y_pred - reference - divergence)",
    source="K. Ethayarajh et al., KTO: Model alignment as prospect theoretic optimization (2024), eq. 8",
    peers={
        "trl.KTOConfig(loss_type='kto')": "Loss()",
        "liger_kernel.chunked_loss.LigerFusedLinearKTOLoss": "Loss()   # of log-probabilities, not of hidden states",
    },
    cases=(
        Case([[1.0], [0.0]], [[math.log(3.0)], [math.log(3.0)]], [[0.0], [0.0]], [[0.0], [0.0]], (0.25, 0.75),
             "1/(1 + 3); 3/(1 + 3)", {"beta": 1.0}),
        Case([[1.0, 0.0]], [[-1.0, -1.0]], [[-2.0, -1.0]], [[1.0, 1.0]], (0.75,), "(2/2 + 2 * 1/4)/2",
             {"beta": math.log(3.0), "desirable_weight": 2.0, "undesirable_weight": 2.0}),
    ),
)  # fmt: skip
def kto(
    y_true: Any, y_pred: Any, reference: Any, divergence: Any, *, beta: float = 0.1, desirable_weight: float = 1.0,
    undesirable_weight: float = 1.0,
) -> Any:  # fmt: skip
    """Kahneman-Tversky optimization: answers of which each was liked or not, without a comparison.

    For thumbs up and down: ``y_true`` is 1 for an answer that was liked and 0 for one that was not, ``y_pred`` and
    ``reference`` are its log-probability under the model and under the reference, summed over its tokens.
    ``divergence`` is an estimate of how far the model is from the reference, at least 0, usually the same for a whole
    batch: the mean of both models' difference on answers to other prompts.  Only ``y_pred`` has a gradient.  Weights
    make up for classes of unequal size.

    In Keras the targets are ``lossary.pack(y_true=liked, reference=x, divergence=y)``.

    >>> import lossary
    >>> print(lossary.kto([[1], [0]], [[-1.0], [-1.0]], [[-2.0], [-2.0]], [[0.5], [0.5]]).round(4))
    [0.4875 0.5125]
    """
    lead = beta * ((y_pred - reference) - divergence)
    liked, disliked = desirable_weight * y_true, undesirable_weight * (1.0 - y_true)
    return mean(liked * sigmoid(-lead) + disliked * sigmoid(lead))
