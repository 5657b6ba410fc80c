"""Fused loops for large arrays in host memory: value and gradient in one pass, made from the traced formula.

A call takes a kernel when its arrays are NumPy's or PyTorch's on the CPU and large enough that the loop is worth
loading; anything else runs the formula in the framework's own words.  `explain` says which and why, `source` shows
the loop.  Results do not depend on the number of threads.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from ..backends import NUMPY, by_name, find
from ..program import Program, is_enrolled, program_for
from .pages import release

if TYPE_CHECKING:
    from .._evaluate import Batch
    from .._loss import Loss
    from .run import Fused

__all__ = ["THRESHOLD", "explain", "offer", "release", "source"]

# Elements in y_pred from which on a kernel is used.  Below, the words of the framework take less than a millisecond.
THRESHOLD = 1 << 16
_LONGEST_ROW = 2**31 - 1


def offer(batch: Batch, look: Callable[[], None] | None) -> Fused | None:
    """The kernel for a call, or None when the framework's words are to run it.

    ``look`` checks the values and is called only when the kernel has met one outside its domain.
    """
    if _refusal(batch.program, batch):
        return None
    from .run import Fused, NotInHostMemoryError

    try:
        return Fused(batch, look)
    except NotInHostMemoryError:
        return None


def _refusal(program: Program, batch: Batch) -> str:
    """Why no kernel takes the call, or nothing."""
    arrays = (batch.y_true, batch.y_pred, *(x for x in (batch.weights, batch.mask) if x is not None))
    reason = batch.backend.refuses_kernels(*arrays)
    if reason:
        return reason
    if not is_enrolled(program.record):
        return "a plain function is traced anew at every call"
    if os.environ.get("LOSSARY_KERNELS", "1") == "0":
        return "LOSSARY_KERNELS=0 switches kernels off"
    shape = tuple(int(n or 0) for n in batch.backend.shape(batch.y_pred))
    size = 1
    for length in shape:
        size *= length
    if size < THRESHOLD:
        return f"{size} elements are fewer than {THRESHOLD}, from which on a kernel pays"
    if shape[-1] > _LONGEST_ROW:
        return f"rows are longer than {_LONGEST_ROW}"
    if _missing():
        return _missing()
    if not all(isinstance(number, float) for number in batch.numbers):
        return "a parameter is an array"
    return ""


@cache
def _missing() -> str:
    """Why Numba cannot be used here, or nothing."""
    try:
        importlib.import_module(f"{__name__}.run")
    except ImportError as error:
        return f"numba cannot be imported: {error}"
    return ""


def source(loss: Any, use: str = "gradient") -> str:
    """The loop that a loss compiles to, as Python.

    Args:
        loss: A name, a function or a loss object.
        use: ``"gradient"`` for value and gradient together, ``"value"`` for the value alone.

    Returns:
        The source.  ``accumulate`` adds in double precision, ``faulty`` remembers values outside the domain.

    >>> import lossary.kernels
    >>> print(lossary.kernels.source("mean_squared_error", "value").splitlines()[0])
    def mean_squared_error_total(y_true, y_pred, totals, count, first, last):
    """
    from .emit import Use
    from .emit import source as emitted

    program = _program(loss)
    rows = not program.separable
    return emitted(program, Use(rows=rows, points=False, gradient=use == "gradient", mask=False))[0]


def _program(loss: Any) -> Program:
    made = _loss(loss)
    return program_for(made.record, made.parameters, NUMPY)


def _loss(loss: Any) -> Loss:
    from .._get import get

    made: Loss = get(loss)
    return made


def explain(loss: Any, y_true: Any = None, y_pred: Any = None, *, backend: str | None = None) -> str:
    """Which path a call takes, and why: one sentence.

    Args:
        loss: A name, a function or a loss object.
        y_true: The targets of the call, or None to ask about a backend in general.
        y_pred: The predictions of the call.
        backend: ``"numpy"``, ``"torch"``, ``"jax"``, ... when no arrays are given.

    Returns:
        The sentence.

    >>> import lossary, numpy as np
    >>> print(lossary.kernels.explain("huber", np.zeros((2, 3)), np.zeros((2, 3))))
    huber runs in the words of numpy: 6 elements are fewer than 65536, from which on a kernel pays
    >>> print(lossary.kernels.explain("huber", backend="jax"))
    huber runs in the words of jax: jax compiles the formula itself
    """
    made = _loss(loss)
    name = made.record.name
    if y_pred is None:
        reason = by_name(backend or "numpy").refuses_kernels()
        if reason:
            return f"{name} runs in the words of {backend}: {reason}"
        return f"{name} runs in a fused kernel on {backend or 'numpy'} from {THRESHOLD} elements on"
    owner = find(name, {"y_true": y_true, "y_pred": y_pred})
    if not is_enrolled(made.record):
        return f"{name} runs in the words of {owner.name}: a plain function is traced anew at every call"
    batch = made.batch(y_true, y_pred)
    reason = _refusal(batch.program, batch)
    if reason:
        return f"{name} runs in the words of {owner.name}: {reason}"
    from .run import Fused, NoKernelError

    try:
        return f"{name} runs in a fused kernel on {owner.name}, {Fused(batch, None).origin()}"
    except NoKernelError as error:
        return f"{name} runs in the words of {owner.name}: no kernel can be compiled ({error})"
