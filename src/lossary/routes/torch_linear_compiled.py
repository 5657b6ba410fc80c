"""Heads inside torch.compile and torch.export: an operator that the compiler calls and does not look into.

It is given the loss as the text of its configuration, so that a program that was saved finds it in any process.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch

from ..backends import FLOATS, Array
from ..backends.torch import BACKEND
from ..calls.linear import Arguments, Head, prepare
from ..objects.get import get
from ..objects.linear import LinearLoss
from . import in_chunks
from .torch_doors import is_transformed

_Tensors = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def takes(given: Arguments) -> bool:
    """Whether a program is being compiled in which gradients for hidden, weight and bias are all there is to ask."""
    if not torch.compiler.is_dynamo_compiling() or is_transformed():
        return False
    others = [x for x in (given.y_true, given.sample_weight, given.where) if isinstance(x, torch.Tensor)]
    return all(isinstance(x, torch.Tensor) for x in given[:3]) and not any(x.requires_grad for x in others)


def value(spelling: str, reduction: str, given: Arguments) -> Array:
    """The reduced loss of the configuration that is spelled so, differentiable once."""
    trained = [x is not None and x.requires_grad for x in given[1:4]]
    # Gradients that are made with the value want one number upstream, and somebody to wait for them.
    ready = reduction != "none" and torch.is_grad_enabled() and not torch.compiler.is_exporting()
    found: Array = _linear(*given, spelling, trained if ready else [False] * 3)[0]
    return found


# --- the operators ---------------------------------------------------------------------------------------------------


@torch.library.custom_op("lossary::linear", mutates_args=())
def _linear(
    y_true: torch.Tensor,
    hidden: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    sample_weight: torch.Tensor | None,
    where: torch.Tensor | None,
    loss: str,
    wanted: Sequence[bool],
) -> _Tensors:
    """The value, and the wanted gradients for an upstream of 1."""
    given = Arguments(y_true, hidden, weight, bias, sample_weight, where)
    head = _head(loss, given)
    values, gradients = _run(head, wanted, head.factors())
    reduced = values if head.settings.reduction == "none" else BACKEND.total(values)
    return head.answer(reduced), *_three(head, given, wanted, gradients)


@torch.library.custom_op("lossary::linear_back", mutates_args=())
def _back(
    up: torch.Tensor,
    y_true: torch.Tensor,
    hidden: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    sample_weight: torch.Tensor | None,
    where: torch.Tensor | None,
    loss: str,
    wanted: Sequence[bool],
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The wanted gradients for an upstream, of one number or of one per token."""
    given = Arguments(y_true, hidden, weight, bias, sample_weight, where)
    head = _head(loss, given)
    factor = head.factors()
    return _three(head, given, wanted, _run(head, wanted, factor * up.reshape(-1).to(factor.dtype))[1])


@lru_cache(maxsize=64)
def _loss(spelling: str) -> LinearLoss:
    found: LinearLoss = get(json.loads(spelling))  # type: ignore[assignment]
    return found


def _head(spelling: str, given: Arguments) -> Head:
    settings, _ = _loss(spelling).prepared(given)
    return prepare(settings, given)


def _run(head: Head, wanted: Sequence[bool], factor: Array) -> tuple[Array, list[Array]]:
    from .linear_torch import Products  # Which imports what only heads need.

    hidden, weight, bias = wanted
    return in_chunks.run(head, Products(head.hidden, head.computing), (hidden, weight, bias), factor)


def _three(
    head: Head, given: Arguments, wanted: Sequence[bool], gradients: list[Array]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gradients in the shapes and dtypes of the arguments; what is not wanted is empty."""
    each = iter(gradients)
    hidden, weight, bias = (next(each) if here else None for here in wanted)
    if hidden is not None:
        hidden = hidden.reshape(*head.points, -1)
        # Hidden vectors whose labels are shifted out have no part in the loss.
        hidden = torch.nn.functional.pad(hidden, (0, 0, 0, head.settings.shift)) if head.settings.shift else hidden
    found = [
        like.new_empty(0) if x is None else x.to(like.dtype)
        for x, like in zip((hidden, weight, bias), _likes(given), strict=True)
    ]
    return found[0], found[1], found[2]


def _likes(given: Arguments) -> tuple[Array, Array, Array]:
    return given.hidden, given.weight, given.weight if given.bias is None else given.bias


# --- what the compiler knows of them ---------------------------------------------------------------------------------


@_linear.register_fake
def _(
    y_true: Any, hidden: Any, weight: Any, bias: Any, sample_weight: Any, where: Any, loss: str, wanted: Any
) -> _Tensors:
    settings, given = _loss(loss).prepared(Arguments(y_true, hidden, weight, bias, sample_weight, where))
    dtypes = [BACKEND.dtype(x) for x in (hidden, weight, bias) if x is not None]
    dtype = next((each for each in dtypes if each in FLOATS), BACKEND.default_float())
    if settings.reduction == "none":
        *leading, tokens, _ = hidden.shape
        value = hidden.new_empty((*leading, tokens - settings.shift), dtype=getattr(torch, dtype))
    else:
        value = hidden.new_empty((), dtype=torch.float64 if "float64" in dtypes else torch.float32)
    return value, *_empty(given, wanted)


@_back.register_fake
def _(up: Any, *given: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    *arguments, _, wanted = given
    return _empty(Arguments(*arguments), wanted)


def _empty(given: Arguments, wanted: Sequence[bool]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    one, two, three = (
        like.new_empty(like.shape if here else 0) for like, here in zip(_likes(given), wanted, strict=True)
    )
    return one, two, three


def _keep(ctx: Any, inputs: tuple[Any, ...], output: _Tensors) -> None:
    *arrays, ctx.loss, ctx.ready = inputs
    _, *gradients = output
    ctx.mark_non_differentiable(*gradients)
    ctx.save_for_backward(*(gradients if any(ctx.ready) else arrays))


def _backward(ctx: Any, up: Array, *_: Any) -> Any:
    wanted = list(ctx.needs_input_grad[1:4])
    if any(ctx.ready):
        three = [x * up.to(x.dtype) if here else None for x, here in zip(ctx.saved_tensors, wanted, strict=True)]
    else:
        found = _back(up, *ctx.saved_tensors, ctx.loss, wanted)
        three = [x if here else None for x, here in zip(found, wanted, strict=True)]
    return None, *three, None, None, None, None


_linear.register_autograd(_backward, setup_context=_keep)
