"""More than 2**31 elements: a kernel's last task on sparse files, of which only the touched pages take memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lossary
from lossary import kernels
from lossary.kernels.cpu import pages, threads

COLUMNS = 1024
ROWS = 2**21 + 3
assert ROWS * COLUMNS > 2**31


@pytest.fixture
def sparse(tmp_path: Path) -> Any:
    """Arrays of zeros with a few numbers at the end; the files go when the test is over."""
    made: list[Path] = []

    def make(shape: tuple[int, ...], dtype: str = "float32") -> Any:
        made.append(tmp_path / str(len(made)))
        return np.memmap(made[-1], dtype, "w+", shape=shape)

    yield make
    for path in made:
        path.unlink()


def last_task_alone(monkeypatch: pytest.MonkeyPatch, make: Callable[..., Any]) -> list[Any]:
    """From here on kernels run their last task only; the list holds the gradients."""
    gradients: list[Any] = []

    def empty(shape: tuple[int, ...], dtype: str) -> Any:
        gradients.append(make(shape, dtype))
        return gradients[-1]

    monkeypatch.setattr(pages, "empty", empty)
    monkeypatch.setattr(threads, "run", lambda function, tasks: function(tasks[-1]))
    monkeypatch.setattr(np, "empty", np.zeros)
    return gradients


def ready(loss: Any, y_true: Any, y_pred: Any) -> Any:
    """Compiles what the test needs, and gives the answer for the few rows at the end."""
    rows = np.repeat(y_pred, 200, axis=0)
    targets = np.repeat(y_true, 200, axis=0)
    loss.batch(targets, rows, fusible=True).fused.reduced(loss.reduction, gradient=True)
    return loss.batch(y_true, y_pred, fusible=False).value_and_gradient(loss.reduction)


@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_elements_beyond_two_to_the_31(reduction: str, sparse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    few = [rng.normal(size=(3, COLUMNS)).astype("float32") for _ in range(2)]
    loss = lossary.get("huber", reduction=reduction)
    _, expected = ready(loss, *few)
    y_true, y_pred = sparse((ROWS, COLUMNS)), sparse((ROWS, COLUMNS))
    y_true[-3:], y_pred[-3:] = few
    gradients = last_task_alone(monkeypatch, sparse)
    found = loss.batch(y_true, y_pred, fusible=True).fused.reduced(reduction, gradient=True)
    np.testing.assert_allclose(gradients[0][-3:], expected, rtol=1e-6)
    assert not gradients[0][:3].any()
    assert not gradients[0][-6:-3].any()
    if reduction == "none":
        np.testing.assert_allclose(found[0][-3:], np.mean(_huber(few[1] - few[0]), axis=-1), rtol=1e-5)


def _huber(d: Any) -> Any:
    return np.where(np.abs(d) <= 1, d * d / 2, np.abs(d) - 0.5)


def test_rows_with_labels_beyond_two_to_the_31(sparse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    few, labels = rng.normal(size=(3, COLUMNS)).astype("float32"), np.array([5, COLUMNS - 1, 0])
    loss = lossary.get("sparse_categorical_crossentropy", from_logits=True, reduction="none")
    values, expected = ready(loss, labels, few)
    y_true, y_pred = sparse((ROWS,), "int64"), sparse((ROWS, COLUMNS))
    y_true[-3:], y_pred[-3:] = labels, few
    gradients = last_task_alone(monkeypatch, sparse)
    found = loss.batch(y_true, y_pred, fusible=True).fused.reduced("none", gradient=True)
    np.testing.assert_allclose(found[0][-3:], values, rtol=1e-6)
    np.testing.assert_allclose(gradients[0][-3:], expected, rtol=1e-5, atol=1e-9)
    assert not gradients[0][:3].any()


@pytest.mark.parametrize("name", ["huber", "sparse_categorical_crossentropy"])
def test_a_step_beyond_two_to_the_31(name: str, sparse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    loss = lossary.get(name, reduction="sum")
    y_true = rng.integers(0, COLUMNS, 3) if loss.record.labels_are_integers else rng.random((3, COLUMNS)).astype("f4")
    y_pred = rng.dirichlet(np.ones(COLUMNS), 3).astype("f4")
    expected, slopes = loss.batch(y_true, y_pred, fusible=False).value_and_gradient("sum")
    true, pred = sparse((ROWS, *y_true.shape[1:]), str(y_true.dtype)), sparse((ROWS, COLUMNS))
    true[-3:], pred[-3:] = y_true, y_pred
    gradient, value = sparse((ROWS, COLUMNS)), np.zeros((), "f4")
    monkeypatch.setattr(threads, "count", lambda: 2)
    last_task_alone(monkeypatch, sparse)
    program, label = kernels._program(loss), str(true.dtype) if loss.record.labels_are_integers else ""
    made = kernels.step(program, loss._setting.numbers, pred, COLUMNS, mean=False, gradient=True, label=label)
    assert made is not None
    made[0](true, pred, gradient, value, *made[1])
    np.testing.assert_allclose(gradient[-3:], slopes, rtol=1e-5, atol=1e-9)
    assert not gradient[:3].any()
    if name == "huber":
        np.testing.assert_allclose(value, expected, rtol=1e-6)


def test_a_fault_beyond_two_to_the_31_is_seen(sparse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    loss = lossary.get("huber", reduction="sum")
    few = np.zeros((3, COLUMNS), "float32")
    ready(loss, few, few)
    y_pred = sparse((ROWS, COLUMNS))
    y_pred[-1, -1] = np.nan
    fused = loss.batch(y_pred, y_pred, fusible=True).fused
    last_task_alone(monkeypatch, sparse)
    seen: list[bool] = []
    fused.look = lambda: seen.append(True)
    fused.reduced("sum", gradient=False)
    assert seen == [True]
