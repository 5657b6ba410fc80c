"""The doctor's look at the first rows of ``fit``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from ..doctor.first_batch import When, check_first_batch, valid_mode
from . import heads

# So few rows that nothing is concluded from how they are spread: the data may be sorted and shuffled later.
ROWS = 64


@dataclass
class Examination:
    """What ``compile`` was given, until the first ``fit`` has been looked at."""

    loss: Any
    metrics: Any
    doctor: When

    @classmethod
    def ordered(cls, loss: Any, metrics: Any, doctor: Any) -> Examination | None:
        """An examination, or None where there is nothing to look at: switched off, or several losses or none."""
        if valid_mode(doctor) == "off" or loss is None or _several(loss):
            return None
        return cls(getattr(loss, "loss", loss), metrics, doctor)

    def look(self, model: Any, x: Any, y: Any, batch_size: int | None) -> None:
        """Looks at targets, head and metrics; the model is run only if its last layer cannot be read."""
        rows = min(batch_size or 32, ROWS)
        x, y = _first(x, y, rows)
        if y is None:
            return
        check_first_batch(
            self.loss,
            y,
            None if _readable(model) else _outputs(model, x),
            model=model,
            metrics=self.metrics,
            doctor=self.doctor,
            stacklevel=4,
        )


def _several(loss: Any) -> bool:
    return isinstance(loss, list | tuple) or (isinstance(loss, Mapping) and "class_name" not in loss)


def _first(x: Any, y: Any, rows: int) -> tuple[Any, Any]:
    """The first rows of arrays or of a PyDataset; other sources could not be looked at without being consumed."""
    if isinstance(x, keras.utils.PyDataset):
        batch = x[0]
        x, y = (batch[0], batch[1]) if isinstance(batch, tuple) and len(batch) > 1 else (None, None)
    if y is None or not (hasattr(y, "shape") or hasattr(y, "iloc")):
        return None, None
    return _rows(x, rows), _rows(y, rows)


def _rows(array: Any, rows: int) -> Any:
    if hasattr(array, "iloc"):
        return array.iloc[:rows]
    return array[:rows] if hasattr(array, "shape") else None


def _readable(model: Any) -> bool:
    try:
        heads.read(model)
    except heads.UnreadableHeadError:
        return False
    return True


def _outputs(model: Any, x: Any) -> Any:
    """The outputs for the first rows; None where the model cannot take them, which ``fit`` will say better."""
    if x is None:
        return None
    try:
        outputs = model(x, training=False)
        return np.asarray(keras.ops.convert_to_numpy(outputs))
    except Exception:
        return None
