"""Rows in blocks that fit a processor's cache, where XLA would write every step of a long formula to memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

Array = Any
# Numbers of one array in a block; a formula has up to a dozen such arrays at a time.
_BLOCK = 2**16


def in_blocks(run: Callable[..., Sequence[Array]], inputs: Sequence[Any]) -> list[Array] | None:
    """What the function gives for rows ``(..., C)``, one block of them after the other; it has no derivative.

    None where they are too few for two blocks, or not known to be enough: a loop takes XLA half a second to compile.
    """
    # Around control flow that it may have to differentiate, TensorFlow builds what XLA cannot compile.
    inputs = [tf.stop_gradient(x) if is_array(x) else x for x in inputs]
    shapes = [x.shape for x in inputs if is_array(x) and x.shape.rank]
    if not shapes or not all(x.is_fully_defined() and x[:-1] == shapes[0][:-1] for x in shapes) or _has_accelerator():
        return None
    rows = max(1, _BLOCK // max(1, *(x[-1] for x in shapes)))
    count = shapes[0][:-1].num_elements()
    return None if count < 2 * rows else _looped(run, inputs, rows, count // rows)


def _looped(run: Callable[..., Sequence[Array]], inputs: Sequence[Any], rows: int, blocks: int) -> list[Array]:
    """All whole blocks in a loop, and then what is left of the rows."""
    flat = {i: tf.reshape(x, (-1, x.shape[-1])) for i, x in enumerate(inputs) if is_array(x) and x.shape.rank}
    lead = inputs[next(iter(flat))].shape[:-1]
    # XLA cuts an indexed block out of memory; around a slice that starts anywhere it puts a padding first.
    stacked = {i: tf.reshape(x[: blocks * rows], (blocks, rows, x.shape[-1])) for i, x in flat.items()}

    def of(given: dict[int, Array]) -> Sequence[Array]:
        return run(*(given.get(i, x) for i, x in enumerate(inputs)))

    def step(at: Array, *found: Array) -> tuple[Array, ...]:
        parts = of({i: x[at] for i, x in stacked.items()})
        return at + 1, *(each.write(at, part) for each, part in zip(found, parts, strict=True))

    rest = of({i: x[blocks * rows :] for i, x in flat.items()})
    begun = [tf.TensorArray(x.dtype, size=blocks, element_shape=(rows, x.shape[-1])) for x in rest]
    _, *found = tf.while_loop(lambda at, *_: at < blocks, step, (tf.constant(0), *begun), maximum_iterations=blocks)
    return [_joined(whole.stack(), part, lead) for whole, part in zip(found, rest, strict=True)]


def _joined(blocks: Array, rest: Array, lead: Any) -> Array:
    whole = tf.reshape(blocks, (-1, rest.shape[-1]))
    if rest.shape[0] != 0:
        whole = tf.concat([whole, rest], 0)
    return tf.reshape(whole, (*lead, rest.shape[-1]))


def is_array(x: Any) -> bool:
    """Whether it is one of TensorFlow's."""
    return isinstance(x, tf.Tensor | tf.Variable)


def _has_accelerator() -> bool:
    return any(device.device_type != "CPU" for device in tf.config.get_visible_devices())


def spliced(inputs: Sequence[Any], positions: Sequence[int], tensors: Sequence[Array]) -> list[Any]:
    """The inputs with these tensors in their places."""
    full = list(inputs)
    for position, tensor in zip(positions, tensors, strict=True):
        full[position] = tensor
    return full


def with_derivative(found: Array, function: Callable[..., Array], inputs: Sequence[Any]) -> Array:
    """What the function gave for the inputs, which is computed again only where a derivative of it is asked for."""
    positions = [i for i, x in enumerate(inputs) if is_array(x) and x.dtype.is_floating]

    @tf.custom_gradient
    def known(*tensors: Array) -> Any:
        def backward(upstream: Array) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(tensors)
                again = function(*spliced(inputs, positions, tensors))
            return tape.gradient(again, tensors, upstream)

        return tf.identity(found), backward

    return known(*(inputs[i] for i in positions))
