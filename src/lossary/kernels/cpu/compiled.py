"""The names that kernels use, and their compilation; imported where there is something to compile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from llvmlite import binding

from ..compiler import code
from ..compiler.python import add_entry
from ..compiler.typed import Around, Typed
from ..compiler.unit import Function, Unit
from ..compiler.values import INT, LONG, Array, Value, array_at
from ..compiler.walk import Routine
from . import functions, intrinsics, target

_INTRINSICS = (
    "accumulate", "accumulate_square", "at", "beginning", "chunk", "earlier", "faulty", "from_order_key", "lanes",
    "larger", "order_key", "place", "row", "select", "tile",
)  # fmt: skip


@cache
def namespace(dtype: str) -> dict[str, Any]:
    """The names that a kernel's source may use, besides `empty` for rows of scratch."""
    kind = np.dtype(dtype).type
    key = np.int32 if dtype == "float32" else np.int64
    words = {name: getattr(intrinsics, name) for name in _INTRINSICS}
    return {
        **functions.namespace(dtype),
        **words,
        "np": np,
        "ZERO": kind(0.0),
        "ONE": kind(1.0),
        "INFINITY": float("inf"),
        "UNDEFINED": kind(np.nan),
        "LOWEST": key(np.iinfo(key).min),
        "NOWHERE": np.int32(2**31 - 1),
        "NONE": False,
        "LANES": target.LANES,
    }


def new_unit() -> Unit:
    """Something to compile, for which LLVM uses the longest vectors there are.

    For all of Intel's processors with 512 bits it takes 256 by default, because older ones slow down for longer ones.
    Those since Sapphire Rapids, known by their half precision, hardly do.
    """
    has_fast_512_bits = binding.get_host_cpu_features().get("avx512fp16", False)
    return Unit(['"prefer-vector-width"="512"'] if has_fast_512_bits else [])


def add(
    unit: Unit,
    name: str,
    source: str,
    dtype: str,
    parameters: Sequence[Typed],
    extra: Mapping[str, float],
    result: Any = INT,
) -> Function:
    """Adds the function of a source to a unit; ``extra`` are further constants."""
    scope = namespace(dtype) | {key: np.dtype(dtype).type(number) for key, number in extra.items()}
    with np.errstate(all="ignore"):
        made = unit.function(name, Routine.of(source, scope), parameters, result=result)
    made.of.attributes.add("noinline")  # Inside what calls it LLVM would go through it once more.
    return made


def machine_code(
    name: str,
    source: str,
    dtype: str,
    parameters: Sequence[Typed],
    extra: Mapping[str, float],
    *,
    wide: bool = False,
    around: Around | None = None,
) -> bytes:
    """The machine code of a source, which Python calls; it returns an integer of 32 bits, or one of 64."""
    unit = new_unit()
    made = add(unit, name, source, dtype, parameters, extra, LONG if wide else INT)
    if around is not None:
        scope = namespace(dtype) | {"kernel": made, "elements": _elements}
        scope |= {name: Routine.of(text, namespace(dtype)) for name, text in around.others}
        made = unit.function(f"{name}_step", Routine.of(around.source, scope), around.parameters)
    add_entry(unit, made)
    return code.machine_code(unit)


def _elements(address: Value, kind: Any, *lengths: Value) -> Array:
    """The array whose elements lie at an address."""
    return array_at(address, kind, lengths)
