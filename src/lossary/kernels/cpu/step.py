"""A plain total in one compiled call: where arrays begin goes in, the value and its gradient are written.

What `run.Fused` does in Python around a kernel, for neither weights nor mask and as many elements as one task holds,
stands here beside the kernel: a small batch is computed in less time than Python takes to add its values up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...calls.kernel import NOT_FINITE, NoKernelError
from ...graph.program import Program
from ..compiler.typed import Around, Typed
from . import alone, store, target
from .arguments import Argument, typed
from .emit import source
from .run import host_numbers
from .target import CHUNK, Use


class Step(NamedTuple):
    """``run(y_true, y_pred, gradient, value, *tail)`` writes to the last two; arrays are addresses, or NumPy's own."""

    run: Callable[..., int]
    tail: tuple[Any, ...]
    origin: str


class _Made(NamedTuple):
    run: Callable[..., int]
    origin: str
    numbers: Callable[..., Sequence[float]]


def step(
    program: Program, parameters: tuple[float, ...], dtype: str, rows: int, columns: int, *, mean: bool, gradient: bool
) -> Step:
    """The step for so many rows.

    Raises:
        NoKernelError: There is no kernel.
    """
    use = target.use(program, columns, total=program.separable, gradient=gradient)
    made, numbers = _prepared(program, parameters, use, dtype)
    return Step(made.run, (rows, columns, 1.0 / rows if mean else 1.0, *numbers), made.origin)


def curvature(program: Program, parameters: tuple[float, ...], dtype: str, rows: int, columns: int) -> Step:
    """The step ``run(y_true, y_pred, gradient, curvature, *tail)`` for the derivatives of so many rows, unreduced.

    Raises:
        NoKernelError: There is no kernel.
    """
    made, numbers = _prepared(program, parameters, target.curvature_use(program, columns), dtype)
    return Step(made.run, (rows, columns, *numbers), made.origin)


def _prepared(program: Program, parameters: tuple[float, ...], use: Use, dtype: str) -> tuple[_Made, list[float]]:
    key = "step", use, dtype
    if key not in program.kernels:
        if alone.torn():
            raise NoKernelError(alone.torn())
        with alone.compiling():
            if key not in program.kernels:
                program.kernels[key] = _made(program, use, dtype)
    made = program.kernels[key]
    if isinstance(made, NoKernelError):
        raise made
    with np.errstate(all="ignore"):
        numbers = [float(np.dtype(dtype).type(number)) for number in made.numbers(*parameters)]
    if any(number != number for number in numbers):
        raise NoKernelError("a parameter is NaN")
    return made, numbers


def _made(program: Program, use: Use, dtype: str) -> _Made | NoKernelError:
    try:
        made = source(program, use)
        around = Around(_text(made.arguments, use, dtype), _parameters(made.arguments, use, dtype))
        kernel = made.text, dtype, typed(made.arguments, dtype), made.constants
        run, origin = store.compiled(made.name, *kernel, around=around)
        return _Made(run, origin, host_numbers(program, made.numbers))
    except Exception as error:
        # Whatever the emitter or the compiler does not understand, the words can compute.
        return NoKernelError(f"{type(error).__name__}: {error}".splitlines()[0])


# Numbers that are added up before their sum is: of many numbers no more is rounded off than a tree of sums does.
_BLOCK = 512

def _arrays(use: Use) -> tuple[str, ...]:
    return ("y_true", "y_pred", "gradient", "curvature" if use.curvature else "value")


def _numbers(taken: Sequence[Argument]) -> list[str]:
    """Numbers computed from parameters, which come last."""
    last = next(place for place, each in enumerate(taken) if each.name == "last")
    return [each.name for each in taken[last + 1 :]]


def _parameters(taken: Sequence[Argument], use: Use, dtype: str) -> tuple[Typed, ...]:
    arrays = [Typed("int64", is_address=True)] * len(_arrays(use))
    factor = [] if use.curvature else [Typed("float64")]
    return (*arrays, Typed("int64"), Typed("int64"), *factor, *[Typed(dtype)] * len(_numbers(taken)))


def _text(taken: Sequence[Argument], use: Use, dtype: str) -> str:
    """The source of the step around a kernel."""
    label = any(each.kind == "label" for each in taken)
    lengths = "rows, columns" if use.rows else "rows * columns"
    given = {
        "y_true": "elements(y_true, np.int64, rows)" if label else f"elements(y_true, F, {lengths})",
        "y_pred": f"elements(y_pred, F, {lengths})",
        "gradient": f"elements(gradient, F, {lengths})",
        "curvature": f"elements(curvature, F, {lengths})",
        "values": "parts",
        "totals": "parts",
        "factors": "factors",
        "factor": "F(factor)",
        "count": "F(columns)",
        "first": "0",
        "last": "pieces",
    }
    call = f"faults = kernel({', '.join(given.get(each.name, each.name) for each in taken)})"
    lines = [f"pieces = {'rows' if use.rows else f'(rows * columns + {CHUNK - 1}) // {CHUNK}'}"]
    lines += [call, *_added_up()] if use.curvature else _totalled(call, use)
    largest = float(np.finfo(dtype).max)
    lines += [
        f"if not (found <= {largest!r} and -found <= {largest!r}):",
        f"    faults = faults | np.int32({NOT_FINITE})",
    ]
    arguments = [*_arrays(use), "rows", "columns", *([] if use.curvature else ["factor"]), *_numbers(taken)]
    return "\n".join([f"def step({', '.join(arguments)}):", *(f"    {line}" for line in [*lines, "return faults"]), ""])


def _totalled(call: str, use: Use) -> list[str]:
    """The kernel's values added up and written, and what their total is found to be."""
    lines = [f"parts = empty((pieces,), {'F' if use.rows else 'np.float64'})"]
    if use.rows and use.gradient:
        lines += ["factors = empty((rows,), F)", "for i in range(rows):", "    factors[i] = F(factor)"]
    lines += [call, "total = 0.0", f"for start in range(0, pieces, {_BLOCK}):", "    part = 0.0"]
    lines += [f"    for i in range(start, min(start + {_BLOCK}, pieces)):", "        part = accumulate(part, parts[i])"]
    lines.append("    total = accumulate(total, part)")
    lines.append("found = total * factor" if use.rows else "found = total / columns * factor")
    return [*lines, "written = elements(value, F, 1)", "written[0] = F(found)"]


def _added_up() -> list[str]:
    """Both derivatives added up, which is finite where they are."""
    lines = [f"{name}s = elements({name}, F, rows * columns)" for name in ("gradient", "curvature")]
    lines += ["found = 0.0", "for i in range(rows * columns):"]
    return [*lines, "    found = accumulate(found, abs(gradients[i]) + abs(curvatures[i]))"]
