"""A reduced loss whose gradient was computed with it, handed to PyTorch's autograd.

Value and gradient have most of their terms in common, so both together take a third fewer operations than one after
the other.  A tensor that needs no other derivative than this is given it; everything else is left to the words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import torch

from ..backends import Array
from ..backends.torch import PLAIN
from ..calls import evaluate
from ..calls.evaluate import Batch
from ..calls.plan import Setting
from ..calls.route import Prepare
from ..kernels import triton as on_device
from .torch_doors import apply, is_recorded, is_several, is_transformed

if TYPE_CHECKING:
    from ..looks.modes import Mode

# Makes the call on tensors that autograd sees.
Words = Callable[[Array, Array], Any]
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
    if any(x.requires_grad for x in (*arrays[:1], *arrays[2:])) and torch.is_grad_enabled():
        return "more than y_pred is differentiated"
    return ""


def widened(x: Array) -> Array:
    """Half precision as float32, in which a small gradient does not vanish before it is scaled."""
    return x.float() if x.dtype in HALF else x


def differentiated(y_pred: Array) -> bool:
    """Whether a gradient will be asked for."""
    return bool(y_pred.requires_grad) and torch.is_grad_enabled()


def together(prepare: Prepare, y_true: Any, y_pred: Array, sample_weight: Any, where: Any) -> Together | None:
    """The call with value and gradient at once, or None where only words give what is asked for."""
    if type(y_true) not in PLAIN or not y_pred.is_floating_point():
        return None
    others = [x for x in (sample_weight, where) if isinstance(x, torch.Tensor)]
    if not (differentiated(y_pred) or y_pred.is_cuda) or unfit(y_true, y_pred, *others):
        return None
    true, pred = widened(y_true), widened(y_pred)
    batch = prepare(true.detach(), pred.detach(), sample_weight, where, kernel=on_device.offer)
    return Together(batch, true, pred, y_pred.dtype, lambda y, p: prepare(y, p, sample_weight, where), others)


class Together:
    """A call whose ``batch`` computes on tensors that autograd does not see; ``words`` makes it on those it does."""

    def __init__(
        self, batch: Batch, y_true: Array, y_pred: Array, dtype: torch.dtype, words: Words, others: Sequence[Array]
    ) -> None:
        self.batch = batch
        self.others = others
        self.y_true = y_true
        self.y_pred = y_pred
        self.dtype = dtype
        self.words = words

    def values(self) -> Array:
        """One value per data point, as a tensor that knows its gradient."""
        return self.reduced("none")

    def reduced(self, reduction: str) -> Array:
        """The reduced loss, as a tensor that knows its gradient."""
        if self.batch.fused is None and reduction == "none":
            return self.result(self.words(self.y_true, self.y_pred).reduced("none"))
        if not differentiated(self.y_pred):
            return self.answer(self.tensor(self.batch.reduced(reduction)), reduction)
        if reduction == "none":
            values = self.tensor(self.batch.reduced("none"))
            return self.result(apply(Values, self.y_pred, self.y_true, [_Pulled(self), None, values]))
        return self.total(lambda: self.both(reduction), reduction)

    def both(self, reduction: str) -> tuple[Array, Array]:
        """The reduced loss and its gradient, as they were computed."""
        value, gradient = self.batch.value_and_gradient(reduction)
        return self.tensor(value), self.tensor(gradient)

    def tensor(self, x: Any) -> Array:
        """What ``batch`` computed, as a tensor."""
        return x

    def given(self, x: Array) -> Any:
        """A tensor as what ``batch`` computes on."""
        return x.detach()

    def pulled_back(self, upstream: Array) -> Array:
        """The gradient for one factor per data point."""
        if not is_several(upstream):
            return self.tensor(self.batch.pulled_back(self.given(upstream)))
        ones = torch.ones(upstream.shape, dtype=self.y_pred.dtype, device=self.y_pred.device)
        unit, factor = self.tensor(self.batch.pulled_back(self.given(ones))), upstream
        if upstream.dim() != unit.dim():
            for axis in self.batch.rows.axes:
                factor = factor.unsqueeze(axis)
        return factor * unit

    def total(self, find: Callable[[], tuple[Array, Array]], reduction: str) -> Array:
        """A number that knows its gradient."""
        total, gradient = find()
        recipe = _Found(find, self.words, reduction)
        return apply(Total, self.y_pred, self.y_true, [recipe, gradient, total], *self.others)

    def value_and_gradient(self, reduction: str) -> tuple[Array, Array]:
        """The reduced loss and its gradient."""
        value, gradient = self.both(reduction)
        return self.answer(value, reduction), self.result(gradient)

    def result(self, x: Array) -> Array:
        """In the dtype of the predictions."""
        return x if x.dtype is self.dtype else x.to(self.dtype)

    def answer(self, x: Array, reduction: str) -> Array:
        """A reduced loss as it was computed, values in the dtype of the predictions."""
        return self.result(x) if reduction == "none" else x


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

    def pulled(self, slopes: Array, upstream: Array) -> Array:
        """The gradient for one factor per data point."""
        return (upstream if upstream.dim() == slopes.dim() else upstream.unsqueeze(-1)) * slopes


class _Found(NamedTuple):
    find: Callable[[], tuple[Array, Array]]
    words: Words
    reduction: str

    def gradient(self, y_true: Array, y_pred: Array) -> Array:
        return self.find()[1]

    def total(self, y_true: Array, y_pred: Array) -> Array:
        found: Array = self.words(y_true, y_pred).reduced(self.reduction)
        return found


class _Pulled(NamedTuple):
    call: Together

    def total(self, y_true: Array, y_pred: Array) -> Array:
        found: Array = self.call.words(y_true, y_pred).reduced("none")
        return found

    def pulled(self, _: None, upstream: Array) -> Array:
        return self.call.pulled_back(upstream)


class Total(torch.autograd.Function):
    """A number whose gradient is known already.

    ``given`` holds a recipe, and until somebody takes them the gradient and the number; a list, because a tensor that
    is given and returned counts as a view, which nothing may be added to.
    """

    @staticmethod
    def forward(ctx: Any, y_pred: Array, y_true: Array, given: list[Any], *others: Array) -> Array:
        # What the words would read again is saved, so that a change of it in place is noticed.
        ctx.save_for_backward(y_pred, y_true, *others)
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
            found = differentiable(given[0].total, saved[1], saved[0], upstream)
        else:
            found = scaled(gradient, upstream)
        return (found, None, None) if len(saved) == 2 else (found, *[None] * len(saved))


class Values(torch.autograd.Function):
    """One number per data point.

    ``given`` holds a recipe, the slopes if they are known already, and until somebody takes them the numbers.
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
            return differentiable(recipe.total, y_true, y_pred, upstream[0]), None, None
        return recipe.pulled(slopes, upstream[0]), None, None


_is_grad_enabled = torch.is_grad_enabled


def scaled(gradient: Array, upstream: Array) -> Array:
    """A gradient that nobody else holds, times what comes from above."""
    if is_several(upstream):
        return upstream * gradient
    if not gradient.is_cpu:  # Where looking at a number would wait for the device.
        return on_device.scaled(gradient, upstream)
    factor = upstream.item()
    return gradient if factor == 1.0 else gradient.mul_(factor)


def differentiable(total: Callable[[Array, Array], Array], y_true: Array, y_pred: Array, upstream: Array) -> Array:
    """The gradient of what autograd sees, differentiable again where that is wanted."""
    repeated = torch.is_grad_enabled()
    with torch.enable_grad():
        value = total(y_true, y_pred)
        (gradient,) = torch.autograd.grad(value, y_pred, upstream, create_graph=repeated)
    return gradient
