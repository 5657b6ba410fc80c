"""Correct set-ups of model, loss, targets and metrics, about which the doctor must have nothing to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import lossary
from lossary import domains  # noqa: F401

N, FEATURES = 120, 6
RNG = np.random.default_rng(11)
X = RNG.normal(size=(N, FEATURES)).astype("float32")
IMAGES = RNG.normal(size=(N, 8, 8, 1)).astype("float32")
LABELS = RNG.permutation(np.arange(N) % 4)
BITS = RNG.permutation(np.arange(N) % 2)
ONE_HOT = np.eye(4, dtype="float32")[LABELS]
MANY = RNG.integers(0, 2, size=(N, 3)).astype("float32")
REALS = RNG.normal(size=(N, 1)).astype("float32")
PAIRS = RNG.normal(size=(N, 2)).astype("float32")
COUNTS = RNG.poisson(3.0, size=(N, 1)).astype("float32")
AMOUNTS = RNG.lognormal(1.0, 0.7, size=(N, 1)).astype("float32")
SHARES = RNG.beta(2.0, 3.0, size=(N, 1)).astype("float32")
SOFT = RNG.dirichlet(np.ones(4), size=N).astype("float32")
GRADES = RNG.choice([1.0, 2.0, 3.0, 4.0, 5.0], size=(N, 1)).astype("float32")
DIRECTIONS = (PAIRS / np.linalg.norm(PAIRS, axis=1, keepdims=True)).astype("float32")
MASKS = (RNG.random(size=(N, 8, 8, 1)) < 0.4).astype("float32")
RARE = (RNG.random(size=(N, 8, 8, 1)) < 0.03).astype("float32")
CORNERS = RNG.uniform(0.0, 0.6, size=(N, 2))
BOXES = np.concatenate([CORNERS, CORNERS + RNG.uniform(0.1, 0.4, size=(N, 2))], 1).astype("float32")
RELEVANCE = RNG.integers(0, 4, size=(N, 5)).astype("float32")
MAPS = RNG.integers(0, 4, size=(N, 8, 8))


@dataclass(frozen=True)
class Setup:
    """One correct combination; ``head`` lists units and activation of the last layer."""

    name: str
    loss: Any
    y_true: Any
    units: int
    activation: str = "linear"
    metrics: tuple[str, ...] = ()
    spatial: bool = False
    only: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


CCE, SCCE, BCE = lossary.CategoricalCrossentropy, lossary.SparseCategoricalCrossentropy, lossary.BinaryCrossentropy
DICE = lossary.Dice
LOGITS = {"from_logits": True}

SETUPS: list[Setup] = [
    Setup("softmax, one-hot", CCE(), ONE_HOT, 4, "softmax", ("categorical_accuracy",)),
    Setup("softmax, one-hot, by shape", "categorical_crossentropy", ONE_HOT, 4, "softmax", ("accuracy",)),
    Setup("linear, one-hot", CCE(**LOGITS), ONE_HOT, 4, "linear", ("categorical_accuracy",)),
    Setup("log-softmax, one-hot", CCE(**LOGITS), ONE_HOT, 4, "log_softmax"),
    Setup("smoothed one-hot", CCE(label_smoothing=0.1), ONE_HOT, 4, "softmax"),
    Setup("soft labels", CCE(), SOFT, 4, "softmax"),
    Setup("soft labels from scores", CCE(**LOGITS), SOFT, 4),
    Setup("softmax, integers", SCCE(), LABELS, 4, "softmax", ("sparse_categorical_accuracy",)),
    Setup("softmax, integers in a column", SCCE(), LABELS[:, None], 4, "softmax", ("accuracy",)),
    Setup("linear, integers", SCCE(**LOGITS), LABELS, 4, "linear", ("sparse_categorical_accuracy",)),
    Setup("linear, float integers", SCCE(**LOGITS), LABELS.astype("float32"), 4),
    Setup("more units than classes seen", SCCE(), LABELS, 6, "softmax"),
    Setup("ignored class", SCCE(ignore_class=-1, **LOGITS), np.where(X[:, 0] > 1, -1, LABELS), 4),
    Setup("two softmax units, integers", SCCE(), BITS, 2, "softmax"),
    Setup("two softmax units, one-hot", CCE(), np.eye(2, dtype="float32")[BITS], 2, "softmax"),
    Setup("sigmoid, bits", BCE(), BITS.astype("float32"), 1, "sigmoid", ("binary_accuracy",)),
    Setup("sigmoid, integer bits", BCE(), BITS, 1, "sigmoid", ("accuracy",)),
    Setup("sigmoid, bits in a column", BCE(), BITS[:, None].astype("float32"), 1, "sigmoid", ("AUC",)),
    Setup("linear, bits", BCE(**LOGITS), BITS.astype("float32"), 1),
    Setup("smoothed bits", BCE(label_smoothing=0.05), BITS.astype("float32"), 1, "sigmoid"),
    Setup("sigmoid, proportions", BCE(), SHARES, 1, "sigmoid"),
    Setup("sigmoid, multi-label", BCE(), MANY, 3, "sigmoid", ("binary_accuracy",)),
    Setup("linear, multi-label", BCE(**LOGITS), MANY, 3),
    Setup("hinge, signs", "hinge", 2.0 * BITS - 1, 1),
    Setup("hinge, tanh", "hinge", 2.0 * BITS - 1, 1, "tanh"),
    Setup("hinge, bits (a note)", "hinge", BITS.astype("float32"), 1),
    Setup("squared hinge", "squared_hinge", 2.0 * BITS - 1, 1),
    Setup("categorical hinge", "categorical_hinge", ONE_HOT, 4),
    Setup("mse, reals", "mean_squared_error", REALS, 1, "linear", ("mean_absolute_error",)),
    Setup("mse, two outputs", "mse", PAIRS, 2),
    Setup("mse, flat targets", "mse", REALS[:, 0], 1),
    Setup("mse, shares behind a sigmoid", "mse", SHARES, 1, "sigmoid"),
    Setup("mse, one-hot behind a softmax (Brier)", "mse", ONE_HOT, 4, "softmax"),
    Setup("mse, amounts behind relu", "mse", AMOUNTS, 1, "relu"),
    Setup("mse, tanh", "mse", np.tanh(REALS), 1, "tanh"),
    Setup("mae, reals", "mae", REALS, 1),
    Setup("mae, grades", "mean_absolute_error", GRADES, 1),
    Setup("huber, reals", lossary.Huber(delta=2.0), REALS, 1),
    Setup("huber, outliers", "huber", np.where(np.arange(N)[:, None] < 2, 90.0, REALS), 1),
    Setup("log_cosh, reals", "log_cosh", REALS, 1),
    Setup("mape, amounts", "mape", AMOUNTS + 1, 1, "softplus"),
    Setup("msle, amounts", "msle", AMOUNTS, 1, "softplus"),
    Setup("msle, relu", "msle", AMOUNTS, 1, "relu"),
    Setup("poisson, softplus", "poisson", COUNTS, 1, "softplus"),
    Setup("poisson, exponential", "poisson", COUNTS, 1, "exponential"),
    Setup("huber, one-hot behind a softmax", "huber", ONE_HOT, 4, "softmax", ("accuracy",)),
    Setup("poisson, one-hot behind a softmax", "poisson", ONE_HOT, 4, "softmax"),
    Setup("kl divergence, one-hot", "kl_divergence", ONE_HOT, 4, "softmax", ("accuracy",)),
    Setup("kl divergence", "kl_divergence", SOFT, 4, "softmax"),
    Setup("cosine", "cosine_similarity", DIRECTIONS, 2),
    Setup("interval", "interval_score", REALS, 2),
    Setup("interval, flat targets", "interval_score", REALS[:, 0], 2),
    Setup("ensemble", "crps_ensemble", REALS[:, 0], 5),
    Setup("ensemble, targets in a column", "crps_ensemble", REALS, 5),
    Setup("mean and variance of positive amounts", "gaussian_nll", AMOUNTS, 2, "softplus"),
    Setup("boxes", "generalized_iou", BOXES, 4),
    Setup("boxes in [0, 1] behind a sigmoid", "generalized_iou", BOXES, 4, "sigmoid"),
    Setup("lists", "pairwise_logistic", RELEVANCE, 5),
    Setup("lists behind tanh", "pairwise_logistic", RELEVANCE, 5, "tanh"),
    Setup("rewards", "bradley_terry", PAIRS, 2),
    Setup("preferences", "dpo", -abs(PAIRS), 2, "log_softmax"),
    Setup("regions", DICE(axis=(1, 2)), MASKS, 1, "sigmoid", spatial=True, only="keras"),
    Setup("rare regions", lossary.Tversky(axis=(1, 2)), RARE, 1, "sigmoid", spatial=True, only="keras"),
    Setup("regions from scores", DICE(axis=None, **LOGITS), MASKS, 1, spatial=True, only="keras"),
    Setup("regions of classes", DICE(axis=0), ONE_HOT, 4, "softmax"),
    Setup("regions and elements", DICE(axis=(1, 2)) + BCE(), MASKS, 1, "sigmoid", spatial=True, only="keras"),
    Setup("regions, channels first", DICE(axis=(2, 3)), np.moveaxis(MASKS, -1, 1), 1, "sigmoid", (), True, "torch"),
    Setup("masks", BCE(), MASKS, 1, "sigmoid", spatial=True, only="keras"),
    Setup("masks from scores", BCE(**LOGITS), MASKS, 1, spatial=True, only="keras"),
    Setup("masks, channels first", BCE(), np.moveaxis(MASKS, -1, 1), 1, "sigmoid", spatial=True, only="torch"),
    Setup("masks from scores, channels first", BCE(**LOGITS), np.moveaxis(MASKS, -1, 1), 1, spatial=True, only="torch"),
    Setup("class maps", SCCE(), MAPS, 4, "softmax", spatial=True, only="keras"),
    Setup("class maps, channels first", SCCE(axis=1, **LOGITS), MAPS, 4, spatial=True, only="torch"),
]


def keras_outputs(setup: Setup) -> tuple[Any, Any]:
    """An untrained Keras model with this head, and its outputs."""
    import keras

    keras.utils.set_random_seed(3)
    layers = keras.layers
    if setup.spatial:
        body: list[Any] = [layers.Conv2D(4, 3, padding="same", activation="relu")]
        last: Any = layers.Conv2D(setup.units, 1, activation=setup.activation)
        x = IMAGES
    else:
        body, x = [layers.Dense(16, activation="relu")], X
        last = layers.Dense(setup.units, activation=setup.activation)
    model = keras.Sequential([keras.Input(x.shape[1:]), *body, last])
    return model, np.asarray(keras.ops.convert_to_numpy(model(x)))


def torch_outputs(setup: Setup) -> tuple[Any, Any]:
    """An untrained torch module with this head, and its outputs."""
    import torch
    from torch import nn

    torch.manual_seed(3)
    ends: dict[str, Callable[[], Any]] = {
        "softmax": lambda: nn.Softmax(dim=-1), "log_softmax": lambda: nn.LogSoftmax(dim=-1), "sigmoid": nn.Sigmoid,
        "tanh": nn.Tanh, "relu": nn.ReLU, "softplus": nn.Softplus,
    }  # fmt: skip
    end = [ends[setup.activation]()] if setup.activation in ends else []
    if setup.spatial:
        model = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, setup.units, 1), *end)
        return model, model(torch.as_tensor(IMAGES).movedim(-1, 1))
    model = nn.Sequential(nn.Linear(FEATURES, 16), nn.ReLU(), nn.Linear(16, setup.units), *end)
    if setup.activation == "exponential":
        model = _Exponential(model)
    return model, model(torch.as_tensor(X))


def _Exponential(inner: Any) -> Any:
    from torch import nn

    class Exponential(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Any) -> Any:
            return self.inner(x).exp()

    return Exponential()
