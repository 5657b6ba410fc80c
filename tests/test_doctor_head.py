"""The last layer of Keras models and torch modules is read; which activation fits which loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lossary
from inputs import NAMES
from lossary.adapters.heads import RANGES, UnreadableHeadError, read
from lossary.doctor.fit import activation_fit


def keras_models() -> dict[str, tuple[Any, str, int | None]]:
    import keras

    layers = keras.layers
    x = keras.Input((6,))
    hidden = layers.Dense(8, activation="relu")(x)
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(3, activation="sigmoid")])
    return {
        "dense softmax": (keras.Sequential([layers.Dense(4, activation="softmax")]), "softmax", 4),
        "built": (keras.Sequential([keras.Input((6,)), layers.Dense(4)]), "linear", 4),
        "softmax layer": (keras.Sequential([keras.Input((6,)), layers.Dense(4), layers.Softmax()]), "softmax", 4),
        "activation layer": (
            keras.Sequential([keras.Input((6,)), layers.Dense(2), layers.Activation("tanh")]), "tanh", 2,
        ),
        "dropout last": (
            keras.Sequential([keras.Input((6,)), layers.Dense(2, activation="relu"), layers.Dropout(0.5)]), "relu", 2,
        ),
        "reshape last": (
            keras.Sequential([keras.Input((6,)), layers.Dense(6, activation="softmax"), layers.Reshape((2, 3))]),
            "softmax", 3,
        ),
        "functional": (keras.Model(x, layers.Dense(5, activation="softmax")(hidden)), "softmax", 5),
        "functional with an operation": (keras.Model(x, keras.ops.softmax(layers.Dense(5)(hidden))), "softmax", 5),
        "functional with a sigmoid": (keras.Model(x, keras.ops.sigmoid(layers.Dense(1)(hidden))), "sigmoid", 1),
        "a model as the last layer": (keras.Sequential([keras.Input((6,)), layers.Dense(6), inner]), "sigmoid", 3),
        "convolution": (
            keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 1, activation="sigmoid")]), "sigmoid", 2,
        ),
    }  # fmt: skip


def torch_models() -> dict[str, tuple[Any, str, int | None]]:
    import torch
    from torch import nn

    class Forward(nn.Module):
        def __init__(self, end: Any) -> None:
            super().__init__()
            self.first, self.last, self.end = nn.Linear(6, 8), nn.Linear(8, 3), end

        def forward(self, x: Any) -> Any:
            return self.end(self.last(torch.relu(self.first(x))))

    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(6, 2)

        def forward(self, x: Any) -> Any:
            return self.last(x) if x.sum() > 0 else self.last(-x)

    functional = nn.functional
    return {
        "linear": (nn.Sequential(nn.Linear(6, 4)), "linear", 4),
        "softmax": (nn.Sequential(nn.Linear(6, 4), nn.Softmax(-1)), "softmax", 4),
        "log-softmax": (nn.Sequential(nn.Linear(6, 4), nn.LogSoftmax(-1)), "log_softmax", 4),
        "flatten last": (nn.Sequential(nn.Linear(6, 1), nn.Sigmoid(), nn.Flatten(0)), "sigmoid", 1),
        "dropout last": (nn.Sequential(nn.Linear(6, 2), nn.ReLU(), nn.Dropout()), "relu", 2),
        "nested": (nn.Sequential(nn.Linear(6, 8), nn.Sequential(nn.Linear(8, 5), nn.Tanh())), "tanh", 5),
        "forward, linear": (Forward(nn.Identity()), "linear", 3),
        "forward, functional softmax": (Forward(lambda x: functional.softmax(x, -1)), "softmax", 3),
        "forward, torch.sigmoid": (Forward(torch.sigmoid), "sigmoid", 3),
        "forward, method": (Forward(lambda x: x.softmax(-1)), "softmax", 3),
        "forward, squeezed": (Forward(lambda x: torch.sigmoid(x).squeeze(-1)), "sigmoid", 3),
        "forward, module": (Forward(nn.Softplus()), "softplus", 3),
        "forward that branches": (Branching(), "linear", 2),
        "convolution": (nn.Sequential(nn.Conv2d(1, 4, 1), nn.Sigmoid()), "sigmoid", 4),
    }


MODELS = {f"keras: {k}": v for k, v in keras_models().items()} | {f"torch: {k}": v for k, v in torch_models().items()}


@pytest.mark.parametrize("name", MODELS)
def test_head_is_read(name: str) -> None:
    model, activation, units = MODELS[name]
    head = read(model)
    assert (head.activation, head.units) == (activation, units)
    assert head.layer


def test_what_cannot_be_traced_is_said() -> None:
    head = read(MODELS["torch: forward that branches"][0])
    assert "could not be traced" in head.caveat
    report = lossary.diagnose("mse", [[1.0, 0.0]], model=MODELS["torch: forward that branches"][0])
    assert report.not_checked[0] == head.caveat


def test_what_cannot_be_read_is_said() -> None:
    import keras
    import torch

    class Subclassed(keras.Model):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x

    class Two(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x, x

    x = keras.Input((3,))
    two = keras.Model(x, [keras.layers.Dense(1)(x), keras.layers.Dense(2)(x)])
    for model, text in ((Subclassed(), "subclassed"), (Two(), "2 values"), (two, "2 outputs"), (object(), "neither")):
        with pytest.raises(UnreadableHeadError, match=text):
            read(model)
        report = lossary.diagnose("mse", [[1.0]], [[1.0]], model=model)
        assert report.ok
        assert any(text in line and "LS301" in line for line in report.not_checked)


def judged(loss: lossary.Loss, activation: str) -> str:
    return activation_fit(loss, activation).judgement


@pytest.mark.parametrize("activation", RANGES)
def test_matrix_agrees_with_the_numbers(activation: str) -> None:
    """What is called right or wrong follows from what the loss's own domain says about values of that activation."""
    low, high = RANGES[activation]
    values = np.clip(np.array([[-3.0, -0.5, 0.0, 0.5, 3.0]]), low, high)
    for name in ("binary_crossentropy", "categorical_crossentropy", "poisson"):
        loss = lossary.get(name)
        valid = bool(loss.record.prediction.contains(values).all())
        assert (judged(loss, activation) == "wrong") == (not valid), (name, activation)


@pytest.mark.parametrize(
    ("loss", "activation", "expected"),
    [
        (lossary.CategoricalCrossentropy(), "softmax", "right"),
        (lossary.CategoricalCrossentropy(), "sigmoid", "weak"),
        (lossary.CategoricalCrossentropy(), "linear", "wrong"),
        (lossary.CategoricalCrossentropy(from_logits=True), "linear", "right"),
        (lossary.CategoricalCrossentropy(from_logits=True), "softmax", "wrong"),
        (lossary.CategoricalCrossentropy(from_logits=True), "log_softmax", "works"),
        (lossary.CategoricalCrossentropy(from_logits=True), "relu", "weak"),
        (lossary.BinaryCrossentropy(), "sigmoid", "right"),
        (lossary.BinaryCrossentropy(), "softmax", "weak"),
        (lossary.BinaryCrossentropy(from_logits=True), "sigmoid", "wrong"),
        (lossary.BinaryCrossentropy(from_logits=True), "relu", "wrong"),
        (lossary.BinaryCrossentropy(from_logits=True), "log_sigmoid", "wrong"),
        (lossary.BinaryCrossentropy(from_logits=True), "tanh", "weak"),
        (lossary.Poisson(), "softplus", "right"),
        (lossary.Poisson(), "linear", "wrong"),
        (lossary.Hinge(), "tanh", "right"),
        (lossary.Hinge(), "sigmoid", "wrong"),
        (lossary.Hinge(), "relu", "wrong"),
        (lossary.MeanSquaredError(), "sigmoid", "works"),
        (lossary.MeanSquaredError(), "linear", "right"),
        (lossary.MeanSquaredError(), "unheard_of", "works"),
    ],
)
def test_known_pairs(loss: lossary.Loss, activation: str, expected: str) -> None:
    assert judged(loss, activation) == expected


def test_every_loss_fits_its_own_activation() -> None:
    for name in NAMES:
        loss = lossary.get(name)
        assert judged(loss, loss.record.prediction.activation) == "right"


def test_remedy_is_in_the_models_own_framework() -> None:
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(6, 3), torch.nn.ReLU())
    finding = lossary.diagnose(lossary.CategoricalCrossentropy(), np.eye(3), model=model).findings[0]
    assert finding.code == "LS301"
    assert finding.remedy == "torch.nn.Linear(features, 3), torch.nn.Softmax(dim=-1)"
