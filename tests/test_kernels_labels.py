"""One-hot rows computed as labels: the same numbers as from the rows, and only where every row is one-hot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import lossary
from kernel_laws import in_words
from lossary import kernels
from lossary.kernels.cpu import labels

ROWS, COLUMNS = 5000, 30  # More than one task.
assert ROWS * COLUMNS > labels.WORTH
FORMS = pytest.mark.parametrize("from_logits", [False, True])


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each attempt to read labels went through, of calls that are no plain totals."""
    seen: list[bool] = []
    reader = labels.reader

    def watched(y_true: Any, found: Any) -> Any:
        read = reader(y_true, found)
        seen.append(read is not None)
        return read

    monkeypatch.setattr(labels, "reader", watched)
    return seen


def drawn(from_logits: bool, dtype: str = "float32") -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(8)
    scores, place = rng.normal(size=(ROWS, COLUMNS)) * 3, rng.integers(0, COLUMNS, ROWS)
    y_pred = scores if from_logits else np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    return np.eye(COLUMNS, dtype=dtype)[place], y_pred.astype(dtype), place


def assert_close(found: Any, wanted: Any, dtype: str = "float32") -> None:
    spacing = np.finfo(dtype).eps
    for got, want in zip(found, wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=8 * spacing, atol=2 * spacing * np.abs(want).max())


@FORMS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "none"])
def test_one_hot_rows(from_logits: bool, dtype: str, reduction: str, used: list[bool]) -> None:
    y_true, y_pred, place = drawn(from_logits, dtype)
    loss = lossary.CategoricalCrossentropy(from_logits=from_logits, reduction=reduction)
    sparse = lossary.SparseCategoricalCrossentropy(from_logits=from_logits, reduction=reduction)
    found = lossary.value_and_grad(loss)(y_true, y_pred)
    assert used == [True] * (reduction == "none")
    assert_close(found, in_words(loss, y_true, y_pred), dtype)
    for got, want in zip(found, lossary.value_and_grad(sparse)(place, y_pred), strict=True):
        np.testing.assert_array_equal(got, want)


def test_weights_masks_and_other_axes(used: list[bool]) -> None:
    y_true, y_pred, _ = drawn(True)
    rng = np.random.default_rng(9)
    weight, mask = rng.uniform(0.5, 2.0, ROWS).astype(np.float32), rng.random(ROWS) < 0.8
    loss = lossary.CategoricalCrossentropy(from_logits=True)
    options = {"sample_weight": weight, "where": mask}
    found = lossary.value_and_grad(loss)(y_true, y_pred, **options)
    assert_close(found, in_words(loss, y_true, y_pred, **options))
    assert used == [True]
    across = lossary.CategoricalCrossentropy(from_logits=True, axis=0)
    value, slope = lossary.value_and_grad(across)(y_true.T, y_pred.T)
    assert_close((value, slope.T), in_words(loss, y_true, y_pred))


ROWS_THAT_ARE_NOT = {
    "nothing": {},
    "two": {3: 1.0, 7: 1.0},
    "half": {3: 0.5},
    "soft": {3: 0.5, 7: 0.5},
    "a little more": {3: 1.0, 7: 1e-30},
    "minus": {3: 1.0, 7: 1.0, 9: -1.0},
}


@FORMS
@pytest.mark.parametrize("where", [0, 17, ROWS - 2])
@pytest.mark.parametrize("kind", ROWS_THAT_ARE_NOT)
def test_a_single_other_row_sends_the_call_back(kind: str, where: int, from_logits: bool, used: list[bool]) -> None:
    y_true, y_pred, _ = drawn(from_logits)
    y_true[where] = 0.0
    for place, share in ROWS_THAT_ARE_NOT[kind].items():
        y_true[where, place] = share
    loss = lossary.CategoricalCrossentropy(from_logits=from_logits, reduction="none", check="shapes")
    assert_close(lossary.value_and_grad(loss)(y_true, y_pred), in_words(loss, y_true, y_pred))
    assert used == [where != 0]
    total = loss.replaced(reduction="sum")
    assert_close(lossary.value_and_grad(total)(y_true, y_pred), in_words(total, y_true, y_pred))


def test_faults_are_told_as_ever() -> None:
    y_true, y_pred, _ = drawn(False)
    loss = lossary.CategoricalCrossentropy()
    for array, place, text in ((y_pred, (4000, 3), r"y_pred\[4000, 3\]"), (y_true, (4000, 3), r"y_true\[4000, 3\]")):
        broken = array.copy()
        broken[place] = np.nan
        arrays = (y_true, broken) if array is y_pred else (broken, y_pred)
        with pytest.raises(lossary.DomainError, match=text):
            lossary.value_and_grad(loss)(*arrays)


def test_smoothed_and_short_rows_are_not_looked_at(used: list[bool]) -> None:
    y_true, y_pred, _ = drawn(True)
    smoothed = lossary.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    assert "one-hot" not in kernels.explain(smoothed, y_true, y_pred)
    lossary.value_and_grad(smoothed)(y_true, y_pred)
    short = np.eye(10, dtype=np.float32)[np.arange(20000) % 10]
    lossary.value_and_grad(lossary.CategoricalCrossentropy(from_logits=True))(short, short)
    assert not any(used)
    text = kernels.explain(lossary.CategoricalCrossentropy(from_logits=True), y_true, y_pred)
    assert "that of sparse_categorical_crossentropy while all target rows are one-hot" in text


def test_in_autograd() -> None:
    y_true, y_pred, place = drawn(True)
    grads = []
    for loss, target in (("categorical_crossentropy", y_true), ("sparse_categorical_crossentropy", place)):
        leaf = torch.tensor(y_pred, requires_grad=True)
        lossary.get(loss, from_logits=True)(torch.tensor(target), leaf).backward()
        grads.append(leaf.grad)
    assert torch.equal(*grads)


def test_without_the_source_or_a_compiler_rows_stay_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    y_true, y_pred, _ = drawn(True)
    by_labels = kernels._program(lossary.SparseCategoricalCrossentropy(from_logits=True))
    for reduction in ("none", "sum"):
        loss = lossary.CategoricalCrossentropy(from_logits=True, reduction=reduction)
        wanted = lossary.value_and_grad(loss)(y_true, y_pred)
        loss._setting.forget()
        labels._look.cache_clear()
        with monkeypatch.context() as patch:
            patch.setattr(by_labels, "kernels", {})
            patch.setattr(labels.inspect, "getsource", lambda function: 1 / 0)
            found = lossary.value_and_grad(loss)(y_true, y_pred)
        labels._look.cache_clear()
        loss._setting.forget()
        assert_close(found, wanted)


def test_read_only_targets(used: list[bool]) -> None:
    y_true, y_pred, _ = drawn(True)
    y_true.setflags(write=False)
    loss = lossary.CategoricalCrossentropy(from_logits=True, reduction="none")
    lossary.value_and_grad(loss)(y_true, y_pred)
    assert used == [True]
