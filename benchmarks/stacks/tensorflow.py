"""TensorFlow tensors in a ``tf.function``, with and without XLA: we, and Keras on TensorFlow."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf

from benchmarks.cases import Case
from benchmarks.stacks import Run

Function = Callable[[Any, Any], Any]
# A graph per contender is meant, and no mistake to be warned of.
tf.get_logger().setLevel("ERROR")


def settle() -> None:
    """Starts the framework."""
    tf.function(lambda x: tf.reduce_sum(x @ x), jit_compile=True)(tf.ones((300, 300))).numpy()


def contenders(case: Case, y_true: Any, y_pred: Any, compiled: bool) -> dict[str, Run]:
    """Us and Keras, each as a graph and through XLA."""
    y, p = tf.convert_to_tensor(y_true), tf.convert_to_tensor(y_pred)
    function = getattr(keras.losses, case.name)
    both: dict[str, Function] = {
        "lossary tf": case.loss(),
        "keras tf": lambda y, p: tf.reduce_mean(function(y, p, **case.parameters)),
    }
    return {name + " xla" * xla: _run(call, y, p, xla) for name, call in both.items() for xla in (False, True)}


def _run(function: Function, y: Any, p: Any, xla: bool) -> Run:
    @tf.function(jit_compile=xla)  # type: ignore[untyped-decorator]
    def call(y: Any, p: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(p)
            value = function(y, p)
        return value, tape.gradient(value, p)

    def run() -> float:
        value, gradient = call(y, p)
        gradient.shape.assert_is_fully_defined()
        return float(value.numpy())

    return run
