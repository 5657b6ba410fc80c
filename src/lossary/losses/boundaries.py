"""Losses of the boundaries of regions, which are told by maps of distances."""

from __future__ import annotations

from typing import Any

from ..facts.domain import Bits, Distance, Real, Unit
from ..facts.record import Case
from ..facts.settings import Flag, Interval
from ..objects.define import loss
from ..words import mean, power, sigmoid, square

_LOGITS = Flag("Whether y_pred holds raw scores (no sigmoid in the last layer)")


@loss(
    class_name="BoundaryLoss",
    aliases=("surface_loss", "boundary_kervadec"),
    target=Real(),
    prediction=Unit(),
    parameters={"from_logits": _LOGITS},
    best=lambda y_true: y_true < 0.0,
    definition="mean(y_true * y_pred), y_true are signed distances to the boundary, negative inside",
    source="H. Kervadec et al., Boundary loss for highly unbalanced segmentation (2019), eq. 5",
    peers={
        "monai.losses.BoundaryLoss": "Loss()   # of the map, which is made of the mask there",
    },
    cases=(
        Case([[-1.0, 2.0]], [[1.0, 0.5]], (0.0,), "(-1 + 2/2)/2"),
        Case([[-2.0, 1.0, 4.0]], [[0.0, 0.0, 0.0]], (0.5,), "(-2 + 1 + 4)/2/3", {"from_logits": True}),
    ),
)
def boundary_loss(y_true: Any, y_pred: Any, from_logits: bool = False) -> Any:
    """Distance to the true boundary of what is predicted beyond it, less what is rightly found, for thin regions.

    Beside a loss of regions, with a weight that grows from 0.01 during training: alone it ends at an empty prediction.
    ``y_true`` is no mask but a map made of it once, before training: the distance of every pixel to the boundary,
    negative inside.  With SciPy, ``edt = scipy.ndimage.distance_transform_edt`` and ``edt(1 - mask) - edt(mask)``; of
    an empty mask, zeros.  The value may be negative and means little by itself.

    >>> import lossary
    >>> print(lossary.boundary_loss([[-1.0, 2.0]], [[1.0, 0.25]]))
    [-0.25]
    """
    return mean(y_true * (sigmoid(y_pred) if from_logits else y_pred))


def _steps(y_true: Any, y_pred: Any, from_logits: bool) -> Any:
    """``y_pred - y_true`` of probabilities; of scores as a sum of two that do not cancel for a label of 0 or 1."""
    if from_logits:
        return (1.0 - y_true) * sigmoid(y_pred) - y_true * sigmoid(-y_pred)
    return y_pred - y_true


@loss(
    class_name="HausdorffDT",
    aliases=("HausdorffDTLoss", "hausdorff_dt_loss"),
    target=Bits(),
    prediction=Unit(),
    given={"true_distance": Distance(), "pred_distance": Distance()},
    parameters={
        "from_logits": _LOGITS,
        "alpha": Interval("The power of distances; larger ones ask more of far errors", 0.0, open_below=True),
    },
    definition="mean((y_pred - y_true)**2 * (true_distance**alpha + pred_distance**alpha)), distances are those to the "
    "boundaries of y_true and of y_pred > 1/2",
    source="D. Karimi, S. E. Salcudean, Reducing the Hausdorff distance in medical image segmentation (2019), eq. 8",
    peers={
        "monai.losses.HausdorffDTLoss": "Loss()   # makes both maps itself",
        "monai.losses.LogHausdorffDTLoss": "Loss()   # and log(1 + it)",
    },
    cases=(
        Case([[1.0]], [[0.5]], [[1.0]], [[1.0]], (0.5,), "1/4 (1 + 1)"),
        Case([[1.0, 0.0]], [[0.5, 0.25]], [[2.0, 1.0]], [[0.0, 4.0]], (0.40625,), "(2/4 + (1 + 4)/16)/2",
             {"alpha": 1.0}),
        Case([[1.0]], [[0.0]], [[1.0]], [[2.0]], (1.25,), "1/4 (1 + 4)", {"from_logits": True}),
    ),
)  # fmt: skip
def hausdorff_distance_transform(
    y_true: Any, y_pred: Any, true_distance: Any, pred_distance: Any, from_logits: bool = False, *, alpha: float = 2.0
) -> Any:
    """Squared errors, weighted by how far they are from both boundaries: a smooth stand-in for the Hausdorff distance.

    For masks whose worst error counts.  The two maps hold the distance of every pixel to the boundary of the true mask
    and of the predicted one, without a sign and without a gradient; with SciPy, ``edt =
    scipy.ndimage.distance_transform_edt`` and ``edt(mask) + edt(1 - mask)``, where ``mask = y_pred > 0.5`` for the
    second, which has to be made anew at each step, on the host.  In Keras, where targets are there before predictions,
    this needs a training loop of one's own.

    >>> import lossary
    >>> print(lossary.hausdorff_distance_transform([[1.0]], [[0.5]], [[1.0]], [[2.0]]))
    [1.25]
    """
    far = power(true_distance, alpha) + power(pred_distance, alpha)
    return mean(square(_steps(y_true, y_pred, from_logits)) * far)
