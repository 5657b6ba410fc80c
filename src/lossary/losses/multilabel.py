"""Losses for several labels that may hold at once."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Bits, Real, Unit
from ..facts.record import Case
from ..facts.settings import Flag, Interval
from ..objects.define import loss
from ..words import (
    count,
    detach,
    exp,
    expm1,
    log,
    log1p,
    max,
    maximum,
    mean,
    minimum,
    other,
    position,
    power,
    sigmoid,
    softplus,
    sum,
    weighted,
    where,
)
from ._clipped import CLIP
from ._focus import LEAST, per_part

# Beyond this a score is as good as infinite beside the logarithm of a label.
_FAR = 1e30


def _raised(y_pred: Any, from_logits: bool, margin: Any, epsilon: Any) -> tuple[Any, Any, Any, Any, Any]:
    """Both probabilities, what the margin leaves of the first, what it makes of the second, and that one's ``-log``."""
    if from_logits:
        yes, no = sigmoid(y_pred), sigmoid(-y_pred)
    else:
        yes, no = maximum(y_pred, epsilon), maximum(1.0 - y_pred, epsilon)
    left, rest = maximum(yes - margin, 0.0), minimum(no + margin, 1.0)
    far = log(maximum(rest, LEAST))
    if from_logits:
        far = where(rest > LEAST, far, -softplus(y_pred))
    return yes, no, left, rest, -where(left < 0.5, log1p(-minimum(left, 0.5)), far)


def _cost_of_one(y_pred: Any, from_logits: bool, epsilon: Any) -> Any:
    return softplus(-y_pred) if from_logits else -minimum(log(maximum(y_pred, epsilon)), log1p(-epsilon))


def _asymmetric_slope(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    *,
    gamma_positive: Any = 1.0,
    gamma_negative: Any = 4.0,
    margin: Any = 0.05,
    epsilon: Any = 1e-7,
) -> Any:
    yes, no, left, rest, cost_no = _raised(y_pred, from_logits, margin, epsilon)
    cost_yes = _cost_of_one(y_pred, from_logits, epsilon)
    # The slope of a weight over the weight itself, times the cost, and the slope of the cost, all times `yes * no`
    # where they are slopes in a raw score.
    per_left, per_rest = per_part(cost_no, left), where(rest == 0.0, 1.0, no / _or_one(rest))
    if from_logits:
        positive = gamma_positive * weighted(yes, cost_yes) + no
        negative = yes * (gamma_negative * per_left * no + per_rest)
    else:
        positive = gamma_positive * per_part(cost_yes, no) + 1.0 / yes
        negative = gamma_negative * per_left + 1.0 / rest
    negative = where(yes > margin, power(maximum(left, LEAST), gamma_negative) * negative, 0.0)
    positive = power(maximum(no, LEAST), gamma_positive) * positive
    return (weighted(1.0 - y_true, negative) - weighted(y_true, positive)) / count(y_pred)


def _or_one(a: Any) -> Any:
    return where(a == 0.0, 1.0, a)


@loss(
    aliases=("ASL", "asymmetric_loss_multilabel"),
    class_name="AsymmetricLoss",
    target=Bits(),
    prediction=Unit(),
    parameters={
        "from_logits": Flag("Whether y_pred holds raw scores (no sigmoid in the last layer)"),
        "gamma_positive": Interval("How much less a positive that is nearly right counts", 0.0),
        "gamma_negative": Interval("How much less a negative that is nearly right counts", 0.0),
        "margin": Interval("Probability up to which a negative counts as right", 0.0, 1.0),
        "epsilon": CLIP,
    },
    slope=_asymmetric_slope,
    definition="mean(-y_true * (1 - y_pred)**gamma_positive * log(y_pred) "
    "- (1 - y_true) * q**gamma_negative * log(1 - q)), q = max(y_pred - margin, 0)",
    source="T. Ridnik, E. Ben-Baruch et al., Asymmetric loss for multi-label classification (2021), eq. 4, 6 and 7",
    peers={
        "timm.loss.AsymmetricLossMultiLabel": "Loss(from_logits=True)   # summed over labels there",
    },
    cases=(
        Case([[1.0, 0.0]], [[0.5, 0.5]], ((8.0 * math.log(2.0) + math.log(4.0 / 3.0)) / 32.0,),
             "(1/2 log 2 + (1/4)^2 log(4/3))/2", {"margin": 0.25, "gamma_negative": 2.0}),
        Case([[1.0]], [[0.0]], (math.log(2.0) / 2.0,), "1/2 log 2", {"from_logits": True}),
        Case([[0.0]], [[0.0]], (math.log(2.0) / 16.0,), "(1/2)^4 log 2", {"from_logits": True, "margin": 0.0}),
        Case([[0.0]], [[0.04]], (0.0,), "below the margin"),
    ),
)  # fmt: skip
def asymmetric_loss(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    *,
    gamma_positive: float = 1.0,
    gamma_negative: float = 4.0,
    margin: float = 0.05,
    epsilon: float = 1e-7,
) -> Any:
    """`binary_focal_crossentropy` that forgives negatives more than positives, for many labels of which few hold.

    Negatives with a probability up to ``margin`` cost nothing and have no slope: among them are labels that were only
    forgotten.  With both gammas 0 and no margin it is `binary_crossentropy`.  The mean is over labels; the authors and
    timm sum over them, so that their learning rates belong to ours divided by the number of labels.

    >>> import lossary
    >>> print(lossary.asymmetric_loss([[1.0, 0.0]], [[0.5, 0.5]]).round(4))
    [0.1855]
    """
    _, no, left, _, cost_no = _raised(y_pred, from_logits, margin, epsilon)
    positive = power(no, gamma_positive) * _cost_of_one(y_pred, from_logits, epsilon)
    return mean(weighted(y_true, positive) + weighted(1.0 - y_true, power(left, gamma_negative) * cost_no))


def _summands(y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
    """Exponentials of scores, each weighed by its share of a set, their sum with 1, and its logarithm."""
    inside = y_true > 0.0
    # The score that counts for most, its label counted in: of a soft one e^-7 of a score of 7 is left.
    logs = detach(log(where(inside, maximum(y_true, LEAST), 1.0)))
    scores = where(inside, y_pred + logs, 0.0)
    most = maximum(max(scores), 0.0)
    # Infinity less itself is no number.
    lag = where((y_pred < most) | (most < _FAR), y_pred - most, -logs)
    # What is no part of the set is there for the slope in its label, as far as nothing times it is nothing.
    terms = y_true * exp(minimum(lag, -math.log(LEAST)))
    total = sum(terms)
    # Where no score is above 0 the sum beside 1 may be small; elsewhere it is 1 and more, and nothing cancels.
    return terms, total + exp(-most), most + log1p(total + expm1(-most))


def _zlpr_slope(y_true: Any, y_pred: Any) -> Any:
    missing, all_missing, _ = _summands(y_true, -y_pred)
    found, all_found, _ = _summands(1.0 - y_true, y_pred)
    return found / all_found - missing / all_missing


@loss(
    aliases=("zlpr_loss", "multilabel_categorical_crossentropy"),
    class_name="ZLPR",
    target=Bits(),
    prediction=Real(),
    slope=_zlpr_slope,
    definition="log(1 + sum(y_true * exp(-y_pred))) + log(1 + sum((1 - y_true) * exp(y_pred)))",
    source="J. Su et al., ZLPR: a novel loss for multi-label classification (2022), eq. 3",
    peers={"timm.loss.ZlprLoss": "Loss()"},
    cases=(
        Case([[1.0, 0.0, 0.0]], [[0.0, 0.0, 0.0]], (math.log(6.0),), "log(1 + 1) + log(1 + 1 + 1)"),
        Case([[1.0, 1.0]], [[0.0, -math.log(2.0)]], (math.log(4.0),), "log(1 + 1 + 2) + log 1"),
        Case([[1.0 - 2.0**-40]], [[math.log(3.0 * 2.0**40)]], (math.log(4.0) + 2.0**-40 / 3.0,),
             "log(1 + 2^-40/3) + log(1 + 3)"),
        Case([[2.0**-40]], [[-math.log(3.0 * 2.0**40)]], (math.log(4.0) + 2.0**-40 / 3.0,),
             "log(1 + 3) + log(1 + 2^-40/3)"),
    ),
)  # fmt: skip
def zlpr(y_true: Any, y_pred: Any) -> Any:
    """Cross-entropy of a set of labels that is compared as a whole, for several labels that hold at once.

    Scores of labels that hold are pushed above 0 and above those of all others, which no weight per label has to
    balance; a label is predicted where its score is above 0.  ``y_pred`` holds raw scores, from a linear layer.  With
    one label per row beside the 0 it is `categorical_crossentropy`'s kin; scores are no probabilities.

    >>> import lossary
    >>> print(lossary.zlpr([[1.0, 0.0, 0.0]], [[0.0, 0.0, 0.0]]).round(4))
    [1.7918]
    """
    return _summands(y_true, -y_pred)[2] + _summands(1.0 - y_true, y_pred)[2]


@loss(
    target=Bits(),
    prediction=Real(),
    definition="sum over j != k of y_true[j] * (1 - y_true[k]) * max(1 - (y_pred[j] - y_pred[k]), 0) / C",
    source="K. Crammer, Y. Singer, A family of additive online algorithms for category ranking (2003)",
    peers={
        "torch.nn.MultiLabelMarginLoss": "Loss()   # y_true lists the classes that hold there, and -1 ends the list",
        "torch.nn.functional.multilabel_margin_loss": "Loss()   # y_true lists the classes that hold there, and -1 "
        "ends the list",
    },
    cases=(
        Case([[1.0, 0.0]], [[0.0, 1.0]], (1.0,), "(1 - 0 + 1)/2"),
        Case([[1.0, 0.0, 1.0, 0.0]], [[0.0, -0.5, 2.0, 0.5]], (0.5,), "(1 - 1/2 + 1 + 1/2 + 0 + 0)/4"),
        Case([[1.0, 0.5]], [[0.0, 0.0]], (0.25,), "1 * 1/2 * 1, and 1/2 * 0, over 2"),
    ),
)
def multilabel_margin(y_true: Any, y_pred: Any) -> Any:
    """What every label that holds lacks to a lead of 1 in its score over every one that does not.

    For several labels that hold at once and are to be ranked above the rest; `zlpr` says besides where to cut.
    ``y_true`` has 0 or 1 for each of C labels, not a list of those that hold as in PyTorch.  The sum over pairs is
    divided by C, as there, and not by the number of pairs: rows of many labels count for more.  A row of which all
    labels hold, or none, costs 0.  The memory grows with the square of C.

    >>> import lossary
    >>> print(lossary.multilabel_margin([[1.0, 0.0]], [[0.0, 1.0]]))
    [1.]
    """
    place = position(y_pred)
    itself = place == other(place)
    share = where(itself, 0.0, other(y_true) * (1.0 - y_true)) / count(y_pred)
    # No label is compared with itself, which infinity less itself would spoil.
    above = where(itself, 0.0, y_pred - other(y_pred))
    return sum(weighted(share, maximum(1.0 + above, 0.0)))
