"""Tensors in host memory: NumPy computes on their own memory, and PyTorch's autograd is handed the result.

The gradient is at hand when the value is, whether a fused kernel or NumPy's words compute it; neither starts as many
operations as the words of PyTorch, which is what a small call costs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .. import kernels
from .base import Array

if TYPE_CHECKING:
    from .._evaluate import Batch
    from .._loss import Loss

Words = Callable[[Array, Array], Any]
PLAIN = frozenset({torch.Tensor, torch.nn.Parameter})
_HALF = frozenset({torch.float16, torch.bfloat16})
_FLOATS = frozenset({torch.float32, torch.float64})


def refusal(*arrays: Array) -> str:
    """Why NumPy cannot compute on these tensors and hand over the result, or nothing."""
    if torch.compiler.is_compiling():
        return "torch.compile fuses the formula itself"
    return _unfit(*arrays)


def _unfit(*arrays: Array) -> str:
    """The same outside of torch.compile."""
    for x in arrays:
        if type(x) not in PLAIN:
            return "a subclass of torch.Tensor keeps its own operations"
        if not x.is_cpu:
            return "the tensors are not in host memory"
        if x.layout is not torch.strided or x.is_neg() or x.is_conj():
            return "the tensors have no plain memory layout"
    if torch._C._get_tracing_state() is not None or torch._C._len_torch_dispatch_stack():
        return "operations are being traced"
    if torch._C._functorch.maybe_current_level() is not None or torch.autograd.forward_ad._current_level >= 0:
        return "torch.func or forward mode differentiates the formula"
    if any(x.requires_grad for x in (*arrays[:1], *arrays[2:])) and torch.is_grad_enabled():
        return "more than y_pred is differentiated"
    return ""


def lend(prepare: Callable[..., Batch], y_true: Any, y_pred: Array, sample_weight: Any, where: Any) -> Lent | None:
    """The call on NumPy's views of these tensors, or None where words of PyTorch must compute it or are faster."""
    if torch.compiler.is_compiling() or type(y_true) not in PLAIN or not y_pred.is_floating_point():
        return None
    others = [x for x in (sample_weight, where) if x is not None]
    if _unfit(y_true, y_pred, *others):
        return None
    true, pred = _widened(y_true), _widened(y_pred)
    try:
        views = [_view(true), _view(pred), _view(sample_weight), _view(where)]
    except (RuntimeError, TypeError):
        return None  # A wrapper of torch.func that outlived its function, or a layout that NumPy does not have.
    batch = prepare(*views, fusible=True)
    if batch.fused is None and y_pred.numel() >= kernels.THRESHOLD:
        return None  # Here the words of PyTorch, on several threads, overtake those of NumPy.
    return Lent(batch, true, pred, y_pred.dtype, lambda y, p: prepare(y, p, sample_weight, where))


def _view(x: Array | None) -> Any:
    return None if x is None else _widened(x).detach().numpy()


def _widened(x: Array) -> Array:
    """Half precision as float32, which NumPy knows and computes quickly."""
    return x.float() if x.dtype in _HALF else x


class Lent:
    """A call on tensors that NumPy computes.

    ``batch`` is NumPy's, ``y_pred`` shares its memory, and ``words`` makes the same call in words of PyTorch, which
    are differentiable again.
    """

    def __init__(self, batch: Batch, y_true: Array, y_pred: Array, dtype: torch.dtype, words: Words) -> None:
        self.batch = batch
        self.y_true = y_true
        self.y_pred = y_pred
        self.dtype = dtype
        self.words = words

    def values(self) -> Array:
        """One value per data point, as a tensor that knows its gradient."""
        return self.reduced("none")

    def reduced(self, reduction: str) -> Array:
        """The reduced loss, as a tensor that knows its gradient."""
        if not (self.y_pred.requires_grad and torch.is_grad_enabled()):
            return self.result(torch.from_numpy(np.asarray(self.batch.reduced(reduction))))
        if reduction == "none":
            values = self.batch.reduced("none")
            return self.result(_apply(_Values, self.y_pred, self.y_true, values, self.batch, self.words))
        total, gradient = self.batch.value_and_gradient(reduction)
        return self.result(_apply(_Total, self.y_pred, self.y_true, total, [gradient], self.words, reduction))

    def value_and_gradient(self, reduction: str) -> tuple[Array, Array]:
        """The reduced loss and its gradient."""
        value, gradient = self.batch.value_and_gradient(reduction)
        return self.result(torch.from_numpy(np.asarray(value))), self.result(torch.from_numpy(gradient))

    def result(self, x: Array) -> Array:
        """In the dtype of the predictions."""
        return x if x.dtype is self.dtype else x.to(self.dtype)


def stepped(loss: Loss, y_true: Any, y_pred: Array) -> Array | None:
    """The total of a small plain call, as a tensor that knows its gradient; None where there is more to it."""
    if torch.compiler.is_compiling() or type(y_true) not in PLAIN or y_pred.numel() >= kernels.THRESHOLD:
        return None
    if y_pred.dtype not in _FLOATS or _unfit(y_true, y_pred):
        return None
    try:
        true, pred = y_true.detach().numpy(), y_pred.detach().numpy()
    except (RuntimeError, TypeError):
        return None  # A wrapper of torch.func that outlived its function, or a dtype that NumPy does not have.
    step = loss.step(true, pred)
    found = None if step is None else step(true, pred)
    if found is None:
        return None
    total, gradient = found
    if not (y_pred.requires_grad and torch.is_grad_enabled()):
        return torch.from_numpy(np.asarray(total))
    return _apply(_Total, y_pred, y_true, total, [gradient], loss.batch, loss.reduction)


class _Total(torch.autograd.Function):
    """A number whose gradient is known already."""

    @staticmethod
    def forward(ctx: Any, y_pred: Array, y_true: Array, total: Any, gradient: list[Any], *source: Any) -> Array:
        ctx.save_for_backward(y_pred, y_true)
        ctx.gradient, ctx.source = gradient, source
        return torch.from_numpy(np.asarray(total))

    @staticmethod
    def backward(ctx: Any, *upstream: Array) -> Any:
        y_pred, y_true = ctx.saved_tensors
        if torch.is_grad_enabled() or not ctx.gradient:
            words, reduction = ctx.source
            return _again(words, reduction, y_true, y_pred, upstream[0]), None, None, None, None, None
        # Handed over, not shared: whoever gets the gradient may keep it without copying.
        gradient, factor = torch.from_numpy(ctx.gradient.pop()), float(upstream[0])
        return gradient if factor == 1.0 else gradient.mul_(factor), None, None, None, None, None


class _Values(torch.autograd.Function):
    """One number per data point; the gradient is computed for the factors that come back."""

    @staticmethod
    def forward(ctx: Any, y_pred: Array, y_true: Array, values: Any, batch: Batch, words: Words) -> Array:
        ctx.save_for_backward(y_pred, y_true)
        ctx.batch, ctx.words = batch, words
        return torch.from_numpy(np.asarray(values))

    @staticmethod
    def backward(ctx: Any, *upstream: Array) -> Any:
        y_pred, y_true = ctx.saved_tensors
        if torch.is_grad_enabled():
            return _again(ctx.words, "none", y_true, y_pred, upstream[0]), None, None, None, None
        return torch.from_numpy(ctx.batch.pulled_back(upstream[0].detach().numpy())), None, None, None, None


def _again(words: Words, reduction: str, y_true: Array, y_pred: Array, upstream: Array) -> Array:
    """The gradient in words, which are differentiable again where that is wanted."""
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        value = words(y_true, y_pred).reduced(reduction)
        (gradient,) = torch.autograd.grad(value, y_pred, upstream, create_graph=again)
    return gradient


def _apply(function: Any, *inputs: Any) -> Array:
    """As ``function.apply``, without its look for torch.func, which `refusal` has had."""
    applied: Array = super(torch.autograd.Function, function).apply(*inputs)
    return applied
