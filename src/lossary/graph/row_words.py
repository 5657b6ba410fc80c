"""Words of rows: they reduce over the outputs of one data point, or make pairs of them."""

from __future__ import annotations

from ..errors import TraceError
from ..facts.axes import ELEMENT, OTHER, OTHERS, OUTPUT, PAIR, ROW, exchanged
from .arithmetic import apply, axes_of, graph_of, lift, square
from .node import Node, Operand


def _reduce(op: str, a: Node) -> Node:
    return a if OUTPUT not in axes_of(a) else apply(op, _of_outputs(op, a), axes=a.axes - {OUTPUT})


def _of_outputs(op: str, a: Node) -> Node:
    """What varies along the outputs alone, not along pairs of them too."""
    if OTHER in axes_of(a):
        raise TraceError.pairs(op)
    return a


def sum(a: Node, over: str | None = None) -> Node:
    """Sum over the row, of pairs over both outputs.

    ``over="other"`` sums over the other output of each pair alone, ``over="output"`` over its first.
    """
    if over == OUTPUT and axes_of(a) == PAIR:
        return apply("sum", a, axes=OTHERS)
    if OTHER in axes_of(a):
        rest = apply("sum_other", a, axes=a.axes - {OTHER})
        return rest if over == OTHER else sum(rest)
    return a if over == OTHER else _reduce("sum", a)


def other(a: Operand) -> Node:
    """The number of the second output of each pair, in the place of its first.

    ``a - other(a)`` are the differences of all pairs.
    """
    graph = graph_of(a)
    lifted = lift(graph, a)
    if exchanged(lifted.axes) == lifted.axes and OTHER not in lifted.axes:
        return lifted
    if lifted.op == "other":
        return lifted.args[0]
    return apply("other", lifted, axes=exchanged(lifted.axes), is_bool=lifted.is_bool)


def mean(a: Node) -> Node:
    """Mean over the row; it does not overflow where the mean fits."""
    return _reduce("mean", a)


def mean_square(a: Node) -> Node:
    """Mean of the squares over the row; it does not overflow where the mean fits."""
    return _reduce("mean_square", a) if OUTPUT in axes_of(a) else square(a)


def max(a: Node, over: str | None = None) -> Node:
    """Largest element of the row; the slope belongs to the first one.

    ``over="other"`` is the largest over the other output of each pair, whose slope those that are equal share.
    """
    if over == OTHER:
        return apply("max_other", a, axes=a.axes - {OTHER}) if OTHER in axes_of(a) else a
    return _reduce("max", a)


def lead(a: Node) -> Node:
    """The value of the first largest element; unlike `max`, differentiable again where elements are equal."""
    return apply("lead", _of_outputs("lead", a), axes=ROW)


def first_max(a: Node) -> Node:
    """True at the first largest element of the row and false elsewhere."""
    return apply("first_max", _of_outputs("first_max", a), axes=ELEMENT, is_bool=True)


def count(a: Node) -> Node:
    """How many elements the row has."""
    return apply("count", a.graph.like if OTHER in axes_of(a) else a, axes=ROW)


def position(like: Node) -> Node:
    """0, 1, ... along a row as long as ``like``."""
    return apply("position", _of_outputs("position", like), axes=ELEMENT)


def sparsemax(a: Node) -> Node:
    """The distribution over the row that lies nearest to it: as `max` where one leads by 1, else shared by those near.

    A. F. T. Martins, R. F. Astudillo, From softmax to sparsemax (2016), algorithm 1.
    """
    return apply("sparsemax", _of_outputs("sparsemax", a), axes=ELEMENT)


def alignment_nll(labels: Node, scores: Node, blank: Operand, *keep: Node) -> Node:
    """Minus the log-probability of a list of labels under all its alignments with the rows of a matrix of scores.

    A. Graves et al., Connectionist temporal classification (2006), eq. 8.  Steps that ``keep`` names none of are left
    out.
    """
    return apply("alignment_nll", labels, scores, blank, *keep, axes=ROW)


def alignment_slope(labels: Node, scores: Node, blank: Operand, *keep: Node) -> Node:
    """Slope of `alignment_nll` in the scores, 0 where there is no alignment."""
    return apply("alignment_slope", labels, scores, blank, *keep, axes=PAIR)


def spread(a: Operand, like: Node) -> Node:
    """The number of the row repeated over a row as long as ``like``, or over a matrix like it."""
    a, axes = lift(like.graph, a), PAIR if like.axes == PAIR else ELEMENT
    return a if a.axes == axes else apply("spread", a, like, axes=axes)


def take(a: Node, label: Node) -> Node:
    """The element of the row that the integer label names; NaN where the label names none (negatives never wrap)."""
    return apply("take", _of_outputs("take", a), label, axes=ROW)


def is_label(label: Node, like: Node) -> Node:
    """True at the element that the integer label names, in a row as long as ``like``."""
    return apply("is_label", label, like, axes=ELEMENT, is_bool=True)
