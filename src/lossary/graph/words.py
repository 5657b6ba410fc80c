"""The closed vocabulary that formulas speak.

Each word is a function of `Node`s (or numbers) that adds one node to the graph; `lossary.graph.rules` holds the
derivative of every word.  Backends spell the same words for their arrays (`lossary.backends._words.Words`).
Row words (`sum`, `mean`, `max`, ...) reduce over the outputs of one data point, the last axis, and keep it with
length one; `other` makes pairs of them.
"""

from __future__ import annotations

import math

from ..facts.axes import ELEMENT, NUMBER, OUTPUT
from .arithmetic import (
    add,
    apply,
    axes_of,
    constants,
    divide,
    graph_of,
    lift,
    multiply,
    negative,
    power,
    square,
    subtract,
)
from .node import VOCABULARY, Node, Operand
from .row_words import (
    alignment_nll,
    alignment_slope,
    count,
    first_max,
    is_label,
    lead,
    max,
    mean,
    mean_square,
    other,
    position,
    sparsemax,
    spread,
    sum,
    take,
)

__all__ = [
    "abs", "add", "alignment_nll", "alignment_slope", "arctan", "bell", "binet", "binet_slope", "cos", "count",
    "detach", "digamma", "divide", "equal", "erf", "exp", "expm1", "expm1mx", "first_max", "greater", "greater_equal",
    "guard", "hypot1", "indicator", "inverse_mills", "is_label", "lead", "less", "less_equal", "lgamma", "log",
    "log1mexp", "log1p", "log1pmx", "log_ndtr", "logcosh", "logical_and", "logical_not", "logical_or", "max", "maximum",
    "mean", "mean_square", "minimum", "multiply", "negative", "other", "position", "power", "residual", "scale_to_one",
    "sigmoid", "sign", "sin", "sinh", "softplus", "sparsemax", "spread", "sqrt", "square", "subtract", "sum", "take",
    "tanh", "trigamma", "weighted", "where", "xlogy",
]  # fmt: skip


def is_off(parameter: Operand) -> bool:
    """Whether a parameter is at the value where its `Interval` is off: there it is that number, else a symbol.

    No word, but what a formula may decide by: it is traced once for the parameter's being off, and once for all else.
    """
    return not isinstance(parameter, Node)


def abs(a: Operand) -> Node:
    """Magnitude; its slope at 0 is 0."""
    return apply("abs", a)


def sign(a: Operand) -> Node:
    """-1, 0 or 1."""
    return apply("sign", a)


def exp(a: Operand) -> Node:
    """Exponential."""
    return apply("exp", a)


def expm1(a: Operand) -> Node:
    """``exp(a) - 1`` without the loss of digits near 0."""
    return apply("expm1", a)


def log(a: Operand) -> Node:
    """Natural logarithm."""
    return apply("log", a)


def log1p(a: Operand) -> Node:
    """``log(1 + a)`` without the loss of digits near 0."""
    return apply("log1p", a)


def log1pmx(a: Operand) -> Node:
    """``log(1 + a) - a``, which is ``-a**2 / 2`` near 0, without the loss of digits there."""
    return apply("log1pmx", a)


def expm1mx(a: Operand) -> Node:
    """``exp(a) - 1 - a``, which is ``a**2 / 2`` near 0, without the loss of digits there."""
    return apply("expm1mx", a)


def log1mexp(a: Operand) -> Node:
    """``log(1 - exp(a))`` of a number below 0, as the logarithm of a probability is; minus infinity at 0."""
    return apply("log1mexp", a)


def hypot1(a: Operand) -> Node:
    """``sqrt(1 + a**2)`` without overflow."""
    return apply("hypot1", a)


def logcosh(a: Operand) -> Node:
    """``log(cosh(a))``, which is ``a**2 / 2`` near 0 and ``|a| - log(2)`` far from it, without overflow."""
    return apply("logcosh", a)


def sqrt(a: Operand) -> Node:
    """Square root."""
    return apply("sqrt", a)


def sinh(a: Operand) -> Node:
    """Hyperbolic sine."""
    return apply("sinh", a)


def tanh(a: Operand) -> Node:
    """Hyperbolic tangent."""
    return apply("tanh", a)


def sigmoid(a: Operand) -> Node:
    """``1 / (1 + exp(-a))``, accurate in both tails."""
    return apply("sigmoid", a)


def softplus(a: Operand) -> Node:
    """``log(1 + exp(a))`` without overflow; its slope is `sigmoid`."""
    return apply("softplus", a)


def arctan(a: Operand) -> Node:
    """Inverse tangent."""
    return apply("arctan", a)


def cos(a: Operand) -> Node:
    """Cosine of an angle in radians."""
    return apply("cos", a)


def sin(a: Operand) -> Node:
    """Sine of an angle in radians."""
    return apply("sin", a)


def lgamma(a: Operand) -> Node:
    """Logarithm of the gamma function of a number above 0."""
    return apply("lgamma", a)


def digamma(a: Operand) -> Node:
    """Slope of `lgamma`."""
    return apply("digamma", a)


def trigamma(a: Operand) -> Node:
    """Slope of `digamma`."""
    return apply("trigamma", a)


def binet(a: Operand) -> Node:
    """What J. Stirling's formula leaves of `lgamma`: ``lgamma(a) - ((a - 1/2) * log(a) - a + log(2 * pi) / 2)``.

    Where gamma functions of large numbers almost cancel, their formulas do so on paper and J. Binet's function is what
    is left.
    """
    return apply("binet", a)


def binet_slope(a: Operand) -> Node:
    """Slope of `binet`, ``digamma(a) - log(a) + 1 / (2 * a)``."""
    return apply("binet_slope", a)


def erf(a: Operand) -> Node:
    """Error function."""
    return apply("erf", a)


def bell(a: Operand) -> Node:
    """``exp(-a**2)``, without the digits that rounding the square would cost."""
    return apply("bell", a)


def log_ndtr(a: Operand) -> Node:
    """Logarithm of the cumulative normal distribution, accurate in both tails."""
    return apply("log_ndtr", a)


def inverse_mills(a: Operand) -> Node:
    """Density of the normal distribution over its cumulative distribution: the slope of `log_ndtr`."""
    return apply("inverse_mills", a)


def detach(a: Operand) -> Node:
    """The same number, which counts as a constant: it has no slope."""
    return apply("detach", a)


def maximum(a: Operand, b: Operand) -> Node:
    """The larger of the two; where they are equal the slope belongs to the second."""
    return apply("maximum", a, b)


def minimum(a: Operand, b: Operand) -> Node:
    """The smaller of the two; where they are equal the slope belongs to the second."""
    return apply("minimum", a, b)


def guard(a: Operand, floor: Operand) -> Node:
    """``maximum(a, floor)`` in value, but its slope is 1 everywhere.

    It stands where a definition clips its input: the value is the clipped one and the slope is the slope at the
    boundary, so that no gradient dies there.
    """
    return apply("guard", a, floor)


def xlogy(a: Operand, b: Operand) -> Node:
    """``a * log(b)``, and 0 where a is 0."""
    return apply("xlogy", a, b)


def weighted(weight: Operand, a: Operand) -> Node:
    """``weight * a``, and 0 where the weight is 0 even if ``a`` is infinite; its slope in the weight is ``a``."""
    graph = graph_of(weight, a)
    weight, a = lift(graph, weight), lift(graph, a)
    return apply("weighted", spread(weight, a) if weight.axes == NUMBER and OUTPUT in axes_of(a) else weight, a)


def residual(a: Operand, factor: Operand, b: Operand) -> Node:
    """``a - factor * b``, rounded once: it keeps its digits where the two are nearly equal."""
    return apply("residual", a, factor, b)


def scale_to_one(a: Operand) -> Node:
    """The power of two that brings ``abs(a)`` into [1, 2), as far as it and its inverse are ordinary numbers.

    It counts as a constant: what is scaled by it and back again depends on it in rounding alone.
    """
    return apply("scale_to_one", a)


def where(condition: Node, a: Operand, b: Operand) -> Node:
    """``a`` where the condition holds and ``b`` elsewhere; the branch that is not taken touches nothing."""
    left, right = constants(a, b)
    if left is not None and right is not None and math.isfinite(left) and math.isfinite(right):
        return add(right, multiply(left - right, indicator(condition)))
    graph = condition.graph
    branches = {lift(graph, x).axes for x in (a, b)}
    if (OUTPUT in condition.axes and branches == {NUMBER}) or (condition.axes == NUMBER and ELEMENT in branches):
        # The result is an array of the dtype and shape of those around it, whichever branch is taken.
        a, b = spread(lift(graph, a), graph.like), spread(lift(graph, b), graph.like)
    elif condition.axes != NUMBER and branches == {NUMBER}:  # Likewise for one number per row.
        nothing = multiply(0.0, indicator(condition))
        a, b = add(nothing, a), add(nothing, b)
    return apply("where", condition, a, b)


def indicator(condition: Node) -> Node:
    """1 where the condition holds and 0 elsewhere."""
    return apply("indicator", condition, condition.graph.like, axes=condition.axes)


def less(a: Operand, b: Operand) -> Node:
    """``a < b``"""
    return apply("less", a, b, is_bool=True)


def less_equal(a: Operand, b: Operand) -> Node:
    """``a <= b``"""
    return apply("less_equal", a, b, is_bool=True)


def greater(a: Operand, b: Operand) -> Node:
    """``a > b``"""
    return less(b, a)


def greater_equal(a: Operand, b: Operand) -> Node:
    """``a >= b``"""
    return less_equal(b, a)


def equal(a: Operand, b: Operand) -> Node:
    """``a == b``"""
    return apply("equal", a, b, is_bool=True)


def logical_and(a: Node, b: Node) -> Node:
    """Both hold."""
    return apply("logical_and", a, b, is_bool=True)


def logical_or(a: Node, b: Node) -> Node:
    """At least one holds."""
    return apply("logical_or", a, b, is_bool=True)


def logical_not(a: Node) -> Node:
    """It does not hold."""
    return apply("logical_not", a, is_bool=True)


VOCABULARY.update({name: globals()[name] for name in __all__})
