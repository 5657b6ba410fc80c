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
from ..facts.arguments import Role
from ..facts.record import Record
from ..kernels import triton as on_device
from .torch_doors import apply, is_recorded, is_several, is_transformed

if TYPE_CHECKING:
    from ..looks.modes import Mode

# Makes the call on tensors that autograd sees, given in the order of those of the arguments.
Words = Callable[[Sequence[Array]], Any]
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
    return ""


def widened(x: Array) -> Array:
    """Half precision as float32, in which a small gradient does not vanish before it is scaled."""
    return x.float() if x.dtype in HALF else x


def differentiated(y_pred: Array) -> bool:
    """Whether a gradient will be asked for."""
    return bool(y_pred.requires_grad) and torch.is_grad_enabled()


class Given(NamedTuple):
    """The tensors of a call's arguments one after the other, in the dtype that is computed with.

    ``predicted`` are the places of those that have a gradient, ``parts`` says of each argument how many tensors it is,
    0 of one that is no tuple.
    """

    arrays: tuple[Array, ...]
    predicted: tuple[int, ...]
    parts: tuple[int, ...]
    dtype: torch.dtype

    def arguments(self, arrays: Sequence[Any]) -> list[Any]:
        """As the caller passed them, made of these arrays."""
        rest = iter(arrays)
        return [tuple(next(rest) for _ in range(count)) if count else next(rest) for count in self.parts]

    @property
    def predictions(self) -> list[Array]:
        """The tensors that have a gradient."""
        return [self.arrays[place] for place in self.predicted]

    def is_differentiated(self, *others: Any) -> bool:
        """Whether more than predictions is differentiated: targets, or what else the call was given."""
        rest = [x for place, x in enumerate(self.arrays) if place not in self.predicted]
        return torch.is_grad_enabled() and any(x.requires_grad for x in (*rest, *others) if x is not None)


def given(record: Record, arguments: Sequence[Any]) -> Given | None:
    """The tensors of a call, or None where arguments are something else or predictions are whole numbers."""
    parts = [len(x) if isinstance(x, tuple) else 0 for x in arguments]
    arrays = [leaf for x in arguments for leaf in leaves(x)]
    roles = [argument.role for argument, x in zip(record.arguments, arguments, strict=True) for _ in leaves(x)]
    predicted = tuple(place for place, role in enumerate(roles) if role is Role.PREDICTION)
    if any(type(x) not in PLAIN for x in arrays) or not all(arrays[place].is_floating_point() for place in predicted):
        return None
    return Given(tuple(map(widened, arrays)), predicted, tuple(parts), arrays[predicted[0]].dtype)


def leaves(x: Any) -> Sequence[Any]:
    """The arrays of an argument, or of the gradients for the predictions."""
    if not isinstance(x, tuple):
        return (x,)
    return [leaf for each in x for leaf in leaves(each)]


def together(
    prepare: Prepare, record: Record, arguments: Sequence[Any], sample_weight: Any, where: Any
) -> Together | None:
    """The call with value and gradient at once, or None where only words give what is asked for."""
    found = given(record, arguments) if record.is_pair else None
    if found is None:
        return None
    others = [x for x in (sample_weight, where) if isinstance(x, torch.Tensor)]
    wanted = any(map(differentiated, found.predictions)) or found.predictions[0].is_cuda
    if not wanted or unfit(*arguments, *others) or found.is_differentiated(*others):
        return None
    arrays = found.arguments([x.detach() for x in found.arrays])
    batch = prepare(arrays, sample_weight, where, kernel=on_device.offer)
    return Together(batch, found, lambda given: prepare(found.arguments(given), sample_weight, where), others)


class Together:
    """A call whose ``batch`` computes on tensors that autograd does not see; ``words`` makes it on those it does."""

    def __init__(self, batch: Batch, given: Given, words: Words, others: Sequence[Array]) -> None:
        self.batch = batch
        self.given = given
        self.words = words
        self.others = others

    def values(self) -> Array:
        """One value per data point, as a tensor that knows its gradient."""
        return self.reduced("none")

    def reduced(self, reduction: str) -> Array:
        """The reduced loss, as a tensor that knows its gradient."""
        if self.batch.fused is None and reduction == "none":
            return self.result(self.words(self.given.arrays).reduced("none"))
        if not any(map(differentiated, self.given.predictions)):
            return self.answer(self.tensor(self.batch.reduced(reduction)), reduction)
        arrays = self.given.arrays
        if reduction == "none":
            values = self.tensor(self.batch.reduced("none"))
            return self.result(apply(_Values, [self, values], *arrays))
        value, gradients = self.both(reduction)
        return apply(_Total, [self, reduction, gradients, value], *arrays, *self.others)

    def both(self, reduction: str) -> tuple[Array, list[Array]]:
        """The reduced loss and its gradients, as they were computed."""
        value, found = self.batch.value_and_gradient(reduction)
        return self.tensor(value), [self.tensor(x) for x in leaves(found)]

    def tensor(self, x: Any) -> Array:
        """What ``batch`` computed, as a tensor."""
        return x

    def array(self, x: Array) -> Any:
        """A tensor as what ``batch`` computes on."""
        return x.detach()

    def pulled_back(self, upstream: Array) -> list[Array]:
        """The gradients for one factor per data point."""
        if not is_several(upstream):
            return [self.tensor(x) for x in leaves(self.batch.pulled_back(self.array(upstream)))]
        like = self.given.predictions[0]
        ones = torch.ones(upstream.shape, dtype=like.dtype, device=like.device)
        return [self._times(upstream, self.tensor(x)) for x in leaves(self.batch.pulled_back(self.array(ones)))]

    def _times(self, factor: Array, unit: Array) -> Array:
        """The gradient for many factors of every data point at once."""
        if factor.dim() != unit.dim():
            for axis in self.batch.rows.axes:
                factor = factor.unsqueeze(axis)
        while factor.dim() < unit.dim():  # The gradients of parts lie side by side.
            factor = factor.unsqueeze(-1)
        return factor * unit

    def again(self, reduction: str, arrays: Sequence[Array], upstream: Array) -> list[Array | None]:
        """The gradients for the predictions in words, which are differentiable again where that is wanted."""
        wanted = [place for place in self.given.predicted if arrays[place].requires_grad]
        found = differentiable(lambda: self.words(arrays).reduced(reduction), [arrays[i] for i in wanted], upstream)
        by_place = dict(zip(wanted, found, strict=True))
        return [by_place.get(place) for place in range(len(arrays))]

    def placed(self, gradients: Sequence[Array]) -> list[Array | None]:
        """The gradients of the predictions at the places of their tensors."""
        by_place = dict(zip(self.given.predicted, gradients, strict=True))
        return [by_place.get(place) for place in range(len(self.given.arrays))]

    def value_and_gradient(self, reduction: str) -> tuple[Array, Any]:
        """The reduced loss and its gradient, in the structure of the predictions."""
        value, found = self.batch.value_and_gradient(reduction)
        return self.answer(self.tensor(value), reduction), self._results(found)

    def _results(self, x: Any) -> Any:
        return tuple(map(self._results, x)) if isinstance(x, tuple) else self.result(self.tensor(x))

    def result(self, x: Array) -> Array:
        """In the dtype of the predictions."""
        return x if x.dtype is self.given.dtype else x.to(self.given.dtype)

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


class _Total(torch.autograd.Function):
    """As `Total`, of a call with any arguments; ``known`` holds the call, the reduction, the gradients and the total."""

    @staticmethod
    def forward(ctx: Any, known: list[Any], *arrays: Array) -> Array:
        ctx.save_for_backward(*arrays)
        total: Array = known.pop()
        ctx.known = known
        return total

    @staticmethod
    def backward(ctx: Any, *upstream: Array) -> Any:
        known, saved = ctx.known, ctx.saved_tensors
        call, reduction = known[:2]
        count = len(call.given.arrays)
        if torch.is_grad_enabled():
            found = call.again(reduction, saved[:count], upstream[0])
        else:
            gradients = known.pop() if len(known) == 3 else call.both(reduction)[1]
            found = call.placed([scaled(x, upstream[0]) for x in gradients])
        return None, *found, *[None] * (len(saved) - count)


class _Values(torch.autograd.Function):
    """One number per data point; ``known`` holds the call and the numbers, the gradients are computed for the factors
    that come."""

    @staticmethod
    def forward(ctx: Any, known: list[Any], *arrays: Array) -> Array:
        ctx.save_for_backward(*arrays)
        values: Array = known.pop()
        ctx.known = known
        return values

    @staticmethod
    def backward(ctx: Any, *upstream: Array) -> Any:
        (call,), saved = ctx.known, ctx.saved_tensors
        if torch.is_grad_enabled():
            return None, *call.again("none", saved, upstream[0])
        return None, *call.placed(call.pulled_back(upstream[0]))


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
