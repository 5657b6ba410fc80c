"""Losses of several classes against Keras, PyTorch, optax and scikit-learn, and against their definitions."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import keras
import numpy as np
import optax
import pytest
import sklearn.metrics
import torch
import torch.nn.functional as F

import lossary

RNG = np.random.default_rng(13)
LABELS, SCORES = RNG.integers(0, 6, 40), 2.0 * RNG.normal(size=(40, 6))
ROWS, CHANCES = np.eye(6)[LABELS], np.exp(SCORES) / np.exp(SCORES).sum(-1, keepdims=True)


def assert_is(loss: Any, y_pred: Any, peer: Callable[[Any], Any]) -> None:
    """Values per row, and the slopes of their sum, are those of a function of PyTorch's tensors."""
    scores = torch.tensor(y_pred, requires_grad=True)
    values = peer(scores)
    (slopes,) = torch.autograd.grad(values.sum(), scores)
    y_true = LABELS if loss.record.labels_are_integers else ROWS
    value, slope = loss.replaced(reduction="none").value_and_grad(y_true, y_pred)
    np.testing.assert_allclose(value, values.detach(), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(slope, slopes, rtol=1e-6, atol=1e-9)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("alpha", "gamma", "from_logits", "smoothing"),
    itertools.product([0.25, 1.0], [0.0, 1.5], [False, True], [0.0, 0.2]),
)
def test_focal_is_that_of_keras(alpha: float, gamma: float, from_logits: bool, smoothing: float) -> None:
    settings = {"alpha": alpha, "gamma": gamma, "from_logits": from_logits, "label_smoothing": smoothing}
    y_pred = SCORES if from_logits else 0.5 * CHANCES

    def theirs(y_pred: Any) -> Any:
        return keras.losses.categorical_focal_crossentropy(ROWS, y_pred, **settings)

    value, slope = lossary.CategoricalFocalCrossentropy(**settings, reduction="none").value_and_grad(ROWS, y_pred)
    np.testing.assert_allclose(value, theirs(y_pred), rtol=1e-5)
    np.testing.assert_allclose(slope, jax.grad(lambda p: theirs(p).sum())(y_pred), rtol=2e-5, atol=1e-6)


@pytest.mark.usefixtures("formula_in")
@pytest.mark.parametrize("from_logits", [False, True])
def test_focal_of_labels_is_that_of_rows(from_logits: bool) -> None:
    y_pred = SCORES if from_logits else CHANCES
    found = lossary.SparseCategoricalFocalCrossentropy(from_logits=from_logits).value_and_grad(LABELS, y_pred)
    wanted = lossary.CategoricalFocalCrossentropy(from_logits=from_logits).value_and_grad(ROWS, y_pred)
    for got, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_generalized_cross_entropy_is_that_of_keras(q: float) -> None:
    theirs = keras.losses.CategoricalGeneralizedCrossEntropy(q=q, reduction=None)
    ours = lossary.get("CategoricalGeneralizedCrossEntropy", q=q, reduction="none")
    np.testing.assert_allclose(ours(LABELS, CHANCES), theirs(LABELS, CHANCES), rtol=1e-4)
    impossible = np.array([[0.0, 1.0]])
    np.testing.assert_allclose(ours([0], impossible), theirs(np.array([0]), impossible), rtol=1e-6)
    assert_is(ours, CHANCES, lambda p: (1 - p.gather(1, torch.tensor(LABELS)[:, None])[:, 0] ** q) / q)
    raw = lossary.generalized_crossentropy(LABELS, SCORES, q=q, from_logits=True)
    np.testing.assert_allclose(raw, ours(LABELS, CHANCES), rtol=1e-12)


def test_limits_of_generalized_cross_entropy() -> None:
    near = lossary.generalized_crossentropy(LABELS, CHANCES, q=1e-9)
    np.testing.assert_allclose(near, lossary.sparse_categorical_crossentropy(LABELS, CHANCES), rtol=1e-6)
    linear = lossary.generalized_crossentropy(LABELS, CHANCES, q=1.0)
    np.testing.assert_allclose(linear, 1 - CHANCES[np.arange(40), LABELS], rtol=1e-12)


def test_log_likelihood_is_that_of_pytorch() -> None:
    labels = np.where(np.arange(40) % 7, LABELS, -100)
    logs = torch.tensor(SCORES).log_softmax(-1)
    theirs = F.nll_loss(logs, torch.tensor(labels))
    np.testing.assert_allclose(
        lossary.NegativeLogLikelihood(ignore_class=-100)(labels, logs.numpy()), theirs, rtol=1e-12
    )
    by_scores = lossary.sparse_categorical_crossentropy(LABELS, SCORES, from_logits=True)
    np.testing.assert_allclose(lossary.negative_log_likelihood(LABELS, logs.numpy()), by_scores, rtol=1e-12)
    with pytest.raises(lossary.DomainError, match="logarithms of probabilities"):
        lossary.negative_log_likelihood(LABELS, SCORES)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("margin", [1.0, 0.3])
def test_multi_margin_is_that_of_pytorch(power: int, margin: float) -> None:
    loss = lossary.MultiMargin(power=float(power), margin=margin)
    labels = torch.tensor(LABELS)
    assert_is(loss, SCORES, lambda p: F.multi_margin_loss(p, labels, p=power, margin=margin, reduction="none"))


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("loss", "peer"),
    [
        (lossary.MulticlassHinge(), optax.losses.multiclass_hinge_loss),
        (lossary.MulticlassPerceptron(), optax.losses.multiclass_perceptron_loss),
        (
            lossary.PolyCrossentropy(from_logits=True, poly_weight=0.7),
            lambda scores, labels: optax.losses.poly_loss_cross_entropy(scores, np.eye(6)[labels], epsilon=0.7),
        ),
    ],
)
def test_losses_of_optax(loss: Any, peer: Callable[..., Any]) -> None:
    y_true = LABELS if loss.record.labels_are_integers else ROWS
    value, slope = loss.replaced(reduction="none").value_and_grad(y_true, SCORES)
    np.testing.assert_allclose(value, peer(SCORES, LABELS), rtol=1e-6)
    slopes = jax.grad(lambda scores: peer(scores, LABELS).sum())(SCORES)
    np.testing.assert_allclose(slope, slopes, rtol=1e-6, atol=1e-9)


def test_losses_of_scikit_learn() -> None:
    hinge = sklearn.metrics.hinge_loss(LABELS, SCORES, labels=range(6))
    np.testing.assert_allclose(lossary.MulticlassHinge()(LABELS, SCORES), hinge, rtol=1e-12)
    brier = sklearn.metrics.brier_score_loss(LABELS, CHANCES, labels=range(6), scale_by_half=False)
    np.testing.assert_allclose(lossary.Brier()(ROWS, CHANCES), brier, rtol=1e-12)


@pytest.mark.parametrize(
    ("loss", "peer"),
    [
        (lossary.Brier(from_logits=True), lambda p: ((p.softmax(-1) - torch.tensor(ROWS)) ** 2).sum(-1)),
        (
            lossary.OneVsAllLogistic(),
            lambda p: F.binary_cross_entropy_with_logits(p, torch.tensor(ROWS), reduction="none").sum(-1),
        ),
        (
            lossary.ZLossCrossentropy(z_weight=0.3),
            lambda p: F.cross_entropy(p, torch.tensor(LABELS), reduction="none") + 0.3 * p.logsumexp(-1) ** 2,
        ),
    ],
)
def test_definitions(loss: Any, peer: Callable[[Any], Any]) -> None:
    assert_is(loss, SCORES, peer)


@pytest.mark.parametrize(
    "loss",
    [
        lossary.SparseCategoricalFocalCrossentropy(from_logits=True),
        lossary.GeneralizedCrossentropy(from_logits=True),
        lossary.ZLossCrossentropy(),
        lossary.OneVsAllLogistic(),
        lossary.MultiMargin(),
        lossary.MulticlassHinge(),
    ],
    ids=str,
)
def test_a_label_that_names_no_class_is_never_a_number(loss: Any) -> None:
    """Under jit, where values cannot be looked at."""
    value = jax.jit(loss.replaced(reduction="none"))(np.array([6, 1]), SCORES[:2])
    assert np.isnan(value[0])
    assert np.isfinite(value[1])
