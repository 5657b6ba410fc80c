"""JAX's spelling of the vocabulary, and its custom derivative."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from .base import Array, Backend

if TYPE_CHECKING:
    from ..program import Program


class JaxBackend(Backend):
    """Arrays and tracers: ``jit``, ``grad``, ``jacfwd``, ``hessian``, ``vmap``, sharded arrays."""

    name = "jax"

    abs = staticmethod(jnp.abs)
    sign = staticmethod(jnp.sign)
    exp = staticmethod(jnp.exp)
    expm1 = staticmethod(jnp.expm1)
    log = staticmethod(jnp.log)
    log1p = staticmethod(jnp.log1p)
    sqrt = staticmethod(jnp.sqrt)
    square = staticmethod(jnp.square)
    tanh = staticmethod(jnp.tanh)
    sigmoid = staticmethod(jax.nn.sigmoid)
    maximum = staticmethod(jnp.maximum)
    minimum = staticmethod(jnp.minimum)
    where = staticmethod(jnp.where)
    equal = staticmethod(jnp.equal)
    logical_and = staticmethod(jnp.logical_and)
    logical_or = staticmethod(jnp.logical_or)
    logical_not = staticmethod(jnp.logical_not)

    def owns(self, value: Any) -> bool:
        return isinstance(value, jax.Array)

    def asarray(self, value: Any, like: Array | None = None) -> Array:
        return jnp.asarray(value)

    def dtype(self, x: Array) -> str:
        return str(x.dtype.name)

    def cast(self, x: Array, dtype: str) -> Array:
        return x.astype(dtype)

    def default_float(self) -> str:
        return str(jnp.result_type(float).name)

    def host(self, x: Array, *, wait: bool) -> Any:
        if isinstance(x, jax.core.Tracer) or not x.is_fully_addressable:
            return None
        if not wait and any(device.platform != "cpu" for device in x.devices()):
            return None
        return np.asarray(x)

    def moveaxis(self, x: Array, source: int, destination: int) -> Array:
        return jnp.moveaxis(x, source, destination)

    def expand_last(self, x: Array) -> Array:
        return x[..., None]

    def squeeze_last(self, x: Array) -> Array:
        return x[..., 0]

    def total(self, x: Array) -> Array:
        return jnp.sum(x)

    def size(self, x: Array) -> int:
        return int(x.size)

    def ones_like(self, x: Array) -> Array:
        return jnp.ones_like(x)

    def label_dtype(self, dtype: str) -> str:
        return "int64" if dtype in ("int64", "uint64", "uint32") and jax.config.jax_enable_x64 else "int32"

    def indicator(self, condition: Array, like: Array) -> Array:
        return condition.astype(like.dtype)

    def sum(self, x: Array) -> Array:
        return jnp.sum(x, axis=-1, keepdims=True)

    def max(self, x: Array) -> Array:
        return jnp.max(x, axis=-1, keepdims=True)

    # Scaling by a power of two that the length of the row fixes costs no pass over the row, and the sum cannot
    # overflow where the mean fits; XLA takes what it pushes below 1e-38 for 0, as it does with all subnormals.

    def mean(self, x: Array) -> Array:
        scale = 2.0 ** math.ceil(math.log2(x.shape[-1]))
        return self.sum(x * (1.0 / scale)) * (scale / x.shape[-1])

    def mean_square(self, x: Array) -> Array:
        scale = 2.0 ** math.ceil(math.log2(x.shape[-1]) / 2.0)
        return self.sum(self.square(x * (1.0 / scale))) * (scale * scale / x.shape[-1])

    def first_max(self, x: Array) -> Array:
        # XLA reduces value and index together far more slowly than one after the other.
        position = jnp.arange(x.shape[-1])
        first = jnp.min(jnp.where(x == self.max(x), position, x.shape[-1]), axis=-1, keepdims=True)
        return position == first

    def count(self, x: Array) -> float:
        return float(x.shape[-1])

    def take(self, x: Array, label: Array) -> Array:
        length = x.shape[-1]
        taken = jnp.take_along_axis(x, jnp.clip(label, 0, length - 1), axis=-1)
        return jnp.where((label >= 0) & (label < length), taken, jnp.nan)

    def is_label(self, label: Array, like: Array) -> Array:
        return jnp.arange(like.shape[-1]) == label

    def spread(self, x: Any, like: Array) -> Array:
        return jnp.broadcast_to(jnp.asarray(x, like.dtype), like.shape)

    def value_and_grad(self, function: Callable[[Array], Array], y_pred: Array) -> tuple[Array, Array]:
        value, gradient = jax.value_and_grad(function)(y_pred)
        return value, gradient

    def differentiable(self, program: Program) -> Callable[..., Array]:
        value = program.value(self)

        @lru_cache(maxsize=64)
        def rule(fixed: tuple[float | None, ...]) -> Callable[..., Array]:
            """The custom derivative for these plain numbers; None marks the place of an array."""
            arrays = [i for i, number in enumerate(fixed) if number is None]

            def full(given: tuple[Array, ...]) -> list[Any]:
                inputs: list[Any] = list(fixed)
                for index, array in zip(arrays, given, strict=True):
                    inputs[index] = array
                return inputs

            @jax.custom_jvp
            def evaluate(*given: Array) -> Array:
                return value(*full(given))

            def jvp(primals: tuple[Array, ...], tangents: tuple[Any, ...]) -> tuple[Array, Array]:
                output = evaluate(*primals)
                change = jnp.zeros_like(output)
                for index, tangent in zip(arrays, tangents, strict=True):
                    if not isinstance(tangent, SymbolicZero):
                        change = change + self.sum(program.slope(self, index)(*full(primals)) * tangent)
                return output, change

            evaluate.defjvp(jvp, symbolic_zeros=True)
            return evaluate

        def call(*inputs: Any) -> Array:
            fixed = tuple(x if isinstance(x, float) else None for x in inputs)
            return rule(fixed)(*(x for x in inputs if not isinstance(x, float)))

        return call


BACKEND = JaxBackend()
