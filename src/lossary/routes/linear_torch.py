"""Losses of scores that are not held at once, on PyTorch's tensors.

A reduced loss has its gradients made with it, for an upstream of 1.  Where they are to be differentiated in their
turn, or differ from token to token, they are made when they are asked for; second derivatives come from words, chunk
by chunk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from .. import texts
from ..backends import FLOATS, HALF, Array
from ..backends.torch import BACKEND
from ..calls.evaluate import prepare as lined_up
from ..calls.linear import Arguments, Head, Settings, prepare
from . import in_chunks, torch_split
from .in_chunks import Wanted
from .torch_doors import is_recorded, is_several, is_transformed

_NONE: Wanted = (False, False, False)


class Products:
    """Products of tensors, in float32 where they hold less; on a GPU those of half precision are made of it."""

    times = 1

    def __init__(self, like: Array, computing: str) -> None:
        self.like = like
        self.dtype = getattr(torch, computing)
        self.native = like.is_cuda and BACKEND.dtype(like) in HALF

    def wide(self, x: Array) -> Array:
        return x if self.native else x.to(self.dtype)

    def kept(self, live: Array | None) -> Array | None:
        return None if live is None or bool(live.all()) else live.nonzero()[:, 0]

    def empty(self, *shape: int) -> Array:
        return torch.empty(shape, dtype=self.dtype, device=self.like.device)

    def zeros(self, *shape: int) -> Array:
        return torch.zeros(shape, dtype=self.dtype, device=self.like.device)

    def scores(self, hidden: Array, weight: Array, out: Array) -> Array:
        if self.native:
            return torch.mm(hidden, weight.t(), out_dtype=self.dtype)
        return torch.mm(hidden, weight.t(), out=out)

    def back(self, slopes: Array, weight: Array) -> Array:
        if self.native:
            return torch.mm(slopes.to(weight.dtype), weight, out_dtype=self.dtype)
        return torch.mm(slopes, weight)

    def gather(self, total: Array, slopes: Array, hidden: Array) -> None:
        if self.native:
            total += torch.mm(slopes.t().to(hidden.dtype), hidden, out_dtype=self.dtype)
        else:
            total.addmm_(slopes.t(), hidden)

    def row(self, head: Head, labels: Array, scores: Array, factor: Array, *, gradient: bool) -> tuple[Array, Any]:
        spread = head.settings.spread
        if spread is not None and spread.row is not None:
            found: tuple[Array, Any] = spread.row(head, labels, scores, factor, gradient=gradient)
            return found
        if factor.is_cpu:
            return in_chunks.fastest(head, labels, scores, factor, gradient=gradient)
        # Which tokens count cannot be seen without a wait, and is known already.
        values, slopes = in_chunks.fastest(head, labels, scores, None, gradient=gradient)
        return values * factor, None if slopes is None else slopes.mul_(factor[:, None])

    def add_over_tokens(self, total: Array, slopes: Array) -> None:
        total += slopes.sum(0)


@torch.compiler.disable
def value(settings: Settings, given: Arguments) -> Array:
    """The reduced loss, differentiable."""
    head = prepare(torch_split.resolved(settings, given.weight), given)
    transformed = is_transformed()
    if transformed or is_recorded():
        head = _without_dead(head)
    others = [x for x in (head.labels, head.factor) if isinstance(x, torch.Tensor)]
    differentiated = torch.is_grad_enabled() and any(x.requires_grad for x in others)
    if settings.spread is not None and (transformed or is_recorded() or differentiated):
        raise texts.linear_split_again(settings.record.name)
    if is_recorded() or differentiated or torch.autograd.forward_ad._current_level >= 0:
        return head.answer(_in_words(head, head.factors()))
    wanted = tuple(torch.is_grad_enabled() and x is not None and x.requires_grad for x in (*head.arrays, None)[:3])
    call = Call(head, (*wanted, False)[:3], ready=not transformed and settings.reduction != "none")  # type: ignore[arg-type]
    return head.answer(Linear.apply(*_three(head), head.labels, head.factors(), call))


@torch.compiler.disable
def value_and_gradients(settings: Settings, given: Arguments) -> tuple[Array, tuple[Array, ...]]:
    """The reduced loss and its gradients for hidden, weight and, if there is one, bias."""
    like = next(x for x in given if isinstance(x, torch.Tensor))
    leaves = []
    for x in (given.hidden, given.weight, given.bias):
        if x is not None:
            leaf = BACKEND.asarray(x, like).detach()
            floats = BACKEND.dtype(leaf) in FLOATS
            leaves.append((leaf if floats else leaf.to(torch.get_default_dtype())).requires_grad_())
    with torch.enable_grad():
        hidden, weight, *bias = leaves
        found = value(settings, given._replace(hidden=hidden, weight=weight, bias=bias[0] if bias else None))
        gradients = torch.autograd.grad(found.sum(), leaves)
    return found.detach(), gradients


class Call:
    """A call under way: gradients that are ready wait in ``found`` for the backward pass, which takes them."""

    def __init__(self, head: Head, wanted: Wanted, *, ready: bool) -> None:
        self.head = head
        self.wanted = wanted
        self.ready = ready and any(wanted)
        self.found: list[Array] | None = None

    def of(self, hidden: Array, weight: Array, bias: Array | None, labels: Array) -> Head:
        """The call on these tensors, which autograd or a transform may have put in the place of its own."""
        return replace(self.head, hidden=hidden, weight=weight, bias=bias, labels=labels)

    def total(self, values: Array) -> Array:
        """The sum, or the values where they are not reduced."""
        if self.head.settings.reduction == "none":
            return values
        spread, total = self.head.settings.spread, BACKEND.total(values)
        return total if spread is None else spread.value(total)

    def run(self, head: Head, wanted: Wanted, factor: Array) -> tuple[Array, list[Array]]:
        """The values, and the wanted gradients, to which other processes add."""
        values, gradients = in_chunks.run(head, Products(head.hidden, head.computing), wanted, factor)
        if head.settings.spread is not None and wanted[0]:
            gradients[0] = head.settings.spread.hidden(gradients[0])
        return values, gradients

    def trained(self, three: Sequence[Array | None]) -> list[Array]:
        """Those of hidden, weight and bias that have a gradient."""
        return [x for x, wanted in zip(three, self.wanted, strict=True) if wanted and x is not None]


def _three(head: Head) -> tuple[Array, Array, Array | None]:
    return head.hidden, head.weight, head.bias


class Linear(torch.autograd.Function):
    """The reduced loss, or one value per token times its factor."""

    @staticmethod
    def forward(hidden: Array, weight: Array, bias: Array | None, labels: Array, factor: Array, call: Call) -> Array:
        head = call.of(hidden, weight, bias, labels)
        wanted = call.wanted if call.ready else _NONE
        values, gradients = call.run(head, wanted, factor)
        if call.ready:
            call.found = gradients
        return call.total(values)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Array) -> None:
        *tensors, ctx.call = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, *upstream: Array) -> Any:
        call, saved, (up,) = ctx.call, ctx.saved_tensors, upstream
        if is_several(up) and not is_transformed():
            gradients = _several(call, saved, up)
        elif call.found is not None and not torch.is_grad_enabled():
            gradients, call.found = _scaled(call.found, up), None
        else:
            gradients = Pulled.apply(up, *saved, call)
        each = iter(gradients)
        three = [_as(next(each), x) if wanted else None for x, wanted in zip(saved[:3], call.wanted, strict=True)]
        return (*three, None, None, None)

    @staticmethod
    def vmap(info: Any, in_dims: Any, *inputs: Any) -> Any:
        return torch.stack([Linear.apply(*one) for one in _one_by_one(info, in_dims, inputs)]), 0


class Pulled(torch.autograd.Function):
    """The gradients for an upstream: one number, or one per token."""

    @staticmethod
    def forward(
        up: Array, hidden: Array, weight: Array, bias: Array | None, labels: Array, factor: Array, call: Call
    ) -> tuple[Array, ...]:
        head = call.of(hidden, weight, bias, labels)
        return tuple(call.run(head, call.wanted, factor * up)[1])

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Array, ...]) -> None:
        *tensors, ctx.call = inputs
        ctx.save_for_backward(*tensors)

    @staticmethod
    def backward(ctx: Any, *upstream: Array) -> Any:
        up, hidden, weight, bias, labels, factor = ctx.saved_tensors
        if ctx.call.head.settings.spread is not None:
            raise texts.linear_split_again(ctx.call.head.settings.record.name)
        head = ctx.call.of(hidden, weight, bias, labels)
        of_up, gradients = _second(ctx.call, head, up, factor, upstream)
        each = iter(gradients)
        three = [
            _as(next(each), x) if wanted else None
            for x, wanted in zip((hidden, weight, bias), ctx.call.wanted, strict=True)
        ]
        return (of_up, *three, None, None, None)

    @staticmethod
    def vmap(info: Any, in_dims: Any, *inputs: Any) -> Any:
        found = [Pulled.apply(*one) for one in _one_by_one(info, in_dims, inputs)]
        return tuple(map(torch.stack, zip(*found, strict=True))), (0,) * len(found[0])


def _one_by_one(info: Any, in_dims: Any, inputs: tuple[Any, ...]) -> list[list[Any]]:
    """Under ``vmap`` every member of the batch is computed by itself."""
    return [
        [x if axis is None else x.select(axis, member) for x, axis in zip(inputs, in_dims, strict=True)]
        for member in range(info.batch_size)
    ]


def _scaled(gradients: list[Array], up: Array) -> list[Array]:
    """Gradients that nobody else holds, times one number."""
    if up.is_cpu and float(up) == 1.0:
        return gradients
    return [gradient.mul_(up) for gradient in gradients]


def _as(gradient: Array, like: Array) -> Array:
    return gradient if gradient.dtype is like.dtype else gradient.to(like.dtype)


# --- words ---------------------------------------------------------------------------------------------------------


def _without_dead(head: Head) -> Head:
    """Tokens that do not count as zeros, whose number need not be known."""
    if head.live is None:
        return head
    live = head.live
    labels = head.labels
    labels = torch.where(live if labels.dim() == 1 else live[:, None], labels, torch.zeros_like(labels))
    hidden = torch.where(live[:, None], head.hidden, torch.zeros_like(head.hidden))
    return replace(head, labels=labels, hidden=hidden, live=None)


def _chunk_in_words(head: Head, factor: Array, rows: slice) -> Array:
    """The loss of some tokens, each times its factor, in operations that autograd and torch.func see."""
    kind = getattr(torch, head.computing)
    bias = None if head.bias is None else head.bias.to(kind)
    scores = torch.nn.functional.linear(head.hidden[rows].to(kind), head.weight.to(kind), bias)
    given = (head.labels[rows], scores), factor[rows]
    return lined_up(head.settings.row, *given, check="off", batched=True).reduced("none")


def _in_words(head: Head, factor: Array) -> Array:
    """The loss where more than the gradients for hidden, weight and bias is asked for."""
    head = _without_dead(head)
    # What is recorded is run on other numbers of tokens, of which a list of chunks would know nothing.
    chunks = [slice(None)] if is_recorded() else _chunks(head)
    values = torch.cat([_chunk_in_words(head, factor, rows) for rows in chunks])
    return values if head.settings.reduction == "none" else BACKEND.total(values)


def _chunks(head: Head) -> list[slice]:
    step = head.chunk()
    return [slice(first, first + step) for first in range(0, max(head.tokens, 1), step)]


def _several(call: Call, saved: Sequence[Any], up: Array) -> Sequence[Array]:
    """The gradients for several upstreams at a time, as rows of a Jacobian are."""
    with torch.enable_grad():
        hidden, weight, bias, labels, factor = saved
        value = _in_words(call.of(hidden, weight, bias, labels), factor)
        found: Sequence[Array] = torch.autograd.grad(value, call.trained((hidden, weight, bias)), up)
    return found


def _second(call: Call, head: Head, up: Array, factor: Array, upstream: Sequence[Array]) -> tuple[Array, list[Array]]:
    """What comes back through the gradients, chunk by chunk."""
    head = _without_dead(head)
    unreduced = head.settings.reduction == "none"
    places, names = [i for i, wanted in enumerate(call.wanted) if wanted], ("hidden", "weight", "bias")
    ups: list[Array] = []
    totals: dict[str, Any] = {names[i]: [] if i == 0 else 0.0 for i in places}
    for rows in _chunks(head):
        part = replace(head, hidden=head.hidden[rows], labels=head.labels[rows])
        own, whole = factor[rows], slice(None)

        def pull(up: Array, *trained: Array, part: Head = part, own: Array = own, whole: slice = whole) -> Any:
            def words(*trained: Array) -> Array:
                changed = {names[i]: x for i, x in zip(places, trained, strict=True)}
                values = _chunk_in_words(replace(part, **changed), own, whole)
                return values if unreduced else BACKEND.total(values)

            return torch.func.vjp(words, *trained)[1](up)

        trained = [getattr(part, names[i]) for i in places]
        back = torch.func.vjp(pull, up[rows] if unreduced else up, *trained)[1]
        cotangents = tuple(x[rows] if i == 0 else x for i, x in zip(places, upstream, strict=True))
        of_up, *found = back(cotangents)
        ups.append(of_up)
        for i, gradient in zip(places, found, strict=True):
            totals[names[i]] = [*totals[names[i]], gradient] if i == 0 else totals[names[i]] + gradient
    of_all = torch.cat(ups) if unreduced else torch.stack(ups).sum(0)
    return of_all, [torch.cat(x) if isinstance(x, list) else x for x in totals.values()]
