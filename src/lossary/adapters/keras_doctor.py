"""The doctor's look at the first rows of ``fit``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from ..doctor.first_batch import UNREAD, DiagnosisError, When, check_first_batch, failed, not_looked_at, valid_mode
from ..facts.spelling import fold
from ..objects.define import folded
from ..readers import heads
from . import keras_batches
from .keras_kin import mask_of
from .keras_resolve import BY_SHAPE, is_config

# So few rows that nothing is concluded from how they are spread: the data may be sorted and shuffled later.
ROWS = 64
SPARSE = "sparse_categorical_crossentropy"


@dataclass(frozen=True)
class Part:
    """What belongs to one output of a model; ``name`` is empty where there is only one."""

    name: str
    loss: Any
    y_true: Any
    y_pred: Any
    head: Any
    metrics: Any


@dataclass
class Examination:
    """What ``compile`` was given, until the first ``fit`` has been looked at."""

    loss: Any
    metrics: Any
    doctor: When

    @classmethod
    def ordered(cls, loss: Any, metrics: Any, doctor: Any) -> Examination | None:
        """An examination, or None where there is nothing to look at: switched off, or no loss."""
        return None if valid_mode(doctor) == "off" or loss is None else cls(loss, metrics, doctor)

    def look(self, model: Any, x: Any, y: Any, batch_size: int | None, sample_weight: Any = None) -> Any:
        """Looks at targets, heads and metrics, and hands back what to train on instead of ``x``.

        The model is run only if its last layer cannot be read.
        """
        x, rows = keras_batches.first(x, y, min(batch_size or 32, ROWS), sample_weight)
        try:
            self._look(model, rows)
        except DiagnosisError:
            raise
        except Exception as error:  # Whatever it is, `fit` is what was asked for.
            failed(error, stacklevel=4)
        return x

    def _look(self, model: Any, rows: keras_batches.FirstRows) -> None:
        parts = self._parts(model, rows)
        for part in parts or []:
            check_first_batch(
                _named_by_keras(part),
                part.y_true,
                part.y_pred,
                model=part.head,
                metrics=part.metrics,
                doctor=self.doctor,
                output=part.name,
                stacklevel=5,
            )
        unread = UNREAD["outputs"] if parts is None else rows.unread
        if unread:
            not_looked_at(unread, stacklevel=5)

    def _parts(self, model: Any, rows: keras_batches.FirstRows) -> list[Part] | None:
        """The outputs that have a loss; None where it cannot be told what belongs to which."""
        names = _names(model, self.loss, rows.y)
        weights = _by_output(rows.weight, names) or [rows.weight] * len(names)
        if len(names) == 1:
            losses, targets = _by_output(self.loss, names), _by_output(rows.y, names)
            if losses is None or targets is None:
                return None
            outputs = None if _readable(model) and not _is_masked(model) else _outputs(model, rows.x)
            part = Part("", losses[0], targets[0], _unread(model, outputs), model, self.metrics)
            return [_seen(part, _mask(outputs), weights[0])]
        losses = _by_output(self.loss, names) or ([self.loss] * len(names) if _is_one(self.loss) else None)
        targets = _by_output(rows.y, names)
        if losses is None or targets is None:
            return None
        ends = [heads.Output(model, index) for index in range(len(names))]
        outputs = None if all(map(_readable, ends)) and not _is_masked(model) else _outputs(model, rows.x)
        predicted = _by_output(outputs, names) or [None] * len(names)
        metrics = _by_output(self.metrics, names) or [None] * len(names)
        parts = map(Part, names, losses, targets, map(_unread, ends, predicted), ends, metrics)
        seen = map(_seen, parts, map(_mask, predicted), weights)
        return [part for part in seen if part.loss is not None]


def _named_by_keras(part: Part) -> Any:
    """The loss itself, also where it has a name that only Keras knows: its own losses, and those it picks by shape."""
    loss = getattr(part.loss, "loss", part.loss)
    if not isinstance(loss, str) or fold(loss) in folded():
        return loss
    if loss.lower() not in BY_SHAPE:
        return keras.losses.get(loss)
    shape, units = getattr(part.y_true, "shape", ()), _width(part)
    if units == 1:
        return "binary_crossentropy"
    return "categorical_crossentropy" if shape and len(shape) > 1 and shape[-1] == units else SPARSE


def _width(part: Part) -> int | None:
    """The number of units, from the outputs or else the last layer."""
    if part.y_pred is not None:
        return int(part.y_pred.shape[-1])
    head = heads.read(part.head) if _readable(part.head) else None
    return None if head is None else head.units


def _names(model: Any, loss: Any, y: Any) -> list[str]:
    """The names of the outputs."""
    names = list(getattr(model, "output_names", None) or [])
    if isinstance(loss, Mapping) and not is_config(loss) and set(loss) != set(names):
        return sorted(loss)  # Outputs in a dict, which Keras takes in this order.
    if names:
        return names
    if isinstance(y, dict):
        return sorted(y)
    several = next((each for each in (loss, y) if isinstance(each, list | tuple)), [None])
    return [str(index) for index in range(len(several))]


def _is_one(value: Any) -> bool:
    return not isinstance(value, list | tuple) and not (isinstance(value, Mapping) and not is_config(value))


def _by_output(value: Any, names: list[str]) -> list[Any] | None:
    """One entry per output; None where the value does not say which is whose."""
    if value is None:
        return [None] * len(names)
    if _is_one(value):
        return [value] if len(names) == 1 else None
    if isinstance(value, Mapping):
        return [value.get(name) for name in names]
    return list(value) if len(value) == len(names) else None


def _readable(model: Any) -> bool:
    try:
        return heads.read(model).range is not None
    except heads.UnreadableHeadError:
        return False


def _outputs(model: Any, x: Any) -> Any:
    """The outputs for the first rows; None where the model cannot take them, which ``fit`` will say better."""
    if x is None:
        return None
    try:
        return model(x, training=False)
    except Exception:
        return None


def _unread(end: Any, outputs: Any) -> Any:
    """The outputs, where the last layer does not say all about them."""
    return None if outputs is None or _readable(end) else np.asarray(keras.ops.convert_to_numpy(outputs))


def _mask(outputs: Any) -> Any:
    """Which data points the model's layers leave to be seen, or None for all."""
    mask = None if outputs is None else mask_of(outputs)
    return None if mask is None else np.asarray(keras.ops.convert_to_numpy(mask))


def _is_masked(model: Any) -> bool:
    """Whether an output of a model that was drawn before it is run carries a mask."""
    try:
        outputs = keras.tree.flatten(getattr(model, "outputs", None) or [])
    except ValueError:
        return False  # Not built yet.
    return any(mask_of(output) is not None for output in outputs)


def _seen(part: Part, mask: Any, weight: Any) -> Part:
    """The part without data points under the mask or with weight 0, of which the loss sees nothing."""
    keep = mask
    if weight is not None and np.ndim(weight) > 0:
        counts = np.asarray(weight) != 0
        while counts.ndim > 1 and counts.shape[-1] == 1:
            counts = counts[..., 0]
        keep = counts if mask is None else _joined(mask, counts)
    if keep is None or keep.all():
        return part
    true, pred = part.y_true, part.y_pred
    if np.shape(true)[: keep.ndim] != keep.shape or not (pred is None or pred.shape[: keep.ndim] == keep.shape):
        return part
    return replace(part, y_true=np.asarray(true)[keep], y_pred=None if pred is None else pred[keep])


def _joined(mask: Any, counts: Any) -> Any:
    """Two choices of data points, of which one may be about leading axes."""
    rank = max(mask.ndim, counts.ndim)
    mask, counts = (each.reshape(each.shape + (1,) * (rank - each.ndim)) for each in (mask, counts))
    return mask & counts
