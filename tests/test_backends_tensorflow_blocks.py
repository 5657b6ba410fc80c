"""Long formulas over rows under XLA: block by block, with the numbers and derivatives of one piece."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import lossary
from lossary.backends import _tensorflow_blocks as blocks


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Blocks of 16 rows of 8; a list that grows with each loop that is built."""
    built: list[int] = []
    loop = blocks._looped

    def counted(run: Any, inputs: Any, rows: int, count: int) -> Any:
        built.append(count)
        return loop(run, inputs, rows, count)

    monkeypatch.setattr(blocks, "_BLOCK", 16 * 8)
    monkeypatch.setattr(blocks, "_looped", counted)
    return built


def derivatives(y_true: Any, y_pred: Any, loss: Any, weights: Any) -> Any:
    """The value, both gradients, and the gradient of a number made of them."""
    with tf.GradientTape() as outer:
        outer.watch([y_true, y_pred])
        with tf.GradientTape() as inner:
            inner.watch([y_true, y_pred])
            value = loss(y_true, y_pred, sample_weight=weights)
        first = inner.gradient(value, [y_true, y_pred])
        mixed = sum(tf.reduce_sum(each * tf.cos(y_pred)) for each in first)
    return value, *first, *outer.gradient(mixed, [y_true, y_pred])


@pytest.mark.costly
@pytest.mark.parametrize("shape", [(2, 26, 8), (48, 8)], ids=["rest", "whole"])
def test_blocks_change_nothing(shape: tuple[int, ...], small: list[int], rng: np.random.Generator) -> None:
    y_true, y_pred = (tf.constant(rng.normal(size=shape)) for _ in range(2))
    weights = tf.constant(rng.uniform(0.5, 2.0, shape[:-1]))
    loss = lossary.CosineSimilarity()
    found = tf.function(derivatives, jit_compile=True, autograph=False)(y_true, y_pred, loss, weights)
    assert small == [3]
    for got, expected in zip(found, derivatives(y_true, y_pred, loss, weights), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-12)


def test_only_long_formulas_over_many_rows_take_blocks(small: list[int], rng: np.random.Generator) -> None:
    def step(y_true: Any, y_pred: Any, loss: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            value = loss(y_true, y_pred)
        return value, tape.gradient(value, y_pred)

    run = tf.function(step, jit_compile=True, autograph=False)
    few, many = (tf.constant(rng.dirichlet(np.ones(8), rows)) for rows in (31, 37))
    run.get_concrete_function(many, many, lossary.KLDivergence())
    run.get_concrete_function(few, few, lossary.CategoricalCrossentropy())
    unknown = tf.TensorSpec([None, 8], tf.float64)
    run.get_concrete_function(unknown, unknown, lossary.CategoricalCrossentropy())
    assert not small
    found = run(many, many[::-1], lossary.CategoricalCrossentropy())
    assert small == [2]
    for got, expected in zip(found, step(many, many[::-1], lossary.CategoricalCrossentropy()), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12)
