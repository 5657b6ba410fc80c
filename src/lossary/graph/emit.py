"""A graph printed as the source of a Python function, in the words of whichever namespace runs it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from ..facts.axes import ELEMENT, NUMBER, OTHER, OTHERS
from . import words
from .node import Node, walk

INFIX = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
_SYMMETRIC = frozenset({"maximum", "minimum", "equal"})
_INLINE_LIMIT = 48
HOST_PREFIX = "host_"
# What `other` is called by the axes of its operand: arrays that vary along others have one axis more.
_OTHER = {ELEMENT: "outward", OTHERS: "inward"}
# Every name that the source may call, besides those with the prefix.
_PAIRS = ("across", "inward", "max_other", "outward", "sum_other", "turned")
SPELLED = (*(word for word in words.__all__ if word != "other"), *_PAIRS)


def emit(name: str, inputs: Sequence[str], outputs: Sequence[Node]) -> str:
    """Source of ``def name(*inputs)`` that returns the outputs.

    Terms used more than once, and long ones, get a line of their own.  Words of numbers computed before any array is
    touched carry the prefix ``host_``.
    """
    order = walk(outputs)
    uses = Counter(id(arg) for node in order for arg in node.args)
    uses.update(id(node) for node in outputs)
    spelled: dict[int, str] = {}
    lines: list[str] = []
    for node in order:
        text = _spell(node, spelled)
        if node.args and (uses[id(node)] > 1 or len(text) > _INLINE_LIMIT):
            lines.append(f"    v{len(lines)} = {text}")
            text = f"v{len(lines) - 1}"
        elif node.op in INFIX or node.op == "negative":
            text = f"({text})"
        spelled[id(node)] = text
    results = ", ".join(_bare(spelled[id(node)]) for node in outputs)
    return "\n".join([f"def {name}({', '.join(map(_argument, inputs))}):", *lines, f"    return {results}", ""])


def _argument(name: str) -> str:
    """An input's name, unless it already names a word or an intermediate result."""
    return f"{name}_" if name in words.__all__ or re.fullmatch(r"v\d+", name) else name


def _spell(node: Node, spelled: dict[int, str]) -> str:
    if node.op == "input":
        return _argument(node.value)
    if node.op == "constant":
        return _literal(float(node.value))
    args = [_beside(node, arg, spelled[id(arg)]) for arg in node.args]
    if node.op in INFIX:
        return f"{args[0]} {INFIX[node.op]} {args[1]}"
    if node.op == "negative":
        return f"-{args[0]}"
    if node.op in _SYMMETRIC and node.args[0].axes == NUMBER:
        args.reverse()  # Some frameworks take a number only beside an array that comes first.
    prefix = HOST_PREFIX if node.axes == NUMBER else ""
    word = _OTHER.get(node.args[0].axes, "turned") if node.op == "other" else node.op
    return f"{prefix}{word}({', '.join(map(_bare, args))})"


def _beside(node: Node, arg: Node, text: str) -> str:
    """An operand in the rank of a result that varies along others."""
    if node.op == "alignment_slope":  # Which takes lists beside a matrix.
        return text
    lifted = OTHER in node.axes and OTHER not in arg.axes and arg.axes != NUMBER and node.op != "other"
    return f"across({_bare(text)})" if lifted else text


def _literal(number: float) -> str:
    """A number as Python reads it back; infinity and NaN have no literal, but overflow makes them."""
    if number != number:
        return "(1e999 - 1e999)"
    text = repr(number).replace("inf", "1e999")
    return text if number >= 0 else f"({text})"


def _bare(text: str) -> str:
    """Drops a pair of parentheses that encloses the whole expression."""
    if not (text.startswith("(") and text.endswith(")")):
        return text
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and position < len(text) - 1:
            return text
    return text[1:-1]
