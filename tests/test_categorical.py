"""to_categorical: any integers, any framework, clear errors."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import keras
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
import tensorflow as tf
import torch

import lossary

FRAMEWORKS: dict[str, Any] = {
    "numpy": np.asarray,
    "torch": torch.tensor,
    "jax": jnp.asarray,
    "tensorflow": tf.constant,
}


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_hand_worked(framework: str) -> None:
    rows = lossary.to_categorical(FRAMEWORKS[framework]([2, 0]))
    assert type(rows) is type(FRAMEWORKS[framework]([1.0]))
    assert "float32" in str(rows.dtype)
    assert np.asarray(rows).tolist() == [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]


@pytest.mark.parametrize("shape", [(4,), (4, 1), (2, 3), (2, 3, 1), (1,), (1, 1)])
@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "int64", "uint64", "float32", "bool"])
def test_shapes_and_dtypes_as_in_keras(shape: tuple[int, ...], dtype: str, rng: np.random.Generator) -> None:
    labels = rng.integers(0, 2, size=shape).astype(dtype)
    got = lossary.to_categorical(labels, 3)
    np.testing.assert_array_equal(got, keras.utils.to_categorical(labels.astype("int64"), 3))
    assert got.dtype == np.float32
    assert lossary.to_categorical(labels, 3, dtype="float64").dtype == np.float64


def test_lists_numbers_and_the_other_way_round(rng: np.random.Generator) -> None:
    assert lossary.to_categorical([0, 2]).tolist() == [[1, 0, 0], [0, 0, 1]]
    assert lossary.to_categorical(1, 3).tolist() == [0, 1, 0]
    labels = rng.integers(0, 7, size=(5, 6))
    np.testing.assert_array_equal(lossary.to_categorical(labels, 7).argmax(-1), labels)


def test_symbolic_labels_need_the_number_of_classes() -> None:
    labels = pt.lvector()
    run = pytensor.function([labels], lossary.to_categorical(labels, 3), mode="FAST_COMPILE")
    assert run(np.asarray([2, 0])).tolist() == [[0, 0, 1], [1, 0, 0]]
    with pytest.raises(lossary.ParameterError, match=r"to_categorical: the labels are symbolic.*num_classes=10"):
        lossary.to_categorical(labels)


@pytest.mark.parametrize(
    ("labels", "classes", "text"),
    [
        ([0, -1], None, r"labels\[1\] is -1; accepted are integers >= 0\. To go on, shift"),
        (
            [0, 5, 1],
            5,
            r"labels\[1\] is 5; accepted are integers 0 to 4 \(num_classes=5\)\. .* num_classes=6",
        ),
        ([0.5], None, r"labels\[0\] is 0\.5; accepted are integers >= 0\. To go on, labels are whole numbers"),
        ([[0, 1], [2, 9]], 3, r"labels\[1, 1\] is 9"),
        ([float("nan")], 3, r"labels\[0\] is nan"),
    ],
)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_labels_out_of_range(labels: Any, classes: int | None, text: str, framework: str) -> None:
    with pytest.raises(lossary.DomainError, match="to_categorical: " + text):
        lossary.to_categorical(FRAMEWORKS[framework](labels), classes)


@pytest.mark.parametrize("classes", [0, -1, 2.5, "3", True])
def test_number_of_classes(classes: Any) -> None:
    with pytest.raises(lossary.ParameterError, match=f"to_categorical: num_classes is {classes!r}; accepted"):
        lossary.to_categorical([0], classes)


def test_no_numbers() -> None:
    with pytest.raises(lossary.DTypeError, match=r"to_categorical: labels .* dtype str.*numpy\.unique\(labels"):
        lossary.to_categorical(["cat", "dog"])
    with pytest.raises(lossary.ShapeError, match="to_categorical: labels has shape"):
        lossary.to_categorical([])
    assert lossary.to_categorical(np.zeros(0, int), 3).shape == (0, 3)
