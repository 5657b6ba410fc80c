"""Findings about metrics: whether they read outputs and targets as the loss does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..facts.spelling import fold
from .evidence import Evidence
from .rules import Seen, rule

# Folded metric names by what they assume.
THRESHOLDED = frozenset({"binaryaccuracy", "precision", "recall", "f1score", "fbetascore", "binaryiou", "auc"})
THRESHOLDED |= {"truepositives", "truenegatives", "falsepositives", "falsenegatives", "precisionatrecall"}
SPARSE = frozenset({"sparsecategoricalaccuracy", "sparsetopkcategoricalaccuracy"})
ONE_HOT = frozenset({"categoricalaccuracy", "topkcategoricalaccuracy"})
ACCURACIES = SPARSE | ONE_HOT | {"accuracy", "acc", "binaryaccuracy"}


def flattened(metrics: Any) -> Iterator[Any]:
    """The metrics of a list, nested or by output."""
    if metrics is None:
        return
    if isinstance(metrics, dict):
        metrics = list(metrics.values())
    if isinstance(metrics, list | tuple):
        for metric in metrics:
            yield from flattened(metric)
    else:
        yield metrics


def label(metric: Any) -> str:
    """What a metric is called: its name, its function's name, or its class."""
    if isinstance(metric, str):
        return metric
    named = getattr(metric, "__name__", None)
    return str(named or type(metric).__name__)


def _named(e: Evidence, names: frozenset[str]) -> Any:
    return next((m for m in flattened(e.metrics) if fold(label(m)) in names), None)


def _threshold(metric: Any) -> float | None:
    """The threshold of a metric object; 0.5 where it does not say."""
    found = getattr(metric, "threshold", None)
    if found is None:
        found = getattr(metric, "thresholds", None)
    if isinstance(found, list | tuple):
        found = found[0] if len(found) == 1 else None
    return 0.5 if found is None else float(found)


@rule(
    "LS401",
    "a metric that cuts raw scores at 0.5",
    severity="warning",
    needs="metrics",
    bad="diagnose(lossary.BinaryCrossentropy(from_logits=True), bits, margins, metrics=['binary_accuracy'])",
    clean="diagnose(lossary.BinaryCrossentropy(), bits, sigmoid(margins), metrics=['binary_accuracy'])",
)
def threshold(e: Evidence) -> Seen | None:
    """Raw scores mean yes above 0, probabilities above 0.5."""
    metric = _named(e, THRESHOLDED)
    by_shape = _named(e, frozenset({"accuracy", "acc"}))
    if metric is None and by_shape is not None and e.is_binary and (e.units or 1) == 1:
        metric = by_shape
    scores = e.from_logits or e.coding == "signs"
    if metric is None or not scores or not (e.is_binary or e.coding == "signs"):
        return None
    if getattr(metric, "from_logits", False) is True or _threshold(metric) == 0.0:
        return None
    name = label(metric)
    keras_class = "AUC(from_logits=True)" if fold(name) == "auc" else "BinaryAccuracy(threshold=0.0)"
    return Seen(
        f"metric {name!r} cuts outputs at 0.5, but {e.loss!r} works on raw scores, where the even chance lies at 0: "
        "scores between 0 and 0.5 (probabilities 0.5 to 0.62) are counted as no",
        f"metrics=[keras.metrics.{keras_class}]" + ("   # and y_true in 0/1" if e.coding == "signs" else ""),
    )


@rule(
    "LS402",
    "an accuracy that reads targets in another form",
    needs="y_true metrics",
    bad="diagnose('categorical_crossentropy', one_hot, softmax(scores), metrics=['sparse_categorical_accuracy'])",
    clean="diagnose('categorical_crossentropy', one_hot, softmax(scores), metrics=['categorical_accuracy'])",
)
def form(e: Evidence) -> Seen | None:
    """Sparse accuracy for one-hot rows, and the reverse; categorical accuracy for multi-label targets."""
    sparse, one_hot = _named(e, SPARSE), _named(e, ONE_HOT)
    binary = _named(e, frozenset({"binaryaccuracy"}))
    wide = e.raw_true is not None and e.raw_true.ndim > 1 and e.raw_true.shape[-1] > 1
    if sparse is not None and wide and not e.record.labels_are_integers:
        return _form(e, sparse, "one integer per data point", "one-hot rows", "categorical_accuracy")
    if one_hot is not None and e.record.labels_are_integers:
        return _form(e, one_hot, "one-hot rows", "integers", "sparse_categorical_accuracy")
    if binary is not None and e.is_distribution and (e.units or 2) > 1:
        right = "sparse_categorical_accuracy" if e.record.labels_are_integers else "categorical_accuracy"
        return _form(e, binary, "a yes or no for every output", "one class per row", right)
    by_shape = _named(e, frozenset({"accuracy", "acc"})) or one_hot
    if by_shape is not None and wide and e.is_binary and bool((e.targets.sum(1) != 1).any()):
        return _form(e, by_shape, "one class per row (argmax)", "several yes/no answers per row", "binary_accuracy")
    return None


def _form(e: Evidence, metric: Any, reads: str, holds: str, right: str) -> Seen:
    assert e.raw_true is not None
    return Seen(
        f"metric {label(metric)!r} reads {reads}, but y_true, of shape {e.raw_true.shape}, holds {holds}: the "
        f"figure it "
        "shows means nothing",
        f"metrics=[{right!r}]",
    )


@rule(
    "LS403",
    "accuracy of real numbers",
    severity="warning",
    needs="y_true metrics",
    bad="diagnose('mean_squared_error', reals, reals + noise, metrics=['accuracy'])",
    clean="diagnose('mean_squared_error', reals, reals + noise, metrics=['mean_absolute_error'])",
)
def accuracy_of_numbers(e: Evidence) -> Seen | None:
    """Equality of real numbers, which never holds."""
    metric = _named(e, ACCURACIES)
    if metric is None or e.coding not in ("numbers", "counts") or e.is_function:
        return None
    if bool(np.isin(e.targets, (0.0, 1.0)).all()):
        return None
    return Seen(
        f"metric {label(metric)!r} counts outputs that equal the target; with {e.name} on real numbers such as "
        f"{e.place('y_true', e.targets == e.targets)} that is next to never, and the figure stays near 0",
        "metrics=['mean_absolute_error', keras.metrics.R2Score()]",
    )
