"""Machine code of kernels, kept on disk per user, processor and version.

The name under which it is kept is a hash of everything it depends on.  Files are replaced in one step, so two processes
may compile at once.  Where the folder cannot be written or trusted, a kernel is compiled for this process alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import llvmlite
from llvmlite import binding

from ...backends import _series
from ...calls.kernel import NOT_IN_ORDER
from ..compiler import link
from ..compiler.typed import Around, Typed
from . import alone, disk

Kernel = Callable[..., int]


@cache
def _environment() -> bytes:
    """Whatever changes machine code besides the source of a kernel."""
    here = Path(__file__).parent
    contained = sorted((here.parent / "compiler").glob("*.py"))
    contained += [Path(_series.__file__).with_name(f"{name}.py") for name in ("_series", "_special")]
    contained += [here / f"{name}.py" for name in ("choices", "compiled", "functions", "intrinsics", "target")]
    processor = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
    # Objects of Python are larger where it has no lock.
    parts = [llvmlite.__version__, *processor, str(object.__basicsize__), str(NOT_IN_ORDER)]
    return "\0".join([*parts, *(path.read_text(encoding="utf-8") for path in contained)]).encode()


def compiled(
    name: str,
    source: str,
    dtype: str,
    parameters: Sequence[Typed],
    extra: Mapping[str, float],
    *,
    wide: bool = False,
    around: Around | None = None,
) -> tuple[Kernel, str]:
    """A kernel, and where its machine code came from; ``extra`` are constants of the source.

    What Python calls is the kernel, or a function around it.
    """

    def make() -> bytes:
        from .compiled import machine_code

        return machine_code(name, source, dtype, parameters, extra, wide=wide, around=around)

    identity = "\0".join([dtype, repr(parameters), repr(sorted(extra.items())), str(wide), repr(around)])
    with alone.compiling():
        code, origin = found(f"{name}_{dtype}", source, identity, make)
        return link.function(code, name), origin


def found(name: str, source: str, identity: str, make: Callable[[], bytes]) -> tuple[bytes, str]:
    """What ``make`` gives for a source, and where it came from.

    ``identity`` is whatever it depends on besides the source and this machine.  A broken cache never keeps a loss from
    being computed.
    """
    digest = hashlib.sha256("\0".join([source, identity]).encode() + _environment()).hexdigest()[:20]
    kept = f"{name}_{digest}"
    try:
        code = disk.read(kept)
        if code is not None:
            return code, f"loaded from {disk.folder()}"
    except Exception as error:
        return make(), _alone(error)
    code = make()
    try:
        disk.write(kept, code)
    except Exception as error:
        return code, _alone(error)
    return code, f"compiled and kept in {disk.folder()}"


def _alone(error: Exception) -> str:
    return f"compiled for this process alone: {type(error).__name__}: {error}"
