"""Smoothed targets: how far predictions are above them, with the digits that rounding these targets would take."""

from __future__ import annotations

from typing import Any

from ..facts.settings import Interval
from ..words import count, detach, is_off, residual, spread
from ._softmax import crossentropy_slope, smoothed

SMOOTHING = Interval("Share s of each target spread over all C classes: y (1 - s) + s/C", 0.0, 1.0, off=0.0)


def beyond(y_pred: Any, y_true: Any, label_smoothing: Any, *, each: Any = 0.5, rest: Any = 0.0) -> Any:
    """``y_pred`` less the target of which a share is replaced by ``each``, and ``rest`` that this was rounded by."""
    # (p - t) - s (1/C - t), and what the differences in it were rounded by.
    off, of_off = _difference(y_pred, y_true)
    away, of_away = _difference(each, y_true)
    upper, lower = _halves(label_smoothing)
    lost = detach(of_off - label_smoothing * (of_away + rest))
    return residual(off, spread(upper, y_pred), away) + (lost - lower * away)


def smoothed_slope(y_true: Any, y_pred: Any, label_smoothing: Any, from_logits: bool, epsilon: Any) -> Any:
    """The slope of the cross-entropy of classes with smoothed targets."""
    above = None if from_logits or is_off(label_smoothing) else _beyond_row(y_pred, y_true, label_smoothing)
    return crossentropy_slope(*smoothed(y_true, y_pred, label_smoothing), y_pred, from_logits, epsilon, above)


def _beyond_row(y_pred: Any, y_true: Any, label_smoothing: Any) -> Any:
    """As `beyond`, where the share is spread over all classes of the row."""
    classes = count(y_pred)
    each = 1.0 / classes
    remainder = residual(spread(1.0, y_pred), spread(each, y_pred), spread(classes, y_pred))
    return beyond(y_pred, y_true, label_smoothing, each=each, rest=remainder / classes)


def _difference(a: Any, b: Any) -> tuple[Any, Any]:
    """``a - b``, and what it was rounded by.  D. E. Knuth, The art of computer programming, vol. 2 (1969), 4.2.2."""
    found = a - b
    back = found - a
    return found, (a - (found - back)) - (b + back)


def _halves(number: Any) -> tuple[Any, Any]:
    """A parameter as a number of float32 and what is left of it; one that is an array is all that is left.

    G. W. Veltkamp's split: T. J. Dekker, A floating-point technique for extending the available precision (1971).
    """
    scaled = number * (2.0**29 + 1.0)
    upper = scaled - (scaled - number)
    return upper, number - upper
