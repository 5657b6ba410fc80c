"""PyTensor's spelling of the vocabulary, and its custom derivative."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
from pytensor.compile.builders import OpFromGraph
from pytensor.gradient import DisconnectedType, disconnected_grad, disconnected_type

from ._base import Array, Backend, Traced
from .numpy import BACKEND as NUMPY


class PytensorBackend(Backend):
    """Symbolic variables, and shared ones; ``pytensor.function``, ``pytensor.grad``, rewrites and all linkers."""

    name = "pytensor"
    noun = "a PyTensor variable"
    into_numpy = ""

    abs = staticmethod(pt.abs)
    sign = staticmethod(pt.sign)
    exp = staticmethod(pt.exp)
    expm1 = staticmethod(pt.expm1)
    log = staticmethod(pt.log)
    log1p = staticmethod(pt.log1p)
    sqrt = staticmethod(pt.sqrt)
    square = staticmethod(pt.square)
    sinh = staticmethod(pt.sinh)
    tanh = staticmethod(pt.tanh)
    arctan = staticmethod(pt.arctan)
    cos = staticmethod(pt.cos)
    sin = staticmethod(pt.sin)
    floor = staticmethod(pt.floor)
    erf = staticmethod(pt.erf)
    lgamma = staticmethod(pt.gammaln)
    detach = staticmethod(disconnected_grad)
    sigmoid = staticmethod(pt.sigmoid)
    maximum = staticmethod(pt.maximum)
    minimum = staticmethod(pt.minimum)
    equal = staticmethod(pt.eq)
    less = staticmethod(pt.lt)
    less_equal = staticmethod(pt.le)
    where = staticmethod(pt.where)
    logical_and = staticmethod(pt.and_)
    logical_or = staticmethod(pt.or_)
    logical_not = staticmethod(pt.invert)

    def owns(self, value: Any) -> bool:
        return isinstance(value, pytensor.graph.basic.Variable)

    def asarray(self, value: Any, like: Array | None = None) -> Array:
        return pt.as_tensor_variable(value if self.owns(value) else NUMPY.asarray(value))

    def dtype(self, x: Array) -> str:
        return str(x.dtype)

    def cast(self, x: Array, dtype: str) -> Array:
        return pt.cast(x, dtype)

    def default_float(self) -> str:
        return str(pytensor.config.floatX)

    def shape(self, x: Array) -> tuple[int | None, ...]:
        return tuple(x.type.shape)

    def host(self, x: Array, *, wait: bool) -> Any:
        return x.data if isinstance(x, pt.TensorConstant) else None

    def moveaxis(self, x: Array, source: int, destination: int) -> Array:
        return pt.moveaxis(x, source, destination)

    def expand_last(self, x: Array) -> Array:
        return pt.expand_dims(x, -1)

    def squeeze_last(self, x: Array) -> Array:
        return x[..., 0]

    def fold_last(self, x: Array, count: int) -> Array:
        lengths = [x.shape[axis] for axis in range(x.ndim)]
        return x.reshape((*lengths[:-count], math.prod(lengths[-count:])))

    def unfold_last(self, x: Array, like: Array, axes: Sequence[int]) -> Array:
        return x.reshape((*[x.shape[axis] for axis in range(x.ndim - 1)], *(like.shape[axis] for axis in axes)))

    def stack_last(self, arrays: Sequence[Array]) -> Array:
        return pt.stack(arrays, axis=-1)

    def total(self, x: Array) -> Array:
        return pt.cast(pt.sum(x, acc_dtype="float64"), x.dtype)

    def size(self, x: Array) -> Any:
        return x.size

    def ones_like(self, x: Array) -> Array:
        return pt.ones_like(x)

    def matmul(self, a: Array, b: Array) -> Array:
        return pt.matmul(a, b)

    def concat_last(self, arrays: Sequence[Array]) -> Array:
        return pt.concatenate(arrays, axis=-1)

    def take_each(self, x: Array, labels: Array) -> Array:
        index = pt.expand_dims(pt.clip(labels, 0, x.shape[-1] - 1), -2)
        shape = (*[x.shape[axis] for axis in range(x.ndim - 1)], labels.shape[-1])
        return pt.take_along_axis(x, pt.broadcast_to(index, shape), axis=-1)

    def scan(
        self, step: Callable[..., tuple[Array, Array]], start: Array, rows: Sequence[Array], *, reverse: bool
    ) -> tuple[Array, Array]:
        by_time = [pt.moveaxis(x, -2, 0)[:: -1 if reverse else 1] for x in rows]
        start = start + pt.zeros_like(by_time[0][0])  # As little is known of its shape as of that of what follows.
        states, found = pytensor.scan(
            lambda *given: step(given[-1], *given[:-1]),
            sequences=by_time,
            outputs_info=[start, None],
            return_updates=False,
        )
        return states[-1], pt.moveaxis(found[:: -1 if reverse else 1], 0, -2)

    def residual(self, a: Array, factor: Array, b: Array) -> Array:
        # In double precision the product of two float32 numbers is exact.
        wide = [pt.cast(x, "float64") for x in (a, factor, b)]
        return pt.cast(wide[0] - wide[1] * wide[2], b.dtype)

    def scale_to_one(self, x: Array) -> Array:
        # Without a look at the bits; C computes the powers of two exactly.
        limit = -np.log2(np.finfo(x.dtype).tiny)
        exponent = pt.clip(pt.floor(pt.log2(pt.abs(disconnected_grad(x)))), -limit, limit)
        return pt.exp2(-exponent)

    def indicator(self, condition: Array, like: Array) -> Array:
        return pt.cast(condition, like.dtype)

    def sum(self, x: Array) -> Array:
        return pt.cast(pt.sum(x, axis=-1, keepdims=True, acc_dtype="float64"), x.dtype)

    def max(self, x: Array) -> Array:
        return pt.max(x, axis=-1, keepdims=True)

    def first_max(self, x: Array) -> Array:
        return pt.eq(pt.arange(x.shape[-1]), pt.argmax(x, axis=-1, keepdims=True))

    def sorted_down(self, x: Array) -> Array:
        return -pt.sort(-x, axis=-1)

    def cumulated(self, x: Array) -> Array:
        return pt.cumsum(x, axis=-1)

    def count(self, x: Array) -> Any:
        length = x.type.shape[-1]
        return pt.cast(x.shape[-1] if length is None else length, x.dtype)

    def take(self, x: Array, label: Array) -> Array:
        # A sum over marked positions: the gradient of an advanced index would be a scatter.
        length = x.shape[-1]
        taken = pt.sum(pt.where(self.is_label(label, x), x, 0.0), axis=-1, keepdims=True)
        return pt.where(pt.and_(pt.ge(label, 0), pt.lt(label, length)), taken, float("nan"))

    def look_up(self, table: Array, labels: Array) -> Array:
        return table[pt.clip(labels, 0, table.shape[0] - 1)]

    def is_label(self, label: Array, like: Array) -> Array:
        return pt.eq(pt.arange(like.shape[-1]), label)

    def position(self, like: Array) -> Array:
        return self.spread(pt.cast(pt.arange(like.shape[-1]), like.dtype), like)

    def spread(self, x: Any, like: Array) -> Array:
        return pt.zeros_like(like) + x

    def value_and_grad(self, function: Callable[[Array], Array], y_pred: Array) -> tuple[Array, Array]:
        value = function(y_pred)
        return value, pytensor.grad(value, y_pred)

    def differentiable(self, program: Traced) -> Callable[..., Array]:
        value = program.value(self)

        def call(*inputs: Any) -> Array:
            variables = [i for i, x in enumerate(inputs) if self.owns(x)]
            dummies = [inputs[i].type() for i in variables]

            def full(tensors: list[Array]) -> list[Any]:
                arguments = list(inputs)
                for position, tensor in zip(variables, tensors, strict=True):
                    arguments[position] = tensor
                return arguments

            def pullback(tensors: list[Array], outputs: list[Array], upstream: list[Array]) -> list[Array]:
                return [self._gradient(program, i, full(tensors), upstream[0]) for i in variables]

            node = OpFromGraph(
                dummies,
                [value(*full(dummies))],
                inline=True,
                pullback=pullback,
                connection_pattern=[[_is_float(dummy)] for dummy in dummies],
            )
            return node(*(inputs[i] for i in variables))

        return call

    def _gradient(self, program: Traced, index: int, inputs: list[Any], upstream: Array) -> Array:
        like = inputs[index]
        if isinstance(upstream.type, DisconnectedType) or not _is_float(like):
            return disconnected_type()
        slope = program.slope(self, index)(*inputs)
        gradient = pt.cast(self.beside(upstream, slope) * slope, like.dtype)
        return gradient if gradient.ndim == like.ndim else pt.sum(gradient)


def _is_float(x: Array) -> bool:
    return str(x.dtype).startswith("float")


BACKEND = PytensorBackend()
