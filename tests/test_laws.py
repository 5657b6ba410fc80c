"""Every law, for every loss: on NumPy, and on every other backend by agreement with NumPy; in the proof, directly."""

from __future__ import annotations

from collections.abc import Iterator

import jax
import numpy as np
import pytest

import lossary
from inputs import SETTINGS, WITNESSES, Setting, every, few
from laws import LAWS, Law, agrees_with_numpy, draw, evaluate, float32_agrees_with_float64, unreduced
from lossary.objects.define import function, loss_class

BACKENDS = ("torch", "jax", "tensorflow")


@pytest.fixture(autouse=True)
def _double_precision() -> Iterator[None]:
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


@pytest.mark.usefixtures("formula_in")
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_every_law(setting: Setting) -> None:
    for law in LAWS:
        law(setting.configured(), "numpy")


# What JAX traces takes long.
@pytest.mark.parametrize(
    ("setting", "backend"),
    few(lambda pair: pair[1] != "jax" or pair[0] in WITNESSES, [(s, b) for s in SETTINGS for b in BACKENDS]),
    ids=str,
)
def test_backends_agree(setting: Setting, backend: str) -> None:
    agrees_with_numpy(setting.configured(), backend)


# It compiles every expression.
@pytest.mark.parametrize("setting", every(SETTINGS), ids=str)
def test_pytensor_agrees(setting: Setting) -> None:
    agrees_with_numpy(setting.configured(), "pytensor")


@pytest.mark.exhaustive
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_law_on_a_backend(setting: Setting, backend: str, law: Law) -> None:
    law(setting.configured(), backend)


@pytest.mark.exhaustive
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_law_on_pytensor(setting: Setting) -> None:
    """One law that looks at value and gradient stands for all."""
    float32_agrees_with_float64(setting.configured(), "pytensor")


@pytest.mark.parametrize("backend", few(lambda name: name != "jax", ["numpy", *BACKENDS]))
@pytest.mark.parametrize("from_logits", [False, True])
def test_sparse_is_one_hot(backend: str, from_logits: bool) -> None:
    sparse = lossary.SparseCategoricalCrossentropy(from_logits=from_logits)
    dense = lossary.CategoricalCrossentropy(from_logits=from_logits)
    labels, scores = draw(sparse, 11)
    for got, wanted in zip(
        evaluate(sparse, backend, labels, scores),
        evaluate(dense, backend, np.eye(scores.shape[-1])[labels], scores),
        strict=True,
    ):
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("from_logits", [False, True])
def test_binary_is_two_class(from_logits: bool) -> None:
    rng = np.random.default_rng(12)
    labels = rng.integers(0, 2, (20, 1)).astype(np.float64)
    scores = rng.normal(size=(20, 1)) if from_logits else rng.uniform(0.05, 0.95, (20, 1))
    two = np.hstack([np.zeros_like(scores), scores]) if from_logits else np.hstack([1 - scores, scores])
    binary = lossary.binary_crossentropy(labels, scores, from_logits=from_logits)
    pair = lossary.categorical_crossentropy(np.hstack([1 - labels, labels]), two, from_logits=from_logits)
    np.testing.assert_allclose(binary, pair, rtol=1e-9)


@pytest.mark.parametrize("name", ["mean_squared_error", "mean_absolute_error", "log_cosh", "huber"])
def test_differences_are_symmetric_and_translation_invariant(name: str) -> None:
    loss = unreduced(loss_class(name)())
    y_true, y_pred = draw(loss, 13)
    value, gradient = evaluate(loss, "numpy", y_true, y_pred)
    swapped, _ = evaluate(loss, "numpy", y_pred, y_true)
    shifted, slope = evaluate(loss, "numpy", y_true + 8.0, y_pred + 8.0)
    np.testing.assert_allclose(swapped, value, rtol=1e-12)
    np.testing.assert_allclose(shifted, value, rtol=1e-12)
    np.testing.assert_allclose(slope, gradient, rtol=1e-9)


def test_known_limits_connect_losses() -> None:
    rng = np.random.default_rng(14)
    y_true, y_pred = rng.normal(size=(9, 4)), rng.normal(size=(9, 4))
    half_square = 0.5 * function("mean_squared_error")(y_true, y_pred)
    np.testing.assert_allclose(function("huber")(y_true, y_pred, delta=1e6), half_square, rtol=1e-12)
    scaled = function("huber")(y_true, y_pred, delta=1e-9) / 1e-9
    np.testing.assert_allclose(scaled, function("mean_absolute_error")(y_true, y_pred), rtol=1e-6)
    small = function("log_cosh")(y_true, y_true + 1e-4 * (y_pred - y_true))
    np.testing.assert_allclose(small, 1e-8 * half_square, rtol=1e-6)


def test_cross_entropy_is_divergence_plus_entropy() -> None:
    rng = np.random.default_rng(15)
    p, q = rng.dirichlet(np.ones(5), 8), rng.dirichlet(np.ones(5), 8)
    entropy = -(p * np.log(p)).sum(-1)
    divergence = function("kl_divergence")(p, q, epsilon=0.0)
    np.testing.assert_allclose(function("categorical_crossentropy")(p, q, epsilon=0.0), divergence + entropy, rtol=1e-9)
