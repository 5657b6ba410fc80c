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
from ..facts.arguments import Role
from ..facts.record import Record
from ..facts.registry import is_enrolled
from .torch_doors import is_transformed
from .torch_prepared import differentiable, placed
from .torch_together import HALF, differentiated, leaves

_FLOATS = frozenset({torch.float32, torch.float64}) | HALF


def compiled(
    prepare: Prepare, record: Record, arguments: Sequence[Any], sample_weight: Any, where: Any
) -> Compiled | None:
    """The call with a kernel in it, or None where the words give what is asked for."""
    predictions: list[Any] = []
    others = [x for x in (sample_weight, where) if isinstance(x, torch.Tensor)]
    for argument, x in zip(record.arguments, arguments, strict=True):
        arrays = x if isinstance(x, tuple | list) else [x]
        if argument.role is Role.PREDICTION:
            predictions += arrays
        else:
            others += [each for each in arrays if isinstance(each, torch.Tensor)]
    if any(type(x) not in PLAIN or not x.is_cpu for x in (*predictions, *others)):
        return None
    if any(x.dtype not in _FLOATS for x in predictions) or predictions[0].numel() < kernels.THRESHOLD:
        return None
    if torch.compiler.is_exporting() or is_transformed() or _unusable():
        return None
    if not any(map(differentiated, predictions)) or any(x.requires_grad for x in others):
        return None
    batch = prepare(arguments, sample_weight, where)
    if batch.items is not None or not is_enrolled(record) or _unfit(batch.program.number):
        return None
    return Compiled(batch)


@untraced
def _unfit(program: str) -> str:
    """Why no kernel computes such a formula, which takes a look at all of it."""
    return kernels.unfit(_program(program))


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
        inputs, rest = [x.contiguous() for x in batch.inputs], (batch.weights, batch.mask)
        value, _ = _total(inputs, *rest, batch.program.number, list(batch.numbers), reduction)
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
    inputs: Sequence[torch.Tensor],
    weights: torch.Tensor | None,
    mask: torch.Tensor | None,
    program: str,
    numbers: Sequence[float],
    reduction: str,
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """The reduced loss, and its gradients with respect to the predictions among its inputs."""
    arrays = [None if x is None else x.detach().numpy() for x in (*inputs, weights, mask)]
    batch = _batch(NUMPY, _program(program), arrays, numbers)
    batch.fused = kernels.offer(batch, None)
    value, found = batch.value_and_gradient(reduction)
    return torch.from_numpy(np.asarray(value)), [torch.from_numpy(np.ascontiguousarray(x)) for x in leaves(found)]


@_total.register_fake
def _(inputs: Any, weights: Any, mask: Any, program: str, *_: Any) -> Any:
    record = _program(program).record
    return inputs[record.main].new_empty(()), [torch.empty_like(inputs[place]) for place in record.predictions]


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Array, list[Array]]) -> None:
    arrays, weights, mask, *call = inputs
    ctx.save_for_backward(*output[1], *arrays, weights, mask)
    ctx.call = call
    ctx.mark_non_differentiable(*output[1])


def _backward(ctx: Any, upstream: Array, _: Any) -> Any:
    program, saved = _program(ctx.call[0]), ctx.saved_tensors
    places = program.record.predictions
    gradients, arrays = saved[: len(places)], saved[len(places) :]
    # Where a gradient is to be differentiated in its turn, it comes from the words.
    repeated = torch.is_grad_enabled()
    found = _again(arrays, ctx.call, upstream) if repeated else [upstream * each for each in gradients]
    # No numbers are to PyTorch a list of tensors, which needs a list of gradients.
    return placed(places, found, arrays[:-2]), None, None, None, None if ctx.call[1] else [], None


def _again(arrays: Sequence[Any], call: tuple[str, Sequence[float], str], upstream: Array) -> Sequence[Array]:
    program, numbers, reduction = call

    def words() -> Array:
        return _batch(BACKEND, _program(program), arrays, numbers).reduced(reduction)

    places = _program(program).record.predictions
    return differentiable(words, [arrays[place] for place in places], upstream)


_total.register_autograd(_backward, setup_context=_keep)


_used: dict[str, Program] = {}


def _program(number: str) -> Program:
    """The program of this number, which stays: what was compiled with it may outlive the definition of its loss."""
    if number not in _used:
        _used[number] = numbered[number]
    return _used[number]


def _batch(backend: Backend, program: Program, arrays: Sequence[Any], numbers: Sequence[float]) -> Batch:
    """A call on inputs that are lined up, followed by weights and mask."""
    *inputs, weights, mask = arrays
    record = program.record
    given = tuple(numbers), weights, mask, backend.dtype(inputs[record.main])
    packed = (False,) * len(record.arguments)
    return Batch(backend, program, tuple(inputs), *given, packed=packed, live=mask)
