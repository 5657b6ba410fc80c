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


class Known(torch.autograd.Function):
    """Numbers of which a gradient, or how to find it, is known already.

    ``known`` holds that, and last, until it is taken, what is returned: a list, because a tensor that is given and
    returned counts as a view, which nothing may be added to.
    """

    @staticmethod
    def forward(ctx: Any, known: list[Any], *arrays: Array) -> Array:
        # What the words would read again is saved, so that a change of it in place is noticed.
        ctx.save_for_backward(*arrays)
        found: Array = known.pop()
        ctx.known = known
        return found


class Total(Known):
    """A number of y_pred and y_true; a recipe and, until somebody takes it, the gradient are known."""

    @staticmethod
    def backward(ctx: Any, upstream: Array) -> Any:
        known, (y_pred, y_true) = ctx.known, ctx.saved_tensors
        gradient = None
        if not _is_grad_enabled():
            # Handed over, not shared: whoever gets the gradient may keep it without copying.
            gradient = known.pop() if len(known) == 2 else known[0].gradient(y_true, y_pred)
        if gradient is None:
            return None, *differentiable(lambda: known[0].total(y_true, y_pred), [y_pred], upstream), None
        return None, scaled(gradient, upstream), None


class Values(Known):
    """One number per data point of y_pred and y_true; a recipe and the slopes are known."""

    @staticmethod
    def backward(ctx: Any, *upstream: Array) -> Any:
        (recipe, slopes), (y_pred, y_true) = ctx.known, ctx.saved_tensors
        if _is_grad_enabled():
            return None, *differentiable(lambda: recipe.total(y_true, y_pred), [y_pred], upstream[0]), None
        factor = upstream[0]
        return None, (factor if factor.dim() == slopes.dim() else factor.unsqueeze(-1)) * slopes, None


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
