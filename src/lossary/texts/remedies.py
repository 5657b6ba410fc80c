"""The line that makes an array of numbers of something that is none; each has been tried where it can be."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np


def of_kind(argument: str, value: Any) -> str:
    """For what holds numbers but is no array: the line to write, or nothing for everything else."""
    kind, home = type(value).__name__, type(value).__module__.split(".")[0]
    if kind in ("ndarray", "list"):
        return ""
    line = _LINES.get((home, kind), "")
    if home == "scipy" and hasattr(value, "toarray"):
        line = "{0} = {0}.toarray()"
    elif home == "jax" and hasattr(value, "todense"):
        line = "{0} = {0}.todense()"
    elif isinstance(value, Mapping) and value:
        return f"{argument} = {argument}[{next(iter(value))!r}]"
    elif isinstance(value, set | frozenset):
        line = "{0} = sorted({0})   # a set has no order: keep the values in a list"
    elif isinstance(value, Iterable) and not hasattr(value, "__len__") and hasattr(value, "__next__"):
        line = "{0} = list({0})"
    return line.format(argument)


# Library and class: the line.
_LINES = {
    ("builtins", "dict_values"): "{0} = list({0})",
    ("builtins", "dict_keys"): "{0} = list({0})",
    ("polars", "LazyFrame"): "{0} = {0}.collect()",
    ("polars", "Expr"): "{0} = table.select({0}).to_series()",
    ("xgboost", "DMatrix"): "{0} = {0}.get_label()",
    ("xgboost", "QuantileDMatrix"): "{0} = {0}.get_label()",
    ("lightgbm", "Dataset"): "{0} = {0}.get_label()",
    ("catboost", "Pool"): "{0} = {0}.get_label()",
    ("xarray", "Dataset"): "{0} = {0}[name]   # for one of its variables",
    ("tensorflow", "RaggedTensor"): (
        "where = tf.sequence_mask({0}.row_lengths()); {0} = {0}.to_tensor()   # for y_true and y_pred, and where=where "
        "in the call"
    ),
    ("tensorflow", "SparseTensor"): "{0} = tf.sparse.to_dense({0})",
    ("tensorflow", "IndexedSlices"): "{0} = tf.convert_to_tensor({0})",
    ("keras", "KerasTensor"): "model.compile(loss=loss)   # a KerasTensor has no values before the model runs",
    ("torch", "Proxy"): "torch.export.export(model, (y_true, y_pred))   # torch.fx gives a function no shapes",
}


def of_dtype(argument: str, value: Any, dtype: str) -> str:
    """For arrays of something else than the numbers that are computed with."""
    if dtype.startswith("complex"):
        return f"To go on, take its real part or magnitude: abs({argument})"
    if dtype.startswith(("datetime", "timedelta")) or _holds_dates(value):
        if dtype.startswith("timedelta"):
            return f"Write {argument} = {argument} / numpy.timedelta64(1, 's') for seconds"
        return (
            f"Measure from a day on: {argument} = (numpy.asarray({argument}, 'datetime64[s]') - "
            "numpy.datetime64('2000-01-01')) / numpy.timedelta64(1, 'D')"
        )
    if isinstance(_first(value), datetime.timedelta):
        return (
            f"Write {argument} = numpy.asarray({argument}, 'timedelta64[us]') / numpy.timedelta64(1, 's') for seconds"
        )
    if hasattr(value, "isna") and hasattr(value, "to_numpy") and bool(np.any(value.isna())):
        return (
            f"Write {argument} = {argument}.to_numpy('float64', na_value=numpy.nan), and where= with False at the gaps"
        )
    if _converts(value):
        wide = "float64" if dtype.startswith(("longdouble", "float96", "float128", "object")) else "float32"
        return f"Write {argument} = numpy.asarray({argument}, dtype='{wide}')"
    if argument in ("y_true", "labels") and isinstance(_first(value), str | bytes):
        return f"Encode class names as integers: {argument} = numpy.unique({argument}, return_inverse=True)[1]"
    return f"See what it holds: print({argument}{'[:3]' if hasattr(value, '__getitem__') else ''})"


def _converts(value: Any) -> bool:
    try:
        np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError, NotImplementedError):  # Symbolic tensors have no values.
        return False
    return True


def _holds_dates(value: Any) -> bool:
    return hasattr(_first(value), "isoformat") and hasattr(_first(value), "year")


def _first(value: Any) -> Any:
    try:
        return np.asarray(value, dtype=object).reshape(-1)[0]
    except (TypeError, ValueError, IndexError, NotImplementedError):
        return None
