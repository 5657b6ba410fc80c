"""JAX arrays, everything jitted: we, Optax, and Keras on JAX."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"

import jax
import jax.numpy as jnp
import keras
import optax

from benchmarks.cases import Case
from benchmarks.stacks import Run

Function = Callable[[Any, Any], Any]

_OPTAX: dict[str, Function] = {
    "mean_squared_error": lambda y, p: optax.squared_error(p, y).mean(),
    "huber": lambda y, p: optax.huber_loss(p, y).mean(),
    "log_cosh": lambda y, p: optax.log_cosh(p, y).mean(),
    "hinge": lambda y, p: optax.hinge_loss(p, y).mean(),
    "binary_crossentropy (logits)": lambda y, p: optax.sigmoid_binary_cross_entropy(p, y).mean(),
    "kl_divergence": lambda y, p: optax.kl_divergence(jnp.log(p), y).mean(),
    "cosine_similarity": lambda y, p: -optax.cosine_similarity(p, y).mean(),
    "categorical_crossentropy (logits)": lambda y, p: optax.softmax_cross_entropy(p, y).mean(),
    "sparse_categorical_crossentropy (logits)": (
        lambda y, p: optax.softmax_cross_entropy_with_integer_labels(p, y).mean()
    ),
}


def settle() -> None:
    """Starts the framework."""
    jax.jit(jax.grad(lambda x: (x @ x).sum()))(jnp.ones((300, 300))).block_until_ready()


def contenders(case: Case, y_true: Any, y_pred: Any, compiled: bool) -> dict[str, Run]:
    """Us and everyone in JAX."""
    y, p = jnp.asarray(y_true), jnp.asarray(y_pred)
    found = {"lossary jax": _run(case.loss(), y, p)}
    if case.label in _OPTAX:
        found["optax"] = _run(_OPTAX[case.label], y, p)
    function = getattr(keras.losses, case.name)
    found["keras jax"] = _run(lambda y, p: jnp.mean(function(y, p, **case.parameters)), y, p)
    return found


def _run(function: Function, y: Any, p: Any) -> Run:
    call = jax.jit(jax.value_and_grad(lambda p, y: function(y, p)))

    def run() -> float:
        value, gradient = call(p, y)
        gradient.block_until_ready()
        return float(value)

    return run
