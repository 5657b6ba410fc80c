"""Losses that compare whole rows that are distributions."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Probabilities, Real
from ..facts.record import Case
from ..facts.settings import Flag, Interval
from ..objects.define import loss
from ..words import (
    abs,
    exp,
    expm1,
    expm1mx,
    guard,
    log,
    log1p,
    log1pmx,
    max,
    maximum,
    minimum,
    sign,
    sum,
    weighted,
    where,
)
from ._softmax import odds, sides, through_softmax

_LOGITS = Flag("Whether y_pred holds raw scores (no softmax in the last layer)")

# A target below this adds nothing, and its inverse may be infinite.
_LEAST = 1e-37
# The least normal number of float32: quotients of shares by it are finite.
_NORMAL = 2.0**-126


# A quotient beyond 2**60 is divided by 2**24 before its logarithm is taken: float32 holds none beyond 2**128.
_FAR, _NEARER = 2.0**60, 2.0**24


def _clipped(row: Any, epsilon: Any) -> Any:
    return minimum(1.0, guard(row, epsilon))


def _apart(a: Any, b: Any) -> tuple[Any, Any]:
    """Where a is not above b, and the logarithm of the larger over the smaller one.

    As one logarithm of 1 plus the relative gap to the smaller of the two, nothing cancels.
    """
    below = a <= b
    gap, none = where(below, b - a, a - b), ~below & (b == 0.0)
    smaller = where(below, maximum(a, _LEAST), where(none, 1.0, b))
    far = gap > _FAR * smaller
    ratio = log1p(gap / where(far, _NEARER * smaller, smaller)) + where(far, math.log(_NEARER), 0.0)
    return below, where(none, math.inf, ratio)


def _divergence_slope(y_true: Any, y_pred: Any, *, epsilon: Any = 1e-7, from_logs: bool = False) -> Any:
    if from_logs:
        return -y_true
    y_true = _clipped(y_true, epsilon)
    return -(y_true / where(y_true == 0.0, 1.0, _clipped(y_pred, epsilon)))


@loss(
    class_name="KLDivergence",
    aliases=("kullback_leibler_divergence", "KLD", "kld"),
    target=Probabilities(),
    prediction=Probabilities(),
    parameters={
        "epsilon": Interval("Both arguments are clipped to [epsilon, 1]; unused from logarithms", 0.0, 0.5, usual=1e-7),
        "from_logs": Flag("Whether y_pred holds logarithms of probabilities (a log_softmax in the last layer)"),
    },
    slope=_divergence_slope,
    definition="sum(y_true * log(y_true / y_pred))",
    source="S. Kullback, R. A. Leibler, On information and sufficiency (1951), eq. 2.4",
    peers={
        "keras.losses.KLDivergence": "",
        "torch.nn.KLDivLoss": "Loss(from_logs=True)   # whose mean is batchmean there",
        "torch.nn.functional.kl_div": "Loss(from_logs=True)   # whose mean is batchmean there",
        "optax.kl_divergence": "Loss(from_logs=True)",
        "optax.losses.kl_divergence_with_log_targets": "Loss(from_logs=True)   # y_true = jnp.exp(log_targets)",
    },
    cases=(
        Case([[0.5, 0.5]], [[0.25, 0.75]], (math.log(2.0) - 0.5 * math.log(3.0),), "1/2 log 2 + 1/2 log(2/3)"),
        Case([[1.0, 0.0]], [[0.5, 0.5]], (math.log(2.0),), "1 log 2 + 0 log 0", {"epsilon": 0.0}),
        Case([[1.0, 0.0]], [[2.0**-70, 1.0]], (70.0 * math.log(2.0),), "1 log 2^70 + 0 log 0", {"epsilon": 0.0}),
        Case([[0.5, 0.5]], [[-1.0, -3.0]], (2.0 - math.log(2.0),), "1/2 (-log 2 + 1) + 1/2 (-log 2 + 3)",
             {"from_logs": True}),
        Case([[1.0, 0.0]], [[-200.0, 0.0]], (200.0,), "1 (0 + 200) + 0", {"from_logs": True}),
    ),
)  # fmt: skip
def kl_divergence(y_true: Any, y_pred: Any, *, epsilon: float = 1e-7, from_logs: bool = False) -> Any:
    """Kullback-Leibler divergence of true distributions from predicted ones, for soft targets such as a teacher's.

    Of the truth P and the prediction Q it is D(P || Q), the forward divergence.  Its minimum is 0, where the two agree;
    otherwise it is `categorical_crossentropy` less the entropy of the targets.  The last layer should be a softmax, or
    with ``from_logs=True`` a log_softmax, of which nothing is clipped.  With ``epsilon=0.0`` it is the plain
    definition, with 0 log 0 = 0.  Where ``y_pred`` is clipped the slope is the slope at the boundary.  The slope in
    ``y_true`` falls without bound towards a target of 0; below 1e-37 it stays near ``log(1e-37 / y_pred)``.

    >>> import lossary
    >>> print(lossary.kl_divergence([[0.5, 0.5]], [[0.25, 0.75]]).round(4))
    [0.1438]
    """
    if from_logs:
        # The slope in a target of 0 is that of the least one.
        return sum(weighted(y_true, log(guard(y_true, _LEAST)) - y_pred))
    y_true, y_pred = _clipped(y_true, epsilon), _clipped(y_pred, epsilon)
    below, ratio = _apart(y_true, y_pred)
    return sum(where(below, -(y_true * ratio), y_true * ratio))


def _of_scores(y_true: Any, y_pred: Any) -> tuple[Any, Any, Any, Any]:
    """The leader, the shares, how far they lie above the targets, and their logarithms."""
    first, lag, against, rest = odds(y_pred)
    whole = 1.0 + rest
    share = where(first, 1.0, against) / whole
    return first, share, where(first & (share > 0.5), (1.0 - y_true) - rest / whole, share - y_true), lag - log1p(rest)


def _reverse_of_scores(y_true: Any, y_pred: Any, epsilon: Any) -> tuple[Any, Any, Any]:
    """The leader, the shares, and the logarithms of these over the targets."""
    first, share, _, logs = _of_scores(y_true, y_pred)
    return first, share, logs - log(_clipped(y_true, epsilon))


def _reverse_slope(y_true: Any, y_pred: Any, from_logits: bool = False, *, epsilon: Any = 1e-7) -> Any:
    if from_logits:
        return through_softmax(*_reverse_of_scores(y_true, y_pred, epsilon))
    below, ratio = _apart(_clipped(y_pred, epsilon), _clipped(y_true, epsilon))
    return where(below, 1.0 - ratio, 1.0 + ratio)


@loss(
    class_name="ReverseKLDivergence",
    aliases=("reverse_kl", "RKL"),
    target=Probabilities(),
    prediction=Probabilities(),
    parameters={
        "from_logits": _LOGITS,
        "epsilon": Interval(
            "Both arguments are clipped to [epsilon, 1]; of raw scores the targets alone", 0.0, 0.5, usual=1e-7
        ),
    },
    slope=_reverse_slope,
    definition="sum(y_pred * log(y_pred / y_true))",
    source="S. Kullback, R. A. Leibler, On information and sufficiency (1951), eq. 2.4; Y. Gu et al., MiniLLM (2024)",
    cases=(
        Case([[0.25, 0.75]], [[0.5, 0.5]], (math.log(2.0) - 0.5 * math.log(3.0),), "1/2 log 2 + 1/2 log(2/3)"),
        Case([[0.5, 0.5]], [[1.0, 0.0]], (math.log(2.0),), "1 log 2 + 0 log 0", {"epsilon": 0.0}),
        Case([[2.0**-70, 1.0]], [[1.0, 0.0]], (70.0 * math.log(2.0),), "1 log 2^70 + 0 log 0", {"epsilon": 0.0}),
        Case([[0.25, 0.75]], [[3.0, 3.0]], (math.log(2.0) - 0.5 * math.log(3.0),), "shares of 1/2, as the first",
             {"from_logits": True}),
        Case([[0.5, 0.5]], [[2.0 * math.log(3.0), 0.0]], (0.75 * math.log(3.0) - math.log(2.0),),
             "shares 3/4 and 1/4: 3/4 log(3/2) + 1/4 log(1/2)", {"from_logits": True, "temperature": 2.0}),
    ),
)  # fmt: skip
def reverse_kl_divergence(y_true: Any, y_pred: Any, from_logits: bool = False, *, epsilon: float = 1e-7) -> Any:
    """Kullback-Leibler divergence of predicted distributions from true ones, for students too small for what is taught.

    Of the truth P and the prediction Q it is D(Q || P), `kl_divergence` with its arguments exchanged: it asks the
    student to avoid what the teacher finds unlikely, where that asks it to cover all that the teacher finds likely.
    The last layer should be a softmax, or linear with ``from_logits=True``.  Where ``y_pred`` is clipped the slope is
    the slope at the boundary; of raw scores nothing but targets is clipped.

    >>> import lossary
    >>> print(lossary.reverse_kl_divergence([[0.25, 0.75]], [[0.5, 0.5]]).round(4))
    [0.1438]
    """
    if from_logits:
        return sum(weighted(*_reverse_of_scores(y_true, y_pred, epsilon)[1:]))
    y_true, y_pred = _clipped(y_true, epsilon), _clipped(y_pred, epsilon)
    below, ratio = _apart(y_pred, y_true)
    return sum(where(below, -(y_pred * ratio), y_pred * ratio))


def _beyond(row: Any, middle: Any, gap: Any, epsilon: Any) -> Any:
    """``row * log(row / middle) + gap`` where gap is middle - row: never below 0, and 0 where the gap is.

    Its slope in a row of 0 is that at epsilon.
    """
    none = row == 0.0
    least = where(none, 1.0, row)
    near = -(row * log1pmx(gap / least))
    below, above = gap < -0.5 * row, gap > 8.0 * row
    quotient = where(below, log(middle / least), log(middle) - log(where(none, epsilon, row)))
    return where(below | above, gap - weighted(row, quotient) + where(none, row, 0.0), near)


def _shannon_slope(y_true: Any, y_pred: Any, from_logits: bool = False, *, beta: Any = 0.5, epsilon: Any = 1e-7) -> Any:
    if from_logits:
        first, share, above, _ = _of_scores(y_true, y_pred)
        slope = -weighted(1.0 - beta, log1p(beta * -above / maximum(share, _NORMAL)))
        return through_softmax(first, share, slope)
    y_pred = maximum(y_pred, epsilon)
    gap = y_true - y_pred
    far = gap > _FAR * y_pred
    near = log1p(beta * gap / where(far | (y_pred == 0.0), 1.0, y_pred))
    return -weighted(1.0 - beta, where(far, log(beta) + log(where(far, gap, 1.0)) - log(y_pred), near))


@loss(
    aliases=("js_divergence", "jensen_shannon", "JSD", "generalized_jsd"),
    target=Probabilities(),
    prediction=Probabilities(),
    parameters={
        "from_logits": _LOGITS,
        "beta": Interval("Weight of y_true in the mixture that both are compared with", 0.0, 1.0, True),
        "epsilon": Interval("Below this prediction the slope is that at it; the value is not clipped", 0.0, 0.5),
    },
    slope=_shannon_slope,
    definition="beta * sum(y_true * log(y_true / m)) + (1 - beta) * sum(y_pred * log(y_pred / m)), "
    "m = beta * y_true + (1 - beta) * y_pred",
    source="J. Lin, Divergence measures based on the Shannon entropy (1991), eq. 5.1; R. Agarwal et al., On-policy "
    "distillation of language models (2024), eq. 1",
    peers={
        "scipy.spatial.distance.jensenshannon": "Loss()   # and the square root of it there",
        "liger_kernel.transformers.LigerJSD": "Loss(beta=beta)   # of log-probabilities there; 0 and 1 are KL there",
    },
    cases=(
        Case([[1.0, 0.0]], [[0.0, 1.0]], (math.log(2.0),), "1/2 log 2 + 1/2 log 2"),
        Case([[0.5, 0.5]], [[1.0, 0.0]], (0.75 * math.log(4.0 / 3.0),),
             "1/4 (log(2/3) + log 2) + 1/2 log(4/3) = 3/4 log(4/3)"),
        Case([[1.0, 0.0]], [[0.0, 1.0]], (2.0 * math.log(2.0) - 0.75 * math.log(3.0),), "1/4 log 4 + 3/4 log(4/3)",
             {"beta": 0.25}),
        Case([[1.0, 0.0]], [[-1.0, -1.0]], (0.5 * math.log(4.0 / 3.0) + 0.25 * math.log(4.0 / 3.0),),
             "1/2 log(4/3) + 1/4 (log(2/3) + log 2)", {"from_logits": True}),
    ),
)  # fmt: skip
def jensen_shannon_divergence(
    y_true: Any, y_pred: Any, from_logits: bool = False, *, beta: float = 0.5, epsilon: float = 1e-7
) -> Any:
    """Mean divergence of true and predicted distributions from their mixture, for soft targets, zeros included.

    It is finite whatever is 0, at most log 2 for ``beta=0.5``, and then the same with its arguments exchanged.
    ``beta`` near 0 makes it ``beta`` times `kl_divergence`, near 1 ``1 - beta`` times `reverse_kl_divergence`.  Both
    rows are taken to sum to 1.  The last layer should be a softmax, or linear with ``from_logits=True``.

    >>> import lossary
    >>> print(lossary.jensen_shannon_divergence([[1.0, 0.0]], [[0.0, 1.0]]).round(4))
    [0.6931]
    """
    kept, gap = 1.0 - beta, y_pred - y_true
    if from_logits:
        _, y_pred, gap, _ = _of_scores(y_true, y_pred)
    middle = beta * y_true + kept * y_pred
    of_true = _beyond(y_true, middle, kept * gap, epsilon)
    of_predicted = _beyond(y_pred, middle, -(beta * gap), epsilon)
    return sum(beta * of_true + weighted(kept, of_predicted))


def _variation_slope(y_true: Any, y_pred: Any, from_logits: bool = False) -> Any:
    if not from_logits:
        return 0.5 * sign(y_pred - y_true)
    first, share, above, _ = _of_scores(y_true, y_pred)
    return through_softmax(first, share, 0.5 * sign(above))


@loss(
    aliases=("TVD", "tvd_loss"),
    target=Probabilities(),
    prediction=Probabilities(),
    parameters={"from_logits": _LOGITS},
    slope=_variation_slope,
    definition="sum(abs(y_pred - y_true)) / 2",
    source="D. A. Levin, Y. Peres, Markov chains and mixing times (2017), prop. 4.2; Y. Wen et al., f-divergence "
    "minimization for sequence-level knowledge distillation (2023)",
    peers={"liger_kernel.transformers.LigerTVDLoss": ""},
    cases=(
        Case([[1.0, 0.0]], [[0.25, 0.75]], (0.75,), "(3/4 + 3/4)/2"),
        Case([[0.5, 0.5, 0.0]], [[0.5, 0.25, 0.25]], (0.25,), "(0 + 1/4 + 1/4)/2"),
        Case([[1.0, 0.0]], [[0.0, math.log(3.0)]], (0.75,), "shares 1/4 and 3/4", {"from_logits": True}),
    ),
)
def total_variation_distance(y_true: Any, y_pred: Any, from_logits: bool = False) -> Any:
    """Largest difference in probability that two distributions give to any set of classes, between 0 and 1.

    For soft targets with outliers, of which a divergence takes too much notice.  It is `mean_absolute_error` times
    half the number of classes; at a difference of 0 the slope is 0.  The last layer should be a softmax, or linear
    with ``from_logits=True``.

    >>> import lossary
    >>> print(lossary.total_variation_distance([[1.0, 0.0]], [[0.25, 0.75]]))
    [0.75]
    """
    return 0.5 * sum(abs(_of_scores(y_true, y_pred)[2] if from_logits else y_pred - y_true))


def _gap(first: Any, y_true: Any, y_pred: Any) -> Any:
    """How far scores lie above the others', less what the leader does: by the order of differences that rounds less."""
    both_ruled_out = (y_true == y_pred) & (abs(y_pred) == math.inf)
    across = where(both_ruled_out, 0.0, y_true - y_pred)
    across_first = sum(where(first, across, 0.0))
    along_true, along_pred = (row - sum(where(first, row, 0.0)) for row in (y_true, y_pred))
    nearer = maximum(abs(across), abs(across_first)) <= maximum(abs(along_true), abs(along_pred))
    return where(nearer, across - across_first, along_true - along_pred)


def _taught(y_true: Any, y_pred: Any, temperature: Any) -> tuple[Any, Any, Any, Any]:
    """The teacher's leader and shares, how far its scores lie above the student's, less their mean, and the divergence.

    With t the shares and u those leads the divergence is ``log(sum(t exp(-u)))``; as the mean of u is 0, it is also
    ``log(1 + sum(t (exp(-u) - 1 + u)))``, in which nothing cancels.  All is relative to the teacher's leader.
    """
    first, own, _, whole, _ = sides(y_true / temperature)
    share = own / whole
    gap = where(first, 0.0, _gap(first, y_true, y_pred)) / temperature
    middle = sum(weighted(share, gap))
    above = gap - middle
    # log(t exp(-u)) from the student's scores: shares may be 0 where exp(-u) is beyond all floats.
    logs = (y_pred - sum(where(first, y_pred, 0.0))) / temperature + (middle - log1p(whole - 1.0))
    far = above < -40.0
    terms = where(far, exp(minimum(logs, 80.0)), weighted(share, expm1mx(-where(far, 0.0, above))))
    top = max(logs)
    wide = top + log(sum(exp(logs - top)))
    divergence = where(top > 60.0, wide, log1p(sum(terms)))
    # A class that the student alone rules out.
    return first, share, above, where(abs(middle) == math.inf, math.inf, divergence)


def _distillation_slope(y_true: Any, y_pred: Any, temperature: Any = 1.0) -> Any:
    first, share, above, divergence = _taught(y_true, y_pred, temperature)
    _, own, _, whole, _ = sides(y_pred / temperature)
    # q - t as t (q/t - 1), whose logarithm is known to all digits; at the teacher's leader what all others lack.
    quotient = -above - divergence
    near = (abs(quotient) < 1.0) & (divergence < 8.0)
    apart = where(near, share * expm1(where(near, quotient, 0.0)), own / whole - share)
    others = sum(where(first, 0.0, apart))
    return temperature * where(first & (share > 0.5), -others, apart)


@loss(
    aliases=("distillation_loss", "kd_loss", "hinton_loss"),
    target=Real(),
    prediction=Real(),
    parameters={"temperature": Interval("What both rows of scores are divided by", 0.0, math.inf, True)},
    slope=_distillation_slope,
    definition="temperature**2 * sum(t * log(t / q)), t = softmax(y_true / temperature), "
    "q = softmax(y_pred / temperature)",
    source="G. Hinton, O. Vinyals, J. Dean, Distilling the knowledge in a neural network (2015), sec. 2",
    peers={
        "mmdet.models.losses.KnowledgeDistillationKLDivLoss": "Loss(temperature=10.0)   # T; divided by the "
        "number of classes there",
        "sentence_transformers.losses.DistillKLDivLoss": "Loss()",
    },
    cases=(
        Case([[0.0, 0.0]], [[math.log(3.0), 0.0]], (math.log(2.0) - 0.5 * math.log(3.0),),
             "1/2 log((1/2)/(3/4)) + 1/2 log((1/2)/(1/4))"),
        Case([[0.0, 0.0]], [[2.0 * math.log(3.0), 0.0]], (4.0 * math.log(2.0) - 2.0 * math.log(3.0),),
             "4 times that", {"temperature": 2.0}),
    ),
)  # fmt: skip
def knowledge_distillation(y_true: Any, y_pred: Any, temperature: float = 1.0) -> Any:
    """`kl_divergence` of a teacher's softmax from a student's, both given as raw scores.

    The temperature softens both, so that what the teacher finds unlikely is taught too; the factor of its square keeps
    gradients of the size that they have beside a loss of labels.  The minimum is 0, where the scores agree but for a
    number added to all.  Of probabilities it is `kl_divergence`.

    >>> import lossary
    >>> print(lossary.knowledge_distillation([[0.0, 0.0]], [[2.0, 0.0]]).round(4))
    [0.4338]
    """
    return temperature * (temperature * _taught(y_true, y_pred, temperature)[-1])
