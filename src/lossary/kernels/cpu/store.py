"""Compiled kernels, kept on disk per user, processor and version.

The name under which machine code is kept is a hash of everything it depends on.  Files are replaced in one step, so two
processes may compile at once.  Where the folder cannot be written or trusted, a kernel is compiled for this process
alone.
"""

from __future__ import annotations

import hashlib
import linecache
import pickle
import platform
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import llvmlite
import numba
import numpy as np
from llvmlite import binding
from numba import njit, types
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from ...backends import _series as series
from . import alone, choices, disk, functions, intrinsics, target
from .arguments import Argument

Kernel = Callable[..., int]
T = TypeVar("T")


# Settings of Numba that change what it compiles.
_SETTINGS = ("BOUNDSCHECK", "CPU_FEATURES", "CPU_NAME", "LOOP_VECTORIZE", "OPT", "SLP_VECTORIZE")


@cache
def _environment() -> bytes:
    """Whatever changes machine code besides the source of a kernel."""
    contained = choices, functions, intrinsics, series, target
    parts = [
        __name__,  # By which what is kept refers to this module.
        numba.__version__,
        llvmlite.__version__,
        np.__version__,
        platform.python_version(),
        binding.get_host_cpu_name(),
        binding.get_host_cpu_features().flatten(),
        *(str(getattr(numba.config, name, "")) for name in _SETTINGS),
        *(Path(str(module.__file__)).read_text(encoding="utf-8") for module in contained),
    ]
    return "\0".join(parts).encode()


@cache
def namespace(dtype: str) -> dict[str, Any]:
    """The names that a kernel's source may use."""
    kind = np.dtype(dtype).type
    key = np.int32 if dtype == "float32" else np.int64
    words = {name: getattr(intrinsics, name) for name in _INTRINSICS}
    return {
        **functions.namespace(dtype),
        **words,
        "np": np,
        "empty": np.empty,
        "ZERO": kind(0.0),
        "ONE": kind(1.0),
        "INFINITY": float("inf"),
        "UNDEFINED": kind(np.nan),
        "LOWEST": key(np.iinfo(key).min),
        "NOWHERE": np.int32(2**31 - 1),
        "NONE": False,
        "LANES": target.LANES,
    }


_INTRINSICS = (
    "accumulate", "accumulate_square", "at", "beginning", "chunk", "earlier", "faulty", "from_order_key", "lanes",
    "larger", "order_key", "place", "row", "select", "tile", "widest_vectors",
)  # fmt: skip


def signature(arguments: Sequence[Argument], dtype: str, label: str = "int64") -> Any:
    """Numba's types for what a kernel takes and returns; ``label`` is the dtype of labels."""
    kinds = {"float": dtype, "label": label, "bool": "boolean", "double": "float64", "index": "int64"}

    def typed(argument: Argument) -> Any:
        kind = getattr(types, kinds[argument.kind])
        return types.Array(kind, argument.axes, "C", readonly=not argument.is_written) if argument.axes else kind

    return types.int32(*map(typed, arguments))


def compiled(name: str, source: str, dtype: str, typed: Any, extra: dict[str, float]) -> tuple[Kernel, str]:
    """The machine code of a kernel, and where it came from."""
    scope = namespace(dtype) | {key: np.dtype(dtype).type(value) for key, value in extra.items()}
    identity = "\0".join([dtype, repr(typed), repr(sorted(extra.items()))])

    def build(digest: str, filename: str, keep: Keep) -> Any:
        # What Numba keeps refers to the function's module, which must be one that can be imported again.
        inside = scope | {"__name__": __name__, "__file__": filename}
        exec(compile(source, filename, "exec"), inside)
        function = unmistakable(inside[name], digest)
        kernel = njit(nogil=True, error_model="numpy", fastmath={"contract"})(function)
        keep(kernel)
        kernel.compile(typed)
        kernel.disable_compile()
        return kernel

    return built(f"{name}_{dtype}", source, identity, build)


# Has machine code of a function kept that Numba is about to compile.
Keep = Callable[[Any], None]


def built(name: str, source: str, identity: str, build: Callable[[str, str, Keep], T]) -> tuple[T, str]:
    """What ``build`` makes of this source, and where the machine code came from.

    ``identity`` is whatever the machine code depends on besides the source and this machine.  ``build`` takes a digest
    of all that, the name by which tracebacks find the source, and what has the machine code kept.
    """
    digest = hashlib.sha256("\0".join([source, identity]).encode() + _environment()).hexdigest()[:20]
    filename = f"<lossary kernel {name} {digest}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    kept: list[_Kept] = []

    def keep(function: Any) -> None:
        function._cache = _Kept(function.__name__)
        kept.append(function._cache)

    with alone.compiling():
        made = build(digest, filename, keep)
    for one in kept:
        if one.trouble:
            return made, f"compiled for this process alone: {one.trouble}"
    found = all(one.found for one in kept)
    return made, f"{'loaded from' if found else 'compiled and kept in'} {disk.folder()}"


class _Kept(NullCache):
    """What Numba asks for the machine code of one function, and hands it to.

    A broken cache must never keep a loss from being computed: whatever is wrong is remembered, and Numba compiles.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.found = False
        self.trouble = ""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        target_context.refresh()
        try:
            data = disk.read(self._name)
            made = None if data is None else CompileResult._rebuild(target_context, *pickle.loads(data))
        except Exception as error:
            self.trouble = f"{type(error).__name__}: {error}"
            return None
        self.found = made is not None
        return made

    def save_overload(self, sig: Any, data: Any) -> None:
        if self.trouble:
            return
        try:
            disk.write(self._name, dumps(data._reduce()))
        except Exception as error:
            self.trouble = f"{type(error).__name__}: {error}"


def unmistakable(function: Callable[..., Any], digest: str) -> Callable[..., Any]:
    """The function under a name that it shares with no other, whichever process compiled that one.

    Numba names machine code after the function and a count that every process starts anew, and of two functions with
    one name LLVM runs the one that came first.  Called ``work`` alone, kernels that different processes compiled would
    take each other's place in a process that loads both.
    """
    function.__name__ = function.__qualname__ = f"{function.__name__}_{digest}"
    return function
