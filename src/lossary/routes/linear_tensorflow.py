"""Losses of scores that are not held at once, on TensorFlow's tensors: a while loop over chunks of tokens.

Gradients are made when they are asked for, from scores that are computed once more, and can be differentiated again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import tensorflow as tf

from ..backends import FLOATS, Array
from ..backends.tensorflow import BACKEND
from ..calls.linear import Arguments, Head, Settings, alone, chunk_size, prepare
from . import in_chunks

# Hidden vectors, weight and, if there is one, bias.
Trained = tuple[Array, ...]


def value(settings: Settings, given: Arguments) -> Array:
    """The reduced loss, differentiable."""
    head = _without_dead(prepare(alone(settings, "tensorflow"), given))

    @tf.custom_gradient
    def values(*trained: Array) -> tuple[Array, Callable[[Array], list[Array]]]:
        # A tape keeps what is computed of tensors that it watches: these are none.
        return _values(head, tuple(map(tf.stop_gradient, trained))), lambda up: _gradients(head, trained, up)

    found = values(*head.arrays) * head.factors()
    if settings.reduction != "none":
        return BACKEND.total(found)
    points = tf.concat([tf.shape(given.hidden)[:-2], [-1]], 0)
    return tf.reshape(tf.cast(found, head.dtype), points)


def value_and_gradients(settings: Settings, given: Arguments) -> tuple[Array, tuple[Array, ...]]:
    """The reduced loss and its gradients for hidden, weight and, if there is one, bias."""
    trained = [BACKEND.asarray(x) for x in (given.hidden, given.weight, given.bias) if x is not None]
    floats = [x if BACKEND.dtype(x) in FLOATS else tf.cast(x, BACKEND.default_float()) for x in trained]
    with tf.GradientTape() as tape:
        tape.watch(floats)
        found = value(settings, given._replace(**dict(zip(("hidden", "weight", "bias"), floats, strict=False))))
    return found, tuple(tape.gradient(found, floats))


def _without_dead(head: Head) -> Head:
    """Tokens that do not count as zeros: a NaN among them touches nothing."""
    if head.live is None:
        return head
    live, row = head.live, head.live[:, None]
    labels = tf.where(live if len(head.labels.shape) == 1 else row, head.labels, tf.zeros_like(head.labels))
    return replace(head, labels=labels, hidden=tf.where(row, head.hidden, tf.zeros_like(head.hidden)), live=None)


# --- chunks ----------------------------------------------------------------------------------------------------------


class _Chunks:
    """Tokens in chunks of one length; what fills the last one is left out again."""

    def __init__(self, head: Head) -> None:
        vocabulary, features = head.weight.shape
        known = head.hidden.shape[0]
        # Words hold some ten arrays like the scores of a chunk, fused loops one or two.
        step = head.settings.chunk or max(chunk_size(features, vocabulary) // 4, 1)
        self.step = step if known is None else max(1, min(step, known))
        self.tokens = tf.shape(head.hidden)[0] if known is None else known
        self.count = -(-self.tokens // self.step)

    def apart(self, x: Array) -> Array:
        """An array of tokens, as one of chunks."""
        padded = tf.pad(x, [[0, self.count * self.step - self.tokens], *[[0, 0]] * (len(x.shape) - 1)])
        return tf.reshape(padded, (self.count, self.step, *x.shape[1:]))

    def together(self, x: tf.TensorArray) -> Array:
        """The tokens of an array of chunks."""
        found = x.stack()
        return tf.reshape(found, (-1, *found.shape[2:]))[: self.tokens]

    def room(self, dtype: str, *shape: int) -> tf.TensorArray:
        """Where what is found of each chunk is put."""
        return tf.TensorArray(dtype, self.count, element_shape=(self.step, *shape))

    def loop(self, body: Callable[..., Any], *start: Any) -> Any:
        """What the body, which is given the number of a chunk, makes of the start, chunk after chunk."""
        _, *found = tf.while_loop(
            lambda chunk, *_: chunk < self.count,
            lambda chunk, *carry: (chunk + 1, *body(chunk, *carry)),
            (tf.constant(0), *start),
            parallel_iterations=1,
            maximum_iterations=self.count,
        )
        return found


def _values(head: Head, trained: Trained) -> Array:
    """The loss of each token."""
    chunks, (hidden, weight, bias) = _Chunks(head), _wide(head, trained)
    tokens, labels = chunks.apart(hidden), chunks.apart(tf.stop_gradient(head.labels))

    def body(chunk: Array, found: tf.TensorArray) -> tuple[tf.TensorArray]:
        scores = _scores(head, tokens[chunk], weight, bias)
        values, _ = in_chunks.fastest(head, labels[chunk], scores, None, gradient=False)
        return (found.write(chunk, values),)

    return chunks.together(*chunks.loop(body, chunks.room(head.computing)))


def _gradients(head: Head, trained: Trained, factor: Array) -> list[Array]:
    """The gradients of the sum of the losses times their factors."""
    chunks, (hidden, weight, bias) = _Chunks(head), _wide(head, trained)
    tokens, labels, factors = (chunks.apart(x) for x in (hidden, head.labels, factor))

    def body(chunk: Array, back: tf.TensorArray, of_weight: Array, of_bias: Array) -> tuple[Any, Array, Array]:
        own = tokens[chunk]
        scores = _scores(head, own, weight, bias)
        _, slopes = in_chunks.fastest(head, labels[chunk], scores, factors[chunk], gradient=True)
        return (
            back.write(chunk, tf.matmul(slopes, weight)),
            of_weight + tf.matmul(slopes, tf.cast(own, head.computing), transpose_a=True),
            of_bias + tf.reduce_sum(slopes, 0),
        )

    rows, features = weight.shape
    start = tf.zeros((rows, features), head.computing), tf.zeros((rows,), head.computing)
    back, *rest = chunks.loop(body, chunks.room(head.computing, features), *start)
    return [tf.cast(x, like.dtype) for x, like in zip((chunks.together(back), *rest), trained, strict=False)]


def _wide(head: Head, trained: Trained) -> tuple[Array, Array, Array | None]:
    """Hidden vectors as they are, weight and bias in the dtype that products are made of."""
    hidden, weight, *bias = trained
    return hidden, tf.cast(weight, head.computing), tf.cast(bias[0], head.computing) if bias else None


def _scores(head: Head, hidden: Array, weight: Array, bias: Array | None) -> Array:
    found = tf.matmul(tf.cast(hidden, head.computing), weight, transpose_b=True)
    return found if bias is None else found + bias
