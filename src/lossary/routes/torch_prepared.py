"""Calls prepared once, handed to PyTorch's autograd: plain ones of targets and predictions, without weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import torch

from ..backends import Array
from ..calls import evaluate
from ..calls.plan import Setting
from ..kernels import triton as on_device
from .torch_doors import is_several

if TYPE_CHECKING:
    from ..looks.modes import Mode


class Recipe(Protocol):
    """How a total is computed once more."""

    def gradient(self, y_true: Array, y_pred: Array) -> Array | None:
        """The gradient with the same bits, or None where it must be seen how it is computed: when that is traced."""

    def total(self, y_true: Array, y_pred: Array) -> Array:
        """The total in words, which autograd sees."""


class Prepared:
    """A recipe of plain calls: what is said of the call besides its tensors is kept, and the words are those of it."""

    __slots__ = ("given",)

    def __init__(
        self, setting: Setting, axis: int, check: Mode | None, reduction: str, *, batched: bool = True
    ) -> None:
        self.given = setting, axis, check, reduction, batched

    def total(self, y_true: Array, y_pred: Array) -> Array:
        """The loss in words, which autograd sees."""
        setting, axis, check, reduction, batched = self.given
        batch = evaluate.prepare(setting, (y_true, y_pred), axis=axis, check=check, batched=batched)
        found: Array = batch.reduced(reduction)
        return found


class Total(torch.autograd.Function):
    """A number whose gradient is known already.

    ``given`` holds a recipe, and until somebody takes them the gradient and the number; a list, because a tensor that
    is given and returned counts as a view, which nothing may be added to.
    """

    @staticmethod
    def forward(ctx: Any, y_pred: Array, y_true: Array, given: list[Any]) -> Array:
        # What the words would read again is saved, so that a change of it in place is noticed.
        ctx.save_for_backward(y_pred, y_true)
        total: Array = given.pop()
        ctx.given = given
        return total

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> Any:
        given, saved = ctx.given, ctx.saved_tensors
        gradient = None
        if not _is_grad_enabled():
            # Handed over, not shared: whoever gets the gradient may keep it without copying.
            gradient = given.pop() if len(given) == 2 else given[0].gradient(saved[1], saved[0])
        if gradient is None:
            (found,) = differentiable(lambda: given[0].total(saved[1], saved[0]), saved[:1], upstream)
        else:
            found = scaled(gradient, upstream)
        return found, None, None


class Values(torch.autograd.Function):
    """One number per data point whose slopes are known already.

    ``given`` holds a recipe, the slopes, and until somebody takes them the numbers.
    """

    @staticmethod
    def forward(ctx: Any, y_pred: Array, y_true: Array, given: list[Any]) -> Array:
        ctx.save_for_backward(y_pred, y_true)
        values: Array = given.pop()
        ctx.given = given
        return values

    @staticmethod
    def backward(ctx: Any, *upstream: Array) -> Any:
        (recipe, slopes), (y_pred, y_true) = ctx.given, ctx.saved_tensors
        if _is_grad_enabled():
            return *differentiable(lambda: recipe.total(y_true, y_pred), [y_pred], upstream[0]), None, None
        factor = upstream[0]
        return (factor if factor.dim() == slopes.dim() else factor.unsqueeze(-1)) * slopes, None, None


_is_grad_enabled = torch.is_grad_enabled


def scaled(gradient: Array, upstream: Array) -> Array:
    """A gradient that nobody else holds, times what comes from above."""
    if is_several(upstream):
        return upstream * gradient
    if not gradient.is_cpu:  # Where looking at a number would wait for the device.
        return on_device.scaled(gradient, upstream)
    factor = upstream.item()
    return gradient if factor == 1.0 else gradient.mul_(factor)


def differentiable(find: Callable[[], Array], predictions: Sequence[Array], upstream: Array) -> tuple[Array, ...]:
    """The gradients of what autograd sees, differentiable again where that is wanted."""
    repeated = torch.is_grad_enabled()
    with torch.enable_grad():
        value = find()
        found: tuple[Array, ...] = torch.autograd.grad(value, predictions, upstream, create_graph=repeated)
    return found
