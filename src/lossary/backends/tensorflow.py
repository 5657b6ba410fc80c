"""TensorFlow's spelling of the vocabulary, and its custom derivative."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
from tensorflow.python.ops import control_flow_util

from ..looks.faults import Look, Site
from . import _tensorflow_report
from ._base import Array, Traced
from ._bits import ShowsBits
from ._means import MeansByLength
from ._tensorflow_blocks import in_blocks, is_array, spliced, with_derivative
from .numpy import BACKEND as NUMPY

_PRODUCTS = frozenset({"Mul", "Square"})
# With so many sums over a row a value and its slope are done sooner block by block, measured on rows of 10 to 32,000.
_MANY_SUMS = 6
_SUMS = frozenset({"sum", "mean", "mean_square"})
# Whole numbers up to here are float32 numbers.
_EXACT = 2**24


class TensorflowBackend(MeansByLength, ShowsBits):
    """Eager and symbolic tensors: ``tf.function`` with and without XLA, nested ``GradientTape``."""

    name = "tensorflow"
    noun = "a TensorFlow tensor"
    can_report = True
    adds_over = "sync"

    abs = staticmethod(tf.abs)
    sign = staticmethod(tf.sign)
    exp = staticmethod(tf.exp)
    expm1 = staticmethod(tf.math.expm1)
    log = staticmethod(tf.math.log)
    log1p = staticmethod(tf.math.log1p)
    sqrt = staticmethod(tf.sqrt)
    square = staticmethod(tf.square)
    tanh = staticmethod(tf.tanh)
    arctan = staticmethod(tf.atan)
    cos = staticmethod(tf.cos)
    sin = staticmethod(tf.sin)
    floor = staticmethod(tf.floor)
    detach = staticmethod(tf.stop_gradient)
    sigmoid = staticmethod(tf.sigmoid)
    maximum = staticmethod(tf.maximum)
    minimum = staticmethod(tf.minimum)
    equal = staticmethod(tf.equal)
    logical_and = staticmethod(tf.logical_and)
    logical_or = staticmethod(tf.logical_or)
    logical_not = staticmethod(tf.logical_not)

    def owns(self, value: Any) -> bool:
        return is_array(value)

    def asarray(self, value: Any, like: Array | None = None) -> Array:
        return tf.convert_to_tensor(value if self.owns(value) else NUMPY.asarray(value))

    def strange(self, x: Array) -> tuple[str, str] | None:
        if x.shape.rank is None:
            return "a tensor of unknown rank", "{0} = tf.ensure_shape({0}, [None, 10])  # for rows of 10 outputs"
        return None

    def dtype(self, x: Array) -> str:
        return str(x.dtype.name)

    def cast(self, x: Array, dtype: str) -> Array:
        return tf.cast(x, dtype)

    def default_float(self) -> str:
        return "float32"

    def shape(self, x: Array) -> tuple[int | None, ...]:
        return tuple(x.shape.as_list())

    def require_shape(self, x: Array, like: Array, *, rows: bool, message: str) -> Array:
        if None not in (*self.shape(x), *self.shape(like)):
            return x
        end = len(x.shape) - 1 if rows else None
        same = tf.debugging.assert_equal(tf.shape(x)[:end], tf.shape(like)[:end], message=message)
        with tf.control_dependencies([] if same is None else [same]):
            return tf.identity(x)

    def compiled(self, function: Callable[..., Any]) -> Callable[..., Any]:
        compiled: Callable[..., Any] = tf.function(function, autograph=False)
        return compiled

    def host(self, x: Array, *, wait: bool) -> Any:
        if not tf.executing_eagerly() or not hasattr(x, "numpy"):
            return None
        if not wait and "CPU" not in x.device.upper() and x.device:
            return None
        return x.numpy()

    def report_later(self, poison: Array, looks: Sequence[Look], site: Site) -> Array:
        return _tensorflow_report.report_later(poison, looks, site)

    def replicas(self) -> int:
        return int(tf.distribute.get_strategy().num_replicas_in_sync)

    def all_sum(self, x: Array, over: Any) -> Array:
        context = tf.distribute.get_replica_context()
        return x if context is None else context.all_reduce(tf.distribute.ReduceOp.SUM, x)

    def settle(self) -> None:
        _tensorflow_report.collect()

    def moveaxis(self, x: Array, source: int, destination: int) -> Array:
        order = [axis for axis in range(len(x.shape)) if axis != source % len(x.shape)]
        order.insert(destination % len(x.shape), source % len(x.shape))
        return tf.transpose(x, order)

    def expand_last(self, x: Array) -> Array:
        return tf.expand_dims(x, -1)

    def squeeze_last(self, x: Array) -> Array:
        return tf.squeeze(x, -1)

    def flat(self, x: Array, *, rows: bool) -> Array:
        return tf.reshape(x, (-1, x.shape[-1]) if rows else (-1,))

    def fold_last(self, x: Array, count: int) -> Array:
        shape, length = tf.shape(x), x.shape[-count:].num_elements()
        last = tf.reduce_prod(shape[-count:], keepdims=True) if length is None else [length]
        return tf.reshape(x, tf.concat([shape[:-count], last], 0))

    def unfold_last(self, x: Array, like: Array, axes: Sequence[int]) -> Array:
        lengths = tf.gather(tf.shape(like), list(axes))
        return tf.reshape(x, tf.concat([tf.shape(x)[:-1], lengths], 0))

    def stack_last(self, arrays: Sequence[Array]) -> Array:
        return tf.stack(arrays, -1)

    def total(self, x: Array) -> Array:
        return tf.cast(tf.reduce_sum(tf.cast(x, tf.float64)), x.dtype)

    def size(self, x: Array) -> Any:
        static = x.shape.num_elements()
        return tf.cast(tf.size(x), x.dtype) if static is None else static

    def ones_like(self, x: Array) -> Array:
        return tf.ones_like(x)

    def matmul(self, a: Array, b: Array) -> Array:
        return tf.matmul(a, b)

    def concat_last(self, arrays: Sequence[Array]) -> Array:
        return tf.concat(list(arrays), -1)

    def take_each(self, x: Array, labels: Array) -> Array:
        index = tf.clip_by_value(labels, 0, tf.cast(tf.shape(x)[-1], labels.dtype) - 1)
        shape = tf.concat([tf.shape(x)[:-1], tf.shape(labels)[-1:]], 0)
        return tf.gather(x, tf.broadcast_to(tf.expand_dims(index, -2), shape), axis=-1, batch_dims=len(x.shape) - 1)

    def scan(
        self, step: Callable[..., tuple[Array, Array]], start: Array, rows: Sequence[Array], *, reverse: bool
    ) -> tuple[Array, Array]:
        by_time = tuple(self.moveaxis(x, -2, 0) for x in rows)
        states, found = tf.scan(lambda before, row: step(before[0], *row), by_time, (start, start), reverse=reverse)
        return states[0 if reverse else -1], self.moveaxis(found, 0, -2)

    def where(self, condition: Array, a: Any, b: Any) -> Array:
        like = a if isinstance(a, tf.Tensor) else b
        return tf.where(condition, tf.convert_to_tensor(a, like.dtype), tf.convert_to_tensor(b, like.dtype))

    def with_bits(self, x: Array, mask: int) -> Array:
        bits = tf.int32 if x.dtype == tf.float32 else tf.int64
        kept = tf.bitwise.bitwise_and(tf.bitcast(tf.stop_gradient(x), bits), tf.constant(mask, bits))
        return tf.bitcast(kept, x.dtype)

    def indicator(self, condition: Array, like: Array) -> Array:
        return tf.cast(condition, like.dtype)

    def sum(self, x: Array) -> Array:
        return tf.reduce_sum(_no_product(x), axis=-1, keepdims=True)

    def max(self, x: Array) -> Array:
        return tf.reduce_max(x, axis=-1, keepdims=True)

    def lead(self, x: Array) -> Array:
        @tf.custom_gradient
        def lead(x: Array) -> Any:
            return self.max(x), lambda upstream: self.where(self.first_max(x), upstream, 0.0)

        return lead(x)

    def first_max(self, x: Array) -> Array:
        length = x.shape[-1]
        if length is not None and length <= _EXACT and _is_compiled():
            # XLA reduces value and index together element by element, and whole numbers without its fast sums.
            position = tf.range(float(length))
            first = tf.reduce_min(tf.where(tf.equal(x, self.max(x)), position, float(length)), axis=-1, keepdims=True)
            return tf.equal(position, first)
        return tf.equal(tf.range(tf.shape(x)[-1]), tf.expand_dims(tf.argmax(x, axis=-1, output_type=tf.int32), -1))

    def sorted_down(self, x: Array) -> Array:
        return tf.sort(x, axis=-1, direction="DESCENDING")

    def cumulated(self, x: Array) -> Array:
        return tf.cumsum(x, axis=-1)

    def count(self, x: Array) -> Any:
        return tf.cast(tf.shape(x)[-1], x.dtype) if x.shape[-1] is None else tf.constant(x.shape[-1], x.dtype)

    def take(self, x: Array, label: Array) -> Array:
        length = tf.cast(tf.shape(x)[-1], label.dtype)
        index = tf.clip_by_value(label, tf.zeros_like(length), length - 1)
        taken = tf.gather(x, index, axis=-1, batch_dims=len(x.shape) - 1)
        return tf.where((label >= 0) & (label < length), taken, tf.constant(float("nan"), x.dtype))

    def look_up(self, table: Array, labels: Array) -> Array:
        return tf.gather(table, tf.clip_by_value(labels, 0, tf.size(table, labels.dtype) - 1))

    def is_label(self, label: Array, like: Array) -> Array:
        return tf.equal(tf.range(tf.cast(tf.shape(like)[-1], label.dtype)), label)

    def position(self, like: Array) -> Array:
        return self.spread(tf.cast(tf.range(tf.shape(like)[-1]), like.dtype), like)

    def spread(self, x: Any, like: Array) -> Array:
        return tf.zeros_like(like) + x

    def value_and_grad(self, function: Callable[[Array], Array], y_pred: Array) -> tuple[Array, Array]:
        y_pred = tf.convert_to_tensor(y_pred)
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            value = function(y_pred)
        return value, tape.gradient(value, y_pred, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    def differentiable(self, program: Traced) -> Callable[..., Array]:
        value = program.value(self)

        def call(*inputs: Any) -> Array:
            positions = [i for i, x in enumerate(inputs) if is_array(x)]

            @tf.custom_gradient
            def evaluate(*tensors: Array) -> Any:
                full = spliced(inputs, positions, tensors)
                blocks = in_blocks(program.value_and_slope(self), full) if self._has_blocks(program) else None
                values, *slopes = [value(*full)] if blocks is None else blocks
                known = dict(zip(program.predictions, slopes, strict=False))

                def backward(upstream: Array) -> Any:
                    return [self._gradient(program, at, full, upstream, known.get(at)) for at in positions]

                return values, backward

            return evaluate(*(inputs[i] for i in positions))

        return call

    def _has_blocks(self, program: Traced) -> bool:
        """Whether XLA would write much to memory: it fuses no more than what lies between two sums over a row."""
        return _is_compiled() and program.depth == 1 and _sums(program) >= _MANY_SUMS

    def _gradient(
        self, program: Traced, index: int, inputs: list[Any], upstream: Array, known: Array | None
    ) -> Array | None:
        like = inputs[index]
        if not like.dtype.is_floating:
            return None
        function = program.slope(self, index)
        slope = function(*inputs) if known is None else with_derivative(known, function, inputs)
        gradient = self.beside(upstream, slope) * slope
        return gradient if len(like.shape) == len(gradient.shape) else tf.reduce_sum(gradient)


def _sums(program: Traced) -> int:
    """How often a value and its slope sum over a row."""
    return sum(count for name, count in program.operations.items() if name in _SUMS)


def _is_compiled() -> bool:
    """Whether XLA compiles what is being traced."""
    return not tf.executing_eagerly() and bool(
        control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())
    )


def _no_product(x: Array) -> Array:
    """The same numbers; for XLA, which sums products in a slower way than anything else, as a maximum."""
    if _is_compiled() and x.op.type in _PRODUCTS:
        return tf.maximum(x, tf.constant(-math.inf, x.dtype))
    return x


BACKEND = TensorflowBackend()
