"""The derivative of every word.

A rule takes a node and the derivative of the loss with respect to it, and returns the contribution to each operand
(None where there is none).  Boolean words have no derivative.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ..errors import TraceError
from ..facts.axes import OTHER
from .node import Node
from .words import (
    alignment_slope,
    bell,
    binet_slope,
    cos,
    count,
    digamma,
    equal,
    exp,
    expm1,
    first_max,
    indicator,
    inverse_mills,
    is_label,
    less,
    log,
    other,
    power,
    sigmoid,
    sign,
    sin,
    sqrt,
    square,
    take,
    tanh,
    trigamma,
    where,
)  # fmt: skip
from .words import sum as total

Rule = Callable[[Node, Node], Sequence[Node | None]]


def _where_rule(node: Node, g: Node) -> tuple[Node | None, ...]:
    condition = node.args[0]
    return None, _select(condition, g, True), _select(condition, g, False)


def _select(condition: Node, g: Node, holds: bool) -> Node:
    return where(condition, g, 0.0) if holds else where(condition, 0.0, g)


def _maximum_rule(node: Node, g: Node) -> tuple[Node, Node]:
    a, b = node.args
    larger = less(b, a)
    return _select(larger, g, True), _select(larger, g, False)


def _minimum_rule(node: Node, g: Node) -> tuple[Node, Node]:
    a, b = node.args
    smaller = less(a, b)
    return _select(smaller, g, True), _select(smaller, g, False)


def _xlogy_rule(node: Node, g: Node) -> tuple[Node, Node]:
    a, b = node.args
    return g * log(b), g * a / where(equal(a, 0.0), 1.0, b)


def _power_rule(node: Node, g: Node) -> tuple[Node, Node]:
    a, exponent = node.args
    number = exponent.constant
    lower = power(a, number - 1.0) if number is not None else power(a, exponent - 1.0)
    return g * exponent * lower, g * node * log(where(less(0.0, a), a, 1.0))


def _binet_slope_rule(node: Node, g: Node) -> tuple[Node]:
    (a,) = node.args
    return (g * (trigamma(a) - 1.0 / a - 0.5 / square(a)),)


def _sparsemax_rule(node: Node, g: Node) -> tuple[Node]:
    """What is shared moves among those that have a share."""
    shared = less(0.0, node)
    size = total(indicator(shared))
    return (where(shared, g - total(where(shared, g, 0.0)) / size, 0.0),)


def _max_other_rule(node: Node, g: Node) -> tuple[Node]:
    """Those that are equal share."""
    reached = equal(node.args[0], node)
    return (where(reached, g / total(indicator(reached), over=OTHER), 0.0),)


def _take_rule(node: Node, g: Node) -> tuple[Node, None]:
    """Where the label names no element, and what is taken is NaN, so is its derivative at every element."""
    row, label = node.args
    hit = is_label(label, row)
    return where(hit, g, take(indicator(hit), label) - 1.0), None


def _no_rule(node: Node, g: Node) -> tuple[Node]:
    raise TraceError.no_slope(node.op)


RULES: dict[str, Rule] = {
    "add": lambda n, g: (g, g),
    "subtract": lambda n, g: (g, -g),
    "multiply": lambda n, g: (g * n.args[1], g * n.args[0]),
    "divide": lambda n, g: (g / n.args[1], -(g * n / n.args[1])),
    "negative": lambda n, g: (-g,),
    "power": _power_rule,
    "abs": lambda n, g: (g * sign(n.args[0]),),
    "sign": lambda n, g: (None,),
    "exp": lambda n, g: (g * n,),
    "expm1": lambda n, g: (g * exp(n.args[0]),),
    "log": lambda n, g: (g / n.args[0],),
    "log1p": lambda n, g: (g / (1.0 + n.args[0]),),
    "log1pmx": lambda n, g: (-(g * n.args[0]) / (1.0 + n.args[0]),),
    "expm1mx": lambda n, g: (g * expm1(n.args[0]),),
    "log1mexp": lambda n, g: (-g / expm1(-n.args[0]),),
    "hypot1": lambda n, g: (g * (n.args[0] / n),),
    "logcosh": lambda n, g: (g * tanh(n.args[0]),),
    "arctan": lambda n, g: (g / (1.0 + square(n.args[0])),),
    "cos": lambda n, g: (-(g * sin(n.args[0])),),
    "sin": lambda n, g: (g * cos(n.args[0]),),
    "alignment_nll": lambda n, g: (None, g * alignment_slope(*n.args), *[None] * len(n.args[2:])),
    "alignment_slope": _no_rule,
    "lgamma": lambda n, g: (g * digamma(n.args[0]),),
    "digamma": lambda n, g: (g * trigamma(n.args[0]),),
    "trigamma": _no_rule,
    "binet": lambda n, g: (g * binet_slope(n.args[0]),),
    "binet_slope": _binet_slope_rule,
    "erf": lambda n, g: (g * (2.0 / math.sqrt(math.pi)) * bell(n.args[0]),),
    "bell": lambda n, g: (-2.0 * g * n.args[0] * n,),
    "log_ndtr": lambda n, g: (g * inverse_mills(n.args[0]),),
    "inverse_mills": lambda n, g: (-(g * n * (n.args[0] + n)),),
    "detach": lambda n, g: (None,),
    "sqrt": lambda n, g: (0.5 * g / n,),
    "sparsemax": _sparsemax_rule,
    "square": lambda n, g: (2.0 * g * n.args[0],),
    "sinh": lambda n, g: (g * sqrt(1.0 + square(n)),),
    "tanh": lambda n, g: (g * (1.0 - square(n)),),
    "sigmoid": lambda n, g: (g * n * sigmoid(-n.args[0]),),
    "softplus": lambda n, g: (g * sigmoid(n.args[0]),),
    "maximum": _maximum_rule,
    "minimum": _minimum_rule,
    "guard": lambda n, g: (g, None),
    "xlogy": _xlogy_rule,
    "weighted": lambda n, g: (g * n.args[1], g * n.args[0]),
    "residual": lambda n, g: (g, -(g * n.args[2]), -(g * n.args[1])),
    "scale_to_one": lambda n, g: (None,),
    "where": _where_rule,
    "indicator": lambda n, g: (None, None),
    "sum": lambda n, g: (g,),
    "sum_other": lambda n, g: (g,),
    "max_other": _max_other_rule,
    "other": lambda n, g: (other(g),),
    "mean": lambda n, g: (g / count(n.args[0]),),
    "mean_square": lambda n, g: (2.0 * g * (n.args[0] / count(n.args[0])),),
    "max": lambda n, g: (where(first_max(n.args[0]), g, 0.0),),
    "lead": lambda n, g: (where(first_max(n.args[0]), g, 0.0),),
    "count": lambda n, g: (None,),
    "position": lambda n, g: (None,),
    "spread": lambda n, g: (g, None),
    "take": _take_rule,
}
