"""The closed vocabulary that formulas speak.

Each word is a function of `Node`s (or numbers) that adds one node to the graph; `lossary.graph.rules` holds the
derivative of every word.  Backends spell the same words for their arrays (`lossary.backends._base.Backend`).
Row words (`sum`, `mean`, `max`, ...) reduce over the outputs of one data point, the last axis, and keep it with
length one; `other` makes pairs of them.
"""

from __future__ import annotations

import math
from typing import Any

from ..errors import TraceError
from ..facts.axes import ELEMENT, NUMBER, OTHER, OTHERS, OUTPUT, PAIR, ROW, Axes, exchanged
from .node import VOCABULARY, Graph, Node, Operand

__all__ = [
    "abs", "add", "alignment_nll", "alignment_slope", "arctan", "bell", "binet", "binet_slope", "cos", "count",
    "detach", "digamma", "divide", "equal", "erf", "exp", "expm1", "expm1mx", "first_max", "greater", "greater_equal",
    "guard", "hypot1", "indicator", "inverse_mills", "is_label", "lead", "less", "less_equal", "lgamma", "log",
    "log1mexp", "log1p", "log1pmx", "log_ndtr", "logical_and", "logical_not", "logical_or", "max", "maximum", "mean",
    "mean_square", "minimum", "multiply", "negative", "other", "position", "power", "residual", "scale_to_one",
    "sigmoid", "sign", "sin", "sinh", "softplus", "sparsemax", "spread", "sqrt", "square", "subtract", "sum", "take",
    "tanh", "trigamma", "weighted", "where", "xlogy",
]  # fmt: skip


def _graph(*operands: Any) -> Graph:
    for operand in operands:
        if isinstance(operand, Node):
            return operand.graph
    raise TraceError(
        "a word of lossary.words was called outside a formula; decorate the function that uses it with @lossary.loss"
    )


def _lift(graph: Graph, operand: Any) -> Node:
    if isinstance(operand, Node):
        return operand
    try:
        return graph.constant(float(operand))
    except (TypeError, ValueError):
        raise TraceError.number() from None


def _apply(op: str, *operands: Operand, axes: Axes | None = None, is_bool: bool = False) -> Node:
    graph = _graph(*operands)
    args = tuple(_lift(graph, operand) for operand in operands)
    if axes is None:
        axes = NUMBER.union(*(arg.axes for arg in args))
    return graph.node(op, args, axes, is_bool=is_bool)


def _axes(operand: Operand) -> Axes:
    return _lift(_graph(operand), operand).axes


def _constants(*operands: Operand) -> tuple[float | None, ...]:
    return tuple(o.constant if isinstance(o, Node) else float(o) for o in operands)


def is_off(parameter: Operand) -> bool:
    """Whether a parameter is at the value where its `Interval` is off: there it is that number, else a symbol.

    No word, but what a formula may decide by: it is traced once for the parameter's being off, and once for all else.
    """
    return not isinstance(parameter, Node)


# --- arithmetic: the identities below keep differentiated graphs as short as a hand would write them ---------------


def add(a: Operand, b: Operand) -> Node:
    """``a + b``"""
    left, right = _constants(a, b)
    if left == 0:
        return _lift(_graph(a, b), b)
    if right == 0:
        return _lift(_graph(a, b), a)
    if left is not None and right is not None:
        return _graph(a, b).constant(left + right)
    if isinstance(b, Node) and b.op == "negative":
        return subtract(a, b.args[0])
    if isinstance(a, Node) and a.op == "negative":
        return subtract(b, a.args[0])
    return _apply("add", a, b)


def subtract(a: Operand, b: Operand) -> Node:
    """``a - b``"""
    left, right = _constants(a, b)
    if right == 0:
        return _lift(_graph(a, b), a)
    if left == 0:
        return negative(b)
    if left is not None and right is not None:
        return _graph(a, b).constant(left - right)
    if isinstance(b, Node) and b.op == "negative":
        return add(a, b.args[0])
    return _apply("subtract", a, b)


def multiply(a: Operand, b: Operand) -> Node:
    """``a * b``"""
    left, right = _constants(a, b)
    if left is not None and right is not None:
        return _graph(a, b).constant(left * right)
    for number, other in ((left, b), (right, a)):
        if number == 1:
            return _lift(_graph(a, b), other)
        if number == -1:
            return negative(other)
    if isinstance(a, Node) and a.op == "negative":
        return negative(multiply(a.args[0], b))
    if isinstance(b, Node) and b.op == "negative":
        return negative(multiply(a, b.args[0]))
    if isinstance(a, Node) and a.op == "divide" and a.args[0].constant == 1:
        return divide(b, a.args[1])
    if isinstance(b, Node) and b.op == "divide" and b.args[0].constant == 1:
        return divide(a, b.args[1])
    return _apply("multiply", a, b)


def divide(a: Operand, b: Operand) -> Node:
    """``a / b``"""
    left, right = _constants(a, b)
    if right == 1:
        return _lift(_graph(a, b), a)
    if left is not None and right:
        return _graph(a, b).constant(left / right)
    if isinstance(a, Node) and a.op == "negative":
        return negative(divide(a.args[0], b))
    return _apply("divide", a, b)


def negative(a: Operand) -> Node:
    """``-a``"""
    (number,) = _constants(a)
    if number is not None:
        return _graph(a).constant(-number)
    if isinstance(a, Node) and a.op == "negative":
        return a.args[0]
    return _apply("negative", a)


def power(a: Operand, exponent: Operand) -> Node:
    """``a ** exponent`` for an exponent that is a number."""
    if isinstance(exponent, Node):
        if exponent.axes != NUMBER:
            raise TraceError.unknown_word("a power whose exponent is an array")
        return _apply("power", a, exponent)
    if exponent == 2:
        return square(a)
    if exponent == 1:
        return _lift(_graph(a), a)
    return _apply("power", a, exponent)


# --- elementwise -----------------------------------------------------------------------------------------------


def abs(a: Operand) -> Node:
    """Magnitude; its slope at 0 is 0."""
    return _apply("abs", a)


def sign(a: Operand) -> Node:
    """-1, 0 or 1."""
    return _apply("sign", a)


def exp(a: Operand) -> Node:
    """Exponential."""
    return _apply("exp", a)


def expm1(a: Operand) -> Node:
    """``exp(a) - 1`` without the loss of digits near 0."""
    return _apply("expm1", a)


def log(a: Operand) -> Node:
    """Natural logarithm."""
    return _apply("log", a)


def log1p(a: Operand) -> Node:
    """``log(1 + a)`` without the loss of digits near 0."""
    return _apply("log1p", a)


def log1pmx(a: Operand) -> Node:
    """``log(1 + a) - a``, which is ``-a**2 / 2`` near 0, without the loss of digits there."""
    return _apply("log1pmx", a)


def expm1mx(a: Operand) -> Node:
    """``exp(a) - 1 - a``, which is ``a**2 / 2`` near 0, without the loss of digits there."""
    return _apply("expm1mx", a)


def log1mexp(a: Operand) -> Node:
    """``log(1 - exp(a))`` of a number below 0, as the logarithm of a probability is; minus infinity at 0."""
    return _apply("log1mexp", a)


def hypot1(a: Operand) -> Node:
    """``sqrt(1 + a**2)`` without overflow."""
    return _apply("hypot1", a)


def sqrt(a: Operand) -> Node:
    """Square root."""
    return _apply("sqrt", a)


def square(a: Operand) -> Node:
    """``a * a``"""
    return _apply("square", a)


def sinh(a: Operand) -> Node:
    """Hyperbolic sine."""
    return _apply("sinh", a)


def tanh(a: Operand) -> Node:
    """Hyperbolic tangent."""
    return _apply("tanh", a)


def sigmoid(a: Operand) -> Node:
    """``1 / (1 + exp(-a))``, accurate in both tails."""
    return _apply("sigmoid", a)


def softplus(a: Operand) -> Node:
    """``log(1 + exp(a))`` without overflow; its slope is `sigmoid`."""
    return _apply("softplus", a)


def arctan(a: Operand) -> Node:
    """Inverse tangent."""
    return _apply("arctan", a)


def cos(a: Operand) -> Node:
    """Cosine of an angle in radians."""
    return _apply("cos", a)


def sin(a: Operand) -> Node:
    """Sine of an angle in radians."""
    return _apply("sin", a)


def lgamma(a: Operand) -> Node:
    """Logarithm of the gamma function of a number above 0."""
    return _apply("lgamma", a)


def digamma(a: Operand) -> Node:
    """Slope of `lgamma`."""
    return _apply("digamma", a)


def trigamma(a: Operand) -> Node:
    """Slope of `digamma`."""
    return _apply("trigamma", a)


def binet(a: Operand) -> Node:
    """What J. Stirling's formula leaves of `lgamma`: ``lgamma(a) - ((a - 1/2) * log(a) - a + log(2 * pi) / 2)``.

    Where gamma functions of large numbers almost cancel, their formulas do so on paper and J. Binet's function is what
    is left.
    """
    return _apply("binet", a)


def binet_slope(a: Operand) -> Node:
    """Slope of `binet`, ``digamma(a) - log(a) + 1 / (2 * a)``."""
    return _apply("binet_slope", a)


def erf(a: Operand) -> Node:
    """Error function."""
    return _apply("erf", a)


def bell(a: Operand) -> Node:
    """``exp(-a**2)``, without the digits that rounding the square would cost."""
    return _apply("bell", a)


def log_ndtr(a: Operand) -> Node:
    """Logarithm of the cumulative normal distribution, accurate in both tails."""
    return _apply("log_ndtr", a)


def inverse_mills(a: Operand) -> Node:
    """Density of the normal distribution over its cumulative distribution: the slope of `log_ndtr`."""
    return _apply("inverse_mills", a)


def detach(a: Operand) -> Node:
    """The same number, which counts as a constant: it has no slope."""
    return _apply("detach", a)


def maximum(a: Operand, b: Operand) -> Node:
    """The larger of the two; where they are equal the slope belongs to the second."""
    return _apply("maximum", a, b)


def minimum(a: Operand, b: Operand) -> Node:
    """The smaller of the two; where they are equal the slope belongs to the second."""
    return _apply("minimum", a, b)


def guard(a: Operand, floor: Operand) -> Node:
    """``maximum(a, floor)`` in value, but its slope is 1 everywhere.

    It stands where a definition clips its input: the value is the clipped one and the slope is the slope at the
    boundary, so that no gradient dies there.
    """
    return _apply("guard", a, floor)


def xlogy(a: Operand, b: Operand) -> Node:
    """``a * log(b)``, and 0 where a is 0."""
    return _apply("xlogy", a, b)


def weighted(weight: Operand, a: Operand) -> Node:
    """``weight * a``, and 0 where the weight is 0 even if ``a`` is infinite; its slope in the weight is ``a``."""
    graph = _graph(weight, a)
    weight, a = _lift(graph, weight), _lift(graph, a)
    return _apply("weighted", spread(weight, a) if weight.axes == NUMBER and OUTPUT in _axes(a) else weight, a)


def residual(a: Operand, factor: Operand, b: Operand) -> Node:
    """``a - factor * b``, rounded once: it keeps its digits where the two are nearly equal."""
    return _apply("residual", a, factor, b)


def scale_to_one(a: Operand) -> Node:
    """The power of two that brings ``abs(a)`` into [1, 2), as far as it and its inverse are ordinary numbers.

    It counts as a constant: what is scaled by it and back again depends on it in rounding alone.
    """
    return _apply("scale_to_one", a)


def where(condition: Node, a: Operand, b: Operand) -> Node:
    """``a`` where the condition holds and ``b`` elsewhere; the branch that is not taken touches nothing."""
    left, right = _constants(a, b)
    if left is not None and right is not None and math.isfinite(left) and math.isfinite(right):
        return add(right, multiply(left - right, indicator(condition)))
    graph = condition.graph
    branches = {_lift(graph, x).axes for x in (a, b)}
    if (OUTPUT in condition.axes and branches == {NUMBER}) or (condition.axes == NUMBER and ELEMENT in branches):
        # The result is an array of the dtype and shape of those around it, whichever branch is taken.
        a, b = spread(_lift(graph, a), graph.like), spread(_lift(graph, b), graph.like)
    elif condition.axes != NUMBER and branches == {NUMBER}:  # Likewise for one number per row.
        nothing = multiply(0.0, indicator(condition))
        a, b = add(nothing, a), add(nothing, b)
    return _apply("where", condition, a, b)


def indicator(condition: Node) -> Node:
    """1 where the condition holds and 0 elsewhere."""
    return _apply("indicator", condition, condition.graph.like, axes=condition.axes)


def less(a: Operand, b: Operand) -> Node:
    """``a < b``"""
    return _apply("less", a, b, is_bool=True)


def less_equal(a: Operand, b: Operand) -> Node:
    """``a <= b``"""
    return _apply("less_equal", a, b, is_bool=True)


def greater(a: Operand, b: Operand) -> Node:
    """``a > b``"""
    return less(b, a)


def greater_equal(a: Operand, b: Operand) -> Node:
    """``a >= b``"""
    return less_equal(b, a)


def equal(a: Operand, b: Operand) -> Node:
    """``a == b``"""
    return _apply("equal", a, b, is_bool=True)


def logical_and(a: Node, b: Node) -> Node:
    """Both hold."""
    return _apply("logical_and", a, b, is_bool=True)


def logical_or(a: Node, b: Node) -> Node:
    """At least one holds."""
    return _apply("logical_or", a, b, is_bool=True)


def logical_not(a: Node) -> Node:
    """It does not hold."""
    return _apply("logical_not", a, is_bool=True)


# --- rows --------------------------------------------------------------------------------------------------------


def _reduce(op: str, a: Node) -> Node:
    return a if OUTPUT not in _axes(a) else _apply(op, _of_outputs(op, a), axes=a.axes - {OUTPUT})


def _of_outputs(op: str, a: Node) -> Node:
    """What varies along the outputs alone, not along pairs of them too."""
    if OTHER in _axes(a):
        raise TraceError.pairs(op)
    return a


def sum(a: Node, over: str | None = None) -> Node:
    """Sum over the row, of pairs over both outputs.

    ``over="other"`` sums over the other output of each pair alone, ``over="output"`` over its first.
    """
    if over == OUTPUT and _axes(a) == PAIR:
        return _apply("sum", a, axes=OTHERS)
    if OTHER in _axes(a):
        rest = _apply("sum_other", a, axes=a.axes - {OTHER})
        return rest if over == OTHER else sum(rest)
    return a if over == OTHER else _reduce("sum", a)


def other(a: Operand) -> Node:
    """The number of the second output of each pair, in the place of its first.

    ``a - other(a)`` are the differences of all pairs.
    """
    graph = _graph(a)
    lifted = _lift(graph, a)
    if exchanged(lifted.axes) == lifted.axes and OTHER not in lifted.axes:
        return lifted
    if lifted.op == "other":
        return lifted.args[0]
    return _apply("other", lifted, axes=exchanged(lifted.axes), is_bool=lifted.is_bool)


def mean(a: Node) -> Node:
    """Mean over the row; it does not overflow where the mean fits."""
    return _reduce("mean", a)


def mean_square(a: Node) -> Node:
    """Mean of the squares over the row; it does not overflow where the mean fits."""
    return _reduce("mean_square", a) if OUTPUT in _axes(a) else square(a)


def max(a: Node) -> Node:
    """Largest element of the row; the slope belongs to the first one."""
    return _reduce("max", a)


def lead(a: Node) -> Node:
    """The value of the first largest element; unlike `max`, differentiable again where elements are equal."""
    return _apply("lead", _of_outputs("lead", a), axes=ROW)


def first_max(a: Node) -> Node:
    """True at the first largest element of the row and false elsewhere."""
    return _apply("first_max", _of_outputs("first_max", a), axes=ELEMENT, is_bool=True)


def count(a: Node) -> Node:
    """How many elements the row has."""
    return _apply("count", a.graph.like if OTHER in _axes(a) else a, axes=ROW)


def position(like: Node) -> Node:
    """0, 1, ... along a row as long as ``like``."""
    return _apply("position", _of_outputs("position", like), axes=ELEMENT)


def sparsemax(a: Node) -> Node:
    """The distribution over the row that lies nearest to it: as `max` where one leads by 1, else shared by those near.

    A. F. T. Martins, R. F. Astudillo, From softmax to sparsemax (2016), algorithm 1.
    """
    return _apply("sparsemax", _of_outputs("sparsemax", a), axes=ELEMENT)


def alignment_nll(labels: Node, scores: Node, blank: Operand, *keep: Node) -> Node:
    """Minus the log-probability of a list of labels under all its alignments with the rows of a matrix of scores.

    A. Graves et al., Connectionist temporal classification (2006), eq. 8.  Steps that ``keep`` names none of are left
    out.
    """
    return _apply("alignment_nll", labels, scores, blank, *keep, axes=ROW)


def alignment_slope(labels: Node, scores: Node, blank: Operand, *keep: Node) -> Node:
    """Slope of `alignment_nll` in the scores, 0 where there is no alignment."""
    return _apply("alignment_slope", labels, scores, blank, *keep, axes=PAIR)


def spread(a: Node, like: Node) -> Node:
    """The number of the row repeated over a row as long as ``like``, or over a matrix like it."""
    axes = PAIR if like.axes == PAIR else ELEMENT
    return a if _axes(a) == axes else _apply("spread", a, like, axes=axes)


def take(a: Node, label: Node) -> Node:
    """The element of the row that the integer label names; NaN where the label names none (negatives never wrap)."""
    return _apply("take", _of_outputs("take", a), label, axes=ROW)


def is_label(label: Node, like: Node) -> Node:
    """True at the element that the integer label names, in a row as long as ``like``."""
    return _apply("is_label", label, like, axes=ELEMENT, is_bool=True)


VOCABULARY.update({name: globals()[name] for name in __all__})
