"""The first rows of whatever ``fit`` is given, read so that training sees what it would have seen without the look."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import GeneratorType
from typing import Any

import keras
import numpy as np

from ..doctor.first_batch import UNREAD

# Kinds of tf.data that change when they are read once more: the order of later epochs, a cache half filled, a
# generator that may run only once.
_CHANGED = ("Shuffle", "Cache", "FlatMap")
# Kinds that pass elements on as they are, and those that put several into one.
_PASSING = ("Shuffle", "Cache", "Prefetch", "Options", "Repeat", "Take")
_BATCHING = ("_BatchDataset", "_ParallelBatchDataset")


@dataclass(frozen=True)
class FirstRows:
    """Inputs, targets and their weights; None where they were left unread, for the reason given."""

    x: Any = None
    y: Any = None
    weight: Any = None
    unread: str = ""


def first(x: Any, y: Any, rows: int, weight: Any = None) -> tuple[Any, FirstRows]:
    """What to train on instead of ``x``, and the first rows."""
    if isinstance(x, GeneratorType):
        batch = next(x, None)
        if batch is None:
            return x, FirstRows(unread=UNREAD["targets"])
        return _restored(batch, x), _of_batch(batch, rows)
    if isinstance(x, keras.utils.PyDataset):
        return x, _of_batch(x[0], rows)
    if _belongs(x, "torch", "utils.data.DataLoader"):
        return x, _of_batch(_of_loader(x, rows), rows, "loader")
    if _belongs(x, "tensorflow", "data.Dataset"):
        return x, _of_batch(_of_dataset(x, rows), rows, "dataset")
    if y is None and not _is_array(x):
        return x, FirstRows(unread=UNREAD["kind"].format(type(x).__name__))
    return x, _of_batch((x, y, weight), rows)


def _of_batch(batch: Any, rows: int, why: str = "targets") -> FirstRows:
    if batch is None:
        return FirstRows(unread=UNREAD[why])
    x, y, weight = (_rows(each, rows) for each in keras.utils.unpack_x_y_sample_weight(batch))
    if any(each is None for each in keras.tree.flatten(y)):
        return FirstRows(x, unread=UNREAD["targets"])
    return FirstRows(x, y, weight)


def _rows(data: Any, rows: int) -> Any:
    """The first rows of arrays or tables, also in lists and dicts; None where there are none."""
    if isinstance(data, dict):
        return {name: _rows(each, rows) for name, each in data.items()}
    if isinstance(data, list | tuple):
        return [_rows(each, rows) for each in data]
    if hasattr(data, "iloc"):
        return data.iloc[:rows]
    if not _is_array(data):
        return None
    try:
        return _hosted(data[:rows])
    except (TypeError, RuntimeError):
        return None  # Sparse arrays of kinds that cannot be indexed.


def _hosted(array: Any) -> Any:
    """As a NumPy array, for which no framework's spelling need be imported; what NumPy cannot hold stays as it is."""
    try:
        found = np.asarray(array)
    except (TypeError, ValueError, RuntimeError):
        return array
    return array if found.dtype == object else found


def _is_array(data: Any) -> bool:
    return hasattr(data, "shape") and len(data.shape) > 0


def _belongs(x: Any, framework: str, dotted: str) -> bool:
    kind: Any = sys.modules.get(framework)
    for name in dotted.split("."):
        kind = getattr(kind, name, None)
    return kind is not None and isinstance(x, kind)


def _restored(batch: Any, rest: Iterator[Any]) -> Iterator[Any]:
    """A generator, as Keras recognises no other iterator, that begins with what was taken."""
    yield batch
    yield from rest


def _of_loader(loader: Any, rows: int) -> Any:
    """Items from the front of the data set, without workers, sampler or a draw from anybody's random numbers."""
    torch = sys.modules["torch"]
    if isinstance(loader.dataset, torch.utils.data.IterableDataset) or loader.batch_size is None:
        return None
    state, numpy_state = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            count = min(rows, loader.batch_size, len(loader.dataset))
            return loader.collate_fn([loader.dataset[i] for i in range(count)])
    except Exception:
        return None  # Items that only the sampler knows how to ask for.
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)


def _of_dataset(dataset: Any, rows: int) -> Any:
    """One batch of tf.data, read below what would be changed by that; None if something above it changes elements."""
    batches = 0
    while _changes(dataset):
        kind = type(dataset).__name__
        batches += kind in _BATCHING
        if kind not in _BATCHING and not any(word in kind for word in _PASSING):
            return None
        (dataset,) = dataset._inputs()
    for _ in range(batches):
        dataset = dataset.batch(rows)
    try:
        return dataset.take(1).get_single_element()
    except Exception:
        return None  # What `fit` will say better.


def _changes(dataset: Any) -> bool:
    kind = type(dataset).__name__
    return any(word in kind for word in _CHANGED) or any(map(_changes, dataset._inputs()))
