"""NumPy's spelling of the vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from ._base import Array, Traced
from ._bits import ShowsBits

# NumPy makes up the name of a dtype at every request, which takes longer than a small loss.
_DTYPES = ("float16", "float32", "float64", "bool", "int8", "int16", "int32", "int64")
_NAMES = {np.dtype(name): name for name in (*_DTYPES, "uint8", "uint16", "uint32", "uint64")}


class NumpyBackend(ShowsBits):
    """Arrays of NumPy, and everything it converts: lists, numbers, pandas and polars columns."""

    # The ufuncs' own `reduce` stands where `np.sum` or `np.max` would do the same after more steps in Python.

    name = "numpy"
    noun = "a NumPy array"
    plain = frozenset({np.ndarray})

    abs = staticmethod(np.abs)
    sign = staticmethod(np.sign)
    exp = staticmethod(np.exp)
    expm1 = staticmethod(np.expm1)
    log = staticmethod(np.log)
    log1p = staticmethod(np.log1p)
    sqrt = staticmethod(np.sqrt)
    square = staticmethod(np.square)  # type: ignore[assignment]
    sinh = staticmethod(np.sinh)  # type: ignore[assignment]
    tanh = staticmethod(np.tanh)
    arctan = staticmethod(np.arctan)
    cos = staticmethod(np.cos)
    sin = staticmethod(np.sin)
    floor = staticmethod(np.floor)
    maximum = staticmethod(np.maximum)
    minimum = staticmethod(np.minimum)
    where = staticmethod(np.where)
    equal = staticmethod(np.equal)
    less = staticmethod(np.less)  # type: ignore[assignment]
    less_equal = staticmethod(np.less_equal)  # type: ignore[assignment]
    logical_and = staticmethod(np.logical_and)
    logical_or = staticmethod(np.logical_or)
    logical_not = staticmethod(np.logical_not)

    def owns(self, value: Any) -> bool:
        return isinstance(value, np.ndarray | np.generic)

    def asarray(self, value: Any, like: Array | None = None) -> Array:
        array = np.asarray(value)
        return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))

    def dtype(self, x: Array) -> str:
        return _NAMES.get(x.dtype) or str(x.dtype.name)

    def cast(self, x: Array, dtype: str) -> Array:
        if dtype == "bfloat16":
            import ml_dtypes

            return x.astype(ml_dtypes.bfloat16)
        with np.errstate(invalid="ignore", over="ignore"):  # A NaN among labels, a number beyond half precision.
            return x.astype(dtype, copy=False)

    def default_float(self) -> str:
        return "float64"

    def host(self, x: Array, *, wait: bool) -> Array | None:
        return x

    def computing(self, dtype: str) -> AbstractContextManager[Any]:
        return np.errstate(all="ignore")

    def moveaxis(self, x: Array, source: int, destination: int) -> Array:
        return np.moveaxis(x, source, destination)

    def expand_last(self, x: Array) -> Array:
        return x[..., None]

    def squeeze_last(self, x: Array) -> Array:
        return x[..., 0]

    def stack_last(self, arrays: Sequence[Array]) -> Array:
        return np.stack(arrays, -1)

    def total(self, x: Array) -> Array:
        total = np.add.reduce(x, axis=None, dtype=np.float64)
        return total if x.dtype == np.float64 else total.astype(x.dtype)

    def size(self, x: Array) -> int:
        return int(x.size)

    def ones_like(self, x: Array) -> Array:
        return np.ones_like(x)

    def matmul(self, a: Array, b: Array) -> Array:
        return np.matmul(a, b)

    def concat_last(self, arrays: Sequence[Array]) -> Array:
        return np.concatenate(arrays, -1)

    def take_each(self, x: Array, labels: Array) -> Array:
        index = np.clip(labels, 0, x.shape[-1] - 1)[..., None, :]
        return np.take_along_axis(x, np.broadcast_to(index, (*x.shape[:-1], labels.shape[-1])), -1)

    def value_and_grad(self, function: Callable[[Array], Array], y_pred: Array) -> tuple[Array, Array]:
        raise NotImplementedError("NumPy does not differentiate; losses are traced instead")

    def differentiable(self, program: Traced) -> Callable[..., Array]:
        value = program.value(self)

        def quiet(*args: Any) -> Array:
            # Branches that `where` discards may overflow; NumPy would warn about them.
            with np.errstate(all="ignore"):
                return value(*args)

        return quiet

    def with_bits(self, x: Array, mask: int) -> Array:
        bits = "int32" if x.dtype == np.float32 else "int64"
        kept: Array = np.bitwise_and(np.asarray(x).view(bits), mask)
        return kept.view(x.dtype)

    def residual(self, a: Array, factor: Array, b: Array) -> Array:
        if b.dtype != np.float32:
            return super().residual(a, factor, b)
        # In double precision the product of two such numbers is exact.
        return (a - np.multiply(factor, b, dtype=np.float64)).astype(np.float32)

    def indicator(self, condition: Array, like: Array) -> Array:
        return condition.astype(like.dtype)

    # Sums are kept in float64, so that neither rounding nor overflow depends on the length of the row.

    def sum(self, x: Array) -> Array:
        return np.add.reduce(x, axis=-1, keepdims=True, dtype=np.float64).astype(x.dtype, copy=False)

    def mean(self, x: Array) -> Array:
        if x.dtype == np.float64:
            return super().mean(x)
        return (np.add.reduce(x, axis=-1, keepdims=True, dtype=np.float64) / x.shape[-1]).astype(x.dtype)

    def mean_square(self, x: Array) -> Array:
        if x.dtype == np.float64:
            return super().mean_square(x)
        squares = np.square(x, dtype=np.float64)
        return (np.add.reduce(squares, axis=-1, keepdims=True) / x.shape[-1]).astype(x.dtype)

    def max(self, x: Array) -> Array:
        return np.maximum.reduce(x, axis=-1, keepdims=True)

    def first_max(self, x: Array) -> Array:
        return np.arange(x.shape[-1]) == x.argmax(-1)[..., None]

    def sorted_down(self, x: Array) -> Array:
        return -np.sort(-x, axis=-1)

    def cumulated(self, x: Array) -> Array:
        return np.cumsum(x, axis=-1)

    def count(self, x: Array) -> Any:
        return x.dtype.type(x.shape[-1])

    def take(self, x: Array, label: Array) -> Array:
        length = x.shape[-1]
        taken = np.take_along_axis(x, np.minimum(np.maximum(label, 0), length - 1), axis=-1)
        return np.where((label >= 0) & (label < length), taken, x.dtype.type(np.nan))

    def look_up(self, table: Array, labels: Array) -> Array:
        return table[np.clip(labels, 0, len(table) - 1)]

    def is_label(self, label: Array, like: Array) -> Array:
        return np.arange(like.shape[-1]) == label

    def position(self, like: Array) -> Array:
        return self.spread(np.arange(like.shape[-1]), like)

    def detach(self, x: Array) -> Array:
        return x

    def spread(self, x: Array, like: Array) -> Array:
        row = np.asarray(x, like.dtype)
        return row if row.shape == like.shape else np.broadcast_to(row, like.shape)


BACKEND = NumpyBackend()
