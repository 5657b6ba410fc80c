"""Integer labels to one-hot rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import backends, texts
from .._marks import unconverted
from ..backends import Array
from ..looks import values


@unconverted
def to_categorical(labels: Any, num_classes: int | None = None, *, dtype: str = "float32") -> Array:
    """One-hot rows for integer labels, in the framework of the labels.

    Args:
        labels: Integers from 0, any shape, of any backend; a last axis of length one is dropped, as in Keras.
            Floats are accepted where they are whole.
        num_classes: Length of a row; the largest label plus one by default.
        dtype: Floating dtype of the rows.

    Returns:
        An array of shape ``(..., num_classes)`` with 1 at the label and 0 elsewhere.

    Raises:
        DomainError: A label is negative, fractional or not below ``num_classes``.
        ParameterError: ``num_classes`` is no positive whole number, or missing for symbolic labels.
        DTypeError: The labels are not numbers.

    >>> import lossary
    >>> print(lossary.to_categorical([0, 2]))
    [[1. 0. 0.]
     [0. 0. 1.]]
    """
    if num_classes is not None and (
        isinstance(num_classes, bool) or not isinstance(num_classes, int | np.integer) or num_classes < 1
    ):
        raise texts.categorical_classes(num_classes)
    backend = backends.find("to_categorical", {"labels": labels})
    array = backends.array(backend, "to_categorical", "labels", labels)
    shape = backend.shape(array)
    if 0 in shape and num_classes is None:
        raise texts.empty("to_categorical", "labels", shape)
    if len(shape) > 1 and shape[-1] == 1:
        array = backend.squeeze_last(array)
    host = backend.host(array, wait=True)
    if host is None and num_classes is None:
        raise texts.unnamed_classes()
    if host is not None and host.size:
        values.categorical_labels(host, num_classes)
    length = int(host.max()) + 1 if num_classes is None and host is not None else int(num_classes or 0)
    row = backend.asarray(np.zeros(length, dtype), array)
    column = backend.expand_last(backend.cast(array, backend.label_dtype(backend.dtype(array))))
    return backend.cast(backend.is_label(column, row), dtype)
