"""Changes to a graph that only a loop needs.

Positions instead of marks, one computation for two branches, and, where ranges are known, shorter functions and no
comparisons that never hold.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Container, Sequence
from typing import cast

from ...graph import ELEMENT, NUMBER, ROW, Node, plain, rebuilt, walk, words
from ...graph.emit import INFIX
from ...graph.program import Program
from .ranges import Ranges

# Functions worth merging when two branches of one condition each call one.
_MERGED = ("log1p", "log", "expm1", "exp", "tanh", "sinh")
_COMPARED: dict[str, Callable[..., bool]] = {"equal": operator.eq, "less": operator.lt, "less_equal": operator.le}
# Marks of single places in the row.
_PLACES = ("at", "is_label")
# One machine instruction where the limit is known not to be NaN: kernels take no NaN for a parameter.
_LIMITS = {"maximum": "at_least", "guard": "at_least", "minimum": "at_most"}


def lowered(program: Program, outputs: Sequence[Node]) -> list[Node]:
    """The outputs in the words of a kernel."""
    found = _mapped(outputs, {})
    for _ in range(8):
        merged = _branches(found)
        if not merged:
            break
        found = _mapped(found, merged)
    return _narrowed(program, found)


def _narrowed(program: Program, outputs: Sequence[Node]) -> list[Node]:
    """The outputs with the shortest variant of each function that its arguments allow."""
    ranges = Ranges(program)
    made: dict[int, Node | bool] = {}
    for node in walk(outputs):
        args = [made[id(arg)] for arg in node.args]
        if node.op in _COMPARED and _never_holds(node, ranges):
            made[id(node)] = False
        elif any(isinstance(arg, bool) for arg in args):
            made[id(node)] = _folded(node, args)
        else:
            made[id(node)] = _shortest(node, cast(list[Node], args), ranges)
    return cast(list[Node], [made[id(node)] for node in outputs])


def _shortest(node: Node, args: Sequence[Node], ranges: Ranges) -> Node:
    """The operation on these operands, or what it is for all that they can be."""
    op = node.op
    if op == "where" and _is_guarded_in_vain(node, ranges):
        return args[2]
    if op == "where" and args[0].op not in _PLACES:
        args = args[0], _under(args[0], 1, args[1]), _under(args[0], 2, args[2])
    elif op == "at_least" and ranges.of(node.args[0])[0] >= ranges.of(node.args[1])[1]:
        return args[0]
    elif op == "log_or_log1p":
        op = "log_or_log1p_of_normal" if _are_normal(node, ranges) else op
    elif op in _VARIANTS and node.axes != NUMBER:
        op = _VARIANTS[op](*ranges.of(node.args[0]))
    if op == node.op:
        return plain(node, tuple(args))
    return node.graph.node(op, tuple(args), node.axes, node.value, is_bool=node.is_bool)


def _is_guarded_in_vain(node: Node, ranges: Ranges) -> bool:
    """Whether a product is replaced by 0 where a factor is 0, though the other one is finite."""
    condition, nothing, product = node.args
    product = product.args[0] if product.op == "negative" else product
    if condition.op != "equal" or condition.args[1].constant != 0 or nothing.constant != 0 or product.op != "multiply":
        return False
    others = [factor for factor in product.args if factor is not condition.args[0]]
    return len(others) == 1 and ranges.is_finite(others[0])


def _never_holds(node: Node, ranges: Ranges) -> bool:
    """Whether a comparison is false for all that its operands can be, NaN included."""
    (a_low, a_high), (b_low, b_high) = map(ranges.of, node.args)
    if node.op == "equal":
        return a_low > b_high or b_low > a_high
    return a_low > b_high or (node.op == "less" and a_low == b_high)


def _are_normal(node: Node, ranges: Ranges) -> bool:
    """Whether the logarithm is taken of normal numbers alone, those that 1 is added to and the others."""
    (condition, *either), plus_one = node.args[0].args, node.args[1]
    with_one, alone = either if condition is plus_one else reversed(either)
    return ranges.of(with_one)[0] > -1 and ranges.of(alone)[0] >= _NORMAL


def _under(condition: Node, branch: int, node: Node) -> Node:
    """The node where the condition is known, without further selections by it.

    Guards against numbers that nobody will look at serve derivatives; in a loop nothing comes of those numbers.
    Functions are left as they are, because both branches may share one.
    """
    if node.op == "where" and node.args[0] is condition:
        return _under(condition, branch, node.args[branch])
    if node.op not in INFIX:
        return node
    args = tuple(_under(condition, branch, arg) for arg in node.args)
    if all(a is b for a, b in zip(args, node.args, strict=True)):
        return node
    return node.graph.node(node.op, args, node.axes, node.value, is_bool=node.is_bool)


def _exp(low: float, high: float) -> str:
    return "exp_decaying" if high <= 0 else "exp"


def _sinh(low: float, high: float) -> str:
    return "small_sinh" if low >= -1 and high <= 1 else "sinh"


def _log(low: float, high: float) -> str:
    return "log_of_normal" if low >= _NORMAL else "log"


def _log1p(low: float, high: float) -> str:
    if low >= 0 and high <= 1:
        return "log1p_unit"
    return "log1p_of_normal" if low > -1 else "log1p"


# What a function is called where its argument lies between two numbers.
_VARIANTS: dict[str, Callable[[float, float], str]] = {"exp": _exp, "log": _log, "log1p": _log1p, "sinh": _sinh}
# The least number of float32 that has all its digits.
_NORMAL = 2.0**-126


def _mapped(outputs: Sequence[Node], replaced: dict[int, Node]) -> list[Node]:
    """The outputs with some nodes replaced and every mark of a first maximum as a comparison with its position."""
    made = dict(replaced)
    for node in walk(outputs):
        if id(node) not in made:
            made[id(node)] = _rebuilt(node, tuple(made[id(arg)] for arg in node.args))
    return [made[id(node)] for node in outputs]


def _rebuilt(node: Node, args: tuple[Node, ...]) -> Node:
    graph = node.graph
    if node.op in _RULES:
        return _RULES[node.op](*args)
    if node.op == "where":
        args = _as_magnitude(args)
        if len(args) == 1:
            return args[0]
    if node.op == "sum" and _is_single(args[0]):
        return _taken(args[0].args[1], args[0].args[0].args[0])
    if node.op in _LIMITS and NUMBER in (args[0].axes, args[1].axes) and node.axes != NUMBER:
        x, limit = args if args[1].axes == NUMBER else (args[1], args[0])
        return graph.node(_LIMITS[node.op], (x, limit), node.axes)
    if all(a is b for a, b in zip(args, node.args, strict=True)):
        return node
    return graph.node(node.op, args, node.axes, node.value, is_bool=node.is_bool)


def _first_max(x: Node) -> Node:
    position = x.graph.node("first", (x, words.max(x)), ROW)
    return x.graph.node("at", (position,), ELEMENT, is_bool=True)


def _sigmoid(x: Node) -> Node:
    odds = words.exp(-words.abs(x))
    return words.where(words.less_equal(0.0, x), 1.0, odds) / (1.0 + odds)


def _taken(x: Node, place: Node) -> Node:
    """The element at one place of the row, computed from what stands there in the arrays.

    As a number of the row it is computed for many rows at a time.
    """
    inputs = [below for below in walk([x]) if below.op == "input" and below.axes == ELEMENT]
    if x.op == "input" or not inputs:
        return x.graph.node("take", (x, place), ROW)
    found = _there(there(x, (), place), place)
    if found.constant is not None or all(
        below.op in INFIX or below.axes != ELEMENT or below.op == "input" for below in walk([x])
    ):
        return found
    # NaN where there is no such place, whatever comparisons with NaN would select.
    read = x.graph.node("take", (inputs[0], place), ROW)
    return words.where(words.equal(read, read), found, read)


def _there(x: Node, place: Node) -> Node:
    def of_row(node: Node, args: tuple[Node, ...]) -> Node:
        if node.axes != ELEMENT:
            return node
        if node.op == "spread":
            return args[0]
        if node.op == "input":
            return node.graph.node("take", (node, place), ROW)
        if node.op == "position":
            return node.graph.node("place", (place,), ROW)
        if node.op in _PLACES:
            return node.graph.node("same", (place, args[0]), ROW, is_bool=True)
        return node.graph.node(node.op, args, ROW, node.value, is_bool=node.is_bool)

    return rebuilt(x, of_row)


_RULES: dict[str, Callable[..., Node]] = {
    "detach": lambda x: x,
    "first_max": _first_max,
    "lead": words.max,
    "sigmoid": _sigmoid,
    "softplus": lambda x: words.maximum(x, 0.0) + words.log1p(words.exp(-words.abs(x))),
    "take": _taken,
    "weighted": lambda x, y: words.where(words.equal(x, 0.0), 0.0, x * y),
    "xlogy": lambda x, y: x * words.log(words.where(words.equal(x, 0.0), 1.0, y)),
}


def _is_single(node: Node) -> bool:
    """Whether all but one element of the row are replaced by 0."""
    return node.op == "where" and node.args[0].op in _PLACES and node.args[2].constant == 0


def _as_magnitude(args: tuple[Node, ...]) -> tuple[Node, ...]:
    """``where(x > 0, x, -x)`` and ``where(a < b, b - a, a - b)`` as magnitudes, or their negatives; else as it is."""
    condition, a, b = args
    if a is b:
        return (a,)
    if condition.op not in ("less", "less_equal"):
        return args
    low, high = condition.args
    if a.op == b.op == "subtract" and all(x is y for x, y in zip(a.args + b.args, (high, low, low, high), strict=True)):
        return (words.abs(a),)
    if condition.op == "less_equal":  # Of -0 as well, which stays as it is.
        return args
    if low.constant == 0 and a is high and b.op == "negative" and b.args[0] is high:
        return (words.abs(high),)
    if low.constant == 0 and b is high and a.op == "negative" and a.args[0] is high:
        return (-words.abs(high),)
    return args


def _branches(outputs: Sequence[Node]) -> dict[int, Node]:
    """One node for two calls of one function, each needed only where a condition holds, or only where it does not."""
    order = walk(outputs)
    for condition in {id(node.args[0]): node.args[0] for node in order if node.op == "where"}.values():
        holds, fails = _only_under(outputs, order, condition, 1), _only_under(outputs, order, condition, 2)
        for first, second in [(op, op) for op in _MERGED] + [("log1p", "log"), ("log", "log1p")]:
            a = [node for node in holds if node.op == first]
            b = [node for node in fails if node.op == second]
            if a and b and a[-1].axes == b[-1].axes:
                merged = _merged(condition, a[-1], b[-1])
                return {id(a[-1]): merged, id(b[-1]): merged}
    return {}


def _merged(condition: Node, a: Node, b: Node) -> Node:
    argument = words.where(condition, a.args[0], b.args[0])
    if a.op == b.op:
        return condition.graph.node(a.op, (argument,), a.axes)
    plus_one = condition if a.op == "log1p" else words.logical_not(condition)
    return condition.graph.node("log_or_log1p", (argument, plus_one), a.axes)


def _only_under(outputs: Sequence[Node], order: Sequence[Node], condition: Node, branch: int) -> list[Node]:
    """Nodes that no output reaches once this branch of every selection by the condition is cut."""
    reached: set[int] = set()
    stack = list(outputs)
    while stack:
        node = stack.pop()
        if id(node) in reached:
            continue
        reached.add(id(node))
        cut = branch if node.op == "where" and node.args[0] is condition else None
        stack.extend(arg for place, arg in enumerate(node.args) if place != cut)
    return [node for node in order if id(node) not in reached]


# --- numbers of the row -----------------------------------------------------------------------------------------------


def without_divisions(outputs: Sequence[Node]) -> list[Node]:
    """The outputs with elements multiplied by the inverse of what their row is divided by.

    A division takes as long as ten multiplications; a correction makes the quotient as exact.  Both are brought close
    to 1 by the same power of two first, so that the inverse of any divisor is an ordinary number.
    """
    made: dict[int, Node] = {}
    for node in walk(outputs):
        args = tuple(made[id(arg)] for arg in node.args)
        op, graph = node.op, node.graph
        if op == "divide" and args[0].axes == ELEMENT and args[1].axes == ROW:
            scale = graph.node("scale_to_one", args[1:], ROW)
            divisor = graph.node("multiply", (args[1], scale), ROW)
            inverse = graph.node("inverse", (divisor,), ROW)
            op, args = "quotient", (args[0], scale, divisor, inverse)
        made[id(node)] = graph.node(op, args, node.axes, node.value, is_bool=node.is_bool)
    return [made[id(node)] for node in outputs]


def without_scale(slope: Node) -> tuple[Node, list[tuple[str, Node]]]:
    """The slope without the numbers that all elements are multiplied with or divided by, and those, in order.

    Of the divisors that belong to the row only the last one: a factor over two small ones would be too large where the
    elements between them are small.
    """
    scale: list[tuple[str, Node]] = []
    while True:
        divided = any(sign == "/" and number.axes == ROW and number.op != "count" for sign, number in scale)
        if slope.op == "spread":
            slope = slope.args[0]
        elif slope.op == "divide" and slope.args[1].axes != ELEMENT and not divided:
            scale.append(("/", slope.args[1]))
            slope = slope.args[0]
        elif slope.op == "multiply" and slope.args[0].axes != ELEMENT:
            scale.append(("*", slope.args[0]))
            slope = slope.args[1]
        elif slope.op == "where" and slope.args[1].constant == 0 and slope.args[0].axes == ROW:
            rest, inner = without_scale(slope.args[2])
            return words.where(slope.args[0], slope.args[1], rest), scale + inner
        else:
            return slope, scale


# --- single places of a row -----------------------------------------------------------------------------------------


def places(nodes: Sequence[Node]) -> list[Node]:
    """The positions in the row with which the nodes compare theirs."""
    found = {id(node.args[0]): node.args[0] for node in walk(nodes) if node.op in _PLACES}
    return list(found.values())


def elsewhere(node: Node, known: Container[int]) -> Node:
    """The node at all other places of the row, made of the nodes whose ids are known."""
    return _settled(node, known, lambda mark: False)


def there(node: Node, known: Container[int], place: Node) -> Node:
    """The node at one place, which may be another one too."""
    return _settled(node, known, lambda mark: True if mark.args[0] is place else None)


def _settled(node: Node, known: Container[int], decide: Callable[[Node], bool | None]) -> Node:
    """The node with some marks of places decided."""
    made: dict[int, Node | bool] = {}
    for below in walk([node]):
        decision = decide(below) if below.op in _PLACES else None
        if decision is not None:
            made[id(below)] = decision
        elif below.axes == ELEMENT and id(below) not in known:
            made[id(below)] = _folded(below, [made[id(arg)] for arg in below.args])
        else:
            made[id(below)] = below
    result = made[id(node)]
    return result if isinstance(result, Node) else node


def _folded(node: Node, args: Sequence[Node | bool]) -> Node | bool:
    first = args[0] if args else None
    if node.op == "where" and isinstance(first, bool):
        return args[1] if first else args[2]
    if node.op == "indicator" and isinstance(first, bool):
        return node.graph.constant(float(first))
    if node.op == "logical_not" and isinstance(first, bool):
        return not first
    if node.op in ("logical_and", "logical_or") and any(isinstance(arg, bool) for arg in args):
        decided, other = args if isinstance(first, bool) else reversed(args)
        return other if decided == (node.op == "logical_and") else decided
    operands = [arg for arg in args if isinstance(arg, Node)]
    if node.op in _COMPARED and all(arg.constant is not None for arg in operands):
        return _COMPARED[node.op](*(arg.constant for arg in operands))
    return node if len(operands) < len(args) else plain(node, tuple(operands))
