"""The compilation of handlers; imported where there is something to compile."""

from __future__ import annotations

import ast

import numpy as np

from ..compiler import code
from ..compiler.memory import abort, load
from ..compiler.typed import Typed
from ..compiler.values import LONG, array_at
from ..compiler.walk import Routine
from ..cpu import compiled as kernels
from ..cpu import intrinsics
from ..cpu.arguments import typed
from ..cpu.emit import Source
from . import xla


def machine_code(made: Source, glue: str, dtype: str, label: str, version: tuple[int, int]) -> bytes:
    """The machine code of a kernel and of the functions of the glue, of which ``handler`` is called by XLA."""
    unit, word = kernels.new_unit(), Typed("int64")
    work, task, handler = ast.parse(glue).body
    scope = {name: getattr(xla, name) for name in xla.__all__}
    scope |= {"array": array_at, "load": load, "abort": abort, "accumulate": intrinsics.accumulate}
    scope |= {"D": np.float64, "F": np.dtype(dtype).type}
    scope |= {"L": np.dtype(label or dtype).type, "MAJOR": np.int32(version[0]), "MINOR": np.int32(version[1])}
    scope["kernel"] = kernels.add(unit, made.name, made.text, dtype, typed(made.arguments, dtype, label or "int64"), {})
    scope["work"] = unit.function("work", _routine(work, scope), [word] * 3)
    scope["TASK"] = unit.function("task", _routine(task, scope), [word], result=LONG).address
    unit.function("handler", _routine(handler, scope), [word], result=LONG, public=True)
    return code.machine_code(unit)


def _routine(tree: ast.stmt, scope: dict[str, object]) -> Routine:
    assert isinstance(tree, ast.FunctionDef)
    return Routine(tree, scope)
