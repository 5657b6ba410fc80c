"""``class_weight`` of Keras's ``fit``, where Keras itself would read it off the wrong axis."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from .. import texts
from . import keras_batches
from .keras_losses import KerasLoss

# As many rows as say how targets are written.
_ROWS = 64


def as_sample_weight(loss: Any, x: Any, y: Any, settings: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """Inputs, targets and the other arguments of ``fit``, with class weights as Keras reads them rightly.

    Keras takes the largest entry along the last axis for the class.  Labels of a sequence or an image have no such
    axis: every position gets the weight of its label.

    Raises:
        ParameterError: The targets name no single class per data point, or cannot be weighted in advance.
    """
    if not isinstance(loss, KerasLoss) or settings.get("sample_weight") is not None:
        return x, y, settings
    x, seen = (x, y) if y is not None else _first(x)
    shape = tuple(getattr(seen, "shape", ()))
    if len(shape) < 2 or shape[1:] == (1,):
        return x, y, settings
    record = loss.record
    if not record.labels_are_integers:
        if len(shape) > 2 or not _names_classes(record.target.coding, _numbers(seen)):
            raise texts.class_weight_per_row(record.name, shape)
        return x, y, settings
    if y is None:
        raise texts.class_weight_of_batches(record.name, shape)
    return _weighted(x, y, settings)


def _first(x: Any) -> tuple[Any, Any]:
    x, rows = keras_batches.first(x, None, _ROWS)
    return x, rows.y


def _numbers(y: Any) -> Any:
    return np.asarray(keras.ops.convert_to_numpy(y))


def _names_classes(coding: str, rows: Any) -> bool:
    """Whether the largest entry of a row is its class."""
    hot = ((rows == 0) | (rows == 1)).all() and (rows.sum(-1) == 1).all()
    return coding == "one-hot" or bool(hot)


def _weighted(x: Any, y: Any, settings: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    settings = dict(settings)
    class_weight, labels = settings.pop("class_weight"), _numbers(y)
    if labels.shape[-1] == 1:
        labels = labels[..., 0]
    classes, position = np.unique(np.round(labels).astype("int64"), return_inverse=True)
    weight = np.array([class_weight.get(int(each), 1.0) for each in classes], dtype=keras.config.floatx())
    weight = weight[position].reshape(labels.shape)
    kept = len(labels)
    if settings.get("validation_split"):
        # Class weights are for training alone; Keras would split sample weights as well.
        kept = math.floor(kept * (1.0 - settings.pop("validation_split")))
        settings["validation_data"] = (_rows(x, slice(kept, None)), _rows(y, slice(kept, None)))
    settings["sample_weight"] = weight[:kept]
    return _rows(x, slice(kept)), _rows(y, slice(kept)), settings


def _rows(data: Any, rows: slice) -> Any:
    def taken(array: Any) -> Any:
        if hasattr(array, "iloc"):
            return array.iloc[rows]
        if hasattr(array, "tocsr"):  # Not every sparse matrix of SciPy has rows to ask for.
            return array.tocsr()[rows]
        return array[rows]

    return keras.tree.map_structure(taken, data)
