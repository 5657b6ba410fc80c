"""A reduced loss whose gradient was computed with it, handed to PyTorch's autograd.

Value and gradient have most of their terms in common, so both together take a third fewer operations than one after
the other.  A tensor that needs no other derivative than this is given it; everything else is left to the words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from ..backends import Array
from ..backends.torch import PLAIN
from ..calls.evaluate import Batch
from ..calls.route import Prepare
from ..facts.arguments import Role
from ..facts.record import Record
from ..kernels import triton as on_device
from .torch_doors import apply, is_recorded, is_several, is_transformed
from .torch_prepared import Known, Total, as_given, in_words, placed, spread

# Makes the call on tensors that autograd sees, given in the order of those of the arguments.
Words = Callable[[Sequence[Array]], Any]
HALF = frozenset({torch.float16, torch.bfloat16})


def unfit(*arrays: Array) -> str:
    """Why these tensors must be computed in words of PyTorch, outside of torch.compile, or nothing."""
    for x in arrays:
        if type(x) not in PLAIN:
            return "a subclass of torch.Tensor keeps its own operations"
    if is_recorded():
        return "operations are being traced"
    if is_transformed():
        return "torch.func or forward mode differentiates the formula"
    return ""


def widened(x: Array) -> Array:
    """Half precision as float32, in which a small gradient does not vanish before it is scaled."""
    return x.float() if x.dtype in HALF else x


def differentiated(y_pred: Array) -> bool:
    """Whether a gradient will be asked for."""
    return bool(y_pred.requires_grad) and torch.is_grad_enabled()


class Given(NamedTuple):
    """The tensors of a call's arguments one after the other, in the dtype that is computed with.

    ``predicted`` are the places of those that have a gradient, ``parts`` says of each argument how many tensors it is,
    0 of one that is no tuple.
    """

    arrays: tuple[Array, ...]
    predicted: tuple[int, ...]
    parts: tuple[int, ...]
    dtype: torch.dtype

    def arguments(self, arrays: Sequence[Any]) -> list[Any]:
        """As the caller passed them, made of these arrays."""
        return as_given(arrays, self.parts)

    @property
    def predictions(self) -> list[Array]:
        """The tensors that have a gradient."""
        return [self.arrays[place] for place in self.predicted]

    def is_differentiated(self, *others: Any) -> bool:
        """Whether more than predictions is differentiated: targets, or what else the call was given."""
        rest = [x for place, x in enumerate(self.arrays) if place not in self.predicted]
        return torch.is_grad_enabled() and any(x.requires_grad for x in (*rest, *others) if x is not None)


def given(record: Record, arguments: Sequence[Any]) -> Given | None:
    """The tensors of a call, or None where arguments are something else or predictions are whole numbers."""
    parts = [len(x) if isinstance(x, tuple) else 0 for x in arguments]
    arrays = [leaf for x in arguments for leaf in leaves(x)]
    roles = [argument.role for argument, x in zip(record.arguments, arguments, strict=True) for _ in leaves(x)]
    predicted = tuple(place for place, role in enumerate(roles) if role is Role.PREDICTION)
    if any(type(x) not in PLAIN for x in arrays) or not all(arrays[place].is_floating_point() for place in predicted):
        return None
    return Given(tuple(map(widened, arrays)), predicted, tuple(parts), arrays[predicted[0]].dtype)


def leaves(x: Any) -> Sequence[Any]:
    """The arrays of an argument, or of the gradients for the predictions."""
    if not isinstance(x, tuple):
        return (x,)
    return [leaf for each in x for leaf in leaves(each)]


def together(
    prepare: Prepare, record: Record, arguments: Sequence[Any], sample_weight: Any, where: Any
) -> Together | None:
    """The call with value and gradient at once, or None where only words give what is asked for."""
    found = None if record.compared else given(record, arguments)
    if found is None:
        return None
    others = [x for x in (sample_weight, where) if isinstance(x, torch.Tensor)]
    wanted = any(map(differentiated, found.predictions)) or found.predictions[0].is_cuda
    if not wanted or unfit(*found.arrays, *others) or found.is_differentiated(*others):
        return None
    arrays = found.arguments([x.detach() for x in found.arrays])
    batch = prepare(arrays, sample_weight, where, kernel=on_device.offer)
    return Together(batch, found, lambda given: prepare(found.arguments(given), sample_weight, where), others)


class Together:
    """A call whose ``batch`` computes on tensors that autograd does not see; ``words`` makes it on those it does."""

    def __init__(self, batch: Batch, given: Given, words: Words, others: Sequence[Array]) -> None:
        self.batch = batch
        self.given = given
        self.words = words
        self.others = others

    def values(self) -> Array:
        """One value per data point, as a tensor that knows its gradient."""
        return self.reduced("none")

    def reduced(self, reduction: str) -> Array:
        """The reduced loss, as a tensor that knows its gradient."""
        if self.batch.fused is None and reduction == "none":
            return self.result(self.words(self.given.arrays).reduced("none"))
        if not any(map(differentiated, self.given.predictions)):
            return self.answer(self.tensor(self.batch.reduced(reduction)), reduction)
        arrays = self.given.arrays
        if reduction == "none":
            values = self.tensor(self.batch.reduced("none"))
            return self.result(apply(_Values, [self, values], *arrays))
        value, gradients = self.both(reduction)
        return apply(Total, [_Reduced(self, reduction), gradients, value], *arrays, *self.others)

    def both(self, reduction: str) -> tuple[Array, list[Array]]:
        """The reduced loss and its gradients, as they were computed."""
        value, found = self.batch.value_and_gradient(reduction)
        return self.tensor(value), [self.tensor(x) for x in leaves(found)]

    def tensor(self, x: Any) -> Array:
        """What ``batch`` computed, as a tensor."""
        return x

    def array(self, x: Array) -> Any:
        """A tensor as what ``batch`` computes on."""
        return x.detach()

    def pulled_back(self, upstream: Array) -> list[Array]:
        """The gradients for one factor per data point."""
        if not is_several(upstream):
            return [self.tensor(x) for x in leaves(self.batch.pulled_back(self.array(upstream)))]
        like = self.given.predictions[0]
        ones = torch.ones(upstream.shape, dtype=like.dtype, device=like.device)
        return [self._times(upstream, self.tensor(x)) for x in leaves(self.batch.pulled_back(self.array(ones)))]

    def _times(self, factor: Array, unit: Array) -> Array:
        """The gradient for many factors of every data point at once."""
        if factor.dim() != unit.dim():
            for axis in self.batch.rows.axes:
                factor = factor.unsqueeze(axis)
        return spread(factor, unit) * unit

    def value_and_gradient(self, reduction: str) -> tuple[Array, Any]:
        """The reduced loss and its gradient, in the structure of the predictions."""
        value, found = self.batch.value_and_gradient(reduction)
        return self.answer(self.tensor(value), reduction), self._results(found)

    def _results(self, x: Any) -> Any:
        return tuple(map(self._results, x)) if isinstance(x, tuple) else self.result(self.tensor(x))

    def result(self, x: Array) -> Array:
        """In the dtype of the predictions."""
        return x if x.dtype is self.given.dtype else x.to(self.given.dtype)

    def answer(self, x: Array, reduction: str) -> Array:
        """A reduced loss as it was computed, values in the dtype of the predictions."""
        return self.result(x) if reduction == "none" else x


class _Reduced(NamedTuple):
    """A call and how it is reduced, as a recipe."""

    call: Together
    reduction: str

    @property
    def places(self) -> Sequence[int]:
        return self.call.given.predicted

    def gradients(self, arrays: Sequence[Array]) -> Sequence[Array]:
        return self.call.both(self.reduction)[1]

    def total(self, arrays: Sequence[Array]) -> Array:
        found: Array = self.call.words(arrays[: len(self.call.given.arrays)]).reduced(self.reduction)
        return found


class _Values(Known):
    """One number per data point of a call, which is known; the gradients are computed for the factors that come."""

    @staticmethod
    def backward(ctx: Any, *upstream: Array) -> Any:
        (call,), saved = ctx.known, ctx.saved_tensors
        if torch.is_grad_enabled():
            return None, *in_words(_Reduced(call, "none"), saved, upstream[0])
        return None, *placed(call.given.predicted, call.pulled_back(upstream[0]), saved)
