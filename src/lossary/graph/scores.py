"""What a language model's head does with its scores, in words: around any formula of them."""

from __future__ import annotations

from . import words
from .node import Node, Operand
from .words import exp, first_max, is_off, lead, log1p, square, tanh, where


def capped(scores: Node, softcap: Operand) -> Node:
    """The scores, bent so that none exceeds the cap."""
    return scores if is_off(softcap) else softcap * tanh(scores / softcap)


def steepness(scores: Node, softcap: Operand) -> Operand:
    """The slope of `capped`, with the digits that ``1 - tanh**2`` loses where a score is near the cap."""
    if is_off(softcap):
        return 1.0
    far = exp(-2.0 * words.abs(scores / softcap))
    return 4.0 * far / square(1.0 + far)


def log_sum(scores: Node) -> tuple[Node, Node]:
    """The logarithm of the sum of the exponentials of the row, and its slope."""
    first, top = first_max(scores), lead(scores)
    against = where(first, 0.0, exp(scores - top))
    rest = words.sum(against)
    return top + log1p(rest), where(first, 1.0, against) / (1.0 + rest)
