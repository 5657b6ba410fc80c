"""Kernels run as the Python they are written in: no compiler, one operation at a time on NumPy's scalars.

It takes milliseconds where compiling takes seconds, so hundreds of broken kernels can be looked at.  The compiler, LLVM
and the polynomials of the elementary functions are left out: what is interpreted is the emitted source alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lossary.backends import NUMPY
from lossary.graph import SPELLED
from lossary.kernels.compiler.typed import Typed
from lossary.kernels.cpu import compiled, target

Change = Callable[[str], str]


def _within(function: Callable[[Any], Any], low: float, high: float) -> Callable[[Any], Any]:
    """A function that is emitted only for arguments known to lie in a range; NaN is in every range."""

    def checked(x: Any) -> Any:
        assert np.isnan(x) or low <= x <= high, f"{function.__name__} of {x}, which is not between {low} and {high}"
        return function(x)

    return checked


_log_of_normal, _log1p_of_normal = _within(np.log, 2.0**-126, np.inf), _within(np.log1p, -1 + 2.0**-53, np.inf)


def _quotient(x: Any, scale: Any, divisor: Any, inverse: Any) -> Any:
    assert not np.isfinite(inverse) or abs(inverse * divisor - 1) < 1e-6, f"{inverse} is not the inverse of {divisor}"
    return x / (divisor / scale)


def _scale_to_one(x: Any) -> Any:
    return type(x)(2.0 ** -np.round(np.log2(float(min(max(abs(x), 2.0**-126), 2.0**126)))))


def namespace(dtype: str) -> dict[str, Any]:
    """The names that a kernel's source may use, each with the plainest meaning it can have."""
    kind = np.dtype(dtype).type
    return {
        **NUMPY.namespace(SPELLED),
        "F": kind,
        "where": lambda condition, a, b: a if condition else b,
        "select": lambda condition, a, b: a if condition else b,
        "indicator": lambda condition: kind(bool(condition)),
        "at_least": lambda x, limit: limit if limit > x else x,
        "at_most": lambda x, limit: limit if limit < x else x,
        "log_or_log1p": lambda x, plus_one: np.log1p(x) if plus_one else np.log(x),
        "exp_decaying": _within(np.exp, -np.inf, 0.0),
        "log_or_log1p_of_normal": lambda x, plus_one: _log1p_of_normal(x) if plus_one else _log_of_normal(x),
        "log_of_normal": _log_of_normal,
        "log1p_of_normal": _log1p_of_normal,
        "log1p_unit": _within(np.log1p, 0.0, 1.0),
        "small_sinh": _within(np.sinh, -1.0, 1.0),
        "row_sum": lambda x, columns: float(np.sum(x[:columns], dtype=np.float64)),
        "quotient": _quotient,
        "scale_to_one": _scale_to_one,
        "residual": lambda a, factor, b: kind(float(a) - float(factor) * float(b)),
        "np": np,
        "empty": np.empty,
        "lanes": lambda like: [like] * target.LANES,
        "tile": lambda like: [like] * (target.TILE),
        "chunk": lambda like: np.empty(target.CHUNK, kind),
        "row": lambda array, index: array[index],
        "beginning": lambda array, start: array[start:],
        "rows_at_once": lambda columns: 4,
        "LANES": target.LANES,
        "ZERO": kind(0.0),
        "ONE": kind(1.0),
        "INFINITY": float("inf"),
        "UNDEFINED": kind(np.nan),
        "LOWEST": (False, -np.inf),
        "NOWHERE": 2**31 - 1,
        "NONE": False,
        "accumulate": lambda total, x: total + float(x),
        "accumulate_square": lambda total, x: total + float(x) * float(x),
        "order_key": lambda x: (bool(np.isnan(x)), x),
        "larger": max,
        "from_order_key": lambda key, like: type(like)(key[1]),
        "earlier": lambda found, index, condition: min(found, index) if condition else found,
        "at": lambda index, place: index == place,
        "place": lambda label, columns: int(label) if 0 <= label < columns else -1,
        "faulty": lambda faults, inside: faults | (not inside),
    }


def compiler(change: Change = str) -> Callable[..., Any]:
    """What to put in the place of `lossary.kernels.cpu.store.compiled`; ``change`` may break the source."""

    def compiled(name: str, source: str, dtype: str, parameters: Sequence[Typed], extra: Mapping[str, float]) -> Any:
        scope = namespace(dtype) | {key: np.dtype(dtype).type(value) for key, value in extra.items()}
        exec(change(source), scope)

        def run(*args: Any) -> int:
            for result in (x for x, each in zip(args, parameters, strict=True) if each.is_written):
                result.fill(np.nan)  # What a kernel does not write must not look as if it had.
            with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
                return int(scope[name](*args))

        return run, "interpreted"

    return compiled


def known() -> set[str]:
    """The names that compiled kernels may use."""
    return set(compiled.namespace("float32"))
