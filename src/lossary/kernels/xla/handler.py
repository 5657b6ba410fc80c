"""The C function of a kernel: emitted beside its loop, compiled, and called by XLA on arrays of two dimensions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...calls.kernel import NoKernelError
from ...graph.program import Program
from ..compiler import link
from ..cpu import alone, store
from ..cpu.arguments import Argument
from ..cpu.emit import Source, source
from ..cpu.run import host_numbers
from ..cpu.step import added_up
from ..cpu.target import CHUNK, TASK, Use


class Handler:
    """A kernel as XLA knows it: a name, an address, and the arrays it takes.

    Inputs are those of the formula, ``factors`` if there are gradients and every data point has a value of its own, and
    ``numbers`` if the kernel uses parameters; outputs are the gradients if there are any, and the values or what they
    are reduced to.
    """

    def __init__(
        self, program: Program, use: Use, dtype: str, label: str, version: tuple[int, int], *, reduction: str
    ) -> None:
        made = source(program, use)
        glue = "\n".join([*_work(made, reduction), "", *_task(), "", *_handler(made, reduction), ""])
        identity = "\0".join([made.text, dtype, label, *map(str, version), _library()])
        self.name = f"lossary_{made.name}_{dtype}_{hashlib.sha256((glue + identity).encode()).hexdigest()[:16]}"
        if self.name not in _linked:
            # XLA takes a name once.
            code, origin = store.found(
                f"{made.name}_xla", glue, identity, lambda: _compiled(made, glue, dtype, label, version)
            )
            _linked[self.name] = link.linked(code, ["handler"])["handler"], origin
        self.address, self.origin = _linked[self.name]
        self._numbers = host_numbers(program, made.numbers)

    def numbers(self, given: tuple[float, ...], dtype: Any) -> list[np.ndarray[Any, Any]]:
        """The input that holds what is computed from the parameters, if there is one."""
        with np.errstate(all="ignore"):
            found = np.asarray(self._numbers(*given), dtype)
        if np.isnan(found).any():
            raise NoKernelError("a parameter is NaN")
        return [found] if found.size else []


def _compiled(made: Source, glue: str, dtype: str, label: str, version: tuple[int, int]) -> bytes:
    """The machine code of the kernel and of what calls it."""
    from .glue import machine_code

    return machine_code(made, glue, dtype, label, version)


# Where handlers begin and come from; XLA may call what it was given as long as the process lives.
_linked: dict[str, tuple[int, str]] = {}


def handler(program: Program, use: Use, dtype: str, label: str, version: tuple[int, int], *, reduction: str) -> Handler:
    """The handler, compiled or loaded on first use, of the ``mean`` or ``sum`` of the values, or of each of them.

    ``label`` is the dtype of integer targets, or nothing.
    """
    key = ("xla", use, dtype, label, reduction)
    with alone.compiling():
        if key not in program.kernels:
            if alone.torn():
                raise NoKernelError(alone.torn())
            try:
                program.kernels[key] = Handler(program, use, dtype, label, version, reduction=reduction)
            except Exception as error:
                # Whatever the emitter or the compiler does not understand, the words can compute.
                program.kernels[key] = NoKernelError(f"{type(error).__name__}: {error}".splitlines()[0])
    found: Handler | NoKernelError = program.kernels[key]
    if isinstance(found, NoKernelError):
        raise found
    return found


def _library() -> str:
    """The source of what every handler contains."""
    return "".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("glue.py", "xla.py"))


# What a call makes for a kernel by itself, each of them a word per chunk or row.
_TOTALS = frozenset({"totals"})
_ROWS = frozenset({"values", "factors"})


def _made_here(made: Source, reduction: str) -> frozenset[str]:
    """The arguments that are neither inputs nor outputs: what is added up, and factors that are all the same."""
    return frozenset() if not reduction else _TOTALS if made.takes("totals") else _ROWS


def _work(made: Source, reduction: str) -> list[str]:
    """Source of one task: rows or chunks from ``first`` up to ``last``."""
    own = _made_here(made, reduction)
    arrays = [each for each in made.arguments if each.axes and each.name not in own]
    inputs = [(each.name, _shape(each), _KINDS[each.kind]) for each in arrays if not each.is_written]
    inputs += [("numbers", f"({len(made.numbers)},)", "F")] if made.numbers else []
    outputs = [(each.name, _shape(each), _KINDS[each.kind]) for each in arrays if each.is_written]
    lines = ["frame = load(state + FRAME)", _sizes(made)]
    for side, some in (("INPUTS", inputs), ("OUTPUTS", outputs)):
        lines += [
            f"{name} = array(data(frame, {side}, {index}), {kind}, {shape})"
            for index, (name, shape, kind) in enumerate(some)
        ]
    names = [each.name for each in made.arguments]
    lines += [f"{name} = numbers[{index}]" for index, name in enumerate(names[len(names) - len(made.numbers) :])]
    lines += ["count = F(columns)"] if made.takes("count") else []
    lines += ["factor = F(1.0 / rows)" if reduction == "mean" else "factor = F(1.0)"] if own else []
    lines += [_OWN[name] for name in names if name in own]
    lines += ["for i in range(first, last):", "    factors[i] = factor"] if own and made.takes("factors") else []
    # Nobody here takes an error: without memory for a row there is no result, and a wrong one is worse than none.
    call = [f"if kernel({', '.join(names)}) < 0:", "    abort()"]
    return ["def work(state, first, last):", *_indent([*lines, *call])]


_KINDS = {"float": "F", "label": "L"}


def _shape(array: Argument) -> str:
    if array.per_point:
        return "(rows,)"
    return "(rows, columns)" if array.axes > 1 else "(rows * columns,)"


def _sizes(made: Source) -> str:
    """Source of what asks the first input with outputs how many there are."""
    place = next(place for place, each in enumerate(made.arguments) if not each.per_point)
    return f"rows, columns = length(frame, INPUTS, {place}, 0), length(frame, INPUTS, {place}, 1)"


_CHUNKS = f"(rows * columns + {CHUNK - 1}) // {CHUNK}"


# Where in the memory of a call that lies which it makes for a kernel.
_OWN = {
    "totals": f"totals = array(state + OWN, D, ({_CHUNKS},))",
    "values": "values = array(state + OWN, F, (rows,))",
    "factors": "factors = array(state + OWN + 8 * rows, F, (rows,))",
}


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


def _handler(made: Source, reduction: str) -> list[str]:
    """Source of what XLA calls."""
    units, unit = (_CHUNKS, str(CHUNK)) if made.takes("count") else ("rows", "columns")
    own = _made_here(made, reduction)
    lines = ["if described(frame, MAJOR, MINOR):", "    return 0", _sizes(made), f"units = {units}"]
    lines += [f"state = start(frame, units, max(1, {TASK} // {unit}), {len(own)} * units)"]
    lines += ["share(state, TASK())", *_TAKE_PART, "wait(state)"]
    if own:
        added = "totals" if "totals" in own else "values"
        divisors = ["rows"] * (reduction == "mean") + ["columns"] * (added == "totals")
        gradients = sum(each.is_written and each.name not in own for each in made.arguments)
        lines += [_OWN[added], *added_up(added, "units")]
        lines.append(f"value = array(data(frame, OUTPUTS, {gradients}), F, (1,))")
        lines.append(f"value[0] = F({' / '.join(['found', *divisors])})")
    return ["def handler(frame):", *_indent([*lines, "leave(state)", "return 0"])]


def _indent(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]
