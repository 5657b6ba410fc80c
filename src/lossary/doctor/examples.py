"""The names in which the rules' examples are written: small data of every kind, the same at every run."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from ..readers.heads import Head
from .evidence import Floats


def softmax(scores: Floats, axis: int = -1) -> Floats:
    """Rows of probabilities."""
    powers = np.exp(scores - scores.max(axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis, keepdims=True))


def sigmoid(scores: Floats) -> Floats:
    """A probability for every score."""
    return np.asarray(1.0 / (1.0 + np.exp(-scores)))


def dense(units: int, activation: str) -> Head:
    """The head of a model that ends in ``Dense(units, activation)``."""
    return Head(activation, units, "dense", "keras")


def names() -> dict[str, Any]:
    """Everything an example may use: 200 data points, five classes."""
    from .examine import diagnose

    rng = np.random.default_rng(7)
    labels = rng.permutation(np.arange(200) % 5)
    one_hot = np.eye(5)[labels]
    scores = one_hot + rng.normal(size=(200, 5))
    bits = rng.permutation(np.arange(200) % 2).reshape(-1, 1).astype(float)
    margins = 2 * bits - 1 + rng.normal(size=(200, 1))
    reals = rng.normal(size=(200, 1))
    with_outliers = reals.copy()
    with_outliers[[5, 50]] = [[80.0], [-90.0]]
    rare_bits = np.zeros((200, 1))
    rare_bits[:3] = 1.0
    corners = rng.uniform(4.0, 9.0, size=(200, 2))
    sizes = rng.uniform(0.5, 3.0, size=(200, 2))
    answers = -rng.uniform(20.0, 60.0, size=(200, 2))
    return {
        "boxes": np.concatenate([corners, corners + sizes], 1), "places_and_sizes": np.concatenate([corners, sizes], 1),
        "answers": answers, "references": answers - rng.gamma(2.0, size=(200, 2)),
        "np": np, "lossary": importlib.import_module("lossary"), "diagnose": diagnose, "dense": dense,
        "softmax": softmax, "sigmoid": sigmoid,
        "labels": labels, "one_hot": one_hot, "scores": scores, "bits": bits, "margins": margins,
        "two_scores": np.concatenate([-margins, margins], 1), "reals": reals, "noise": 0.3 * rng.normal(size=(200, 1)),
        "with_outliers": with_outliers, "counts": rng.poisson(3.0, size=(200, 1)).astype(float), "rare_bits": rare_bits,
        "rare_probabilities": np.full((200, 1), 0.02) + 0.01 * rng.random((200, 1)),
        "multi_label": rng.permuted(np.tile([1.0, 1.0, 0.0, 0.0, 1.0], (200, 1)), axis=1),
    }  # fmt: skip


def run(source: str) -> Any:
    """The report of an example."""
    framework = {"torch": importlib.import_module("torch")} if "torch." in source else {}
    return eval(source, names() | framework)
