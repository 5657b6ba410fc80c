"""Fused kernels inside PyTorch's autograd: the gradient is at hand when the value is, and shares its memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from .base import Array

if TYPE_CHECKING:
    from ..kernels.run import Fused

Words = Callable[[Array], Array]


def refusal(*arrays: Array) -> str:
    """Why kernels cannot take these tensors, or nothing."""
    if torch.compiler.is_compiling():
        return "torch.compile fuses the formula itself"
    if any(x.device.type != "cpu" for x in arrays):
        return "the tensors are not in host memory"
    if any(x.layout != torch.strided or x.is_neg() or x.is_conj() or x.dtype == torch.bfloat16 for x in arrays):
        return "the tensors have no plain memory layout"
    if any(type(x) not in (torch.Tensor, torch.nn.Parameter) for x in arrays):
        return "a subclass of torch.Tensor keeps its own operations"
    if torch.jit.is_tracing() or torch.utils._python_dispatch._len_torch_dispatch_stack():
        return "operations are being traced"
    if torch._C._functorch.maybe_current_level() is not None or torch.autograd.forward_ad._current_level >= 0:
        return "torch.func or forward mode differentiates the formula"
    if any(x.requires_grad for x in (*arrays[:1], *arrays[2:])) and torch.is_grad_enabled():
        return "more than y_pred is differentiated"
    return ""


def reduced(fused: Fused, reduction: str, y_true: Array, y_pred: Array, words: Words) -> Array | None:
    """The reduced loss as a tensor that knows its gradient; None where the words must compute it."""
    wanted = torch.is_grad_enabled() and y_pred.requires_grad
    found = fused.reduced(reduction, gradient=wanted)
    if found is None:
        return None
    value = torch.from_numpy(found[0])
    if not wanted or found[1] is None:
        return value
    applied: Array = _Total.apply(y_pred, y_true, value, [torch.from_numpy(found[1])], fused, reduction, words)
    return applied


def per_point(fused: Fused, y_true: Array, y_pred: Array, words: Words) -> Array | None:
    """The values per data point as a differentiable tensor; None where the words must compute them."""
    found = fused.values()
    if found is None:
        return None
    values = torch.from_numpy(found)
    if not (torch.is_grad_enabled() and y_pred.requires_grad):
        return values
    applied: Array = _Points.apply(y_pred, y_true, values, fused, words)
    return applied


class _Total(torch.autograd.Function):
    """A number whose gradient is known already."""

    @staticmethod
    def forward(ctx: Any, y_pred: Array, y_true: Array, value: Array, gradient: list[Array], *rest: Any) -> Array:
        ctx.save_for_backward(y_pred, y_true)
        ctx.gradient, (ctx.fused, ctx.reduction, ctx.words) = gradient, rest
        return value.view_as(value)

    @staticmethod
    def backward(ctx: Any, *upstream: Array) -> Any:
        y_pred, _ = ctx.saved_tensors
        if torch.is_grad_enabled():
            return _again(ctx.words, y_pred, upstream[0]), *[None] * 6
        factor = float(upstream[0])
        # Handed over, not shared: whoever gets the gradient may keep it without copying.
        if ctx.gradient:
            gradient = ctx.gradient.pop()
        else:
            found = ctx.fused.slopes(ctx.reduction)
            if found is None:
                return _again(ctx.words, y_pred, upstream[0]).detach(), *[None] * 6
            gradient = torch.from_numpy(found)
        return gradient if factor == 1.0 else gradient.mul_(factor), *[None] * 6


class _Points(torch.autograd.Function):
    """One number per data point; the gradient is computed for the factors that come back."""

    @staticmethod
    def forward(ctx: Any, y_pred: Array, y_true: Array, values: Array, *rest: Any) -> Array:
        ctx.save_for_backward(y_pred, y_true)
        ctx.fused, ctx.words = rest
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *upstream: Array) -> Any:
        y_pred, _ = ctx.saved_tensors
        if torch.is_grad_enabled():
            return _again(ctx.words, y_pred, upstream[0]), *[None] * 4
        found = ctx.fused.gradient(upstream[0].detach().to(y_pred.dtype).numpy())
        if found is None:
            return _again(ctx.words, y_pred, upstream[0]).detach(), *[None] * 4
        return torch.from_numpy(found), *[None] * 4


def _again(words: Words, y_pred: Array, upstream: Array) -> Array:
    """The gradient in words that are differentiable again."""
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(words(y_pred), y_pred, upstream, create_graph=True)
    return gradient
