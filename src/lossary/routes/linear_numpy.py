"""Losses of scores that are not held at once, on NumPy's arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..backends import NUMPY, Array
from ..calls.linear import Arguments, Head, Settings, alone, prepare
from . import in_chunks

# Classes whose part of the weight's gradient is made at a time, as NumPy cannot add a product to what is there.
_CLASSES = 4096


class Products:
    """Products of arrays in the dtype to compute in."""

    times = 3  # OpenBLAS takes several times as long for products of fewer rows.

    def __init__(self, dtype: str) -> None:
        self.dtype = np.dtype(dtype)

    def wide(self, x: Array) -> Array:
        return x.astype(self.dtype, copy=False)

    def kept(self, live: Array | None) -> Array | None:
        return None if live is None or live.all() else np.flatnonzero(live)

    def empty(self, *shape: int) -> Array:
        return np.empty(shape, self.dtype)

    def zeros(self, *shape: int) -> Array:
        return np.zeros(shape, self.dtype)

    def scores(self, hidden: Array, weight: Array, out: Array) -> Array:
        return np.matmul(hidden, weight.T, out=out)

    def back(self, slopes: Array, weight: Array) -> Array:
        return slopes @ weight

    def gather(self, total: Array, slopes: Array, hidden: Array) -> None:
        for first in range(0, len(total), _CLASSES):
            total[first : first + _CLASSES] += slopes[:, first : first + _CLASSES].T @ hidden

    def row(self, head: Head, labels: Array, scores: Array, factor: Array, *, gradient: bool) -> tuple[Array, Any]:
        return in_chunks.fastest(head, labels, scores, factor, gradient=gradient)

    def add_over_tokens(self, total: Array, slopes: Array) -> None:
        total += slopes.sum(0, dtype=np.float64).astype(self.dtype)


def value(settings: Settings, given: Arguments) -> Array:
    """The reduced loss."""
    head = prepare(alone(settings, "numpy"), given)
    with NUMPY.computing(head.computing):
        return head.answer(
            _reduced(head, in_chunks.run(head, Products(head.computing), (False,) * 3, head.factors())[0])
        )


def value_and_gradients(settings: Settings, given: Arguments) -> tuple[Array, tuple[Array, ...]]:
    """The reduced loss and its gradients, in the shapes and dtypes of what is trained."""
    head = prepare(alone(settings, "numpy"), given)
    wanted = (True, True, given.bias is not None)
    with NUMPY.computing(head.computing):
        values, (hidden, *rest) = in_chunks.run(head, Products(head.computing), wanted, head.factors())
    trained = [NUMPY.asarray(x) for x in (given.hidden, given.weight, given.bias) if x is not None]
    gradients = [_unshifted(settings, hidden, trained[0].shape), *rest]
    found = tuple(g.astype(_kind(head, x), copy=False) for g, x in zip(gradients, trained, strict=True))
    return head.answer(_reduced(head, values)), found


def _reduced(head: Head, values: Array) -> Array:
    return values if head.settings.reduction == "none" else NUMPY.total(values)


def _kind(head: Head, x: Array) -> Any:
    """The dtype of a gradient: that of the array, as far as it is one of floats."""
    return x.dtype if x.dtype.kind not in "biu" else np.dtype(head.dtype)


def _unshifted(settings: Settings, gradient: Array, shape: tuple[int, ...]) -> Array:
    """The gradient with zeros for the last tokens, which predict nothing."""
    if settings.shift == 0:
        return gradient.reshape(shape)
    whole = np.zeros(shape, gradient.dtype)
    kept = max(shape[-2] - settings.shift, 0)
    whole[..., :kept, :] = gradient.reshape((*shape[:-2], kept, shape[-1]))
    return whole
