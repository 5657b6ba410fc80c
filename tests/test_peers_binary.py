"""Losses of two classes against Keras and optax, and against their definitions in PyTorch's words."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import keras
import numpy as np
import optax
import pytest
import torch
import torch.nn.functional as F

import lossary

RNG = np.random.default_rng(11)
BITS, SCORES = RNG.integers(0, 2, (40, 6)).astype(float), 2.0 * RNG.normal(size=(40, 6))
CHANCES = 1.0 / (1.0 + np.exp(-SCORES))


def assert_is(loss: Any, y_pred: Any, peer: Callable[[Any, Any], Any]) -> None:
    """Values per row, and the slopes of their sum, are those of a function of PyTorch's tensors."""
    scores = torch.tensor(y_pred, requires_grad=True)
    values = peer(torch.tensor(BITS), scores)
    (slopes,) = torch.autograd.grad(values.sum(), scores)
    value, slope = loss.replaced(reduction="none").value_and_grad(BITS, y_pred)
    np.testing.assert_allclose(value, values.detach(), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(slope, slopes, rtol=1e-6, atol=1e-9)


FOCAL = itertools.product([False, True], [0.25, 0.7], [0.0, 1.5, 2.0], [False, True], [0.0, 0.2])


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(("balanced", "alpha", "gamma", "from_logits", "smoothing"), FOCAL)
def test_focal_is_that_of_keras(
    balanced: bool, alpha: float, gamma: float, from_logits: bool, smoothing: float
) -> None:
    settings = {
        "apply_class_balancing": balanced,
        "alpha": alpha,
        "gamma": gamma,
        "from_logits": from_logits,
        "label_smoothing": smoothing,
    }
    y_pred = SCORES if from_logits else CHANCES

    def theirs(y_pred: Any) -> Any:
        return keras.losses.binary_focal_crossentropy(BITS, y_pred, **settings)

    value, slope = lossary.BinaryFocalCrossentropy(**settings, reduction="none").value_and_grad(BITS, y_pred)
    np.testing.assert_allclose(value, theirs(y_pred), rtol=1e-5)
    np.testing.assert_allclose(slope, jax.grad(lambda p: theirs(p).sum())(y_pred), rtol=2e-5, atol=1e-6)


def test_an_object_of_keras_has_the_same_settings() -> None:
    theirs = keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.3, gamma=1.0, from_logits=True)
    config = {name: x for name, x in theirs.get_config().items() if name not in ("name", "dtype", "axis", "fn")}
    ours = lossary.get("BinaryFocalCrossentropy", **config)
    np.testing.assert_allclose(ours(BITS, SCORES), theirs(BITS, SCORES), rtol=1e-5)


@pytest.mark.parametrize("alpha", [None, 0.3])
def test_focal_is_that_of_optax(alpha: float | None) -> None:
    balance = {} if alpha is None else {"apply_class_balancing": True, "alpha": alpha}
    ours = lossary.binary_focal_crossentropy(BITS, SCORES, gamma=1.5, from_logits=True, **balance)
    theirs = optax.losses.sigmoid_focal_loss(SCORES, BITS, alpha=alpha, gamma=1.5).mean(-1)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


@pytest.mark.parametrize("from_logits", [False, True])
def test_poly_is_its_definition(from_logits: bool) -> None:
    def peer(y: Any, p: Any) -> Any:
        chance = torch.sigmoid(p) if from_logits else p
        q = torch.where(y == 1, chance, 1 - chance)
        return (-q.log() + 0.7 * (1 - q)).mean(-1)

    loss = lossary.PolyBinaryCrossentropy(from_logits=from_logits, poly_weight=0.7)
    assert_is(loss, SCORES if from_logits else CHANCES, peer)


@pytest.mark.parametrize("margin", [0.0, 0.2])
@pytest.mark.parametrize("from_logits", [False, True])
def test_asymmetric_loss_is_its_definition(from_logits: bool, margin: float) -> None:
    """As its authors' code has it: one weight, of a probability that differs by label."""

    def peer(y: Any, p: Any) -> Any:
        chance = torch.sigmoid(p) if from_logits else p
        other = (1 - chance + margin).clamp(max=1)
        right = chance * y + other * (1 - y)
        return (-(1 - right).pow(0.5 * y + 3.0 * (1 - y)) * right.log()).mean(-1)

    loss = lossary.AsymmetricLoss(from_logits=from_logits, gamma_positive=0.5, gamma_negative=3.0, margin=margin)
    assert_is(loss, SCORES if from_logits else CHANCES, peer)


def test_without_weights_losses_are_cross_entropies() -> None:
    wanted = lossary.binary_crossentropy(BITS, SCORES, from_logits=True)
    for loss in (
        lossary.AsymmetricLoss(gamma_positive=0.0, gamma_negative=0.0, margin=0.0, from_logits=True, reduction="none"),
        lossary.BinaryFocalCrossentropy(gamma=0.0, from_logits=True, reduction="none"),
        lossary.PolyBinaryCrossentropy(poly_weight=0.0, from_logits=True, reduction="none"),
    ):
        np.testing.assert_allclose(loss(BITS, SCORES), wanted, rtol=1e-12)


def test_multilabel_soft_margin_is_binary_cross_entropy() -> None:
    theirs = F.multilabel_soft_margin_loss(torch.tensor(SCORES), torch.tensor(BITS), reduction="none")
    np.testing.assert_allclose(lossary.binary_crossentropy(BITS, SCORES, from_logits=True), theirs, rtol=1e-12)
    assert lossary.get("multilabel_soft_margin") == lossary.BinaryCrossentropy(from_logits=True)


def test_soft_f1_is_dice_over_the_batch() -> None:
    chances, bits = torch.tensor(CHANCES), torch.tensor(BITS)
    theirs = 1 - 2 * (chances * bits).sum(0) / (chances + bits).sum(0)
    np.testing.assert_allclose(lossary.Dice(axis=0, smooth=0.0)(BITS, CHANCES), theirs.mean(), rtol=1e-6)
    assert lossary.get("soft_f1") == lossary.Dice(axis=0)


def test_zlpr_is_a_softmax_beside_zero() -> None:
    def peer(y: Any, p: Any) -> Any:
        nothing = torch.zeros_like(p[..., :1])
        missing = torch.where(y == 1, -p, -torch.inf)
        found = torch.where(y == 1, -torch.inf, p)
        return sum(torch.cat([part, nothing], -1).logsumexp(-1) for part in (missing, found))

    assert_is(lossary.ZLPR(), SCORES, peer)
    assert lossary.zlpr([[1.0, 0.0]], [[-np.inf, -np.inf]]) == np.inf
    np.testing.assert_allclose(lossary.zlpr([[1.0, 0.0]], [[200.0, -np.inf]]), [0.0], atol=1e-12)
    # A soft label of which little is missing: log(1 + e^-20 - 2^-20 e^-20) + log(1 + 2^-20 e^20).
    label, score = np.array([[1.0 - 2.0**-20]], np.float32), np.array([[20.0]], np.float32)
    np.testing.assert_allclose(lossary.zlpr(label, score), np.log1p(np.exp(20.0) / 2.0**20), rtol=1e-6)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("from_logits", [False, True])
def test_the_slope_of_a_sure_answer_can_be_differentiated_again(from_logits: bool, gamma: float) -> None:
    sure = torch.tensor([[200.0, -200.0]] if from_logits else [[1.0, 0.0]], requires_grad=True)
    value = lossary.binary_focal_crossentropy(torch.tensor([[1.0, 0.0]]), sure, gamma=gamma, from_logits=from_logits)
    (slope,) = torch.autograd.grad(value.sum(), sure, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), sure)
    assert torch.isfinite(curvature).all()
