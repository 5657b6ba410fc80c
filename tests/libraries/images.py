"""Losses of images and boxes."""

from __future__ import annotations

from typing import Any

import kornia.losses
import monai.losses
import numpy as np
import pytorch_toolbelt.losses
import segmentation_models_pytorch.losses as smp
import timm.loss
import torch
import torch.nn.functional as F
import torchvision.ops

from peer import Peer

from .loading import module

mmdet = {name: module(f"mmdet.models.losses.{name}") for name in (
    "balanced_l1_loss", "gaussian_focal_loss", "gfocal_loss", "iou_loss", "kd_loss", "smooth_l1_loss", "varifocal_loss",
)}  # fmt: skip
ultralytics = module("ultralytics.utils.loss")
basicsr = module("basicsr.losses.basic_loss")
mmseg = module("mmseg.models.losses.silog_loss")

IMAGES = (2, 3, 6, 5)
ALPHA_BETA = {"alpha": 0.3, "beta": 0.7}


def labelled(rng: np.random.Generator, drawn: Any) -> Any:
    """Integer labels of pixels, and scores of three classes along axis 1."""
    return rng.integers(0, 3, (2, 6, 5)), rng.normal(size=IMAGES)


def one_hot(labels: Any) -> Any:
    return F.one_hot(labels, 3).movedim(-1, 1).double()


def of_softmax(loss: Any, labels: Any, scores: Any) -> Any:
    return loss(one_hot(labels), scores.softmax(1))


def classes_last(loss: Any, labels: Any, scores: Any) -> Any:
    return loss(labels, scores.movedim(1, -1))


def ordered(rng: np.random.Generator, drawn: Any) -> Any:
    """Predictions whose corners are in order, which is what all of them take for granted."""
    low, high = np.minimum(*np.split(drawn[1], 2, -1)), np.maximum(*np.split(drawn[1], 2, -1))
    return drawn[0], np.concatenate([low, high], -1)


def near(rng: np.random.Generator, drawn: Any) -> Any:
    """Predictions that cover more than half of the box."""
    wide = np.tile(drawn[0][..., 2:] - drawn[0][..., :2], 2)
    return drawn[0], drawn[0] + rng.uniform(-0.1, 0.1, drawn[0].shape) * wide


def with_fields(rng: np.random.Generator, drawn: Any) -> Any:
    """Masks, probabilities and the distances of both that MONAI makes itself."""
    y, p = drawn[:2]
    field = monai.losses.HausdorffDTLoss().distance_field
    return y, p, *(np.stack([field(torch.tensor(x[:, [i]]))[:, 0].numpy() for i in range(3)], 1) for x in (y, p))


def boxes(function: Any, draw: Any = ordered) -> Peer:
    """Of boxes one per row, but for the 1e-7 that is added there."""
    return Peer(lambda y, p: function(p[:, 0], y[:, 0]), shape=(40, 1), draw=draw, rtol=1e-4)


PEERS = {
    "kornia.losses.BinaryFocalLossWithLogits": Peer(
        lambda y, z: kornia.losses.BinaryFocalLossWithLogits(alpha=None, reduction="mean")(z, y)
    ),
    "kornia.losses.cauchy_loss": Peer(lambda y, p: kornia.losses.cauchy_loss(p, y, "mean")),
    "kornia.losses.charbonnier_loss": Peer(lambda y, p: kornia.losses.charbonnier_loss(p, y, "mean")),
    "kornia.losses.geman_mcclure_loss": Peer(lambda y, p: kornia.losses.geman_mcclure_loss(p, y, "mean")),
    "kornia.losses.welsch_loss": Peer(lambda y, p: kornia.losses.welsch_loss(p, y, "mean")),
    "kornia.losses.dice_loss": Peer(lambda y, z: kornia.losses.dice_loss(z, y), of_softmax, draw=labelled, rtol=1e-7),
    "kornia.losses.tversky_loss": Peer(
        lambda y, z: kornia.losses.tversky_loss(z, y, 0.3, 0.7),
        of_softmax,
        draw=labelled,
        rtol=1e-7,
        settings=ALPHA_BETA,
    ),
    "kornia.losses.focal_loss": Peer(
        lambda y, z: kornia.losses.focal_loss(z, y, None, reduction="mean"),
        lambda loss, y, z: classes_last(loss, y, z) / 3,
        draw=labelled,
    ),
    "kornia.losses.psnr_loss": Peer(lambda y, p: kornia.losses.psnr_loss(p, y, 1.0), shape=IMAGES),
    "monai.losses.BoundaryLoss": Peer(
        lambda y, p: monai.losses.BoundaryLoss()(p, y),
        lambda loss, y, p: loss.replaced(axis=(2, 3))(monai.losses.BoundaryLoss().compute_distance_map(y).double(), p),
        shape=IMAGES,
    ),
    "monai.losses.DiceLoss": Peer(lambda y, p: monai.losses.DiceLoss()(p, y), shape=IMAGES),
    "monai.losses.TverskyLoss": Peer(
        lambda y, p: monai.losses.TverskyLoss(alpha=0.3, beta=0.7)(p, y), shape=IMAGES, settings=ALPHA_BETA
    ),
    "monai.losses.MCCLoss": Peer(lambda y, p: monai.losses.MCCLoss()(p, y), shape=IMAGES, rtol=1e-5),
    "monai.losses.softmax_focal_loss": Peer(
        lambda y, z: module("monai.losses.focal_loss").softmax_focal_loss(z, one_hot(y)).sum(1),
        lambda loss, y, z: loss(one_hot(y).movedim(1, -1), z.movedim(1, -1)),
        draw=labelled,
    ),
    "segmentation_models_pytorch.losses.DiceLoss": Peer(lambda y, z: smp.DiceLoss("multilabel")(z, y), shape=IMAGES),
    "segmentation_models_pytorch.losses.JaccardLoss": Peer(
        lambda y, z: smp.JaccardLoss("multilabel")(z, y), shape=IMAGES
    ),
    "segmentation_models_pytorch.losses.TverskyLoss": Peer(
        lambda y, z: smp.TverskyLoss("multilabel")(z, y), shape=IMAGES
    ),
    "segmentation_models_pytorch.losses.MCCLoss": Peer(lambda y, p: smp.MCCLoss()(p, y), shape=(2, 1, 6, 5), rtol=1e-5),
    "timm.loss.AsymmetricLossMultiLabel": Peer(
        lambda y, z: timm.loss.AsymmetricLossMultiLabel()(z, y), lambda loss, y, z: 5 * loss(y, z), rtol=1e-5
    ),
    "timm.loss.PolyBinaryCrossEntropy": Peer(lambda y, z: timm.loss.PolyBinaryCrossEntropy()(z, y), rtol=1e-5),
    "timm.loss.PolyCrossEntropy": Peer(lambda y, z: timm.loss.PolyCrossEntropy()(z, y), rtol=1e-5),
    "timm.loss.ZlprLoss": Peer(lambda y, z: timm.loss.ZlprLoss()(z, y), rtol=1e-5),
    "torchvision.ops.complete_box_iou_loss": boxes(torchvision.ops.complete_box_iou_loss),
    "torchvision.ops.distance_box_iou_loss": boxes(torchvision.ops.distance_box_iou_loss),
    "torchvision.ops.generalized_box_iou_loss": boxes(torchvision.ops.generalized_box_iou_loss),
    "torchvision.ops.sigmoid_focal_loss": Peer(lambda y, z: torchvision.ops.sigmoid_focal_loss(z, y, reduction="mean")),
    "mmdet.BalancedL1Loss": Peer(lambda y, p: mmdet["balanced_l1_loss"].BalancedL1Loss()(p, y)),
    "mmdet.SmoothL1Loss": Peer(lambda y, p: mmdet["smooth_l1_loss"].SmoothL1Loss()(p, y)),
    "mmdet.models.losses.CIoULoss": boxes(mmdet["iou_loss"].CIoULoss(), near),
    "mmdet.models.losses.DIoULoss": boxes(mmdet["iou_loss"].DIoULoss()),
    "mmdet.models.losses.IoULoss": boxes(mmdet["iou_loss"].IoULoss()),
    "mmdet.models.losses.DistributionFocalLoss": Peer(lambda y, p: mmdet["gfocal_loss"].DistributionFocalLoss()(p, y)),
    "mmdet.models.losses.GaussianFocalLoss": Peer(
        lambda y, p: mmdet["gaussian_focal_loss"].GaussianFocalLoss()(p, y), rtol=1e-6
    ),
    "mmdet.models.losses.KnowledgeDistillationKLDivLoss": Peer(
        lambda y, p: mmdet["kd_loss"].KnowledgeDistillationKLDivLoss()(p, y), lambda loss, y, p: loss(y, p) / 5
    ),
    "mmdet.models.losses.QualityFocalLoss": Peer(
        lambda y, z: mmdet["gfocal_loss"].QualityFocalLoss()(z, y), lambda loss, y, z: loss(y, z) * 5
    ),
    "mmdet.models.losses.VarifocalLoss": Peer(lambda y, z: mmdet["varifocal_loss"].VarifocalLoss()(z, y)),
    "monai.losses.HausdorffDTLoss": Peer(
        lambda y, p, *fields: monai.losses.HausdorffDTLoss(include_background=True)(p, y),
        lambda loss, y, p, *fields: loss.replaced(axis=(2, 3))(y, p, *fields),
        draw=with_fields,
        shape=IMAGES,
        rtol=1e-6,
    ),
    "monai.losses.LogHausdorffDTLoss": Peer(
        lambda y, p, *fields: monai.losses.LogHausdorffDTLoss(include_background=True)(p, y),
        lambda loss, y, p, *fields: (1 + loss.replaced(axis=(2, 3))(y, p, *fields)).log(),
        draw=with_fields,
        shape=IMAGES,
        rtol=1e-6,
    ),
    "monai.losses.PatchAdversarialLoss": Peer(
        lambda y, z: monai.losses.PatchAdversarialLoss(criterion="hinge")(z, True, True),
        lambda loss, y, z: loss(y, z.tanh()),
        draw=lambda rng, drawn: (np.ones_like(drawn[0]), drawn[1]),
    ),
    "mmseg.SiLogLoss": Peer(lambda y, p: mmseg.SiLogLoss()(p, y), shape=(2, 6, 5)),
    "ultralytics.utils.loss.DFLoss": Peer(lambda y, p: ultralytics.DFLoss(5)(p, y[:, None])[:, 0]),
    "ultralytics.utils.loss.VarifocalLoss": Peer(
        lambda y, z: ultralytics.VarifocalLoss()(z, y, (y > 0).double()), rtol=1e-5
    ),
    "pytorch_toolbelt.losses.QualityFocalLoss": Peer(
        lambda y, z: pytorch_toolbelt.losses.QualityFocalLoss()(z, y), rtol=1e-5
    ),
    "pytorch_toolbelt.losses.WingLoss": Peer(lambda y, p: pytorch_toolbelt.losses.WingLoss()(p, y)),
    "basicsr.CharbonnierLoss": Peer(lambda y, p: basicsr.CharbonnierLoss()(p, y)),
}
