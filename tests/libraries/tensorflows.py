"""Losses of TensorFlow, of Keras's companions and of their forerunners."""

from __future__ import annotations

from typing import Any

import focal_loss
import numpy as np
import tensorflow as tf

from peer import Peer

from .loading import Anything, module

tf.keras.losses.Reduction = Anything("Reduction")  # Keras 3 has none; a default of classes that are not used here.
contrastive, focal, sparsemax = (
    module(f"tensorflow_addons.losses.{name}") for name in ("contrastive", "focal_loss", "sparsemax_loss")
)
ranking = module("tensorflow_ranking.python.losses_impl")
penalty, smooth_l1 = (module(f"keras_cv.src.losses.{name}") for name in ("penalty_reduced_focal_loss", "smooth_l1"))
iou, ciou = (module(f"keras_cv.src.losses.{name}") for name in ("iou_loss", "ciou_loss"))
depth = module("keras_hub.src.models.depth_anything.depth_anything_loss")
TF1 = tf.compat.v1.losses


def of(theirs: Any, ours: Any = None, **options: Any) -> Peer:
    return Peer(theirs, ours, arrays="tensorflow", rtol=options.pop("rtol", 1e-6), **options)


def squares(rng: np.random.Generator, drawn: Any) -> Any:
    """Boxes of one shape, that meet."""
    low = rng.uniform(0.0, 0.4, (2, 6, 1, 2))
    return np.concatenate([low, low + rng.uniform(0.5, 1.0, (2, 6, 1, 1))], -1)


def single(y: Any, p: Any) -> Any:
    """One box at a time."""
    return tf.stack([iou.IoULoss("xyxy", dtype="float64")(*pair) for pair in zip(y, p, strict=True)])


PEERS = {
    "focal_loss.SparseCategoricalFocalLoss": of(
        focal_loss.SparseCategoricalFocalLoss(gamma=2), gradient=False, rtol=1e-5
    ),
    "keras_cv.SmoothL1Loss": of(smooth_l1.SmoothL1Loss(dtype="float64")),
    "keras_cv.losses.BinaryPenaltyReducedFocalCrossEntropy": of(
        penalty.BinaryPenaltyReducedFocalCrossEntropy(), rtol=1e-5
    ),
    "keras_cv.losses.CIoULoss": of(ciou.CIoULoss("xyxy", dtype="float64"), draw=squares, rtol=1e-5),
    "keras_cv.losses.IoULoss": of(single, draw=squares, rtol=1e-5),
    "keras_hub.DepthAnythingLoss": of(
        depth.DepthAnythingLoss(dtype="float64"),
        shape=(2, 4, 3, 1),
    ),
    "tensorflow.compat.v1.losses.cosine_distance": of(
        lambda y, p: TF1.cosine_distance(tf.math.l2_normalize(y, -1), tf.math.l2_normalize(p, -1), axis=-1),
        lambda loss, y, p: 1 + loss(y, p),
    ),
    "tensorflow.compat.v1.losses.sigmoid_cross_entropy": of(TF1.sigmoid_cross_entropy),
    "tensorflow.nn.sigmoid_cross_entropy_with_logits": of(
        lambda y, z: tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(y, z), -1)
    ),
    "tensorflow.nn.softmax_cross_entropy_with_logits": of(tf.nn.softmax_cross_entropy_with_logits),
    "tensorflow.nn.sparse_softmax_cross_entropy_with_logits": of(tf.nn.sparse_softmax_cross_entropy_with_logits),
    "tensorflow_addons.losses.ContrastiveLoss": of(lambda y, d: tf.reduce_mean(contrastive.contrastive_loss(y, d), -1)),
    "tensorflow_addons.losses.SigmoidFocalCrossEntropy": of(
        focal.sigmoid_focal_crossentropy, lambda loss, y, p: 5 * loss(y, p)
    ),
    "tensorflow_addons.losses.SparsemaxLoss": of(
        lambda y, z: sparsemax.sparsemax_loss_from_logits(tf.one_hot(y, 5, dtype=z.dtype), z)
    ),
    "tensorflow_ranking.keras.losses.SoftmaxLoss": of(
        lambda y, z: ranking.SoftmaxLoss("x").compute(y, z, None, TF1.Reduction.SUM_BY_NONZERO_WEIGHTS),
        draw=lambda rng, drawn: [x.astype("float32") for x in drawn],
        rtol=1e-5,
    ),
}
