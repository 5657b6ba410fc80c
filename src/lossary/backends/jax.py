"""JAX's spelling of the vocabulary, and its custom derivative."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_derivatives import SymbolicZero

from ..looks.faults import Look, Site
from . import _jax_report
from ._base import Array, Traced
from ._bits import ShowsBits
from ._means import MeansByLength
from .numpy import BACKEND as NUMPY

_enable_x64 = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64  # Until JAX 0.8.


class JaxBackend(MeansByLength, ShowsBits):
    """Arrays and tracers: ``jit``, ``grad``, ``jacfwd``, ``hessian``, ``vmap``, sharded arrays."""

    name = "jax"
    noun = "a JAX array"
    can_report = True
    adds_over = "psum"

    abs = staticmethod(jnp.abs)
    sign = staticmethod(jnp.sign)
    exp = staticmethod(jnp.exp)
    expm1 = staticmethod(jnp.expm1)
    log = staticmethod(jnp.log)
    log1p = staticmethod(jnp.log1p)
    sqrt = staticmethod(jnp.sqrt)
    square = staticmethod(jnp.square)  # type: ignore[assignment]
    tanh = staticmethod(jnp.tanh)
    arctan = staticmethod(jnp.arctan)
    cos = staticmethod(jnp.cos)
    sin = staticmethod(jnp.sin)
    floor = staticmethod(jnp.floor)
    detach = staticmethod(jax.lax.stop_gradient)
    sigmoid = staticmethod(jax.nn.sigmoid)
    maximum = staticmethod(jnp.maximum)
    minimum = staticmethod(jnp.minimum)
    where = staticmethod(jnp.where)  # type: ignore[assignment]
    logical_and = staticmethod(jnp.logical_and)
    logical_or = staticmethod(jnp.logical_or)
    logical_not = staticmethod(jnp.logical_not)

    @staticmethod
    def equal(x: Array, y: Any) -> Array:
        """JAX takes a number of Python's for one of 32 bits with a sign."""
        return jnp.equal(x, np.asarray(y, x.dtype) if isinstance(y, int) and abs(y) >= 2**31 else y)

    def owns(self, value: Any) -> bool:
        return isinstance(value, jax.Array)

    def asarray(self, value: Any, like: Array | None = None) -> Array:
        if not isinstance(value, jax.Array):
            value = NUMPY.asarray(value)
            # Beyond 32 bits JAX would drop the upper ones of whole numbers.
            if value.dtype.kind in "iu" and not jax.config.jax_enable_x64 and not _in_32_bits(value):
                value = value.astype(np.float32)
        return jnp.asarray(value)

    def computing(self, dtype: str) -> AbstractContextManager[Any]:
        # Whole numbers are subtracted in double precision, also where JAX gives none to others.
        needed = dtype == "float64" and not jax.config.jax_enable_x64
        return _enable_x64(True) if needed else nullcontext()

    def dtype(self, x: Array) -> str:
        return str(x.dtype.name)

    def cast(self, x: Array, dtype: str) -> Array:
        return x.astype(dtype)

    def default_float(self) -> str:
        return str(jnp.result_type(float).name)

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        compiled: Callable[..., Any] = jax.jit(function)
        return compiled

    def host(self, x: Array, *, wait: bool) -> Any:
        if isinstance(x, jax.core.Tracer) or not x.is_fully_addressable:
            return None
        if not wait and any(device.platform != "cpu" for device in x.devices()):
            return None
        return np.asarray(x)

    def report_later(self, poison: Array, looks: Sequence[Look], site: Site) -> Array:
        return _jax_report.report_later(poison, looks, site)

    def all_sum(self, x: Array, over: Any) -> Array:
        return jax.lax.psum(x, over)

    def settle(self) -> None:
        jax.effects_barrier()

    def moveaxis(self, x: Array, source: int, destination: int) -> Array:
        return jnp.moveaxis(x, source, destination)

    def expand_last(self, x: Array) -> Array:
        return x[..., None]

    def squeeze_last(self, x: Array) -> Array:
        return x[..., 0]

    def stack_last(self, arrays: Sequence[Array]) -> Array:
        return jnp.stack(arrays, -1)

    def total(self, x: Array) -> Array:
        return jnp.sum(x)

    def size(self, x: Array) -> Any:
        return x.size if isinstance(x.size, int) else jnp.asarray(x.size, x.dtype)

    def ones_like(self, x: Array) -> Array:
        return jnp.ones_like(x)

    def label_dtype(self, dtype: str) -> str:
        return "int64" if dtype in ("int64", "uint64", "uint32") and jax.config.jax_enable_x64 else "int32"

    def finest(self, x: Array) -> str:
        return str(x.dtype.name)

    def matmul(self, a: Array, b: Array) -> Array:
        return jnp.matmul(a, b, precision="highest")

    def concat_last(self, arrays: Sequence[Array]) -> Array:
        return jnp.concatenate(arrays, -1)

    def take_each(self, x: Array, labels: Array) -> Array:
        index = jnp.clip(labels, 0, x.shape[-1] - 1)[..., None, :]
        return jnp.take_along_axis(x, jnp.broadcast_to(index, (*x.shape[:-1], labels.shape[-1])), -1)

    def scan(
        self, step: Callable[..., tuple[Array, Array]], start: Array, rows: Sequence[Array], *, reverse: bool
    ) -> tuple[Array, Array]:
        by_time = tuple(jnp.moveaxis(x, -2, 0) for x in rows)
        last, found = jax.lax.scan(lambda state, row: step(state, *row), start, by_time, reverse=reverse)
        return last, jnp.moveaxis(found, 0, -2)

    def sinh(self, x: Array) -> Array:
        if x.dtype != jnp.float32:
            return super().sinh(x)
        # XLA's expm1 is off by up to six units in the last place; to that of x**9 the series is off by half of one.
        near = jnp.where(jnp.abs(x) < 1.0, x, 0.0)
        square = near * near
        series = near + near * square * (1 / 6 + square * (1 / 120 + square * (1 / 5040 + square / 362880)))
        return jnp.where(jnp.abs(x) < 1.0, series, super().sinh(x))

    def with_bits(self, x: Array, mask: int) -> Array:
        bits = jnp.int32 if x.dtype == jnp.float32 else jnp.int64
        kept = jax.lax.bitcast_convert_type(jax.lax.stop_gradient(x), bits) & mask
        return jax.lax.bitcast_convert_type(kept, x.dtype)

    def indicator(self, condition: Array, like: Array) -> Array:
        return condition.astype(like.dtype)

    def sum(self, x: Array) -> Array:
        return jnp.sum(x, axis=-1, keepdims=True)

    def max(self, x: Array) -> Array:
        return jnp.max(x, axis=-1, keepdims=True)

    def first_max(self, x: Array) -> Array:
        # XLA reduces value and index together far more slowly than one after the other.
        position = _positions(x)
        first = jnp.min(jnp.where(x == self.max(x), position, x.shape[-1]), axis=-1, keepdims=True)
        return position == first

    def sorted_down(self, x: Array) -> Array:
        return -jnp.sort(-x, axis=-1)

    def cumulated(self, x: Array) -> Array:
        return jnp.cumsum(x, axis=-1)

    def count(self, x: Array) -> Any:
        length = x.shape[-1]
        return float(length) if isinstance(length, int) else jnp.asarray(length, x.dtype)

    def take(self, x: Array, label: Array) -> Array:
        length = x.shape[-1]
        taken = jnp.take_along_axis(x, jnp.clip(label, 0, length - 1), axis=-1)
        return jnp.where((label >= 0) & (label < length), taken, jnp.nan)

    def look_up(self, table: Array, labels: Array) -> Array:
        return table[jnp.clip(labels, 0, len(table) - 1)]

    def is_label(self, label: Array, like: Array) -> Array:
        return _positions(like) == label

    def position(self, like: Array) -> Array:
        return self.spread(_positions(like), like)

    def spread(self, x: Any, like: Array) -> Array:
        return jnp.broadcast_to(jnp.asarray(x, like.dtype), like.shape)

    def value_and_grad(self, function: Callable[[Array], Array], y_pred: Array) -> tuple[Array, Array]:
        value, gradient = jax.value_and_grad(function)(y_pred)
        return value, gradient

    def differentiable(self, program: Traced) -> Callable[..., Array]:
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
                        moved = program.slope(self, index)(*full(primals)) * tangent
                        change = change + self.totalled(moved, output.ndim)
                return output, change

            evaluate.defjvp(jvp, symbolic_zeros=True)
            return cast(Callable[..., Array], evaluate)

        def call(*inputs: Any) -> Array:
            fixed = tuple(x if isinstance(x, float) else None for x in inputs)
            return rule(fixed)(*(x for x in inputs if not isinstance(x, float)))

        return call


def _positions(x: Array) -> Array:
    """0, 1, ... along the last axis, in the rank of x: a user may have forbidden to spread ranks."""
    return jnp.arange(x.shape[-1]).reshape((1,) * (x.ndim - 1) + x.shape[-1:])


def _in_32_bits(x: np.ndarray[Any, Any]) -> bool:
    return x.size == 0 or (x.min() >= -(2**31) and x.max() < 2**31)


BACKEND = JaxBackend()
