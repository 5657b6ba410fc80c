"""Targets that are all 0 or 1: of two logarithms, one for each class, only that of the class at hand is needed."""

from __future__ import annotations

from ...graph import ELEMENT, Node, rebuilt, words
from ...graph.program import Program

_TARGETS = (0.0, 1.0)


def target_of(program: Program) -> Node | None:
    """The targets of a loss for numbers from 0 to 1, or None."""
    record = program.record
    if not record.is_pair or record.target.low != 0.0 or record.target.high != 1.0:
        return None
    target = program.arrays[0]
    return target if target.axes == ELEMENT else None


def is_hard(target: Node) -> Node:
    """Whether an element is one of the two."""
    of_zero, of_one = (words.equal(target, number) for number in _TARGETS)
    return words.logical_or(of_zero, of_one)


def at_hard_targets(value: Node, target: Node) -> Node:
    """The value of an element whose target is 0 or 1."""
    of_zero, of_one = (_with(value, target, value.graph.constant(number)) for number in _TARGETS)
    return words.where(words.equal(target, 1.0), of_one, of_zero)


def _with(value: Node, target: Node, number: Node) -> Node:
    """The value with a number for the target, without what is multiplied by 0."""

    def settled(node: Node, args: tuple[Node, ...]) -> Node | None:
        if node is target:
            return number
        if node.op == "weighted" and args[0].constant in _TARGETS:
            return args[1] if args[0].constant else args[0]
        return None

    return rebuilt(value, settled)
