"""PyTorch's spelling of the vocabulary, and its custom derivative."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

from . import torch_fused
from .base import Array, Backend

if TYPE_CHECKING:
    from ..kernels.run import Fused
    from ..program import Program


class TorchBackend(Backend):
    """Tensors on any device; inside autograd, ``torch.func``, ``torch.compile`` and DataLoader workers."""

    name = "torch"

    abs = staticmethod(torch.abs)
    sign = staticmethod(torch.sign)
    exp = staticmethod(torch.exp)
    expm1 = staticmethod(torch.expm1)
    log = staticmethod(torch.log)
    log1p = staticmethod(torch.log1p)
    sqrt = staticmethod(torch.sqrt)
    square = staticmethod(torch.square)
    sinh = staticmethod(torch.sinh)
    tanh = staticmethod(torch.tanh)
    sigmoid = staticmethod(torch.sigmoid)
    where = staticmethod(torch.where)
    equal = staticmethod(torch.eq)
    logical_and = staticmethod(torch.logical_and)
    logical_or = staticmethod(torch.logical_or)
    logical_not = staticmethod(torch.logical_not)

    def owns(self, value: Any) -> bool:
        return isinstance(value, torch.Tensor)

    def asarray(self, value: Any, like: Array | None = None) -> Array:
        if isinstance(value, torch.Tensor):
            return value
        return torch.as_tensor(value, device=None if like is None else like.device)

    def dtype(self, x: Array) -> str:
        return str(x.dtype).removeprefix("torch.")

    def cast(self, x: Array, dtype: str) -> Array:
        return x.to(getattr(torch, dtype))

    def default_float(self) -> str:
        return str(torch.get_default_dtype()).removeprefix("torch.")

    def host(self, x: Array, *, wait: bool) -> Any:
        if torch.compiler.is_compiling() or x.is_meta or (x.device.type != "cpu" and not wait):
            return None
        x = x.detach()
        if x.dtype == torch.bfloat16:
            x = x.float()
        try:
            return x.resolve_neg().cpu().numpy()
        except RuntimeError:
            return None  # A wrapper of torch.func without storage of its own.

    def moveaxis(self, x: Array, source: int, destination: int) -> Array:
        return torch.movedim(x, source, destination)

    def expand_last(self, x: Array) -> Array:
        return x.unsqueeze(-1)

    def squeeze_last(self, x: Array) -> Array:
        return x.squeeze(-1)

    def total(self, x: Array) -> Array:
        if x.dtype == torch.float64 or x.device.type == "mps":
            return torch.sum(x)
        return torch.sum(x, dtype=torch.float64).to(x.dtype)

    def size(self, x: Array) -> int:
        return int(x.numel())

    def ones_like(self, x: Array) -> Array:
        return torch.ones_like(x)

    def maximum(self, a: Array, b: Any) -> Array:
        return torch.maximum(a, b) if isinstance(b, torch.Tensor) else torch.clamp(a, min=b)

    def minimum(self, a: Array, b: Any) -> Array:
        return torch.minimum(a, b) if isinstance(b, torch.Tensor) else torch.clamp(a, max=b)

    def indicator(self, condition: Array, like: Array) -> Array:
        return condition.to(like.dtype)

    def sum(self, x: Array) -> Array:
        if x.dtype == torch.float64 or x.device.type == "mps":
            return torch.sum(x, -1, keepdim=True)
        return torch.sum(x, -1, keepdim=True, dtype=torch.float64).to(x.dtype)

    def mean(self, x: Array) -> Array:
        if x.dtype == torch.float64 or x.device.type == "mps":
            return super().mean(x)
        return torch.mean(x, -1, keepdim=True, dtype=torch.float64).to(x.dtype)

    def mean_square(self, x: Array) -> Array:
        if x.dtype == torch.float64 or x.device.type == "mps":
            return super().mean_square(x)
        return torch.mean(torch.square(x.double()), -1, keepdim=True).to(x.dtype)

    def max(self, x: Array) -> Array:
        return torch.amax(x, -1, keepdim=True)

    def first_max(self, x: Array) -> Array:
        # torch.argmax promises no order among ties; the index of the first is the smallest index of a maximum.
        index = torch.arange(x.shape[-1], device=x.device)
        first = torch.where(x == self.max(x), index, x.shape[-1]).amin(-1, keepdim=True)
        return index == first

    def count(self, x: Array) -> Array:
        return x.new_full((), float(x.shape[-1]))

    def take(self, x: Array, label: Array) -> Array:
        length = x.shape[-1]
        label = label.long()
        taken = torch.gather(x, -1, label.clamp(0, length - 1))
        return torch.where((label >= 0) & (label < length), taken, torch.nan)

    def is_label(self, label: Array, like: Array) -> Array:
        return torch.arange(like.shape[-1], device=like.device) == label

    def spread(self, x: Any, like: Array) -> Array:
        return torch.zeros_like(like) + x

    def value_and_grad(self, function: Callable[[Array], Array], y_pred: Array) -> tuple[Array, Array]:
        leaf = y_pred.detach().requires_grad_()
        with torch.enable_grad():
            value = function(leaf)
            (gradient,) = torch.autograd.grad(value, leaf)
        return value.detach(), gradient

    def refuses_kernels(self, *arrays: Array) -> str:
        return torch_fused.refusal(*arrays)

    def from_host(self, x: Any) -> Array:
        return torch.from_numpy(x)

    def fused_values(self, fused: Fused, y_true: Array, y_pred: Array, words: Callable[[Array], Array]) -> Array | None:
        return torch_fused.per_point(fused, y_true, y_pred, words)

    def fused_total(
        self, fused: Fused, reduction: str, y_true: Array, y_pred: Array, words: Callable[[Array], Array]
    ) -> Array | None:
        return torch_fused.reduced(fused, reduction, y_true, y_pred, words)

    def differentiable(self, program: Program) -> Callable[..., Array]:
        reverse, both = _functions(program, self)

        def call(*inputs: Any) -> Array:
            # torch.compile cannot trace a function that also has a forward-mode rule.
            if torch.compiler.is_compiling():
                return reverse.apply(*inputs)
            return both.apply(*inputs)

        return call


def _functions(program: Program, backend: TorchBackend) -> tuple[Any, Any]:
    """The autograd function whose derivative is the program's slope, in words that are differentiable again.

    The first has the reverse mode alone, the second the forward mode too.
    """
    value = program.value(backend)
    slopes = tuple(program.slope(backend, index) for index in range(len(program.inputs)))

    class Reverse(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(*inputs: Any) -> Array:
            return value(*inputs)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Array) -> None:
            tensors = [x for x in inputs if isinstance(x, torch.Tensor)]
            ctx.save_for_backward(*tensors)
            if not torch.compiler.is_compiling():
                ctx.save_for_forward(*tensors)
            ctx.layout = [None if isinstance(x, torch.Tensor) else x for x in inputs]

        @staticmethod
        def backward(ctx: Any, *upstream: Array) -> Any:
            inputs = _restore(ctx)
            return tuple(
                _collect(upstream[0] * slopes[index](*inputs), inputs[index]) if needed else None
                for index, needed in enumerate(ctx.needs_input_grad)
            )

    # Where no gradient is needed, torch.compile tells by this signature that forward takes no context.
    positional = inspect.Parameter.POSITIONAL_ONLY
    Reverse.forward.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, positional) for name in program.inputs]
    )

    class ReverseAndForward(Reverse):
        @staticmethod
        def jvp(ctx: Any, *tangents: Any) -> Array:
            inputs = _restore(ctx)
            parts = [
                torch.sum(slopes[index](*inputs) * tangent, -1, keepdim=True)
                for index, tangent in enumerate(tangents)
                if tangent is not None
            ]
            return torch.stack(parts).sum(0) if len(parts) > 1 else parts[0]

    return Reverse, ReverseAndForward


def _restore(ctx: Any) -> list[Any]:
    tensors = iter(ctx.saved_tensors)
    return [next(tensors) if x is None else x for x in ctx.layout]


def _collect(gradient: Array, like: Any) -> Array:
    """A parameter's gradient is the sum over all that it touched."""
    return gradient.sum_to_size(like.shape) if gradient.shape != like.shape else gradient


BACKEND = TorchBackend()
