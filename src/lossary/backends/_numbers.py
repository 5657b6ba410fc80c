"""The words of parameters: plain numbers stay numbers, in double precision and with IEEE's poles."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from . import _series, _special

WORDS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "arctan": math.atan,
    "cos": math.cos,
    "detach": lambda x: x,
    "equal": lambda a, b: a == b,
    "erf": math.erf,
    "exp": math.exp,
    "expm1": math.expm1,
    "guard": max,
    "indicator": lambda condition, like: float(condition),
    "less": lambda a, b: a < b,
    "less_equal": lambda a, b: a <= b,
    "log": lambda x: math.log(x) if x else -math.inf,
    "log1p": lambda x: math.log1p(x) if x != -1.0 else -math.inf,
    "logical_and": lambda a, b: a and b,
    "logical_not": lambda a: not a,
    "logical_or": lambda a, b: a or b,
    "maximum": max,
    "minimum": min,
    "power": lambda x, exponent: x**exponent,
    "sigmoid": lambda x: 0.5 + 0.5 * math.tanh(0.5 * x),
    "sign": lambda x: math.copysign(1.0, x) if x else 0.0,
    "sin": math.sin,
    "sinh": math.sinh,
    "softplus": lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
    "sqrt": math.sqrt,
    "square": lambda x: x * x,
    "tanh": math.tanh,
    "weighted": lambda weight, x: weight * x if weight else 0.0,
    "where": lambda condition, a, b: a if condition else b,
    "xlogy": lambda x, y: x * math.log(y) if x else 0.0,
}

_VOCABULARY = SimpleNamespace(
    **WORDS,
    dtype=lambda x: "float64",
    floor=math.floor,
)
WORDS |= {
    name: partial(getattr(room, name), _VOCABULARY)
    for room, names in (
        (_series, ("expm1mx", "hypot1", "log1mexp", "log1pmx", "logcosh")),
        (_special, ("bell", "binet", "binet_slope", "digamma", "inverse_mills", "lgamma", "log_ndtr", "trigamma")),
    )
    for name in names
}


def either(number: Callable[..., Any], word: Callable[..., Any]) -> Callable[..., Any]:
    """A word of parameters; one that is traced or differentiated is an array and gets the backend's word."""

    def word_or_number(first: Any, *rest: Any) -> Any:
        return number(first, *rest) if isinstance(first, int | float) else word(first, *rest)

    return word_or_number
