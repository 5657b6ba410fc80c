"""Losses with several inputs against other libraries, and against their definitions where none has them."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
import optax
import pytest
import torch
import torch.nn.functional as F

import lossary
from peer import assert_same

RNG = np.random.default_rng(5)
SHAPE = (30, 6)


def normal(count: int) -> list[Any]:
    return [RNG.normal(size=SHAPE) for _ in range(count)]


@pytest.mark.parametrize("full", [False, True])
def test_gaussian_nll_is_that_of_pytorch(full: bool) -> None:
    (y, mean), variance = normal(2), RNG.gamma(2.0, size=SHAPE)
    arguments = [y, np.stack([mean, variance], -1)]

    def peer(y: Any, p: Any) -> Any:
        return F.gaussian_nll_loss(p[..., 0], y, p[..., 1], full=full, reduction="none").mean(-1)

    assert_same(lossary.GaussianNLL(full=full), peer, arguments, [1])


@pytest.mark.parametrize("parameters", [{}, {"norm": 1.0}, {"norm": 3.0, "margin": 0.3}, {"swap": True}])
def test_triplet_margin_is_that_of_pytorch(parameters: dict[str, Any]) -> None:
    theirs = {"p": parameters.get("norm", 2.0), **{k: v for k, v in parameters.items() if k != "norm"}}

    def peer(*triple: Any) -> Any:
        return F.triplet_margin_loss(*triple, **theirs, eps=0.0, reduction="none")

    assert_same(lossary.TripletMargin(**parameters), peer, normal(3), [0, 1, 2])


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_dpo_is_its_definition(label_smoothing: float) -> None:
    def peer(chosen: Any, rejected: Any, ref_chosen: Any, ref_rejected: Any) -> Any:
        logits = 0.3 * ((chosen - rejected) - (ref_chosen - ref_rejected))
        wrong = label_smoothing
        return (-F.logsigmoid(logits) * (1 - wrong) - F.logsigmoid(-logits) * wrong).mean(-1)

    assert_same(lossary.DPO(beta=0.3, label_smoothing=label_smoothing), peer, normal(4), [0, 1])


def test_interval_score_is_two_pinball_losses() -> None:
    """And its value is least at the quantiles, here of a normal distribution."""
    y, lower, upper = normal(3)

    def pinball(y: Any, q: Any, level: float) -> Any:
        return torch.maximum(level * (y - q), (level - 1) * (y - q))

    def peer(y: Any, p: Any) -> Any:
        return (2 / 0.2 * (pinball(y, p[..., 0], 0.1) + pinball(y, p[..., 1], 0.9))).mean(-1)

    assert_same(lossary.IntervalScore(alpha=0.2), peer, [y, np.stack([lower, upper], -1)], [1])


@pytest.mark.parametrize("fair", [False, True])
def test_crps_of_an_ensemble_by_sorting(fair: bool) -> None:
    """The spread is also the sum of ``(2 i - M - 1) x_(i)`` over the sorted members."""
    y, (members,) = RNG.normal(size=SHAPE[0]), normal(1)
    count = SHAPE[1]

    def peer(y: Any, x: Any) -> Any:
        factors = 2 * torch.arange(1, count + 1) - count - 1
        spread = (factors * x.sort(-1).values).sum(-1) / (count * (count - 1 if fair else count))
        return (x - y[:, None]).abs().mean(-1) - spread

    assert_same(lossary.CRPSEnsemble(fair=fair), peer, [y, members], [1])


def test_generalized_iou_by_counting() -> None:
    """Boxes with whole corners cover whole cells, which can be counted."""
    corners = np.sort(RNG.integers(0, 9, (2, 40, 2, 2)), axis=2)  # Box, pair, end, axis.
    boxes = corners.reshape(2, 40, 4).astype(float)
    values = lossary.GeneralizedIoU(reduction="none")(boxes[0][:, None], boxes[1][:, None])
    cells = np.arange(9)
    for pair, value in enumerate(values):
        covered = []
        for (x1, y1), (x2, y2) in corners[:, pair]:
            covered.append(np.outer((cells >= x1) & (cells < x2), (cells >= y1) & (cells < y2)))
        ends = corners[:, pair].reshape(4, 2)
        hull = np.prod(ends.max(0) - ends.min(0))
        union, common = np.sum(covered[0] | covered[1]), np.sum(covered[0] & covered[1])
        expected = (1 - common / union if union else 0) + ((hull - union) / hull if hull else 0)
        assert value == pytest.approx(expected, rel=1e-12)


def test_pairwise_logistic_pair_by_pair() -> None:
    relevance, (scores,) = RNG.integers(0, 3, SHAPE).astype(float), normal(1)

    def peer(y: Any, s: Any) -> Any:
        rows = []
        for t, p in zip(y, s, strict=True):
            pairs = [(i, j) for i, j in itertools.permutations(range(len(t)), 2) if t[i] > t[j]]
            rows.append(sum(-F.logsigmoid((p[i] - p[j]) / 0.5) for i, j in pairs) / max(len(pairs), 1))
        return torch.stack(rows)

    assert_same(lossary.PairwiseLogistic(temperature=0.5), peer, [relevance, scores], [1])


IMAGES = (5, 4, 3, 2)


def regions() -> tuple[Any, Any]:
    return RNG.integers(0, 2, IMAGES).astype(np.float32), RNG.uniform(0.05, 0.95, IMAGES).astype(np.float32)


@pytest.mark.parametrize("axis", [(1, 2), (1, 2, 3), None])
def test_dice_and_tversky_are_those_of_keras(axis: Any) -> None:
    y_true, y_pred = regions()
    dice = np.asarray(keras.losses.dice(y_true, y_pred, axis=axis))
    np.testing.assert_allclose(lossary.dice(y_true, y_pred, axis=axis), dice, rtol=1e-5, atol=1e-6)
    # What Keras calls alpha weighs false negatives, and is beta here, as in the paper.
    theirs = np.asarray(keras.losses.tversky(y_true, y_pred, alpha=0.3, beta=0.7, axis=axis))
    ours = lossary.tversky(y_true, y_pred, alpha=0.7, beta=0.3, axis=axis)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_an_empty_region_costs_nothing_but_in_keras() -> None:
    empty = np.zeros((1, 2, 2, 1), np.float32)
    assert lossary.Dice(axis=None)(empty, empty) == 0.0
    assert lossary.Tversky(axis=None)(empty, empty) == 0.0
    assert float(keras.losses.dice(empty, empty)) == 1.0


def test_tversky_is_the_dice_of_optax() -> None:
    y_true, y_pred = regions()
    y_true, scores = y_true[..., :1], np.log(y_pred / (1 - y_pred))[..., :1]
    theirs = optax.losses.dice_loss(scores, y_true, smooth=0.5, alpha=0.3, beta=0.6, reduction="none")
    ours = lossary.tversky(y_true, scores, from_logits=True, smooth=0.5, alpha=0.3, beta=0.6, axis=(1, 2))
    np.testing.assert_allclose(ours[:, 0], np.squeeze(np.asarray(theirs)), rtol=1e-5)


def test_tversky_meets_dice_and_the_jaccard_distance() -> None:
    y_true, y_pred = (np.reshape(x, (5, -1)).astype(float) for x in regions())
    half = lossary.dice(y_true, y_pred, smooth=0.0)
    np.testing.assert_allclose(lossary.tversky(y_true, y_pred, smooth=0.0), half, rtol=1e-12)
    shared = (y_true * y_pred).sum(-1)
    jaccard = 1 - shared / (y_true.sum(-1) + y_pred.sum(-1) - shared)
    np.testing.assert_allclose(lossary.tversky(y_true, y_pred, alpha=1.0, beta=1.0, smooth=0.0), jaccard, rtol=1e-12)
