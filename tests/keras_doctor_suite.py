"""The doctor at the first ``fit``, for every kind of input; `test_keras.py` runs this file on each Keras backend."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf
import torch

import lossary
from lossary.adapters import keras_batches
from lossary.doctor import DiagnosisError, DiagnosisWarning
from lossary.keras import Model, Sequential

X = np.random.default_rng(0).normal(size=(48, 5)).astype("float32")
LABELS = np.arange(48) % 3
ONE_HOT = np.eye(3, dtype="float32")[LABELS]


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    def __init__(self, y: Any) -> None:
        super().__init__()
        self.y = y

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        rows = slice(16 * index, 16 * index + 16)
        return X[rows], self.y[rows]


def generator(y: Any) -> Iterator[Any]:
    yield from (Batches(y)[index] for index in range(3))


def tensors(y: Any) -> Any:
    return tf.data.Dataset.from_tensor_slices((X, y))


def loader(y: Any, **settings: Any) -> Any:
    items = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(y))
    return torch.utils.data.DataLoader(items, batch_size=16, **settings)


KINDS: dict[str, Callable[[Any], Any]] = {
    "PyDataset": Batches,
    "generator": generator,
    "tf.data": lambda y: tensors(y).batch(16),
    "tf.data shuffled": lambda y: tensors(y).cache().shuffle(48).repeat(2).batch(16, drop_remainder=True).prefetch(1),
    "DataLoader": loader,
    "DataLoader shuffled": lambda y: loader(y, shuffle=True),
}


def compiled(loss: Any, activation: str | None = "softmax", **settings: Any) -> Any:
    model = Sequential([keras.Input((5,)), keras.layers.Dense(3, activation=activation)])
    model.compile(loss=loss, optimizer="sgd", **settings)
    return model


def lines(train: Callable[[], Any]) -> list[str]:
    """What the doctor says while a model is trained."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        train()
    assert all(w.filename == __file__ for w in caught if w.category is DiagnosisWarning)
    return [str(w.message) for w in caught if w.category is DiagnosisWarning]


@pytest.mark.parametrize("kind", KINDS)
def test_targets_of_every_kind_are_looked_at_before_any_step(kind: str) -> None:
    model = compiled("sparse_categorical_crossentropy", doctor="raise")
    before = model.get_weights()
    with pytest.raises(DiagnosisError, match=r"LS203 error: y_true\[2\] = 3 is no label"):
        model.fit(KINDS[kind](LABELS + 1), verbose=0)
    assert all(map(np.array_equal, before, model.get_weights()))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_right_passes_in_silence(kind: str) -> None:
    model = compiled("categorical_crossentropy", metrics=["accuracy"])
    assert lines(lambda: model.fit(KINDS[kind](ONE_HOT), verbose=0)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_cannot_be_read_is_run_on_the_first_rows(kind: str) -> None:
    class Own(Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.last = keras.layers.Dense(3, activation="softmax")

        def call(self, x: Any) -> Any:
            return self.last(x)

    model = Own()
    model.compile(loss=lossary.CategoricalCrossentropy(from_logits=True), optimizer="sgd", doctor="raise")
    with pytest.raises(DiagnosisError, match="LS101"):
        model.fit(KINDS[kind](ONE_HOT), verbose=0)


def test_sparse_inputs_that_cannot_be_indexed_are_trained_on() -> None:
    model = compiled("categorical_crossentropy", doctor="raise")
    assert np.isfinite(model.fit(scipy.sparse.coo_matrix(X), ONE_HOT, verbose=0).history["loss"][0])
    model.compile(loss="categorical_crossentropy", optimizer="sgd", doctor="raise")
    with pytest.raises(DiagnosisError):
        model.fit(scipy.sparse.coo_matrix(X), 2.0 * ONE_HOT, verbose=0)


# --- nothing is taken, nothing is changed ---------------------------------------------------------------------------


def test_a_generator_loses_nothing() -> None:
    x, rows = keras_batches.first(generator(LABELS), None, 8)
    np.testing.assert_array_equal(rows.y, LABELS[:8])
    np.testing.assert_array_equal(np.concatenate([y for _, y in x]), LABELS)
    model = compiled("sparse_categorical_crossentropy")
    expected = model.evaluate(X, LABELS, verbose=0)
    model.optimizer.learning_rate = 0.0
    assert model.fit(generator(LABELS), verbose=0).history["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_an_empty_generator_is_left_to_keras() -> None:
    x, rows = keras_batches.first(iter_of_nothing(), None, 8)
    assert list(x) == []
    assert rows.unread


def iter_of_nothing() -> Iterator[Any]:
    yield from ()


class Noisy(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """Items with augmentation from everybody's random numbers."""

    def __len__(self) -> int:
        return 48

    def __getitem__(self, index: int) -> Any:
        noise = torch.rand(()) + random.random() + np.random.rand()
        return torch.tensor(X[index]) + noise, LABELS[index]


def test_a_loader_draws_no_random_numbers_and_starts_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    def draws() -> tuple[float, ...]:
        return float(torch.rand(())), random.random(), float(np.random.rand())

    def seed() -> None:
        torch.manual_seed(0), random.seed(0), np.random.seed(0)

    monkeypatch.setattr(torch.utils.data.DataLoader, "__iter__", None)
    own = torch.Generator().manual_seed(1)
    given = torch.utils.data.DataLoader(Noisy(), batch_size=16, shuffle=True, num_workers=2, generator=own)
    seed()
    expected = draws()
    seed()
    _, rows = keras_batches.first(given, None, 8)
    assert draws() == expected
    assert torch.equal(own.get_state(), torch.Generator().manual_seed(1).get_state())
    np.testing.assert_array_equal(rows.y, LABELS[:8])


def test_a_seeded_shuffle_keeps_its_order() -> None:
    def order(look: bool) -> list[list[int]]:
        dataset = tf.data.Dataset.range(40).map(lambda i: (i, i)).shuffle(40, seed=3).batch(8).prefetch(1)
        if look:
            _, rows = keras_batches.first(dataset, None, 5)
            np.testing.assert_array_equal(rows.y, range(5))
        return [[int(i) for batch, _ in dataset for i in batch] for _ in range(2)]

    assert order(look=True) == order(look=False)


# --- what is not looked at is said ----------------------------------------------------------------------------------


class Stream(torch.utils.data.IterableDataset):  # type: ignore[type-arg]
    def __iter__(self) -> Iterator[Any]:
        yield from zip(X, ONE_HOT, strict=True)


def test_a_stream_is_not_looked_at_and_that_is_said() -> None:
    stream = torch.utils.data.DataLoader(Stream(), batch_size=16)
    model = compiled("categorical_crossentropy")
    (line,) = lines(lambda: model.fit(stream, verbose=0))
    assert line.startswith("the doctor did not look at the targets: this DataLoader's items cannot be read one by one")
    assert lines(lambda: model.fit(stream, verbose=0)) == []


def test_a_pipeline_that_reading_would_change_is_not_read() -> None:
    read = []

    def rows() -> Iterator[Any]:
        read.append(1)
        yield from zip(X, ONE_HOT, strict=True)

    signature = (tf.TensorSpec((5,)), tf.TensorSpec((3,)))
    pipelines = [
        tf.data.Dataset.from_generator(rows, output_signature=signature).batch(16),
        tensors(ONE_HOT).shuffle(48).map(lambda x, y: (x, y)).batch(16),
    ]
    for pipeline in pipelines:
        same, first = keras_batches.first(pipeline, None, 8)
        assert same is pipeline
        assert first.y is None
        model = compiled("categorical_crossentropy")
        (line,) = lines(lambda model=model, pipeline=pipeline: model.fit(pipeline, verbose=0))
        assert line.startswith("the doctor did not look at the targets: reading this tf.data pipeline once more")
    assert len(read) <= 2  # Keras reads twice on some backends.


def test_the_head_is_looked_at_all_the_same() -> None:
    model = compiled(lossary.CategoricalCrossentropy(from_logits=True))
    pipeline = tensors(ONE_HOT).shuffle(48).map(lambda x, y: (x, y)).batch(16)
    found, unread = lines(lambda: model.fit(pipeline, verbose=0))
    assert "LS301 error" in found
    assert "did not look at the targets" in unread


# --- several outputs ------------------------------------------------------------------------------------------------


def two(second: str | None = "softmax", *, by_name: bool = False) -> Any:
    x = keras.Input((5,))
    height = keras.layers.Dense(1, name="height")(x)
    kind = keras.layers.Dense(3, activation=second, name="kind")(x)
    return Model(x, {"b": kind, "a": height} if by_name else [height, kind])


HEIGHTS = X[:, :1]
LOGITS = lossary.CategoricalCrossentropy(from_logits=True)


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        (["mse", LOGITS], [HEIGHTS, ONE_HOT]),
        ({"height": "mse", "kind": LOGITS}, [HEIGHTS, ONE_HOT]),
        ({"kind": LOGITS, "height": "mse"}, {"kind": ONE_HOT, "height": HEIGHTS}),
        ([None, LOGITS], [HEIGHTS, ONE_HOT]),
    ],
)
def test_every_output_has_a_report_with_its_name(loss: Any, y: Any) -> None:
    wrong, right = two(), two(None)
    for model in (wrong, right):
        model.compile(loss=loss, optimizer="sgd")
    (line,) = lines(lambda: wrong.fit(X, y, verbose=0))
    assert line.startswith("the doctor looked at the first batch, at output 'kind'.\nLS301 error: the model ends in 3")
    assert lines(lambda: right.fit(X, y, verbose=0)) == []


def test_outputs_in_a_dict() -> None:
    model = two(by_name=True)
    model.compile(loss={"a": "mse", "b": LOGITS}, optimizer="sgd", doctor="raise")
    with pytest.raises(DiagnosisError, match=r"at output 'b'\.\nLS301"):
        model.fit(tf.data.Dataset.from_tensor_slices((X, {"a": HEIGHTS, "b": ONE_HOT})).batch(16), verbose=0)


def test_metrics_belong_to_their_output() -> None:
    model = two(None)
    losses = ["mse", lossary.BinaryCrossentropy(from_logits=True)]
    model.compile("sgd", losses, None, [["accuracy"], ["binary_accuracy"]])
    found = lines(lambda: model.fit(X, [HEIGHTS, ONE_HOT], verbose=0))
    assert [line[: line.index(":")].splitlines() for line in found] == [
        ["the doctor looked at the first batch, at output 'height'.", "LS403 warning"],
        ["the doctor looked at the first batch, at output 'kind'.", "LS401 warning"],
    ]


def test_one_loss_for_all_outputs() -> None:
    model = two(None)
    model.compile(loss="categorical_crossentropy", optimizer="sgd", doctor="raise")
    with pytest.raises(DiagnosisError, match="at output 'height'"):
        model.fit(X, [HEIGHTS, ONE_HOT], verbose=0)


def test_several_outputs_of_a_subclassed_model() -> None:
    class Own(Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = keras.layers.Dense(1), keras.layers.Dense(3, activation="softmax")

        def call(self, x: Any) -> Any:
            return {"a": self.a(x), "b": self.b(x)}

    model = Own()
    model.compile(loss={"a": "mse", "b": LOGITS}, optimizer="sgd", doctor="raise")
    with pytest.raises(DiagnosisError, match=r"at output 'b'\.\nLS101"):
        model.fit(X, {"a": HEIGHTS, "b": ONE_HOT}, verbose=0)


def test_metrics_by_position() -> None:
    model = Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    model.compile("sgd", lossary.BinaryCrossentropy(from_logits=True), None, ["binary_accuracy"], doctor="raise")
    with pytest.raises(DiagnosisError, match="LS401"):
        model.fit(X, (LABELS > 0).astype("float32"), verbose=0)


# --- check="async" --------------------------------------------------------------------------------------------------


# torch.compile takes minutes over a training step; that it reports is tested without Keras.
@pytest.mark.parametrize("jit_compile", [False] if keras.backend.backend() == "torch" else [False, True])
def test_wrong_labels_are_told_by_the_end_of_training(jit_compile: bool) -> None:
    loss = lossary.SparseCategoricalCrossentropy(check="async")
    model = compiled(loss, doctor="off", jit_compile=jit_compile)
    settings = {"batch_size": 16, "shuffle": False, "verbose": 0}
    place = r"y_true\[2\] is 3; accepted are labels 0 to 2"
    if not jit_compile and keras.backend.backend() != "tensorflow":
        with pytest.raises(lossary.DomainError, match=place):  # Values are at hand.
            model.fit(X, LABELS + 1, **settings)
        return
    with pytest.warns(lossary.DomainWarning, match=place):
        history = model.fit(X, LABELS + 1, **settings).history
    assert np.isnan(history["loss"][0])
    with pytest.raises(lossary.DomainError, match=place):
        lossary.raise_faults()
