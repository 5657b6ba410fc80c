"""The C function of a kernel: emitted beside its loop, compiled, and called by XLA on arrays of two dimensions."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite import binding
from numba import carray, njit, types
from numba.core.ccallback import CFunc

from ...calls.kernel import NoKernelError
from ...graph.program import Program
from ..cpu import alone, machine, store
from ..cpu.arguments import Argument
from ..cpu.emit import Source, source
from ..cpu.run import host_numbers
from ..cpu.target import CHUNK, TASK, Use
from . import xla

_SIGNATURE = types.intp(types.intp)
_WORDS = {
    **{name: getattr(machine, name) for name in ("load", "pointer")},
    **{name: getattr(xla, name) for name in xla.__all__},
    "carray": carray,
    "B": np.bool_,
    "D": np.float64,
}


class Handler:
    """A kernel as XLA knows it: a name, an address, and the arrays it takes.

    Inputs are ``y_true``, ``y_pred``, ``factors`` if there is a gradient and data points are kept apart, and
    ``numbers`` if the kernel uses parameters; outputs are the gradient if there is one, and the values or their total.
    """

    def __init__(
        self, program: Program, use: Use, dtype: str, label: str, version: tuple[int, int], *, mean: bool
    ) -> None:
        made = source(program, use)
        typed = store.signature(made.arguments, dtype, label)
        kernel, _ = store.compiled(made.name, made.text, dtype, typed, {})
        glue = "\n".join([*_work(made, mean), "", *_task(), "", *_handler(made, mean), ""])
        identity = "\0".join([made.text, dtype, label, *map(str, version), _library()])
        self.name = f"lossary_{made.name}_{dtype}_{hashlib.sha256((glue + identity).encode()).hexdigest()[:16]}"
        scope = _WORDS | {
            "kernel": kernel,
            "F": np.dtype(dtype).type,
            "L": np.dtype(label or dtype).type,
            "MAJOR": np.int32(version[0]),
            "MINOR": np.int32(version[1]),
        }
        if self.name not in _compiled:
            # XLA takes a name once.
            _compiled[self.name] = store.built(f"{made.name}_xla_{dtype}", glue, identity, self._build(glue, scope))
        (_, called), self.origin = _compiled[self.name]
        self.address: int = called.address
        self._numbers = host_numbers(program, made.numbers)

    def numbers(self, given: tuple[float, ...], dtype: Any) -> list[np.ndarray[Any, Any]]:
        """The input that holds what is computed from the parameters, if there is one."""
        with np.errstate(all="ignore"):
            found = np.asarray(self._numbers(*given), dtype)
        if np.isnan(found).any():
            raise NoKernelError("a parameter is NaN")
        return [found] if found.size else []

    def _build(self, glue: str, scope: dict[str, Any]) -> Callable[[str, str, store.Keep], tuple[CFunc, CFunc]]:
        def build(digest: str, filename: str, keep: store.Keep) -> tuple[CFunc, CFunc]:
            inside = scope | {"__name__": __name__, "__file__": filename}
            exec(compile(glue, filename, "exec"), inside)
            for name in ("work", "task", "handler"):
                store.unmistakable(inside[name], digest)
            inside["work"] = njit(error_model="numpy")(inside["work"])
            task = _callback(inside["task"], keep)
            binding.add_symbol(f"{self.name}_task", task.address)
            inside["TASK"] = machine.symbol(f"{self.name}_task")
            return task, _callback(inside["handler"], keep)

        return build


def _callback(function: Callable[..., Any], keep: store.Keep) -> CFunc:
    """A function as C may call it."""
    made = CFunc(function, (_SIGNATURE.args, _SIGNATURE.return_type), locals={}, options={})
    keep(made)
    made.compile()
    return made


# XLA may call what it was given as long as the process lives.
_compiled: dict[str, tuple[Any, str]] = {}
_handlers: dict[tuple[Any, ...], Handler | NoKernelError] = {}


def handler(program: Program, use: Use, dtype: str, label: str, version: tuple[int, int], *, mean: bool) -> Handler:
    """The handler, compiled or loaded on first use; ``mean`` divides the total of a separable loss by its size.

    ``label`` is the dtype of integer targets, or nothing.
    """
    key = (program, use, dtype, label, mean)
    with alone.compiling():
        if key not in _handlers:
            if alone.torn():
                raise NoKernelError(alone.torn())
            try:
                _handlers[key] = Handler(program, use, dtype, label, version, mean=mean)
            except Exception as error:
                # Whatever a formula does that the emitter or Numba does not understand, the words can compute it.
                _handlers[key] = NoKernelError(f"{type(error).__name__}: {error}".splitlines()[0])
    found = _handlers[key]
    if isinstance(found, NoKernelError):
        raise found
    return found


def _library() -> str:
    """The source of what every handler contains."""
    return "".join(Path(str(module.__file__)).read_text(encoding="utf-8") for module in (machine, xla))


def _work(made: Source, mean: bool) -> list[str]:
    """Source of one task: rows or chunks from ``first`` up to ``last``."""
    arrays = [each for each in made.arguments if each.axes and each.name != "totals"]
    inputs = [(each.name, _shape(each), _KINDS[each.kind]) for each in arrays if not each.is_written]
    inputs += [("numbers", str(len(made.numbers)), "F")] if made.numbers else []
    outputs = [(each.name, _shape(each), _KINDS[each.kind]) for each in arrays if each.is_written]
    lines = ["frame = load(state + FRAME)", *_SIZES]
    for side, some in (("INPUTS", inputs), ("OUTPUTS", outputs)):
        lines += [
            f"{name} = carray(pointer(data(frame, {side}, {index})), {shape}, {kind})"
            for index, (name, shape, kind) in enumerate(some)
        ]
    names = [each.name for each in made.arguments]
    lines += [f"{name} = numbers[{index}]" for index, name in enumerate(names[len(names) - len(made.numbers) :])]
    lines += ["count = F(columns)"] if made.takes("count") else []
    lines += ["factor = F(1.0 / rows)" if mean else "factor = F(1.0)"] if made.takes("factor") else []
    lines += [f"totals = carray(pointer(state + TOTALS), {_CHUNKS}, D)"] if made.takes("totals") else []
    return ["def work(state, first, last):", *_indent([*lines, f"kernel({', '.join(names)})"])]


_KINDS = {"float": "F", "label": "L"}


def _shape(array: Argument) -> str:
    if array.per_point:
        return "rows"
    return "(rows, columns)" if array.axes > 1 else "rows * columns"


_SIZES = ["rows, columns = length(frame, INPUTS, 1, 0), length(frame, INPUTS, 1, 1)"]
_CHUNKS = f"(rows * columns + {CHUNK - 1}) // {CHUNK}"


_TAKE_PART = [
    "first, last = claim(state)",
    "while first < last:",
    "    work(state, first, last)",
    "    finish(state)",
    "    first, last = claim(state)",
]


def _task() -> list[str]:
    """Source of what helpers run."""
    return ["def task(state):", *_indent([*_TAKE_PART, "leave(state)", "return 0"])]


def _handler(made: Source, mean: bool) -> list[str]:
    """Source of what XLA calls."""
    units, unit = (_CHUNKS, str(CHUNK)) if made.takes("count") else ("rows", "columns")
    total = made.takes("totals")
    lines = ["if described(frame, MAJOR, MINOR):", "    return 0", *_SIZES]
    lines += [f"units = {units}", f"state = start(frame, units, max(1, {TASK} // {unit}), {'units' if total else 0})"]
    lines += ["share(state, TASK())", *_TAKE_PART, "wait(state)"]
    if total:
        lines += ["totals = carray(pointer(state + TOTALS), units, D)", "total = D(0.0)"]
        lines += ["for i in range(units):", "    total += totals[i]"]
        lines.append(f"value = carray(pointer(data(frame, OUTPUTS, {int(made.takes('gradient'))})), 1, F)")
        lines.append(f"value[0] = F(total / {'(rows * columns)' if mean else 'columns'})")
    return ["def handler(frame):", *_indent([*lines, "leave(state)", "return 0"])]


def _indent(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]
