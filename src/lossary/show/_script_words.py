"""The words that JavaScript lacks: printed from the compositions that all backends share, and a few loops by hand."""

from __future__ import annotations

import re
from functools import cache
from types import SimpleNamespace
from typing import Any

from ..backends._base import Backend
from ..backends._bits import ShowsBits
from ..graph import ELEMENT, NUMBER, Graph, Node, words
from ._script import function

# Words of one number, and of a row, by the compositions of `lossary.backends`.
_OF_NUMBERS: dict[str, tuple[str, ...]] = {
    "sigmoid": ("x",), "softplus": ("x",), "xlogy": ("x", "y"), "weighted": ("weight", "x"), "square": ("x",),
    "log1pmx": ("x",), "expm1mx": ("x",), "log1mexp": ("x",), "hypot1": ("x",), "logcosh": ("x",), "lgamma": ("x",),
    "digamma": ("x",), "trigamma": ("x",), "binet": ("x",), "binet_slope": ("x",), "erf": ("x",), "bell": ("x",),
    "log_ndtr": ("x",), "inverse_mills": ("x",), "residual": ("a", "factor", "b"), "scale_to_one": ("x",),
}  # fmt: skip
_OF_ROWS = ("sparsemax",)
COMPOSED = frozenset({*_OF_NUMBERS, *_OF_ROWS})

_LOOPS = {
    "row": "(n, f) => { const x = new Array(n); for (let k = 0; k < n; k++) x[k] = f(k); return x; }",
    "sum": "(n, f) => { let x = 0; for (let k = 0; k < n; k++) x += f(k); return x; }",
    "max": "(n, f) => { let x = -Infinity; for (let k = 0; k < n; k++) x = Math.max(x, f(k)); return x; }",
    "first": "(n, f) => { let best = 0; for (let k = 1; k < n; k++) if (f(k) > f(best)) best = k; return best; }",
    "take": "(n, label, f) => label >= 0 && label < n ? f(label) : NaN",
    "sorted_down": "x => Array.from(x).sort((a, b) => b - a)",
    "cumulated": "x => { let total = 0; return x.map(each => total += each); }",
    # Where the sum overflows and the mean does not, numbers are 2**-64 of themselves meanwhile.
    "mean": """(n, f) => {
  const x = w.sum(n, f) / n;
  return Number.isFinite(x) ? x : w.sum(n, k => f(k) / 2 ** 64) / n * 2 ** 64;
}""",
    "mean_square": """(n, f) => {
  const x = w.sum(n, k => f(k) * f(k)) / n;
  return Number.isFinite(x) ? x : w.sum(n, k => (f(k) / 2 ** 64) ** 2) / n * 2 ** 64 * 2 ** 64;
}""",
    "with_bits": """(x, mask) => {
  const number = new Float64Array([x]), bits = new BigInt64Array(number.buffer);
  bits[0] &= BigInt(mask);
  return number[0];
}""",
}


def words_of(*functions: str) -> str:
    """Source that makes an object ``w`` of all words that these functions use."""
    spelled, wanted, found = _spelled(), [*functions], set[str]()
    while wanted:
        new = set(re.findall(r"\bw\.(\w+)\(", wanted.pop())) - found
        found |= new
        wanted += [spelled[name] for name in new]
    lines = [f"w.{name} = {text};" for name, text in spelled.items() if name in found]
    return "\n".join(["const w = {};", *lines, ""])


@cache
def _spelled() -> dict[str, str]:
    """Source of each word."""
    numbers = {name: _composed(name, arguments) for name, arguments in _OF_NUMBERS.items()}
    return {**_LOOPS, **numbers, **{name: _composed(name, ("x",), rows=True) for name in _OF_ROWS}}


def _composed(name: str, arguments: tuple[str, ...], *, rows: bool = False) -> str:
    """The composition of a word, printed."""
    axes = ELEMENT if rows else NUMBER
    graph = Graph(arguments[0], axes)
    inputs = [graph.input(each, axes) for each in arguments]
    own = getattr(ShowsBits if name in vars(ShowsBits) else Backend, name)
    made = own(_speller(name), *inputs)
    return function("", list(zip(arguments, inputs, strict=True)), [made], single=not rows)


def _speller(name: str) -> Any:
    """The words that compositions are made of, as makers of nodes; they are made of simpler ones than themselves."""
    known = {each: word for each in words.__all__ if each != name and callable(word := getattr(words, each))}
    known |= {each: _node(each) for each in ("floor", "sorted_down", "cumulated")}
    known |= {"indicator": lambda condition, like: words.indicator(condition), "with_bits": _with_bits}
    return SimpleNamespace(**known, dtype=lambda x: "float64")


def _node(op: str) -> Any:
    return lambda x: x.graph.node(op, (x,), x.axes)


def _with_bits(x: Node, mask: int) -> Node:
    return x.graph.node("with_bits", (x, x.graph.constant(mask)), x.axes)
