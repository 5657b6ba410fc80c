"""A batch without data points: its sum is 0, it has no values, and only a mean of it is undefined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import tensorflow as tf
import torch

import lossary
from everywhere import ALL
from inputs import FEWEST, SETTINGS, Setting, every

FRAMEWORKS: dict[str, Callable[[Any], Any]] = {
    "numpy": np.asarray,
    "torch": torch.as_tensor,
    "jax": jnp.asarray,
    "tensorflow": tf.constant,
}


def drawn(setting: Setting, shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Any, Any]:
    y_true, y_pred = setting.draw(rng, shape=(2, 4))
    small = y_true.astype(np.float32) if y_true.dtype.kind == "f" else y_true
    return small[:0].reshape(shape[:-1] + y_true.shape[1:]), y_pred.astype(np.float32)[:0].reshape(shape)


@pytest.mark.parametrize(("shape", "check"), [((0, 4), None), ((2, 0, 4), "full"), ((0, 4), "off")], ids=str)
@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("setting", every(SETTINGS, FEWEST), ids=str)
def test_only_the_mean_is_undefined(
    setting: Setting, framework: str, shape: tuple[int, ...], check: Any, rng: np.random.Generator
) -> None:
    y_true, y_pred = map(FRAMEWORKS[framework], drawn(setting, shape, rng))
    assert tuple(setting(y_true, y_pred).shape) == shape[:-1]
    each, total = (setting.configured(reduction=reduction, check=check) for reduction in ("none", "sum"))
    assert tuple(each(y_true, y_pred).shape) == shape[:-1]
    assert float(total(y_true, y_pred)) == float(total(y_true, y_pred, sample_weight=np.ones(shape[:-1]))) == 0.0
    value, gradient = lossary.value_and_grad(total)(y_true, y_pred)
    assert float(value) == 0.0
    assert tuple(gradient.shape) == shape
    for reduction in ("mean", "mean_with_sample_weight"):
        loss = setting.configured(reduction=reduction, check=check)
        for call in (loss, lossary.value_and_grad(loss)):
            with pytest.raises(lossary.ShapeError, match="holds no elements; a mean over nothing is undefined"):
                call(y_true, y_pred)


def test_autograd_and_own_functions() -> None:
    y_pred = torch.zeros(0, 3, requires_grad=True)
    lossary.Huber(reduction="sum")(torch.zeros(0, 3), y_pred).backward()
    assert y_pred.grad is not None
    assert y_pred.grad.shape == (0, 3)
    own = lossary.get(lambda y, p: (p - y).mean(-1), reduction="sum")
    assert own(torch.zeros(0, 3), y_pred).item() == 0.0
    assert own(torch.zeros(2, 0, 3), torch.zeros(2, 0, 3)).item() == 0.0
    with pytest.raises(lossary.ShapeError, match="mean over nothing"):
        lossary.get(lambda y, p: (p - y).mean(-1))(torch.zeros(0, 3), y_pred)


@pytest.mark.parametrize("check", [None, "off"])
def test_a_row_without_outputs_has_no_value(check: Any) -> None:
    with pytest.raises(lossary.ShapeError, match=r"\(3, 0\), which holds no elements"):
        lossary.huber(np.zeros((3, 0)), np.zeros((3, 0)), check=check)
    assert lossary.huber(np.zeros((3, 0)), np.zeros((3, 0)), axis=0, check=check).shape == (0,)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", ["ctc", "ntxent", "circle"])
def test_of_points_that_are_no_rows_of_their_own(name: str, framework: str, rng: np.random.Generator) -> None:
    (setting,) = (setting for setting in ALL if str(setting) == name)
    y_true, y_pred = (FRAMEWORKS[framework](x.astype("float32")[:0]) for x in setting.draw(rng))
    assert tuple(setting(y_true, y_pred).shape) == (0,)
    value, gradient = lossary.value_and_grad(setting.configured(reduction="sum"))(y_true, y_pred)
    assert float(value) == 0.0
    assert tuple(gradient.shape) == tuple(y_pred.shape)
    with pytest.raises(lossary.ShapeError, match="holds no elements"):
        setting.configured()(y_true, y_pred)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_of_rows_along_several_axes(framework: str) -> None:
    images = FRAMEWORKS[framework](np.zeros((0, 4, 3), "float32"))
    value, gradient = lossary.value_and_grad(lossary.Dice(axis=(1, 2), reduction="sum"))(images, images)
    assert float(value) == 0.0
    assert tuple(gradient.shape) == (0, 4, 3)
