"""Calls prepared once, handed to PyTorch's autograd: plain ones of targets and predictions, without weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import torch

from ..backends import Array
from ..calls import evaluate
from ..calls.plan import Setting
from ..facts.arguments import Role
from ..kernels import triton as on_device
from .torch_doors import is_several

if TYPE_CHECKING:
    from ..looks.modes import Mode


class Recipe(Protocol):
    """How a number of several tensors is computed once more; ``places`` are those of the predictions among them."""

    @property
    def places(self) -> Sequence[int]:
        """Where tensors stand that have a gradient."""

    def gradients(self, arrays: Sequence[Array]) -> Sequence[Array] | None:
        """The gradients with the same bits, or None where it must be seen how they are computed: when traced."""

    def total(self, arrays: Sequence[Array]) -> Array:
        """The number in words, which autograd sees."""


class Prepared:
    """A recipe of plain calls: what is said of the call besides its tensors is kept, and the words are those of it."""

    __slots__ = ("given", "others", "places", "predicted", "structure")

    def __init__(
        self, setting: Setting, structure: tuple[int, ...], axis: int, check: Mode | None, reduction: str, *,
        batched: bool = True,
    ) -> None:  # fmt: skip
        self.given = setting, axis, check, reduction, batched
        # How many tensors each argument is, 0 of one that is no tuple; nothing where none is.
        self.structure = structure
        roles = [argument.role for argument in setting.record.arguments]
        known = list(zip(roles, structure or [0] * len(roles), strict=True))
        leaves = [role for role, count in known for _ in range(count or 1)]
        self.places = [place for place, role in enumerate(leaves) if role is Role.PREDICTION]
        self.others = [place for place, role in enumerate(leaves) if role is not Role.PREDICTION]
        self.predicted = [count for role, count in known if role is Role.PREDICTION]

    def total(self, arrays: Sequence[Array]) -> Array:
        """The loss in words, which autograd sees."""
        setting, axis, check, reduction, batched = self.given
        batch = evaluate.prepare(setting, as_given(arrays, self.structure), axis=axis, check=check, batched=batched)
        found: Array = batch.reduced(reduction)
        return found

    def structured(self, gradients: Sequence[Any]) -> Any:
        """Gradients in the structure of the predictions."""
        if len(gradients) == 1:
            return gradients[0]
        found = as_given(gradients, self.predicted)
        return found[0] if len(found) == 1 else tuple(found)


def as_given(arrays: Sequence[Any], structure: Sequence[int]) -> list[Any]:
    """Arguments made of arrays: tuples of so many, or one where that is 0, or where there is no structure at all."""
    if not structure:
        return list(arrays)
    rest = iter(arrays)
    return [tuple([next(rest) for _ in range(count)]) if count else next(rest) for count in structure]


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
    """A number of tensors; a recipe and, until somebody takes them, the gradients are known.

    Tensors that the recipe does not know, which stand last, have no gradient.
    """

    @staticmethod
    def backward(ctx: Any, *upstream: Array) -> Any:
        known, arrays = ctx.known, ctx.saved_tensors
        recipe, found = known[0], None
        if not _is_grad_enabled():
            # Handed over, not shared: whoever gets a gradient may keep it without copying.
            found = known.pop() if len(known) == 2 else recipe.gradients(arrays)
        if found is None:
            return None, *in_words(recipe, arrays, upstream[0])
        return None, *placed(recipe.places, scaled(found, upstream[0]), arrays)


class Values(Known):
    """One number per data point of tensors; a recipe and the slopes are known."""

    @staticmethod
    def backward(ctx: Any, *upstream: Array) -> Any:
        (recipe, slopes), arrays, factor = ctx.known, ctx.saved_tensors, upstream[0]
        if _is_grad_enabled():
            return None, *in_words(recipe, arrays, factor)
        return None, *placed(recipe.places, [spread(factor, x) * x for x in slopes], arrays)


def spread(factor: Array, gradient: Array) -> Array:
    """One factor per data point beside its gradient, in which outputs, and parts of them, have axes of their own."""
    while factor.dim() < gradient.dim():
        factor = factor.unsqueeze(-1)
    return factor


def placed(places: Sequence[int], gradients: Sequence[Array], arrays: Sequence[Array]) -> list[Array | None]:
    """Gradients at their places among these tensors."""
    found: list[Array | None] = [None] * len(arrays)
    for number, place in enumerate(places):
        found[place] = gradients[number]
    return found


def in_words(recipe: Recipe, arrays: Sequence[Array], upstream: Array) -> list[Array | None]:
    """The gradients for the predictions in words, which are differentiable again where that is wanted."""
    wanted = [place for place in recipe.places if arrays[place].requires_grad]
    found = differentiable(lambda: recipe.total(arrays), [arrays[place] for place in wanted], upstream)
    return placed(wanted, found, arrays)


_is_grad_enabled = torch.is_grad_enabled


def scaled(gradients: Sequence[Array], upstream: Array) -> Sequence[Array]:
    """Gradients that nobody else holds, times what comes from above."""
    if not upstream.is_cpu:  # Where looking at a number would wait for the device.
        several = is_several(upstream)
        return [upstream * x if several else on_device.scaled(x, upstream) for x in gradients]
    try:
        factor = upstream.item()
    except RuntimeError:
        return [upstream * x for x in gradients]  # Several numbers at once: in ``vmap``, or for the rows of a Jacobian.
    return gradients if factor == 1.0 else [x.mul_(factor) for x in gradients]


def differentiable(find: Callable[[], Array], predictions: Sequence[Array], upstream: Array) -> tuple[Array, ...]:
    """The gradients of what autograd sees, differentiable again where that is wanted."""
    repeated = torch.is_grad_enabled()
    with torch.enable_grad():
        value = find()
        found: tuple[Array, ...] = torch.autograd.grad(value, predictions, upstream, create_graph=repeated)
    return found
