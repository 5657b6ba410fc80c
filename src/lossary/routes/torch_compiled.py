"""Fused kernels inside torch.compile: an operator that the compiler calls and does not look into.

It computes a reduced loss and its gradient from arrays that are lined up already; whatever else a compiled program asks
for is left to the words, which torch.compile fuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from .. import kernels
from .._marks import untraced
from ..backends import NUMPY, Array, Backend
from ..backends.torch import BACKEND, PLAIN
from ..calls.evaluate import Batch
from ..calls.programs import Program, numbered
from ..calls.reduce import MEANS
from ..calls.route import Prepare
from ..facts.registry import is_enrolled
from .torch_doors import is_transformed
from .torch_together import HALF, differentiable, differentiated

_FLOATS = frozenset({torch.float32, torch.float64}) | HALF


def compiled(prepare: Prepare, y_true: Any, y_pred: Array, sample_weight: Any, where: Any) -> Compiled | None:
    """The call with a kernel in it, or None where the words give what is asked for."""
    others = [x for x in (y_true, sample_weight, where) if isinstance(x, torch.Tensor)]
    if any(type(x) not in PLAIN or not x.is_cpu for x in (y_pred, *others)) or y_pred.dtype not in _FLOATS:
        return None
    if torch.compiler.is_exporting() or is_transformed() or y_pred.numel() < kernels.THRESHOLD or _unusable():
        return None
    if not differentiated(y_pred) or any(x.requires_grad for x in others):
        return None
    batch = prepare(y_true, y_pred, sample_weight, where)
    return Compiled(batch) if batch.is_plain and is_enrolled(batch.program.record) else None


@untraced
def _unusable() -> str:
    """As `lossary.kernels.unusable`, whose look at the environment torch.compile would trace."""
    return kernels.unusable()


class Compiled:
    """A call in a program that is being compiled."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch

    def values(self) -> Array:
        """One value per data point, differentiable, in the computing dtype."""
        return self.batch.values()

    def reduced(self, reduction: str) -> Array:
        """The reduced loss in the caller's dtype."""
        batch = self.batch
        if reduction == "none" or (batch.joined and reduction not in MEANS):
            return batch.reduced(reduction)
        arrays = batch.y_true, batch.y_pred.contiguous(), batch.weights, batch.mask
        value, _ = _total(*arrays, batch.program.number, list(batch.numbers), reduction)
        return batch.answer(value, reduction)

    def value_and_gradient(self, reduction: str) -> tuple[Array, Array]:
        """The reduced loss and its gradient."""
        return self.batch.value_and_gradient(reduction)

    def result(self, x: Array) -> Array:
        """In the dtype of the predictions."""
        return self.batch.result(x)


# --- the operator ----------------------------------------------------------------------------------------------------


@torch.library.custom_op("lossary::total", mutates_args=(), device_types="cpu")
def _total(
    y_true: torch.Tensor,
    y_pred: torch.Tensor,
    weights: torch.Tensor | None,
    mask: torch.Tensor | None,
    program: int,
    numbers: Sequence[float],
    reduction: str,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The reduced loss, and its gradient with respect to y_pred."""
    arrays = [None if x is None else x.detach().numpy() for x in (y_true, y_pred, weights, mask)]
    batch = _batch(NUMPY, _program(program), arrays, numbers)
    batch.fused = kernels.offer(batch, None)
    value, gradient = batch.value_and_gradient(reduction)
    return torch.from_numpy(np.asarray(value)), torch.from_numpy(np.ascontiguousarray(gradient))


@_total.register_fake
def _(y_true: Any, y_pred: Any, *_: Any) -> Any:
    return y_pred.new_empty(()), torch.empty_like(y_pred)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Array, Array]) -> None:
    ctx.save_for_backward(output[1], *inputs[:4])
    ctx.call = inputs[4:]
    ctx.mark_non_differentiable(output[1])


def _backward(ctx: Any, upstream: Array, _: Any) -> Any:
    gradient, *arrays = ctx.saved_tensors
    # Where the gradient is to be differentiated in its turn, it comes from the words.
    found = _again(arrays, ctx.call, upstream) if torch.is_grad_enabled() else upstream * gradient
    return None, found, None, None, None, None, None


def _again(arrays: list[Any], call: tuple[int, Sequence[float], str], upstream: Array) -> Array:
    program, numbers, reduction = call

    def total(y_true: Array, y_pred: Array) -> Array:
        found: Array = _batch(BACKEND, _program(program), [y_true, y_pred, *arrays[2:]], numbers).reduced(reduction)
        return found

    return differentiable(total, arrays[0], arrays[1], upstream)


_total.register_autograd(_backward, setup_context=_keep)


_used: dict[int, Program] = {}


def _program(number: int) -> Program:
    """The program of this number, which stays: what was compiled with it may outlive the definition of its loss."""
    if number not in _used:
        _used[number] = numbered[number]
    return _used[number]


def _batch(backend: Backend, program: Program, arrays: Sequence[Any], numbers: Sequence[float]) -> Batch:
    """A call on arrays that are lined up."""
    y_true, y_pred, weights, mask = arrays
    given = tuple(numbers), weights, mask, backend.dtype(y_pred)
    return Batch(backend, program, (y_true, y_pred), *given, live=mask)
