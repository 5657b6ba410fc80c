"""A plain total in one compiled call: where arrays begin goes in, the value and its gradient are written.

What `run.Fused` does in Python around a kernel, for neither weights nor mask, stands here beside the kernel: a small
batch is computed in less time than Python takes to add its values up.  Several threads call it for a task each, and
one of them once more for the sum of what they found: the bits are those of one thread that goes through all tasks.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from ...calls.kernel import NOT_FINITE, NOT_ONE_HOT, NoKernelError
from ...graph.program import Program
from ..compiler.typed import Around, Typed
from . import alone, labels, store, target, tasks, threads
from .arguments import Argument, typed
from .emit import source
from .run import host_numbers
from .spell import indent
from .target import CHUNK, Use


class Step(NamedTuple):
    """``run(*inputs, *gradients, value, *tail)`` writes to all but the inputs; arrays are addresses, or NumPy's own.

    Inputs are those of the record in order, gradients those of its predictions, where a gradient is wanted.

    Where work is ``shared`` they are NumPy's, so that memory lives as long as a thread is at it after an interruption.
    """

    run: Callable[..., int]
    tail: tuple[Any, ...]
    origin: str
    shared: bool = False


class _Made(NamedTuple):
    run: Callable[..., int]
    origin: str
    numbers: Callable[..., Sequence[float]]
    arrays: int


def step(
    program: Program, parameters: tuple[float, ...], dtype: str, rows: int, columns: int, *, mean: bool, gradient: bool
) -> Step:
    """The step for so many rows.

    Raises:
        NoKernelError: There is no kernel.
    """
    made = partial(_step, dtype=dtype, rows=rows, columns=columns, mean=mean, gradient=gradient)
    other = tasks.by_labels(program, parameters, rows * columns, columns)
    if other is not None:
        with contextlib.suppress(NoKernelError):
            by_labels = made(*other, reads=True)
            origin = f"that of {other[0].record.name} while all target rows are one-hot, {by_labels.origin}"
            return Step(partial(_either, by_labels, cache(partial(made, program, parameters))), (), origin, shared=True)
    return made(program, parameters)


def _either(by_labels: Step, otherwise: Callable[[], Step], *arrays: Any) -> int:
    """The step for labels while all target rows are one-hot."""
    faults = by_labels.run(*arrays, *by_labels.tail)
    if not faults & NOT_ONE_HOT:
        return faults
    try:
        found = otherwise()
    except NoKernelError:
        return NOT_FINITE  # The general way leads on.
    return found.run(*arrays, *found.tail)


def _step(
    program: Program, parameters: tuple[float, ...], *, dtype: str, rows: int, columns: int, mean: bool, gradient: bool,
    reads: bool = False,
) -> Step:  # fmt: skip
    """Of one kernel; ``reads`` makes labels of one-hot rows."""
    use = target.use(program, columns, total=program.separable, gradient=gradient)
    made, numbers = _prepared(program, parameters, use, dtype, reads=reads)
    units, size = rows * columns, tasks.task(program)
    if use.rows:
        units, size = rows, max(1, size // columns)
    run, tail = made.run, (units, size, columns, 1.0 / rows if mean else 1.0, *numbers)
    if units > size:
        return Step(partial(_in_tasks, run, units, size, made.arrays), tail, made.origin, shared=True)
    return Step(run, (*_ALL, units, *tail), made.origin)


# No memory for the totals of tasks, and the first unit to compute.
_ALL = 0, 0


def _in_tasks(run: Callable[..., int], units: int, size: int, count: int, *given: Any) -> int:
    """The step by as many threads as there may be; of what is given, ``count`` arrays stand before the value."""
    arrays, value, tail = given[:count], given[count], given[count + 1 :]
    if threads.count() == 1:
        return run(*arrays, value, *_ALL, units, *tail)
    totals = np.empty(-(-units // size))

    def task(first: int) -> int:
        return run(*arrays, 0, totals, first, min(first + size, units), *tail)

    return threads.run(task, range(0, units, size)) | run(*arrays, value, totals, units, units, *tail)


def curvature(program: Program, parameters: tuple[float, ...], dtype: str, rows: int, columns: int) -> Step:
    """The step ``run(y_true, y_pred, gradient, curvature, *tail)`` for the derivatives of so many rows, unreduced.

    Raises:
        NoKernelError: There is no kernel.
    """
    use = target.curvature_use(program, columns)
    made, numbers = _prepared(program, parameters, use, dtype)
    return Step(made.run, (rows if use.rows else rows * columns, columns, *numbers), made.origin)


def _prepared(
    program: Program, parameters: tuple[float, ...], use: Use, dtype: str, *, reads: bool = False
) -> tuple[_Made, list[float]]:
    key = "step", use, dtype, reads
    if key not in program.kernels:
        if alone.torn():
            raise NoKernelError(alone.torn())
        with alone.compiling():
            if key not in program.kernels:
                program.kernels[key] = _made(program, use, dtype, reads=reads)
    made = program.kernels[key]
    if isinstance(made, NoKernelError):
        raise made
    with np.errstate(all="ignore"):
        numbers = [float(np.dtype(dtype).type(number)) for number in made.numbers(*parameters)]
    if any(number != number for number in numbers):
        raise NoKernelError("a parameter is NaN")
    return made, numbers


def _made(program: Program, use: Use, dtype: str, *, reads: bool) -> _Made | NoKernelError:
    try:
        made = source(program, use)
        text, others = _text(made.arguments, use, dtype, reads=reads), (labels.source(),) if reads else ()
        around = Around(text, _parameters(made.arguments, use, dtype), others)
        kernel = made.text, dtype, typed(made.arguments, dtype), made.constants
        run, origin = store.compiled(made.name, *kernel, around=around)
        return _Made(run, origin, host_numbers(program, made.numbers), len(_arrays(made.arguments)))
    except Exception as error:
        # Whatever the emitter or the compiler does not understand, the words can compute.
        return NoKernelError(f"{type(error).__name__}: {error}".splitlines()[0])


# Numbers that are added up before their sum is: of many numbers no more is rounded off than a tree of sums does.
_BLOCK = 512


# What a step makes for the kernel that it stands around.
_MADE = frozenset({"values", "totals", "factors"})


def _arrays(taken: Sequence[Argument]) -> list[Argument]:
    """The kernel's inputs and what it writes for every element."""
    return [each for each in taken if each.axes and each.name not in _MADE]


def _numbers(taken: Sequence[Argument]) -> list[str]:
    """Numbers computed from parameters, which come last."""
    last = next(place for place, each in enumerate(taken) if each.name == "last")
    return [each.name for each in taken[last + 1 :]]


def _told(use: Use) -> dict[str, Typed]:
    """What a step is told besides arrays and numbers computed from parameters.

    Units, which are rows or elements, are computed from ``first`` up to ``last``, ``size`` of them at a time.  Where
    there is memory for ``totals``, their sums are put there; with nothing left to compute, all of them are added up.
    """
    if use.curvature:
        return {"units": Typed("int64"), "columns": Typed("int64")}
    names = ("first", "last", "units", "size", "columns")
    told = {name: Typed("int64", is_address=True) for name in ("value", "totals")}
    return {**told, **dict.fromkeys(names, Typed("int64")), "factor": Typed("float64")}


def _parameters(taken: Sequence[Argument], use: Use, dtype: str) -> tuple[Typed, ...]:
    arrays = [Typed("int64", is_address=True)] * len(_arrays(taken))
    return (*arrays, *_told(use).values(), *[Typed(dtype)] * len(_numbers(taken)))


def _text(taken: Sequence[Argument], use: Use, dtype: str, *, reads: bool) -> str:
    """The source of the step around a kernel."""
    given = {
        **{each.name: _elements(each, use, dtype) for each in _arrays(taken)},
        **({"y_true": "labels"} if reads else {}),
        "values": "parts",
        "totals": "parts",
        "factors": "factors",
        "factor": "F(factor)",
        "count": "F(columns)",
        "first": "0",
        "last": "count" if use.rows else _chunks("count"),
    }
    call = f"kernel({', '.join(given.get(each.name, each.name) for each in taken)})"
    rows = _elements(Argument("y_true", "float", 2), use, dtype)
    reading = f"one_hot_labels({rows}, labels, 0, count)" if reads else ""
    lines = _derivatives(call, use) if use.curvature else _totalled(call, use, reading)
    largest = float(np.finfo(dtype).max)
    lines += [
        f"if not (found <= {largest!r} and -found <= {largest!r}):",
        f"    faults = faults | np.int32({NOT_FINITE})",
    ]
    arguments = [*(each.name for each in _arrays(taken)), *_told(use), *_numbers(taken)]
    return "\n".join([f"def step({', '.join(arguments)}):", *indent([*lines, "return faults"]), ""])


def _elements(each: Argument, use: Use, dtype: str) -> str:
    """The part of an array that the kernel is handed: so many rows, or elements, from ``start`` on."""
    alone = each.per_point or not use.rows
    place, lengths = ("start", "count") if alone else ("start * columns", "count, columns")
    kind, size = ("np.int64", 8) if each.kind == "label" else ("F", np.dtype(dtype).itemsize)
    return f"elements({each.name} + {place} * {size}, {kind}, {lengths})"


def _chunks(elements: str) -> str:
    return f"({elements} + {CHUNK - 1}) // {CHUNK}"


def _totalled(call: str, use: Use, reading: str) -> list[str]:
    """The kernel's values added up and written, and what their total is found to be."""
    most = "min(size, units)"
    lines = [f"parts = empty(({most},), F)" if use.rows else f"parts = empty(({_chunks(most)},), np.float64)"]
    if use.rows and use.gradient:
        lines += [f"factors = empty(({most},), F)", f"for i in range({most}):", "    factors[i] = F(factor)"]
    lines += [f"labels = empty(({most},), np.int64)"] if reading else []
    task = ["count = min(size, last - start)", f"pieces = {'count' if use.rows else _chunks('count')}"]
    task += [f"if {reading} != 0:", f"    return np.int32({NOT_ONE_HOT})"] if reading else []
    task += [f"faults = faults | {call}", *added_up("parts", "pieces")]
    task += ["if totals != 0:", f"    {_TOTAL} = found", "total = total + found"]
    lines += ["faults = np.int32(0)", "total = 0.0", "for start in range(first, last, size):", *indent(task)]
    # In the same order as above.
    shared = ["if first < last:", "    return faults", "for start in range(0, units, size):"]
    lines += ["if totals != 0:", *indent([*shared, f"    total = total + {_TOTAL}"])]
    lines.append("found = total * factor" if use.rows else "found = total / columns * factor")
    return [*lines, "written = elements(value, F, 1)", "written[0] = F(found)"]


def added_up(numbers: str, count: str) -> list[str]:
    """Source of the sum of so many numbers, ``found``."""
    lines = ["found = 0.0", f"for begin in range(0, {count}, {_BLOCK}):", "    part = 0.0"]
    lines += [
        f"    for i in range(begin, min(begin + {_BLOCK}, {count})):",
        f"        part = accumulate(part, {numbers}[i])",
    ]
    return [*lines, "    found = accumulate(found, part)"]


_TOTAL = "elements(totals + start // size * 8, np.float64, 1)[0]"


def _derivatives(call: str, use: Use) -> list[str]:
    """Both derivatives added up, which is finite where they are."""
    lines = ["start = 0", "count = units", f"faults = {call}"]
    lines += [f"terms = units{' * columns' if use.rows else ''}"]
    lines += [f"{name}s = elements({name}, F, terms)" for name in ("gradient", "curvature")]
    lines += ["found = 0.0", "for i in range(terms):"]
    return [*lines, "    found = accumulate(found, abs(gradients[i]) + abs(curvatures[i]))"]
