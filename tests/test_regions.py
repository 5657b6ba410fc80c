"""Rows along several axes, and along all of them: those of the array that is reshaped by hand."""

from __future__ import annotations

import json
import pickle
from typing import Any

import keras
import numpy as np
import pytest

import lossary
from everywhere import ALL, EXAMPLES, elsewhere, flat, run, there
from inputs import Setting, every, jax_with
from lossary.facts.axes import ELEMENT
from lossary.objects.define import loss_class

REGIONAL = [s for s in ALL if not s.record.labels_are_integers and s.record.depth == 1 and not s.record.compared]
each = pytest.mark.parametrize("setting", every(REGIONAL, EXAMPLES), ids=str)
AXES: list[Any] = [(1, 2), (1, 3), (0, -1), None]


def drawn(setting: Setting, axis: Any, rng: np.random.Generator, shape: tuple[int, ...] = (2, 3, 2, 2)) -> Any:
    """Arguments in the shape of rows, the same with these axes in their places, and the way back of a gradient.

    Rows are drawn along one last axis, which is what a target that is a distribution needs, and moved apart by NumPy.
    """
    axes = tuple(range(len(shape))) if axis is None else tuple(sorted(a % len(shape) for a in axis))
    rest = tuple(a for a in range(len(shape)) if a not in axes)
    points, lengths = [shape[a] for a in rest], [shape[a] for a in axes]
    rows = setting.draw(rng, (*points, int(np.prod(lengths))))

    def spread(x: Any) -> Any:
        parts = x.shape[len(points) + 1 :]
        order = np.argsort([*rest, *axes])
        return x.reshape(*points, *lengths, *parts).transpose(*order, *range(len(shape), len(shape) + len(parts)))

    moved = [spread(x) if a.axes == ELEMENT else x for a, x in zip(setting.record.arguments, rows, strict=True)]
    return rows, moved, spread


@each
@pytest.mark.parametrize("axis", AXES, ids=str)
def test_rows_along_several_axes(setting: Setting, axis: Any, rng: np.random.Generator) -> None:
    rows, moved, spread = drawn(setting, axis, rng)
    np.testing.assert_allclose(setting(*moved, axis=axis), setting(*rows, axis=(-1,)), rtol=1e-12)
    value, gradient = setting.configured(axis=axis, reduction="sum").value_and_grad(*moved)
    total, slopes = setting.configured(axis=(-1,), reduction="sum").value_and_grad(*_batched(setting, rows, axis))
    np.testing.assert_allclose(value, total, rtol=1e-12)
    for mine, right in zip(flat(gradient), flat(slopes), strict=True):
        np.testing.assert_allclose(mine, spread(right[0] if axis is None else right), rtol=1e-12)


def _batched(setting: Setting, rows: Any, axis: Any) -> Any:
    """A single row as a batch of one."""
    return [x[None] for x in rows] if axis is None else rows


@pytest.mark.parametrize(("setting", "backend"), elsewhere(REGIONAL), ids=str)
def test_every_backend_agrees_with_numpy(setting: Setting, backend: str, rng: np.random.Generator) -> None:
    several, whole = drawn(setting, (1, 3), rng)[1], drawn(setting, None, rng, (3, 2))[1]

    def program(*arrays: Any) -> list[Any]:
        value, gradient = setting.configured(axis=(1, 3)).value_and_grad(*arrays[: len(several)])
        total, slopes = setting.configured(axis=None).value_and_grad(*arrays[len(several) :])
        return [value, *flat(gradient), total, *flat(slopes)]

    with jax_with(x64=True):
        got = run(backend, program, *several, *whole)
    for mine, right in zip(got, program(*several, *whole), strict=True):
        np.testing.assert_allclose(mine, right, rtol=1e-9, atol=1e-13)


@pytest.mark.usefixtures("formula_in")
@pytest.mark.parametrize("record", [s.record for s in REGIONAL if s.record.regions], ids=lambda r: r.name)
def test_objects_of_regions_ask_for_their_axes(record: Any) -> None:
    images = np.zeros((2, 3, 3, 1)), np.full((2, 3, 3, 1), 0.5)
    cls = loss_class(record.name)
    with pytest.raises(lossary.ParameterError, match=r"axis is not given, and y_pred has 4 axes"):
        cls()(*images)
    assert np.shape(cls(axis=(1, 2), reduction="none")(*images)) == (2, 1)
    assert np.shape(cls(axis=None, reduction="none")(*images)) == ()
    assert np.shape(cls()(images[0][:, 0, :, 0], images[1][:, 0, :, 0])) == ()


@pytest.mark.parametrize("axis", [(1, 2), (-1,), None, 1])
def test_axes_survive_configurations_and_pickles(axis: Any) -> None:
    loss = lossary.Dice(axis=axis, squared=True)
    for again in (
        lossary.get(json.loads(json.dumps(loss.get_config()))),
        lossary.Dice.from_config(loss.get_config()),
        pickle.loads(pickle.dumps(loss)),
        lossary.Dice(axis=list(axis) if isinstance(axis, tuple) else axis, squared=True),
    ):
        assert again == loss
        assert hash(again) == hash(loss)
        assert again.axis == axis
    assert lossary.get(loss.get_config()).replaced(axis=-1).axis == -1


def test_a_region_loss_and_one_of_pixels_add_up(rng: np.random.Generator) -> None:
    y_true = rng.integers(0, 2, (2, 3, 3, 1)).astype(float)
    y_pred = rng.uniform(0.1, 0.9, y_true.shape)
    loss: Any = 0.5 * lossary.Dice(axis=(1, 2)) + lossary.BinaryCrossentropy()
    value, gradient = loss.value_and_grad(y_true, y_pred)
    # From the definitions, per image.
    overlap = (2 * (y_true * y_pred).sum((1, 2, 3)) + 1e-7) / ((y_true + y_pred).sum((1, 2, 3)) + 1e-7)
    pixels = -np.where(y_true == 1, np.log(y_pred), np.log(1 - y_pred)).mean()
    assert value == pytest.approx(0.5 * np.mean(1 - overlap) + pixels, rel=1e-9)
    assert gradient.shape == y_pred.shape
    again = lossary.get(json.loads(json.dumps(loss.get_config())))
    assert again == loss
    assert again(y_true, y_pred) == value


@pytest.mark.parametrize("weights", [[1.0, 3.0], [[1.0], [4.0]], [[2, 1, 5], [0, 3, 1]]], ids=str)
@pytest.mark.parametrize("name", ["Dice", "Tversky"])
def test_weights_of_a_region_that_is_the_whole_batch_are_those_of_keras(name: str, weights: Any) -> None:
    """Keras multiplies the one value with each of the weights and takes the mean."""
    rng = np.random.default_rng(4)
    y_true, y_pred = rng.integers(0, 2, (2, 3, 4)).astype(np.float32), rng.random((2, 3, 4)).astype(np.float32)
    expected = getattr(keras.losses, name)()(y_true, y_pred, sample_weight=np.asarray(weights, np.float32))
    ours = getattr(lossary, name)(axis=None)
    for backend in ("numpy", "torch"):
        arrays = [there(backend, x) for x in (y_true, y_pred)]
        assert float(ours(*arrays, sample_weight=np.asarray(weights))) == pytest.approx(float(expected), rel=1e-6)
    # It is one value: a sum of it is it, and weights of 1 leave it as it is.
    alone, weight = float(ours(y_true, y_pred)), float(np.mean(weights))
    for reduction, factor in {"sum": weight, "none": weight, "mean_with_sample_weight": 1.0}.items():
        again = ours.replaced(reduction=reduction)
        assert float(again(y_true, y_pred, np.asarray(weights))) == pytest.approx(alone * factor, rel=1e-6)
        assert float(again(y_true, y_pred, np.ones_like(weights))) == pytest.approx(alone, rel=1e-6)
    with pytest.raises(lossary.ShapeError, match="sample_weight has shape"):
        ours(y_true, y_pred, sample_weight=[1.0, 2.0, 3.0])
