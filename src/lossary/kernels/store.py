"""Compiled kernels, kept on disk per user, processor and version.

The source of a kernel is written to a file whose name is a hash of everything it depends on, and Numba keeps the
machine code beside it.  Files are replaced in one step, so two processes may compile at once.  Where the folder cannot
be written, or what lies there cannot be read, the kernel is compiled in memory for this process alone.
"""

from __future__ import annotations

import hashlib
import linecache
import os
import platform
import stat
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import llvmlite
import numba
import numpy as np
from llvmlite import binding
from numba import njit, types

from . import choices, functions, intrinsics

Kernel = Callable[..., int]
T = TypeVar("T")


def folder() -> Path:
    """Where kernels are kept: ``LOSSARY_CACHE_DIR``, else the user's cache directory."""
    chosen = os.environ.get("LOSSARY_CACHE_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "lossary" / "kernels"


@cache
def _environment() -> bytes:
    """Whatever changes machine code besides the source of a kernel."""
    parts = [
        numba.__version__,
        llvmlite.__version__,
        np.__version__,
        platform.python_version(),
        binding.get_host_cpu_name(),
        binding.get_host_cpu_features().flatten(),
        *(Path(str(module.__file__)).read_text(encoding="utf-8") for module in (choices, functions, intrinsics)),
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
        "LANES": intrinsics.LANES,
    }


_INTRINSICS = (
    "accumulate", "accumulate_square", "at", "beginning", "chunk", "earlier", "faulty", "from_order_key", "lanes",
    "larger", "order_key", "place", "row", "select", "tile", "widest_vectors",
)  # fmt: skip


def signature(parameters: Sequence[str], dtype: str, labels: bool, rows: bool) -> Any:
    """Numba's types for a kernel's parameters, chosen by name."""
    kind = getattr(types, dtype)
    rank = 2 if rows else 1

    def array(element: Any, dimensions: int, readonly: bool) -> Any:
        return types.Array(element, dimensions, "C", readonly=readonly)

    known = {
        "y_true": array(types.int64, 1, True) if labels else array(kind, rank, True),
        "y_pred": array(kind, rank, True),
        "gradient": array(kind, rank, False),
        "mask": array(types.boolean, 1, True),
        "values": array(kind, 1, False),
        "totals": array(types.float64, 1, False),
        "factors": array(kind, 1, True),
        "first": types.int64,
        "last": types.int64,
    }
    return types.int32(*(known.get(name, kind) for name in parameters))


def compiled(name: str, source: str, dtype: str, typed: Any, extra: dict[str, float]) -> tuple[Kernel, str]:
    """The machine code of a kernel, and where it came from."""
    scope = namespace(dtype) | {key: np.dtype(dtype).type(value) for key, value in extra.items()}
    identity = "\0".join([dtype, repr(typed), repr(sorted(extra.items()))])

    def build(digest: str, filename: str, keep: bool) -> tuple[Kernel, int]:
        # What Numba keeps on disk refers to the function's module, which must be one that can be imported again.
        inside = scope | {"__name__": __name__, "__file__": filename}
        exec(compile(source, filename, "exec"), inside)
        function = unmistakable(inside[name], digest)
        kernel = njit([typed], nogil=True, error_model="numpy", fastmath={"contract"}, cache=keep)(function)
        return kernel, sum(kernel.stats.cache_hits.values())

    return built(f"{name}_{dtype}", source, identity, build)


def built(name: str, source: str, identity: str, build: Callable[[str, str, bool], tuple[T, int]]) -> tuple[T, str]:
    """What ``build`` makes of a file with this source, and where the machine code came from.

    ``identity`` is whatever the machine code depends on besides the source and this machine.  ``build`` takes a digest
    of all that, the name of the file and whether machine code is kept beside it, and also tells how often it was found
    there.
    """
    digest = hashlib.sha256("\0".join([source, identity]).encode() + _environment()).hexdigest()[:20]
    try:
        path = _written(folder() / f"{name}_{digest}.py", source)
        made, hits = build(digest, str(path), True)
        return made, f"loaded from {path.parent}" if hits else f"compiled and kept in {path.parent}"
    except Exception as error:
        # A broken cache must never keep a loss from being computed: whatever is wrong, compile without it.
        filename = f"<lossary kernel {name} {digest}>"
        linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
        return build(digest, filename, False)[0], f"compiled for this process alone: {type(error).__name__}: {error}"


def unmistakable(function: Callable[..., Any], digest: str) -> Callable[..., Any]:
    """The function under a name that it shares with no other, whichever process compiled that one.

    Numba names machine code after the function and a count that every process starts anew, and of two functions with
    one name LLVM runs the one that came first.  Called ``work`` alone, kernels that different processes compiled would
    take each other's place in a process that loads both.
    """
    function.__name__ = function.__qualname__ = f"{function.__name__}_{digest}"
    return function


def _written(path: Path, source: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _own(path.parent)
    if not path.exists() or path.read_text(encoding="utf-8") != source:
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as file:
            file.write(source)
        os.replace(file.name, path)
    elif not os.access(path.parent, os.W_OK):
        raise PermissionError(f"{path.parent} is read-only")
    return path


def _own(directory: Path) -> None:
    """Machine code is loaded from here, so nobody else may be able to put it there."""
    if not hasattr(os, "getuid"):
        return
    status = directory.stat()
    if status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(f"{directory} can be written by others")
