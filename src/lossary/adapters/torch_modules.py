"""Losses as modules of PyTorch, in its order ``(input, target)``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from .. import texts
from ..backends.torch import BACKEND
from ..errors import BackendError, LossError
from ..facts.arguments import Role
from ..facts.domain import Classes, OneHot
from ..looks.faults import speech
from ..objects import loss as objects
from ..objects.get import get
from ..objects.total import Total

Tensor = Any
# What PyTorch's reductions are called here.
_REDUCTIONS = {"mean": "sum_over_batch_size", "sum": "sum", "none": "none"}
_OF_OURS = {"sum_over_batch_size": "mean", "None": "none"}
_HALF = frozenset({torch.float16, torch.bfloat16})


class Given(NamedTuple):
    """The arguments of a call, as ours.

    Attributes:
        arguments: The arguments in our order.
        weight: A weight per data point, or None.
        where: Which data points count, or None for all.
        shape: The shape of the unreduced values, where it is not that of the data points.
        per_row: How many of the data points PyTorch takes the mean of before it reduces.
        denominator: What the mean divides the sum by, where it is not the number of data points that count.
        losses: Which losses compute it, by PyTorch's name of the reduction; None for the module's own.
    """

    arguments: tuple[Any, ...]
    weight: Tensor | None = None
    where: Tensor | None = None
    shape: tuple[int, ...] | None = None
    per_row: int = 1
    denominator: Tensor | None = None
    losses: Mapping[str, objects.Loss] | None = None


class Loss(torch.nn.Module):
    """Any lossary loss as a module of PyTorch: ``Loss("dice", axis=(2, 3))(input, target)``.

    Predictions come first and the target after them.  Classes lie along axis 1, as everywhere in PyTorch, unless
    ``axis`` says otherwise.  Tensors of several dtypes are promoted as there, and under autocast it computes in
    float32.  The classes beside it have the names, arguments and values of ``torch.nn``'s.

    Args:
        loss: Anything `lossary.get` understands.
        reduction: ``"mean"`` over the data points, ``"sum"`` or ``"none"``; by default that of the loss.
        sync: Whether the mean is that over all processes of ``torch.distributed``, exact for uneven batches, masks and
            weights, for models that average gradients over processes as DistributedDataParallel and FSDP do.
        parameters: Parameters and settings of the loss.

    >>> import torch, lossary.torch
    >>> loss = lossary.torch.Loss("log_cosh")
    >>> loss, round(float(loss(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 2.0]))), 4)
    (Loss(LogCosh()), 0.2169)
    """

    # Whether every element is a data point.
    _of_elements = False
    # Whether a data point is a vector at least, of classes or of an embedding.
    _of_vectors = False
    # Whether the last tensor holds signs, whose dtype is not that of a result.
    _of_signs = False

    def __init__(self, loss: Any, *, reduction: str | None = None, sync: bool = False, **parameters: Any) -> None:
        super().__init__()
        made = get(loss, **parameters)
        if isinstance(made.record.target, Classes | OneHot) and made.axis == -1 and "axis" not in parameters:
            made = made.replaced(axis=1)
        self._configure(made, made.reduction if reduction is None else reduction, sync)

    def _configure(self, made: objects.Loss, reduction: str, sync: bool) -> None:
        own = _OF_OURS.get(reduction, reduction)
        self._losses = by_reduction(made)
        if own == "mean_with_sample_weight":
            self._losses[own] = made.replaced(reduction=own)
        self.reduction = reduction
        if sync and self.reduction == "none":
            name, accepted = type(self).__name__, "is what reduces, over all processes"
            raise texts.module_setting(name, "sync", sync, accepted, "reduction='mean'")
        self.sync = sync

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "reduction":
            value = self._known(value)
        elif name in self.__dict__ and name != "sync" and name in inspect.signature(type(self)).parameters:
            raise texts.module_fixed(type(self).__name__, name, value)
        super().__setattr__(name, value)

    def _known(self, reduction: Any) -> str:
        own: str = _OF_OURS.get(reduction, reduction)
        if own not in (*self._losses, *self._further()):
            accepted = f"are {', '.join(map(repr, (*_REDUCTIONS, *self._further())))}"
            raise texts.module_setting(type(self).__name__, "reduction", reduction, accepted, "reduction='mean'")
        return own

    def _further(self) -> tuple[str, ...]:
        return ()

    @property
    def loss(self) -> objects.Loss:
        """The loss that computes, with the module's reduction."""
        return self._losses.get(self.reduction) or self._losses["sum"]

    def forward(self, *tensors: Tensor, sample_weight: Tensor | None = None, where: Tensor | None = None) -> Tensor:
        """The reduced loss of predictions and target, which come in this order."""
        return self._reduced(tensors, sample_weight=sample_weight, where=where)

    def total(self, *tensors: Tensor, **named: Tensor | None) -> Any:
        """The sum of the loss and its weight, which add up over micro-batches and processes: see `lossary.Total`."""
        tensors = self._as_tensors(tensors)
        return self._told(tensors, lambda: self._total(self._prepared(*tensors, **named)))

    def _prepared(self, *tensors: Tensor, sample_weight: Tensor | None = None, where: Tensor | None = None) -> Given:
        """The call in our terms."""
        return Given(self._in_our_order(tensors), sample_weight, where)

    def _in_our_order(self, tensors: tuple[Any, ...]) -> tuple[Any, ...]:
        arguments = self.loss.record.arguments
        if len(tensors) != len(arguments):
            order = ", ".join(arguments[place].name for place in self._order())
            line = f"loss({order})"
            raise texts.module_setting(type(self).__name__, "arguments", len(tensors), f"are {len(arguments)}", line)
        places = {place: float32(x) for place, x in zip(self._order(), tensors, strict=True)}
        return tuple(places[place] for place in range(len(arguments)))

    def _order(self) -> list[int]:
        """The places of our arguments in PyTorch's order: predictions, target, what else is given."""
        rank = {Role.PREDICTION: 0, Role.TARGET: 1, Role.GIVEN: 2}
        arguments = self.loss.record.arguments
        return sorted(range(len(arguments)), key=lambda place: rank[arguments[place].role])

    def _as_tensors(self, given: tuple[Any, ...]) -> tuple[Any, ...]:
        """NumPy's arrays as tensors, and tensors of several dtypes in the one that PyTorch makes of them."""
        numbers = given[:-1] if self._of_signs else given
        dtypes = {x.dtype for x in numbers if isinstance(x, torch.Tensor) and x.is_floating_point() and x.dim()}
        if len(dtypes) > 1:
            wide = functools.reduce(torch.promote_types, dtypes)
            given = tuple(x.to(wide) if getattr(x, "dtype", None) in dtypes else x for x in given)
        if torch.compiler.is_compiling():
            return given
        return tuple(torch.as_tensor(x) if isinstance(x, np.ndarray) else x for x in given)

    def _reduced(self, tensors: tuple[Tensor, ...], **named: Any) -> Tensor:
        tensors = self._as_tensors(tensors)
        return self._told(tensors, lambda: self._answer(self._prepared(*tensors, **named)))

    def _answer(self, given: Given) -> Tensor:
        if self.sync:
            total = self._total(given).sync()
            return total.sum if self.reduction == "sum" else total.mean()
        if given.denominator is not None and self.reduction == "mean":
            return self._total(given).mean()
        loss: Any = (given.losses or self._losses)[self.reduction]
        found = loss(*given.arguments, sample_weight=given.weight, where=given.where)
        if self.reduction == "sum" and given.per_row > 1:
            return found / given.per_row
        if self.reduction != "none" or given.shape is None:
            return found
        return found.reshape(given.shape) if given.per_row == 1 else found.reshape(*given.shape, -1).mean(-1)

    def _total(self, given: Given) -> Total:
        losses = given.losses or self._losses
        loss: Any = losses.get(self.reduction, losses["mean"])
        found = loss.total(*given.arguments, sample_weight=given.weight, where=given.where)
        if given.denominator is not None:
            return Total(found.sum, given.denominator)
        return found if given.per_row == 1 else Total(found.sum / given.per_row, found.weight / given.per_row)

    def _told(self, tensors: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        """The result of a call, whose errors and later faults speak of the input and the target."""
        before, speech.torch = speech.torch, (type(self) is not Loss, self._of_elements)
        try:
            return call() if torch.compiler.is_compiling() else self._raised(tensors, call)
        finally:
            speech.torch = before

    def _raised(self, tensors: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        for x in tensors:
            if getattr(x, "is_nested", False):  # Of which nobody may ask the shape.
                raise texts.strange_array(type(self).__name__, "input", *BACKEND.strange(x))  # type: ignore[misc]
        if self._of_vectors and tensors[0].dim() == 0:
            raise texts.module_number(type(self).__name__, next(iter(inspect.signature(self.forward).parameters)))
        try:
            return call()
        except LossError as error:
            if [getattr(x, "requires_grad", False) for x in tensors] == [False, True]:
                told = texts.module_target_trained if isinstance(error, BackendError) else texts.module_swapped
                raise told(type(self).__name__) from error
            own = type(self) is not Loss
            raise texts.in_torch_words(error, own, self._of_elements) from error

    def extra_repr(self) -> str:
        """What differs from the defaults."""
        sync = ", sync=True" if self.sync else ""
        if type(self) is Loss:
            return repr(self.loss) + sync
        own = [
            p
            for p in inspect.signature(type(self)).parameters.values()
            if p.name not in ("size_average", "reduce", "sync")
        ]
        held = {p.name: getattr(self, p.name) for p in own if _differs(getattr(self, p.name), p.default)}
        return ", ".join(f"{name}={_short(value)}" for name, value in held.items()) + (sync if held else sync[2:])


class Pair(Loss):
    """A loss of ``(input, target)``."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:  # type: ignore[override]  # noqa: A002
        """The reduced loss of a batch."""
        return self._reduced((input, target))

    def total(self, input: Tensor, target: Tensor) -> Any:  # type: ignore[override]  # noqa: A002
        """The sum of the loss and its weight, which add up over micro-batches and processes: see `lossary.Total`."""
        return super().total(input, target)


def by_reduction(loss: objects.Loss) -> dict[str, objects.Loss]:
    """The loss with each of PyTorch's reductions, by PyTorch's name."""
    return {theirs: loss.replaced(reduction=ours) for theirs, ours in _REDUCTIONS.items()}


def chosen(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction, which PyTorch's first versions were told by two switches."""
    if size_average is None and reduce is None:
        return reduction
    return "none" if reduce is False else "sum" if size_average is False else "mean"


def float32(x: Any) -> Any:
    """Half precision as float32 under autocast, where PyTorch's losses compute in it too."""
    if isinstance(x, tuple):
        return tuple(map(float32, x))
    if not isinstance(x, torch.Tensor) or x.dtype not in _HALF:
        return x
    return x.float() if torch.is_autocast_enabled(x.device.type) else x


def rows(x: Tensor) -> Tensor:
    """Vectors along the last axis, which may be empty, one below the other."""
    found: Tensor = torch.atleast_2d(float32(x)).flatten(0, -2)
    return found


def at_least_float32(x: Tensor) -> torch.dtype:
    """The dtype of what a mean divides by: half precision holds not every whole number above 256."""
    return torch.promote_types(x.dtype, torch.float32)


def counted(number: int, like: Tensor) -> Tensor:
    """How many there are."""
    return torch.full((), number, dtype=at_least_float32(like), device=like.device)


def summed(x: Tensor) -> Tensor:
    """The sum of all elements."""
    return x.sum(dtype=at_least_float32(x))


def same_shape(name: str, first: Tensor, other: Tensor, names: tuple[str, str] = ("input", "target")) -> Tensor:
    """The other in the shape of the first: itself, or with an axis of length one more or less."""
    if other.shape == first.shape:
        return other
    if (*other.shape, 1) == tuple(first.shape) or tuple(other.shape) == (*first.shape, 1):
        return other.reshape(first.shape)
    raise texts.module_shapes(name, tuple(first.shape), tuple(other.shape), names)


def buffer(weight: Any) -> Tensor | None:
    """Weights as a tensor."""
    return None if weight is None else torch.as_tensor(weight)


def _differs(value: Any, default: Any) -> bool:
    return value is not default and (isinstance(value, torch.Tensor) or bool(value != default))


def _short(value: Any) -> str:
    return f"tensor of {tuple(value.shape)}" if isinstance(value, torch.Tensor) else repr(value)
