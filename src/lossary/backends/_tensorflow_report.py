"""TensorFlow: a branch of the graph that calls the host only where a value lies outside its set.

XLA lets no program call the host.  There the first fault stays in a variable until somebody asks.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.ops import control_flow_util

from .. import texts
from ..errors import DomainWarning
from ..looks.faults import Look, Site
from ._base import Array

# The variables of programs for XLA: what `_facts` says of the first fault, or only -1; and the ranks of the looks.
_kept: dict[tuple[Site, tuple[int, ...]], tf.Variable] = {}
_keeping = threading.Lock()


def report_later(poison: Array, looks: Sequence[Look], site: Site) -> Array:
    """The poison, after the report, or after it was kept.

    Outside of ``tf.function``, where Python decides about the branch, this waits for the device.
    """
    anything = tf.reduce_any(tf.stack([tf.reduce_any(look.wrong) for look in looks]))
    compiled = control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())
    with tf.control_dependencies([(_keep if compiled else _tell)(anything, looks, site)]):
        return tf.identity(poison)


def _facts(looks: Sequence[Look]) -> Array:
    """One list of numbers: the position of the first mark of each look, or -1; what was there; and the shapes."""
    positions, values = zip(*(_first(look.values, look.wrong) for look in looks), strict=True)
    shapes = [tf.cast(tf.shape(look.wrong), tf.float64) for look in looks]
    return tf.concat([tf.cast(tf.stack(positions), tf.float64), tf.stack(values), *shapes], 0)


def _first(x: Array, wrong: Array) -> tuple[Array, Array]:
    flat = tf.cast(tf.reshape(wrong, [-1]), tf.int32)
    position = tf.argmax(flat)
    value = tf.cast(tf.gather(tf.reshape(x, [-1]), position), tf.float64)
    return tf.where(tf.reduce_any(wrong), position, tf.constant(-1, tf.int64)), value


def _told(facts: Any, site: Site, ranks: Sequence[int]) -> None:
    count = len(ranks)
    positions, values, sizes = np.split(facts, [count, 2 * count])
    site.tell(np.split(sizes.astype(int), np.cumsum(ranks)[:-1]), positions, values)


def _ranks(looks: Sequence[Look]) -> tuple[int, ...]:
    return tuple(len(look.wrong.shape) for look in looks)


def _tell(anything: Array, looks: Sequence[Look], site: Site) -> Array:
    ranks = _ranks(looks)

    def told(facts: Any) -> Any:
        _told(facts, site, ranks)
        return np.int32(0)

    return tf.cond(anything, lambda: tf.numpy_function(told, [_facts(looks)], tf.int32), lambda: tf.constant(0))


def _keep(anything: Array, looks: Sequence[Look], site: Site) -> Array:
    warnings.warn(texts.unreported(site.loss), DomainWarning, stacklevel=3)
    ranks = _ranks(looks)
    with _keeping:
        if (site, ranks) not in _kept:
            _kept[site, ranks] = _variable(2 * len(ranks) + sum(ranks))
    kept = _kept[site, ranks]
    empty = tf.reduce_all(kept[: len(ranks)] < 0)
    return kept.assign(tf.where(anything & empty, _facts(looks), kept))


def _variable(length: int) -> tf.Variable:
    """A variable from another thread: a program that is being traced may make none by its second trace."""
    made: list[tf.Variable] = []
    maker = threading.Thread(target=lambda: made.append(tf.Variable(_nothing(length), trainable=False)))
    maker.start()
    maker.join()
    return made[0]


def _nothing(length: int) -> Array:
    return tf.fill([length], tf.constant(-1.0, tf.float64))


def collect() -> None:
    """Tells of the faults that were kept."""
    for (site, ranks), kept in list(_kept.items()):
        facts = kept.numpy()
        kept.assign(_nothing(len(facts)))
        _told(facts, site, ranks)
