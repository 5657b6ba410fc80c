"""Whether an output activation fits a loss: one function, from which the rule and the table in the docs are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..facts.domain import NonNegative, Parts, Real
from ..objects.define import Loss
from ..readers.heads import RANGES

Judgement = Literal["right", "works", "weak", "wrong"]


@dataclass(frozen=True)
class Fit:
    """How well an activation fits a loss, and why."""

    judgement: Judgement
    why: str


RIGHT = Fit("right", "made for each other")


def activation_fit(loss: Loss, activation: str) -> Fit:
    """Judges one pair; data and the number of units are not looked at."""
    if activation not in RANGES:
        return Fit("works", f"activation {activation!r} is not known, so nothing is said about it")
    wanted = loss.record.read_as(loss.parameters).activation
    if loss.parameters.get("from_logits"):
        return _for_scores(wanted, activation)
    if loss.record.regions and {activation, wanted} == {"softmax", "sigmoid"}:
        return Fit("works", "regions of several classes, of which every element belongs to one")
    if wanted in ("softmax", "sigmoid"):
        return _for_probabilities(wanted, activation)
    if wanted == "log_softmax":
        return _for_logarithms(activation)
    if isinstance(loss.record.prediction, Parts):
        return _for_parts(loss.record.prediction, activation)
    amounts = isinstance(loss.record.target, NonNegative) and not loss.parameters.get("from_logs")
    if loss.record.is_pair and amounts and not puts_in_order(loss):
        return _for_amounts(activation, strict=not loss.record.prediction.contains(np.array([-1.0])).all())
    if loss.record.target.coding == "signs":
        return _for_margins(activation)
    return RIGHT if activation == "linear" else Fit("works", "fits while the targets lie inside its range")


def puts_in_order(loss: Loss) -> bool:
    """Whether outputs are scores that put the items of a row in order: amounts as targets, and only differences count.

    The two are on scales of their own then: the best outputs are no copies of the targets.
    """
    record = loss.record
    if not (record.is_pair and isinstance(record.target, NonNegative) and type(record.prediction) is Real):
        return False
    relevance, scores = np.array([[0.0, 2.0, 1.0]]), np.array([[0.5, -1.0, 2.0]])
    here, there = (loss.replaced(axis=-1).batch(relevance, scores + lift).values() for lift in (0.0, 3.0))
    return bool(np.allclose(here, there, rtol=1e-9))


def _for_parts(parts: Parts, activation: str) -> Fit:
    """One activation for every part: it has to stay inside the sets of all of them."""
    low, high = RANGES[activation]
    for name, domain in parts.parts:
        if low < domain.low or high > domain.high:
            return Fit("wrong", f"{activation} leaves the set of {name}, {domain.describe()}")
    if {domain.activation for _, domain in parts.parts} == {activation}:
        return RIGHT
    return Fit("works", "fits while the targets lie inside its range")


def _for_scores(wanted: str, activation: str) -> Fit:
    if activation == "linear":
        return RIGHT
    if activation == "log_softmax" and wanted == "softmax":
        return Fit("works", "the softmax of a log-softmax is the softmax; the layer adds nothing")
    if activation in ("softmax", "sigmoid", "hard_sigmoid"):
        return Fit("wrong", f"from_logits=True applies {wanted} to what {activation} has already made a probability")
    low, high = RANGES[activation]
    if wanted == "sigmoid" and low >= 0:
        return Fit("wrong", f"{activation} is never negative, so no probability can fall below 1/2")
    if wanted == "sigmoid" and high <= 0:
        return Fit("wrong", f"{activation} is never positive, so no probability can rise above 1/2")
    if high - low <= 10:
        return Fit("weak", f"{activation} keeps scores within [{low:g}, {high:g}], so no answer can be confident")
    if activation in ("leaky_relu", "gelu", "silu", "elu"):
        return Fit("weak", f"{activation} squeezes negative scores, which hold back the classes that are wrong")
    return Fit("weak", f"{activation} has no gradient, or no value, where scores of wrong classes should fall freely")


def _for_probabilities(wanted: str, activation: str) -> Fit:
    if activation == wanted:
        return RIGHT
    if activation == "hard_sigmoid":
        return Fit(
            "weak", "hard_sigmoid reaches exactly 0 and 1, where the logarithm is clipped and the layer has no slope"
        )
    if activation == "sigmoid":
        return Fit("weak", "sigmoid units do not compete, so rows are no distribution over the classes")
    if activation == "softmax":
        return Fit("weak", "softmax makes the units compete, while this loss asks of each its own yes or no")
    return Fit("wrong", f"{activation} does not produce probabilities")


def _for_logarithms(activation: str) -> Fit:
    if activation == "log_softmax":
        return RIGHT
    if activation in ("softmax", "sigmoid", "hard_sigmoid"):
        return Fit("wrong", f"{activation} produces probabilities, and this loss takes their logarithms")
    return Fit("wrong", f"{activation} does not produce logarithms of probabilities, and nothing would limit the loss")


def _for_amounts(activation: str, *, strict: bool) -> Fit:
    if activation in ("softplus", "exponential"):
        return RIGHT
    low, high = RANGES[activation]
    if strict and low < 0:
        return Fit("wrong", f"{activation} produces negative values, of which the logarithm is undefined")
    if high <= 0:
        return Fit("wrong", f"{activation} never produces an amount above 0")
    if high < float("inf"):
        return Fit("works", f"{activation} fits while no target is above {high:g}")
    if activation == "relu":
        return Fit("works", "relu has no gradient once the output is 0; softplus has")
    return Fit("weak", f"{activation} can produce negative values, which the loss clips")


def _for_margins(activation: str) -> Fit:
    low, high = RANGES[activation]
    if activation in ("linear", "tanh"):
        return RIGHT
    if low > -1:
        return Fit("wrong", f"{activation} never falls to -1, so the margin of class -1 is never reached")
    if high < 1:
        return Fit("wrong", f"{activation} never reaches 1, so the margin of class 1 is never reached")
    return Fit("works", "reaches both margins")
