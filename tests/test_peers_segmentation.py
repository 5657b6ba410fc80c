"""Losses of regions beside optax's, and beside the formulas of MONAI and segmentation-models-pytorch, in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import optax
import pytest
import torch
from scipy.ndimage import distance_transform_edt as edt

import lossary
from peer import assert_same

RNG = np.random.default_rng(11)
IMAGES = (4, 5, 6, 2)
MASKS, PROBABILITIES = RNG.integers(0, 2, IMAGES).astype(float), RNG.uniform(0.05, 0.95, IMAGES)
SCORES = np.log(PROBABILITIES / (1.0 - PROBABILITIES))
SPACE = (1, 2)


def counts(y: Any, p: Any) -> tuple[Any, Any, Any, Any]:
    tp, fp, fn, tn = y * p, (1 - y) * p, y * (1 - p), (1 - y) * (1 - p)
    return tp.sum(SPACE), fp.sum(SPACE), fn.sum(SPACE), tn.sum(SPACE)


def both_heads(loss: Any, peer: Any) -> None:
    """The peer's formula on probabilities, and on the sigmoid of scores."""
    assert_same(loss.replaced(axis=SPACE), peer, [MASKS, PROBABILITIES], [1])
    scores = loss.replaced(axis=SPACE, from_logits=True)
    assert_same(scores, lambda y, z: peer(y, torch.sigmoid(z)), [MASKS, SCORES], [1])


def test_jaccard_is_that_of_the_peers() -> None:
    def peer(y: Any, p: Any) -> Any:
        shared = (y * p).sum(SPACE)
        return 1 - shared / (y.sum(SPACE) + p.sum(SPACE) - shared)

    both_heads(lossary.Jaccard(smooth=0.0), peer)
    dice = lossary.dice(MASKS, PROBABILITIES, axis=SPACE, smooth=0.0)
    found = lossary.jaccard(MASKS, PROBABILITIES, axis=SPACE, smooth=0.0)
    np.testing.assert_allclose(found, 2 * dice / (1 + dice), rtol=1e-12)


@pytest.mark.parametrize("gamma", [0.75, 2.0])
def test_focal_tversky_is_that_of_the_peers(gamma: float) -> None:
    def peer(y: Any, p: Any) -> Any:
        tp, fp, fn, _ = counts(y, p)
        return (1 - tp / (tp + 0.2 * fp + 0.8 * fn)) ** gamma

    both_heads(lossary.FocalTversky(alpha=0.2, beta=0.8, gamma=gamma, smooth=0.0), peer)


def test_matthews_correlation_is_that_of_the_peers() -> None:
    def peer(y: Any, p: Any) -> Any:
        tp, fp, fn, tn = counts(y, p)
        return 1 - (tp * tn - fp * fn) / ((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)).sqrt()

    both_heads(lossary.MatthewsCorrelation(), peer)
    masks, scores = torch.tensor(MASKS), torch.tensor(PROBABILITIES).round()
    hard = lossary.matthews_correlation(masks, scores, axis=None)
    np.testing.assert_allclose(1 - hard, np.corrcoef(masks.ravel(), scores.ravel())[0, 1], rtol=1e-12)


def test_a_region_that_fills_the_image_or_is_empty_has_no_correlation_and_no_slope() -> None:
    loss = lossary.MatthewsCorrelation(axis=SPACE, reduction="sum")
    for region in (np.zeros(IMAGES), np.ones(IMAGES)):
        for arrays in ((region, PROBABILITIES), (MASKS, region)):
            value, slope = loss.value_and_grad(*arrays)
            assert value == IMAGES[0] * IMAGES[3]
            assert not slope.any()


@pytest.mark.parametrize("name", ["dice_loss", "binary_dice_loss"])
def test_dice_is_that_of_optax(name: str) -> None:
    y_true, y_pred = (x[..., :1].astype(np.float32) for x in (MASKS, SCORES))
    theirs = np.asarray(getattr(optax.losses, name)(y_pred, y_true))
    line = lossary.Dice.record.line(f"optax.losses.{name}")
    ours = eval(line, {"lossary": lossary}).replaced(reduction="none")(y_true, y_pred)
    np.testing.assert_allclose(ours[:, 0], theirs, rtol=1e-5)


def test_boundary_loss_is_the_mean_of_a_map_times_probabilities() -> None:
    """Its map has MONAI's sign, negative inside, so that the right mask costs least."""
    mask = np.zeros((1, 7, 7))
    mask[0, 2:5, 1:6] = 1.0
    maps = edt(1 - mask[0])[None] - edt(mask[0])[None]
    probabilities = RNG.uniform(size=mask.shape)
    assert_same(lossary.BoundaryLoss(axis=SPACE), lambda y, p: (y * p).mean(SPACE), [maps, probabilities], [1])
    assert lossary.boundary_loss(maps, mask, axis=SPACE) < lossary.boundary_loss(maps, probabilities, axis=SPACE)


@pytest.mark.parametrize("alpha", [2.0, 1.0])
def test_hausdorff_distance_transform_is_its_definition(alpha: float) -> None:
    predicted = (PROBABILITIES > 0.5).astype(float)
    arrays = [MASKS, PROBABILITIES, *(edt(mask) + edt(1 - mask) for mask in (MASKS, predicted))]

    def peer(y: Any, p: Any, true: Any, found: Any) -> Any:
        return ((p - y).square() * (true.pow(alpha) + found.pow(alpha))).mean(SPACE)

    loss = lossary.HausdorffDT(alpha=alpha, axis=SPACE)
    assert_same(loss, peer, arrays, [1])
    scores = [MASKS, SCORES, *arrays[2:]]
    assert_same(loss.replaced(from_logits=True), lambda y, z, a, b: peer(y, z.sigmoid(), a, b), scores, [1])


def test_generalized_dice_is_that_of_sudre_and_monai() -> None:
    """Classes lie along the last axis that is no region's; an absent one takes the largest weight of the others."""
    labels = RNG.integers(0, 3, (4, 5, 6))
    labels[0][labels[0] == 1] = 2
    true, predicted = np.eye(3)[labels], RNG.dirichlet([1.0, 2.0, 0.5], (4, 5, 6))

    def peer(y: Any, p: Any) -> Any:
        size = y.sum(SPACE)
        weight = torch.where(size == 0, 0.0, 1 / size.clamp(min=1).square())
        weight = torch.where(size == 0, weight.max(-1, keepdim=True).values, weight)
        both = (weight * (y.sum(SPACE) + p.sum(SPACE))).sum(-1)
        return 1 - (2 * (weight * (y * p).sum(SPACE)).sum(-1) + 1e-5) / (both + 1e-5)

    loss = lossary.GeneralizedDice(axis=SPACE, smooth=1e-5)
    assert_same(loss, peer, [true, predicted], [1])
    scores = RNG.normal(size=true.shape) * 4.0
    assert_same(loss.replaced(from_logits=True), lambda y, z: peer(y, z.softmax(-1)), [true, scores], [1])
    value, slope = loss.value_and_grad(true, predicted)
    first, turned = (np.moveaxis(x, -1, 1) for x in (true, predicted))
    value_of_first, slope_of_first = loss.replaced(axis=(2, 3)).value_and_grad(first, turned)
    np.testing.assert_allclose(value_of_first, value, rtol=1e-12)
    np.testing.assert_allclose(slope_of_first, np.moveaxis(slope, -1, 1), rtol=1e-12)
    # Pixels that nobody labelled are as good as cut off.
    kept = np.broadcast_to((np.arange(6) < 4)[:, None], true.shape)
    for own, given in ((loss, predicted), (loss.replaced(from_logits=True), np.where(kept, scores, np.nan))):
        cut = own.value_and_grad(true[:, :, :4], given[:, :, :4])
        masked = own.value_and_grad(true, given, where=kept)
        np.testing.assert_allclose(masked[0], cut[0], rtol=1e-12)
        np.testing.assert_allclose(masked[1][:, :, :4], cut[1], rtol=1e-12)
        assert not masked[1][:, :, 4:].any()


def test_optax_weighs_the_dice_losses_of_the_classes() -> None:
    true = np.eye(3)[RNG.integers(0, 3, (4, 5, 6))]
    scores = RNG.normal(size=true.shape)
    shares = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    weight = 1 / true.sum((0, 1, 2)) ** 2
    line = lossary.GeneralizedDice.record.line("optax.losses.multiclass_generalized_dice_loss")
    ours = eval(line, {"lossary": lossary})(true, shares, sample_weight=np.tile(weight / weight.mean(), (4, 1)))
    np.testing.assert_allclose(ours, optax.losses.multiclass_generalized_dice_loss(scores, true), rtol=1e-5)
