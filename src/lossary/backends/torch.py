"""PyTorch's spelling of the vocabulary, and its custom derivative."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import torch

from ..looks.faults import Look, Site
from . import _torch_report
from ._base import Array, Backend, Traced
from ._bits import less_product
from .numpy import BACKEND as NUMPY

_DTYPES = ("float16", "bfloat16", "float32", "float64", "bool", "int64", "int32", "int16", "int8", "uint8")
_NAMES = {getattr(torch, name): name for name in _DTYPES}


PLAIN = frozenset({torch.Tensor, torch.nn.Parameter})


class TorchBackend(Backend):
    """Tensors on any device; inside autograd, ``torch.func``, ``torch.compile`` and DataLoader workers."""

    name = "torch"
    noun = "a PyTorch tensor"
    into_numpy = "{0}.numpy(force=True)"
    plain = PLAIN
    can_report = True
    adds_over = "sync"
    is_traced = True

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
    arctan = staticmethod(torch.arctan)
    cos = staticmethod(torch.cos)
    sin = staticmethod(torch.sin)
    floor = staticmethod(torch.floor)
    erf = staticmethod(torch.erf)
    lgamma = staticmethod(torch.lgamma)
    detach = staticmethod(torch.detach)
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
        if isinstance(value, torch.SymInt):  # A length that stays one, which as a number is that of the example.
            return torch.full((), value, device=None if like is None else like.device)
        if torch.compiler.is_compiling():  # An array that is being traced has no dtype to look at.
            tensor = torch.as_tensor(value)
        else:
            # A copy: autograd reads it again later, and PyTorch takes no views with negative strides.
            array = np.array(NUMPY.asarray(value))
            half = array.dtype.name == "bfloat16"  # Which PyTorch does not know of NumPy.
            tensor = torch.as_tensor(array.view(np.int16)).view(torch.bfloat16) if half else torch.as_tensor(array)
        return tensor if like is None else tensor.to(like.device)

    def strange(self, x: Array) -> tuple[str, str] | None:
        if x.is_nested:
            padded = "{0} = torch.nested.to_padded_tensor({0}, 0.0)"
            return "a nested tensor", f"{padded}  # and leave the padding out with where="
        if x.layout is not torch.strided:
            return f"a sparse tensor ({x.layout})", "{0} = {0}.to_dense()"
        return None

    def dtype(self, x: Array) -> str:
        return _NAMES.get(x.dtype) or str(x.dtype).removeprefix("torch.")

    def cast(self, x: Array, dtype: str) -> Array:
        return x.to(getattr(torch, dtype))

    def default_float(self) -> str:
        return str(torch.get_default_dtype()).removeprefix("torch.")

    def looks_swapped(self, y_true: Array, y_pred: Array) -> bool:
        return y_true.requires_grad and not y_pred.requires_grad and torch.is_grad_enabled()

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

    def report_later(self, poison: Array, looks: Sequence[Look], site: Site) -> Array:
        return _torch_report.report_later(poison, looks, site)

    def all_sum(self, x: Array, over: Any) -> Array:
        distributed = torch.distributed
        alone = not (distributed.is_available() and distributed.is_initialized())
        return x if alone else _AllSum.apply(x, over)

    def settle(self) -> None:
        _torch_report.collect(wait=True)

    def moveaxis(self, x: Array, source: int, destination: int) -> Array:
        return torch.movedim(x, source, destination)

    def expand_last(self, x: Array) -> Array:
        return x.unsqueeze(-1)

    def squeeze_last(self, x: Array) -> Array:
        return x.squeeze(-1)

    def stack_last(self, arrays: Sequence[Array]) -> Array:
        return torch.stack(tuple(arrays), -1)

    def total(self, x: Array) -> Array:
        if x.dtype == torch.float64 or x.device.type == "mps":
            return torch.sum(x)
        return torch.sum(x, dtype=torch.float64).to(x.dtype)

    def size(self, x: Array) -> Any:
        # While a program is recorded, a symbol: the program is to divide by the size of what it will be given.
        return x.numel()

    def ones_like(self, x: Array) -> Array:
        return torch.ones_like(x)

    def finest(self, x: Array) -> str:
        return "float64" if x.device.type == "cpu" else self.dtype(x)

    def matmul(self, a: Array, b: Array) -> Array:
        return torch.matmul(a, b)

    def concat_last(self, arrays: Sequence[Array]) -> Array:
        return torch.cat(tuple(arrays), -1)

    def take_each(self, x: Array, labels: Array) -> Array:
        index = labels.long().clamp(0, x.shape[-1] - 1).unsqueeze(-2)
        return torch.gather(x, -1, index.expand(*x.shape[:-1], labels.shape[-1]))

    def maximum(self, a: Array, b: Any) -> Array:
        return torch.maximum(a, b) if isinstance(b, torch.Tensor) else torch.clamp(a, min=b)

    def minimum(self, a: Array, b: Any) -> Array:
        return torch.minimum(a, b) if isinstance(b, torch.Tensor) else torch.clamp(a, max=b)

    def residual(self, a: Array, factor: Array, b: Array) -> Array:
        if b.device.type == "mps":
            return a - factor * b
        if b.dtype == torch.float32:  # In double precision the product of two such numbers is exact.
            return (a.double() - factor.double() * b.double()).to(b.dtype)
        return less_product(a, factor, _upper_half(factor), b, _upper_half(b))

    def scale_to_one(self, x: Array) -> Array:
        least = torch.finfo(x.dtype).tiny
        ordinary = torch.clamp(torch.abs(x.detach()), least, 1.0 / least)
        return 2.0 * torch.frexp(ordinary)[0] / ordinary  # A power of two, which the quotient is exactly.

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
        return torch.arange(x.shape[-1], device=x.device) == torch.argmax(x, -1, keepdim=True)

    def lead(self, x: Array) -> Array:
        return torch.max(x, -1, keepdim=True)[0]  # Its derivative is the first maximum's, that of amax is shared.

    def sorted_down(self, x: Array) -> Array:
        return torch.sort(x, dim=-1, descending=True).values

    def cumulated(self, x: Array) -> Array:
        return torch.cumsum(x, dim=-1)

    def count(self, x: Array) -> Array:
        return x.new_full((), x.shape[-1])  # A tensor: of two plain numbers torch.where makes float32.

    def take(self, x: Array, label: Array) -> Array:
        length = x.shape[-1]
        label = label.long()
        taken = torch.gather(x, -1, label.clamp(0, length - 1))
        return torch.where((label >= 0) & (label < length), taken, torch.nan)

    def look_up(self, table: Array, labels: Array) -> Array:
        return table[labels.long().clamp(0, len(table) - 1)]

    def is_label(self, label: Array, like: Array) -> Array:
        return torch.arange(like.shape[-1], device=like.device) == label

    def position(self, like: Array) -> Array:
        return torch.arange(like.shape[-1], dtype=like.dtype, device=like.device).expand_as(like)

    def spread(self, x: Any, like: Array) -> Array:
        return torch.zeros_like(like) + x

    def value_and_grad(self, function: Callable[[Array], Array], y_pred: Array) -> tuple[Array, Array]:
        leaf = y_pred.detach().requires_grad_()
        with torch.enable_grad():
            value = function(leaf)
            (gradient,) = torch.autograd.grad(value, leaf)
        return value.detach(), gradient

    def facts(self, x: Array, y: Array) -> Hashable:
        # While torch.compile traces, lengths may be symbols; a nested tensor has no shape.
        if torch.compiler.is_compiling() or self.strange(x) or self.strange(y):
            return None
        return (x.dtype, y.dtype, x.shape, y.shape, x.device, y.device)

    def place(self, x: Array) -> Any:
        return x.device

    def differentiable(self, program: Traced) -> Callable[..., Array]:
        reverse, both = _functions(program, self)

        def call(*inputs: Any) -> Array:
            # torch.compile cannot trace a function that also has a forward-mode rule.
            if torch.compiler.is_compiling():
                return reverse.apply(*inputs)
            return both.apply(*inputs)

        return call


class _AllSum(torch.autograd.Function):
    """The sum over processes; each of them has a part in the loss of all, so their derivatives add up too."""

    @staticmethod
    def forward(ctx: Any, x: Array, group: Any) -> Array:
        ctx.group = group
        found = x.detach().clone()
        torch.distributed.all_reduce(found, group=group)
        return found

    @staticmethod
    def backward(ctx: Any, *upstream: Array) -> Any:
        return _AllSum.apply(upstream[0].contiguous(), ctx.group), None


def _upper_half(x: Array) -> Array:
    """A float64 number without the lower half of its digits (G. W. Veltkamp's splitting)."""
    shifted = x.detach() * (2.0**27 + 1.0)
    return shifted - (shifted - x.detach())


def _functions(program: Traced, backend: TorchBackend) -> tuple[Any, Any]:
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
                # What has no tangent has none: zeros would meet slopes in labels that may be infinite.
                ctx.set_materialize_grads(False)
            ctx.layout = [None if isinstance(x, torch.Tensor) else x for x in inputs]

        @staticmethod
        def backward(ctx: Any, *upstream: Array) -> Any:
            inputs = _restore(ctx)
            return tuple(
                _collect(_pulled(slopes[index](*inputs), upstream[0]), inputs[index])
                if needed and upstream[0] is not None
                else None
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
            rank = max(x.dim() for x in inputs if isinstance(x, torch.Tensor)) - program.depth + 1
            parts = [
                _pushed(slopes[index](*inputs) * tangent, rank)
                for index, tangent in enumerate(tangents)
                if tangent is not None
            ]
            return torch.stack(parts).sum(0) if len(parts) > 1 else parts[0]

    return Reverse, ReverseAndForward


def _pulled(slope: Any, upstream: Array) -> Array:
    """A slope times one factor per row, whose elements may lie along several axes."""
    for _ in range(slope.dim() - upstream.dim() if isinstance(slope, torch.Tensor) else 0):
        upstream = upstream.unsqueeze(-1)
    return upstream * slope


def _pushed(x: Array, rank: int) -> Array:
    """The sum over the elements of each row, in an array of this rank."""
    return torch.sum(x.flatten(rank - 1) if x.dim() > rank else x, -1, keepdim=True)


def _restore(ctx: Any) -> list[Any]:
    tensors = iter(ctx.saved_tensors)
    return [next(tensors) if x is None else x for x in ctx.layout]


def _collect(gradient: Array, like: Any) -> Array:
    """A parameter's gradient is the sum over all that it touched."""
    return gradient.sum_to_size(like.shape) if gradient.shape != like.shape else gradient


BACKEND = TorchBackend()
