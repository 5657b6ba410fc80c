"""What losses of classes share: scores and shares of a row with the digits that a softmax loses."""

from __future__ import annotations

from typing import Any

from ..words import (
    count,
    exp,
    first_max,
    is_off,
    lead,
    log,
    log1p,
    maximum,
    minimum,
    scale_to_one,
    sum,
    weighted,
    where,
)

# The inverse of a number as small as this is finite.
_LEAST = 1e-37


def odds(scores: Any) -> tuple[Any, Any, Any, Any]:
    """The leader, how far each score lies above its (0 or less), every other class's odds against it, and their sum.

    The probability of the leader is 1/(1 + rest).  Nothing is lost when it leads by 100: rest is then e^-100.  Its
    score may be infinite.
    """
    first, lag = first_max(scores), scores - lead(scores)
    against = where(first, 0.0, exp(lag))
    return first, where(first, 0.0, lag), against, sum(against)


def shares(row: Any) -> tuple[Any, Any, Any, Any, Any]:
    """The leader, its value, the sum of the others, the sum of all, and each element's share of that.

    In a row of zeros every share is 0, that of the leader too, which lacks all to 1.
    """
    first, top = first_max(row), lead(row)
    others = sum(where(first, 0.0, row))
    total = others + top
    nothing = total == 0.0
    total = where(nothing, 1.0, total)
    return first, top, where(nothing, 1.0, others), total, row / total


def sums(first: Any, row: Any) -> tuple[Any, Any]:
    """The sum of the row, and for each element that of the others, without cancellation at the leader."""
    others, own = sum(where(first, 0.0, row)), sum(where(first, row, 0.0))
    whole = others + own
    return whole, where(first, others, whole - row)


def surprise(row: Any, epsilon: Any) -> Any:
    """``-log(share)`` clipped to shares in [epsilon, 1 - epsilon], accurate for shares near 1."""
    first, top, others, _, share = shares(row)
    nats = where(first, minimum(log1p(others / top), -log(epsilon)), -log(maximum(share, epsilon)))
    return maximum(nats, -log1p(-epsilon))


def smoothed(y_true: Any, y_pred: Any, label_smoothing: Any) -> tuple[Any, Any]:
    """The smoothed targets and their sum."""
    if is_off(label_smoothing):
        return y_true, sum(y_true)
    kept = 1.0 - label_smoothing
    return y_true * kept + label_smoothing / count(y_pred), sum(y_true) * kept + label_smoothing


def sides(scores: Any) -> tuple[Any, Any, Any, Any, Any]:
    """The leader, the odds of every class against it and those of all others, the sum of all, and ``-log`` of shares.

    A class has the share odds/sum and lacks others/sum; neither loses digits where it is close to 0.
    """
    first, lag, against, rest = odds(scores)
    own, others = where(first, 1.0, against), where(first, rest, 1.0 + (rest - against))
    return first, own, others, 1.0 + rest, log1p(rest) - lag


def through_softmax(first: Any, share: Any, slope: Any) -> Any:
    """The slope in scores of what has this one in their shares; what all have in common moves no score."""
    apart = slope - sum(where(first, slope, 0.0))
    return weighted(share, apart - sum(where(first, 0.0, weighted(share, apart))))


def crossentropy_slope(
    y_true: Any, whole_true: Any, y_pred: Any, from_logits: bool, epsilon: Any, above: Any = None
) -> Any:
    """The slope of the cross-entropy with targets of this sum, ``above`` which the predictions are by so much."""
    if from_logits:
        first, _, against, rest = odds(y_pred)
        # softmax - y_true; at the leader 1/(1 + rest) - y over one denominator, so that nothing cancels there.
        missing = sum(where(first, 0.0, y_true))
        whole = 1.0 + rest
        return where(first, (missing - y_true * rest) / whole, whole_true * (against / whole) - y_true)
    first, _, _, total, share = shares(y_pred)
    # Beside targets that sum to 1 a row that sums to far less loses its digits; times a power of two it keeps them.
    low = total < 0.5
    row = y_pred * where(low, scale_to_one(total), 1.0)
    # sum(t) - t/share, with t less where a share is clipped.  As a fraction its numerator is made of the differences of
    # the row and t, exact where they are small, and of sums over all other classes, in which nothing cancels.
    clipped = share < epsilon
    # Twice the share times half the inverse of epsilon, which is divided once for all elements.
    used = where(clipped, y_true * ((share + share) * (0.5 / maximum(epsilon, _LEAST))), y_true)
    whole, used_by_others = sums(first, used)
    gap = row - used if above is None else where(clipped | low, row - used, above)
    crossed = gap * used_by_others - used * sums(first, gap)[1]
    certain = (row == 0.0) & (crossed == 0.0)
    over, under = where(certain, whole, crossed), where(certain, 1.0, row)
    # One quotient for both, as a division takes as long as all else here.
    return (where(clipped, whole, 0.0) + where(clipped, -y_true, over) / where(clipped, epsilon, under)) / total


def lacking_of(y_pred: Any) -> Any:
    """What every class's share lacks to 1."""
    first, _, others, total, share = shares(y_pred)
    return where(first, others / total, 1.0 - share)
