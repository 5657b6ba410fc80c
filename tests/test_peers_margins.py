"""Losses of scores against PyTorch, optax and scikit-learn, values and slopes, and against their definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax
import pytest
import torch
import torch.nn.functional as F
from sklearn._loss.loss import ExponentialLoss
from sklearn.linear_model._sgd_fast import Hinge, ModifiedHuber

import lossary

RNG = np.random.default_rng(7)
SIGNS, SCORES = RNG.choice([-1.0, 1.0], (40, 5)), 2.0 * RNG.normal(size=(40, 5))


def assert_same(loss: Any, values: Any, slopes: Any) -> None:
    """Values per element, and the slopes of their sum, are those of another library; ours is the mean of a row."""
    value, slope = loss.replaced(reduction="none").value_and_grad(SIGNS[..., None], SCORES[..., None])
    np.testing.assert_allclose(value, values, rtol=3e-6, atol=1e-7)
    np.testing.assert_allclose(slope[..., 0], slopes, rtol=3e-6, atol=1e-7)


def test_soft_margin_is_that_of_pytorch_and_logistic_regression() -> None:
    scores = torch.tensor(SCORES, requires_grad=True)
    values = F.soft_margin_loss(scores, torch.tensor(SIGNS), reduction="none")
    (slopes,) = torch.autograd.grad(values.sum(), scores)
    assert_same(lossary.SoftMargin(), values.detach(), slopes)
    by_labels = lossary.binary_crossentropy((SIGNS + 1) / 2, SCORES, from_logits=True)
    np.testing.assert_allclose(lossary.soft_margin(SIGNS, SCORES), by_labels, rtol=1e-12)


@pytest.mark.parametrize(
    ("loss", "peer"),
    [
        (lossary.Perceptron(), optax.losses.perceptron_loss),
        (lossary.BinarySparsemax(), lambda scores, signs: optax.losses.sparsemax_loss(scores, (signs + 1) / 2)),
    ],
)
def test_losses_of_optax(loss: Any, peer: Callable[..., Any]) -> None:
    slopes = jax.grad(lambda scores: peer(scores, SIGNS).sum())(SCORES)
    assert_same(loss, peer(SCORES, SIGNS), slopes)


def test_exponential_is_that_of_scikit_learn() -> None:
    zero_one, scores = ((SIGNS + 1) / 2).ravel(), SCORES.ravel()
    values, slopes = ExponentialLoss().loss_gradient(zero_one, scores)
    assert_same(lossary.Exponential(), values.reshape(SCORES.shape), slopes.reshape(SCORES.shape))


@pytest.mark.parametrize(
    ("loss", "peer"), [(lossary.ModifiedHuber(), ModifiedHuber()), (lossary.Perceptron(), Hinge(0.0))]
)
def test_losses_of_stochastic_descent(loss: Any, peer: Any) -> None:
    assert_same(loss, np.vectorize(peer.py_loss)(SCORES, SIGNS), np.vectorize(peer.py_dloss)(SCORES, SIGNS))
    edges = (1.0, -1.0, 0.0)
    steep = [loss.value_and_grad(np.array([[1.0]]), np.array([[edge]]))[1] for edge in edges]
    np.testing.assert_allclose(np.ravel(steep), [peer.py_dloss(edge, 1.0) for edge in edges])


def test_a_perceptron_learns_from_nothing() -> None:
    """Its slope at a score of 0 is that of a wrong point."""
    _, slope = lossary.Perceptron().value_and_grad(np.array([[1.0, -1.0]]), np.zeros((1, 2)))
    np.testing.assert_array_equal(slope, [[-0.5, 0.5]])


def test_a_generator_is_a_critic_s_opponent() -> None:
    ones = np.ones_like(SCORES)
    np.testing.assert_array_equal(
        lossary.gan_hinge(ones, SCORES, generator=True), lossary.wasserstein_gan(ones, SCORES)
    )
    np.testing.assert_array_equal(lossary.gan_hinge(SIGNS, SCORES), lossary.hinge(SIGNS, SCORES))
