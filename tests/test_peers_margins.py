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


def test_sparsemax_is_optaxs() -> None:
    import jax
    import jax.numpy as jnp
    import optax

    scores = np.array([[0.3, -0.4, 0.1, -3.0], [5.0, 1.0, 4.5, 4.25], [0.0, 0.0, 0.0, 0.0]], np.float32)
    labels = np.array([0, 1, 3])

    def theirs(scores: object) -> object:
        return optax.losses.multiclass_sparsemax_loss(scores, jnp.asarray(labels)).mean()

    value, slopes = jax.jit(jax.value_and_grad(theirs))(jnp.asarray(scores))
    mine, gradient = lossary.Sparsemax().value_and_grad(labels, scores)
    np.testing.assert_allclose(mine, value, rtol=1e-6)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-5, atol=1e-7)


def test_sparsemax_of_two_classes_is_the_binary_one() -> None:
    scores = np.array([[0.3, -0.4], [5.0, 1.0], [0.25, 1.0]])
    binary = lossary.binary_sparsemax([[0.0], [1.0], [1.0]], scores[:, 1:] - scores[:, :1])
    np.testing.assert_allclose(lossary.sparsemax([0, 1, 1], scores), binary, rtol=1e-12)


def test_slopes_of_sparsemax_are_shared_among_those_that_have_a_share() -> None:
    scores = torch.tensor([[0.3, -0.4, 0.1, -3.0], [5.0, 1.0, 4.5, 4.4]], dtype=torch.float64, requires_grad=True)
    loss = lossary.Sparsemax(reduction="sum")
    (slope,) = torch.autograd.grad(loss(torch.tensor([0, 1]), scores), scores, create_graph=True)
    second = torch.autograd.grad(slope[1, 0], scores)[0]
    # Three of four share; 1 is their mean's weight.
    torch.testing.assert_close(second[1], torch.tensor([2 / 3, 0.0, -1 / 3, -1 / 3], dtype=torch.float64))
    assert torch.all(second[0] == 0)


def test_sparsemax_of_a_row_with_gaps_is_that_of_the_shorter_row() -> None:
    from lossary import words

    @lossary.loss(name="shared_scores")
    def shared_scores(y_true: Any, y_pred: Any) -> Any:
        return words.sum(y_true * words.sparsemax(y_pred))

    y_true, scores = np.array([[1.0, 2.0, 4.0]]), np.array([[0.0, 7.0, 0.5]])
    keep = np.array([[True, False, True]])
    gaps = shared_scores.cls().value_and_grad(y_true, scores, where=keep)
    short = shared_scores.cls().value_and_grad(y_true[:, [0, 2]], scores[:, [0, 2]])
    np.testing.assert_allclose(gaps[0], short[0])
    np.testing.assert_allclose(gaps[1], [[short[1][0, 0], 0.0, short[1][0, 1]]])
