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

from ...graph.program import Program
from ..cpu import forks, machine, store
from ..cpu.emit import source
from ..cpu.intrinsics import CHUNK
from ..cpu.run import TASK, NoKernelError, host_numbers
from ..lowering.schedule import Use
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
        text, nodes = source(program, use)
        base = f"{program.record.name}_{use.name}"
        names = [part.strip() for part in text[text.index("(") + 1 : text.index(")")].split(",")]
        kernel, _ = store.compiled(base, text, dtype, _signature(names, dtype, label, use.rows), {})
        glue = "\n".join([*_work(names, bool(label), mean), "", *_task(), "", *_handler(names, mean), ""])
        identity = "\0".join([text, dtype, label, *map(str, version), _library()])
        self.name = f"lossary_{base}_{dtype}_{hashlib.sha256((glue + identity).encode()).hexdigest()[:16]}"
        scope = _WORDS | {
            "kernel": kernel,
            "F": np.dtype(dtype).type,
            "L": np.dtype(label or dtype).type,
            "MAJOR": np.int32(version[0]),
            "MINOR": np.int32(version[1]),
        }
        if self.name not in _compiled:
            # XLA takes a name once.
            _compiled[self.name] = store.built(f"{base}_xla_{dtype}", glue, identity, self._build(glue, scope))
        (_, called), self.origin = _compiled[self.name]
        self.address: int = called.address
        self._numbers = host_numbers(program, nodes)

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
    with forks.compiling():
        if key not in _handlers:
            if forks.torn():
                raise NoKernelError(forks.torn())
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


def _signature(names: Sequence[str], dtype: str, label: str, rows: bool) -> Any:
    typed = store.signature(names, dtype, bool(label), rows)
    if not label:
        return typed
    labels = types.Array(getattr(types, label), 1, "C", readonly=True)
    return typed.return_type(*(labels if name == "y_true" else t for name, t in zip(names, typed.args, strict=True)))


def _numbers(names: Sequence[str]) -> list[str]:
    return [name for name in names if name.removeprefix("h").isdigit()]


def _work(names: Sequence[str], label: bool, mean: bool) -> list[str]:
    """Source of one task: rows or chunks from ``first`` up to ``last``."""
    rows, gradient, numbers = "count" not in names, "gradient" in names, _numbers(names)
    each = "(rows, columns)" if rows else "rows * columns"
    inputs = [("y_true", "rows" if label else each, "L"), ("y_pred", each, "F")]
    inputs += [("factors", "rows", "F")] if "factors" in names else []
    inputs += [("numbers", str(len(numbers)), "F")] if numbers else []
    outputs = [("gradient", each, "F")] if gradient else []
    outputs += [("values", "rows", "F")] if "values" in names else []
    lines = ["frame = load(state + FRAME)", *_SIZES]
    for side, arrays in (("INPUTS", inputs), ("OUTPUTS", outputs)):
        lines += [
            f"{name} = carray(pointer(data(frame, {side}, {index})), {shape}, {kind})"
            for index, (name, shape, kind) in enumerate(arrays)
        ]
    lines += [f"{name} = numbers[{index}]" for index, name in enumerate(numbers)]
    lines += ["count = F(columns)"] if "count" in names else []
    lines += ["factor = F(1.0 / rows)" if mean else "factor = F(1.0)"] if "factor" in names else []
    lines += [f"totals = carray(pointer(state + TOTALS), {_CHUNKS}, D)"] if "totals" in names else []
    return ["def work(state, first, last):", *_indent([*lines, f"kernel({', '.join(names)})"])]


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


def _handler(names: Sequence[str], mean: bool) -> list[str]:
    """Source of what XLA calls."""
    units, unit = ("rows", "columns") if "count" not in names else (_CHUNKS, str(CHUNK))
    total = "totals" in names
    lines = ["if described(frame, MAJOR, MINOR):", "    return 0", *_SIZES]
    lines += [f"units = {units}", f"state = start(frame, units, max(1, {TASK} // {unit}), {'units' if total else 0})"]
    lines += ["share(state, TASK())", *_TAKE_PART, "wait(state)"]
    if total:
        lines += ["totals = carray(pointer(state + TOTALS), units, D)", "total = D(0.0)"]
        lines += ["for i in range(units):", "    total += totals[i]"]
        lines.append(f"value = carray(pointer(data(frame, OUTPUTS, {int('gradient' in names)})), 1, F)")
        lines.append(f"value[0] = F(total / {'(rows * columns)' if mean else 'columns'})")
    return ["def handler(frame):", *_indent([*lines, "leave(state)", "return 0"])]


def _indent(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]
