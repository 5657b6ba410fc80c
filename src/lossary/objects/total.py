"""The sum of a loss over some data points together with what it is to be divided by: two numbers that add.

Means of parts of a batch do not add up to the mean of the batch where the parts differ in size, weights or mask.  Sums
and weights do: over micro-batches, over processes, over devices, over all batches of a validation set.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .. import texts
from .._marks import unconverted
from ..backends import Array, Backend, owner
from ..calls.batch import Call, cast
from ..calls.reduce import quotient


@unconverted
class Total(NamedTuple):
    """The sum of a loss and its weight, as ``loss.total(y_true, y_pred)`` gives them.

    Totals add, ``sum(totals)`` of a list too, and `mean` is exactly the loss of all their data points in one batch,
    with its gradient.  It is a tuple, which JAX, PyTorch and TensorFlow take apart as they do with any other.

    Attributes:
        sum: The sum of the weighted losses of the data points that count.
        weight: What the reduction of the loss divides by: how many data points count, or the sum of their weights.

    >>> import lossary
    >>> loss = lossary.MeanSquaredError()
    >>> parts = [loss.total([0.0, 0.0, 0.0], [1.0, 2.0, 3.0]), loss.total([0.0], [4.0])]
    >>> float(sum(parts).mean()), float(loss([0.0] * 4, [1.0, 2.0, 3.0, 4.0]))
    (7.5, 7.5)
    """

    sum: Any
    weight: Any

    def mean(self, weight: Any = None) -> Array:
        """The mean loss; 0 where nothing counts.

        Args:
            weight: The weight of a whole batch of which this is a part.  The shares of all parts add up to the mean
                of the batch, and so do their gradients: ``loss.total(y_true, y_pred).mean(whole).backward()``.
        """
        return _mean(self, weight)

    def sync(self, group: Any = None) -> Total:
        """The total over all processes of ``torch.distributed``, or over all replicas of ``tf.distribute``.

        Its gradient is for what averages gradients over processes, as DistributedDataParallel and FSDP do.  In a script
        that was started as one process it is itself.
        """
        return _over(self, "sync", group)

    def psum(self, axis_name: Any) -> Total:
        """The total over an axis of JAX's devices, inside ``jax.shard_map`` or ``jax.pmap``, or of ``jax.vmap``."""
        return _over(self, "psum", axis_name)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Total):
            return Total(self.sum + other.sum, self.weight + other.weight)
        return _with_nothing(self, other)

    def __mul__(self, factor: Any) -> Any:
        return Total(self.sum * factor, self.weight)

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __rmul__(self, factor: Any) -> Any:
        return self * factor


@unconverted
class TotalOfTerms(NamedTuple):
    """The totals of a loss that is a sum: each of its terms divides by a weight of its own.

    Attributes:
        terms: The `Total` of each term, times the weight of the term.
    """

    terms: tuple[Total, ...]

    @property
    def sum(self) -> Array:
        """The sum of all terms."""
        return _added([term.sum for term in self.terms])

    def mean(self) -> Array:
        """The mean loss: each term's mean, added up."""
        return _added([term.mean() for term in self.terms])

    def sync(self, group: Any = None) -> TotalOfTerms:
        """As `Total.sync`."""
        return TotalOfTerms(tuple(term.sync(group) for term in self.terms))

    def psum(self, axis_name: Any) -> TotalOfTerms:
        """As `Total.psum`."""
        return TotalOfTerms(tuple(term.psum(axis_name) for term in self.terms))

    def __add__(self, other: Any) -> Any:
        if isinstance(other, TotalOfTerms) and len(other.terms) == len(self.terms):
            return TotalOfTerms(tuple(one + more for one, more in zip(self.terms, other.terms, strict=True)))
        return _with_nothing(self, other)

    def __mul__(self, factor: Any) -> Any:
        return TotalOfTerms(tuple(term * factor for term in self.terms))

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __rmul__(self, factor: Any) -> Any:
        return self * factor


# NumPy's numbers leave arithmetic with a total to it.
Total.__array_ufunc__ = TotalOfTerms.__array_ufunc__ = None  # type: ignore[attr-defined]


def of_call(call: Call, reduction: str) -> Total:
    """The total of a call that is ready."""
    found = call.reduced("sum")
    weight = call.batch.weight(reduction)
    # A kernel or NumPy may have read tensors of another library, which the caller has to meet again.
    return Total(found, weight if isinstance(weight, int) else owner(found).asarray(weight, found))


def _mean(total: Total, weight: Any) -> Array:
    whole = total.weight if weight is None else weight
    if isinstance(whole, int | float):
        return total.sum / whole if whole else total.sum * 0.0
    backend = owner(total.sum) if owner(whole).name == "numpy" else owner(whole)
    found = backend.asarray(total.sum)
    return quotient(backend, found, cast(backend, backend.asarray(whole, found), backend.dtype(found)))


def _over(total: Total, method: str, over: Any) -> Total:
    backend = owner(total.sum)
    if backend.adds_over != method:
        raise texts.no_others(backend.name, method, backend.adds_over)
    # Side by side, because each of them by itself would be a message more.
    both = backend.all_sum(backend.stack_last([total.sum, _beside(backend, total.weight, total.sum)]), over)
    return Total(both[0], both[1])


def _beside(backend: Backend, weight: Any, found: Array) -> Array:
    return cast(backend, backend.asarray(weight, found), backend.dtype(found))


def _with_nothing(total: Any, other: Any) -> Any:
    """The total itself, where `sum` starts with 0."""
    if isinstance(other, int) and other == 0 and not isinstance(other, bool):
        return total
    raise texts.not_a_total(other)


def _added(numbers: list[Any]) -> Any:
    first, *rest = numbers
    for number in rest:
        first = first + number
    return first
