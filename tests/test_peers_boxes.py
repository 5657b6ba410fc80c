"""Losses of boxes and of what detectors score, beside the formulas of torchvision and MMDetection in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import lossary
from peer import assert_same

RNG = np.random.default_rng(19)


def boxes(count: int = 60) -> Any:
    """Boxes that meet, that lie apart, and that lie one in the other."""
    corners = np.sort(RNG.normal(size=(2, count, 2)), axis=-1) * RNG.uniform(0.3, 2.0, (2, count, 1))
    return np.stack([corners[0, :, 0], corners[1, :, 0], corners[0, :, 1], corners[1, :, 1]], -1)[:, None]


PAIR = [boxes(), boxes()]


def geometry(y: Any, p: Any) -> tuple[Any, Any, Any]:
    """The intersection over union, the hull's sides, and the squared distance of the centers."""
    low, high = torch.maximum(y[..., :2], p[..., :2]), torch.minimum(y[..., 2:], p[..., 2:])
    common = (high - low).clamp(min=0).prod(-1)
    areas = [(x[..., 2:] - x[..., :2]).prod(-1) for x in (y, p)]
    hull = torch.maximum(y[..., 2:], p[..., 2:]) - torch.minimum(y[..., :2], p[..., :2])
    apart = ((y[..., :2] + y[..., 2:]) / 2 - (p[..., :2] + p[..., 2:]) / 2).square().sum(-1)
    return common / (areas[0] + areas[1] - common), hull, apart


def test_iou_loss_is_that_of_mmdetection() -> None:
    assert_same(lossary.IoULoss(), lambda y, p: (1 - geometry(y, p)[0]).mean(-1), PAIR, [1])
    assert_same(
        lossary.IoULoss(logarithm=True, epsilon=0.01),
        lambda y, p: -geometry(y, p)[0].clamp(min=0.01).log().mean(-1),
        [x[lossary.iou_loss(*PAIR) < 0.98] for x in PAIR],  # Where it clips, PyTorch has no slope.
        [1],
    )


def test_distance_iou_is_that_of_torchvision() -> None:
    def peer(y: Any, p: Any) -> Any:
        iou, hull, apart = geometry(y, p)
        return (1 - iou + apart / hull.square().sum(-1)).mean(-1)

    assert_same(lossary.DistanceIoU(), peer, PAIR, [1])


def test_efficient_iou_is_its_definition() -> None:
    def peer(y: Any, p: Any) -> Any:
        iou, hull, apart = geometry(y, p)
        longer = (p[..., 2:] - p[..., :2]) - (y[..., 2:] - y[..., :2])
        return (1 - iou + apart / hull.square().sum(-1) + (longer / hull).square().sum(-1)).mean(-1)

    assert_same(lossary.EfficientIoU(), peer, PAIR, [1])


def test_complete_iou_is_that_of_torchvision() -> None:
    def peer(y: Any, p: Any) -> Any:
        iou, hull, apart = geometry(y, p)
        wide, high = (x[..., 2] - x[..., 0] for x in (y, p)), (x[..., 3] - x[..., 1] for x in (y, p))
        true, found = (torch.atan(w / h) for w, h in zip(wide, high, strict=True))
        v = 4 / torch.pi**2 * (true - found).square()
        weight = (v / (1 - iou + v)).detach()
        return (1 - iou + apart / hull.square().sum(-1) + weight * v).mean(-1)

    assert_same(lossary.CompleteIoU(), peer, PAIR, [1])


@pytest.mark.parametrize("name", ["complete_iou", "generalized_iou", "iou_loss", "distance_iou", "efficient_iou"])
def test_two_empty_boxes_at_one_place_cost_nothing_and_have_finite_slopes(name: str) -> None:
    empty = np.ones((1, 1, 4))
    value, slope = lossary.get(name).value_and_grad(empty, empty)
    assert value == 0.0
    assert np.isfinite(slope).all()


QUALITIES = RNG.uniform(size=(20, 5)) * (RNG.random((20, 5)) < 0.5)
SCORES = RNG.normal(size=(20, 5)) * 3.0


@pytest.mark.parametrize("alpha", [2.0, 1.0])
def test_gaussian_focal_is_that_of_mmdetection(alpha: float) -> None:
    heat = np.where(RNG.random(QUALITIES.shape) < 0.3, 1.0, QUALITIES)

    def peer(y: Any, p: Any) -> Any:
        center, rest = -p.log() * (1 - p).pow(alpha) * (y == 1), -(1 - p).log() * p.pow(alpha) * (1 - y).pow(4.0)
        return (center + rest).mean(-1)

    assert_same(lossary.GaussianFocal(alpha=alpha), peer, [heat, RNG.uniform(0.01, 0.99, heat.shape)], [1])
    scores = lossary.GaussianFocal(alpha=alpha, from_logits=True)
    assert_same(scores, lambda y, z: peer(y, z.sigmoid()), [heat, SCORES], [1])


@pytest.mark.parametrize("beta", [2.0, 1.5])
def test_quality_focal_is_that_of_mmdetection(beta: float) -> None:
    def peer(y: Any, z: Any) -> Any:
        cost = F.binary_cross_entropy_with_logits(z, y, reduction="none")
        return (cost * (y - z.sigmoid()).abs().pow(beta)).mean(-1)

    assert_same(lossary.QualityFocal(beta=beta), peer, [QUALITIES, SCORES], [1])


def test_varifocal_is_that_of_mmdetection() -> None:
    def peer(y: Any, z: Any) -> Any:
        weight = torch.where(y > 0, y, 0.6 * z.sigmoid().pow(1.5))
        return (weight * F.binary_cross_entropy_with_logits(z, y, reduction="none")).mean(-1)

    assert_same(lossary.Varifocal(alpha=0.6, gamma=1.5), peer, [QUALITIES, SCORES], [1])


def test_distribution_focal_is_that_of_mmdetection() -> None:
    distances = np.append(RNG.uniform(0.0, 4.0, 19), 3.0)

    def peer(y: Any, z: Any) -> Any:
        low = y.long()
        ends = [F.cross_entropy(z, each, reduction="none") for each in (low, low + 1)]
        return ends[0] * (low + 1 - y) + ends[1] * (y - low)

    assert_same(lossary.DistributionFocal(), peer, [distances, SCORES], [1])
