"""The last layer of Keras models and torch modules is read; which activation fits which loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lossary
from inputs import NAMES
from lossary.doctor.fit import activation_fit
from lossary.facts.domain import Domain, Parts
from lossary.readers.heads import RANGES, UnreadableHeadError, read


def keras_models() -> dict[str, tuple[Any, str, int | None]]:
    import keras

    layers = keras.layers
    x = keras.Input((6,))
    hidden = layers.Dense(8, activation="relu")(x)
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(3, activation="sigmoid")])
    sigmoid = layers.Dense(1, activation="sigmoid")

    def softmax(units: int) -> list[Any]:
        return [layers.Dense(units, activation="softmax")]

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
        "linear in float32 behind a softmax": (
            keras.Sequential([keras.Input((6,)), *softmax(3), layers.Activation("linear", dtype="float32")]),
            "softmax", 3,
        ),
        "ensemble": (keras.Model(x, layers.Average()([softmax(3)[0](x), softmax(3)[0](hidden)])), "softmax", 3),
        "clipped": (keras.Model(x, keras.ops.clip(sigmoid(hidden), 1e-6, 1 - 1e-6)), "sigmoid", 1),
        "enlarged": (
            keras.Sequential(
                [keras.Input((8, 8, 1)), layers.Conv2D(1, 1, activation="sigmoid"), layers.UpSampling2D()]
            ),
            "sigmoid", 1,
        ),
        "mean over time": (
            keras.Sequential([keras.Input((7, 6)), *softmax(3), layers.GlobalAveragePooling1D()]), "softmax", 3,
        ),
        "noise last": (keras.Sequential([keras.Input((6,)), *softmax(3), layers.GaussianNoise(0.1)]), "softmax", 3),
        "normalised last": (
            keras.Sequential([keras.Input((6,)), layers.Dense(3, "relu"), layers.BatchNormalization()]), "linear", 3,
        ),
        "residual": (keras.Model(x, layers.Add()([x, layers.Dense(6)(hidden)])), "linear", 6),
        "an operation as the activation": (
            keras.Sequential([keras.Input((6,)), layers.Dense(1, activation=keras.ops.exp)]), "exponential", 1,
        ),
        "a layer as the activation": (
            keras.Sequential([keras.Input((6,)), layers.Dense(3, activation=layers.Softmax())]), "softmax", 3,
        ),
        "a model at every time": (
            keras.Sequential([keras.Input((7, 6)), layers.TimeDistributed(inner)]), "sigmoid", 3,
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

    class Exponential(nn.Module):
        def forward(self, x: Any) -> Any:
            return torch.exp(x)

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
        "forward that branches, then a layer": (
            nn.Sequential(Branching(), nn.Linear(2, 5), nn.Softmax(-1)),
            "softmax",
            5,
        ),
        "convolution": (nn.Sequential(nn.Conv2d(1, 4, 1), nn.Sigmoid()), "sigmoid", 4),
        "a module with a functional end": (nn.Sequential(Forward(lambda x: functional.softmax(x, -1))), "softmax", 3),
        "a module of one's own": (nn.Sequential(nn.Linear(6, 1), Exponential()), "exponential", 1),
        "exponential of a log-softmax": (Forward(lambda x: functional.log_softmax(x, -1).exp()), "softmax", 3),
        "torch.special": (Forward(torch.special.expit), "sigmoid", 3),
        "in place": (Forward(lambda x: x.sigmoid_()), "sigmoid", 3),
        "clamped": (Forward(lambda x: torch.sigmoid(x).clamp(1e-6, 1 - 1e-6)), "sigmoid", 3),
        "exponential of clamped": (Forward(lambda x: torch.exp(x.clamp(-10, 10))), "exponential", 3),
        "softmax at a temperature": (Forward(lambda x: torch.softmax(x / 2.0, -1)), "softmax", 3),
        "mean over time": (Forward(lambda x: x.softmax(-1).mean(1)), "softmax", 3),
        "enlarged": (nn.Sequential(nn.Conv2d(1, 2, 1), nn.Sigmoid(), nn.Upsample(scale_factor=2)), "sigmoid", 2),
        "scaled scores": (Forward(lambda x: 3 * x + 1), "linear", 3),
        "normalised last": (nn.Sequential(nn.Linear(6, 3), nn.ReLU(), nn.LayerNorm(3)), "linear", 3),
        "rearranged": (Forward(lambda x: torch.tanh(x).view(-1, 1, 3)), "tanh", None),
        "on several devices": (nn.DataParallel(nn.Sequential(nn.Linear(6, 4), nn.Softmax(-1))), "softmax", 4),
        "compiled": (torch.compile(Forward(torch.sigmoid)), "sigmoid", 3),
    }


@pytest.mark.parametrize("models", [keras_models, torch_models])
def test_heads_are_read(models: Any) -> None:
    for name, (model, activation, units) in models().items():
        head = read(model)
        assert (head.activation, head.units) == (activation, units), name
        assert head.layer, name


def ends_unknown() -> dict[str, tuple[Any, str]]:
    """Models whose range no structure tells, and what is said of them: a guess would be a false alarm."""
    import keras
    import torch
    from torch import nn

    class Torch(nn.Module):
        def __init__(self, end: Any) -> None:
            super().__init__()
            self.one, self.two, self.end = nn.Linear(6, 3), nn.Linear(6, 3), end

        def forward(self, x: Any) -> Any:
            return self.end(self.one(x), self.two(x))

    class Layer(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return keras.ops.softmax(x)

    class Dense(keras.layers.Dense):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return keras.ops.softmax(super().call(x))

    x = keras.Input((6,))
    p, q = (keras.layers.Dense(1, activation="sigmoid", name=name)(x) for name in "pq")
    ops, sequential = keras.ops, keras.Sequential
    return {
        "torch: mixture": (Torch(lambda a, b: 0.5 * a.softmax(-1) + 0.5 * b.softmax(-1)), "ends in 'add'"),
        "torch: the other probability": (Torch(lambda a, b: 1 - a.sigmoid()), "ends in 'sub'"),
        "torch: softmax by hand": (Torch(lambda a, b: a.exp() / a.exp().sum(-1, keepdim=True)), "ends in 'truediv'"),
        "torch: square": (Torch(lambda a, b: a**2), "ends in 'pow'"),
        "torch: product with itself": (Torch(lambda a, b: a * a), "ends in 'mul'"),
        "torch: amount above a limit": (Torch(lambda a, b: nn.functional.softplus(a) + 1e-6), "ends in 'add'"),
        "torch: one of two classes": (Torch(lambda a, b: a.softmax(-1)[:, 1]), "ends in 'a part of softmax'"),
        "torch: choice": (Torch(lambda a, b: torch.where(a > 0, a.sigmoid(), b.sigmoid())), "ends in 'where'"),
        "torch: recurrent": (nn.Sequential(nn.LSTM(6, 3)), "ends in 'LSTM'"),
        "torch: branches": (Torch(lambda a, b: a if a.sum() > 0 else b), "could not be traced"),
        "torch: empty": (nn.Sequential(), "no layer"),
        "keras: lambda": (sequential([x, keras.layers.Lambda(ops.softmax, name="soft")]), "ends in 'soft'"),
        "keras: layer of one's own": (sequential([x, Layer(name="own")]), "ends in 'own'"),
        "keras: a layer overridden": (sequential([x, Dense(3, name="own")]), "ends in 'own'"),
        "keras: the other probability": (keras.Model(x, 1 - p), "ends in 'subtract"),
        "keras: product of probabilities": (keras.Model(x, keras.layers.Multiply(name="and")([p, q])), "ends in 'and'"),
        "keras: heads in a row": (keras.Model(x, keras.layers.Concatenate(name="row")([p, q])), "ends in 'row'"),
        "keras: rescaled": (
            sequential([x, keras.layers.Dense(1, "sigmoid"), keras.layers.Rescaling(9, name="big")]), "ends in 'big'",
        ),
    }  # fmt: skip


ENDS_UNKNOWN = ends_unknown()


@pytest.mark.parametrize("name", ENDS_UNKNOWN)
@pytest.mark.parametrize("loss", ["categorical_crossentropy", "binary_crossentropy", "poisson"])
def test_an_end_that_cannot_be_told_is_said_and_not_judged(name: str, loss: str) -> None:
    model, text = ENDS_UNKNOWN[name]
    report = lossary.diagnose(loss, [[1.0, 0.0, 0.0]] * 4, model=model)
    assert report.ok, str(report)
    (line,) = [line for line in report.not_checked if "LS301" in line]
    assert text in line


def test_unknown_activation_and_units_are_said() -> None:
    import keras
    from torch import nn

    def own(x: Any) -> Any:
        return keras.ops.softmax(x)

    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(3, activation=own, name="end")])
    lines = lossary.diagnose("categorical_crossentropy", np.eye(3), model=model).not_checked
    assert (
        "output activation that does not fit the loss (LS301): the activation 'own' of layer 'end' is not known"
        in lines
    )
    model = nn.Sequential(nn.Linear(6, 6), nn.Unflatten(1, (3, 2)))
    lines = lossary.diagnose("mse", np.ones((4, 3, 2)), model=model).not_checked
    assert any(
        "(LS302): the number of output units cannot be read from the model's structure" in line for line in lines
    )


def test_channels_of_torch_are_not_columns() -> None:
    from torch import nn

    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Sigmoid())
    bits = np.random.default_rng(0).integers(0, 2, size=(9, 3, 4, 4))
    assert lossary.diagnose("binary_crossentropy", bits[:, :2], model=model).ok
    found = lossary.diagnose("binary_crossentropy", bits, model=model)
    assert [finding.code for finding in found.findings] == ["LS302"]


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


def _sets(prediction: Domain) -> list[Domain]:
    return [domain for _, domain in prediction.parts] if isinstance(prediction, Parts) else [prediction]


def test_no_activation_of_all_units_is_right_for_parts_that_need_two() -> None:
    assert judged(lossary.GaussianNLL(), "linear") == "wrong"
    assert judged(lossary.GaussianNLL(), "softplus") == "works"


def test_every_loss_fits_its_own_activation() -> None:
    for name in NAMES:
        loss = lossary.get(name)
        made_for = {domain.activation for domain in _sets(loss.record.prediction)}
        if len(made_for) == 1:
            assert judged(loss, made_for.pop()) == "right"


def test_remedy_is_in_the_models_own_framework() -> None:
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(6, 3), torch.nn.ReLU())
    finding = lossary.diagnose(lossary.CategoricalCrossentropy(), np.eye(3), model=model).findings[0]
    assert finding.code == "LS301"
    assert finding.remedy == "torch.nn.Linear(features, 3), torch.nn.Softmax(dim=-1)"


def test_classes_of_a_place_come_from_a_softmax() -> None:
    """The classes lie beside the axis of the region, so that no row of the loss is a distribution."""
    scores = np.array([[[2.0, -1.0], [0.5, 3.0], [-4.0, 1.0]]])
    found = lossary.diagnose(lossary.GeneralizedDice(axis=1), scores > 0, scores)
    assert "loss = lossary.GeneralizedDice(from_logits=True, axis=1)   # or end the model in a softmax" in str(found)
    loss = lossary.GeneralizedDice(from_logits=True, axis=1)
    assert activation_fit(loss, "softmax").why.startswith("from_logits=True applies softmax to what softmax")
    assert activation_fit(loss.replaced(from_logits=False), "sigmoid").judgement == "works"
