"""One value per data point of small plain calls, by functions and without a reduction: each is prepared once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import lossary
from lossary.objects.define import function
from peer import OWNERS, ours

ROWS, COLUMNS = 6, 3
ONES = np.ones(ROWS, np.float32)
# Names of others, by which records find our losses, with settings, and the same values in PyTorch.
PEERS: dict[str, tuple[dict[str, Any], Callable[[Any, Any], Any]]] = {
    "torch.nn.MSELoss": ({}, lambda y, p: F.mse_loss(p, y, reduction="none").mean(-1)),
    "torch.nn.HuberLoss": ({"delta": 0.3}, lambda y, p: F.huber_loss(p, y, delta=0.3, reduction="none").mean(-1)),
    "torch.nn.CrossEntropyLoss": ({}, lambda y, p: F.cross_entropy(p, y, reduction="none")),
    "optax.softmax_cross_entropy": ({}, lambda y, p: F.cross_entropy(p, y, reduction="none")),
}
EACH = pytest.mark.parametrize("name", PEERS)


def drawn(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, COLUMNS, ROWS)
    y_true = labels if OWNERS[name].labels_are_integers else np.eye(COLUMNS, dtype=np.float32)[labels]
    return torch.from_numpy(y_true), torch.from_numpy(rng.normal(size=(ROWS, COLUMNS)).astype(np.float32))


def unreduced(name: str) -> Any:
    return ours(name).replaced(reduction="none", **PEERS[name][0])


def ways(name: str) -> list[Callable[[Any, Any], Any]]:
    loss = unreduced(name)
    return [lambda y, p: function(loss.record.name)(y, p, **loss.parameters), loss]


@EACH
def test_values_and_gradients_are_those_of_pytorch(name: str) -> None:
    y_true, scores = drawn(name)
    upstream = torch.arange(1.0, ROWS + 1)
    for way in ways(name):
        for _ in range(2):  # The second call is the one that was prepared.
            leaf, theirs = scores.clone().requires_grad_(), scores.clone().requires_grad_()
            values, wanted = way(y_true, leaf), PEERS[name][1](y_true, theirs)
            torch.testing.assert_close(values, wanted, rtol=2e-6, atol=1e-7)
            found = torch.autograd.grad(values, leaf, upstream, retain_graph=True)
            torch.testing.assert_close(found, torch.autograd.grad(wanted, theirs, upstream), rtol=2e-6, atol=1e-7)
            (once_more,) = torch.autograd.grad(values.sum(), leaf)
            torch.testing.assert_close(once_more * upstream[:, None], found[0], rtol=1e-6, atol=1e-7)


@EACH
def test_numpy_has_the_bits_of_the_general_way(name: str) -> None:
    y_true, scores = (x.numpy() for x in drawn(name))
    loss = unreduced(name)
    for way in ways(name):
        np.testing.assert_array_equal(way(y_true, scores), loss(y_true, scores, sample_weight=ONES))
    for mine, general in zip(
        loss.value_and_grad(y_true, scores), loss.value_and_grad(y_true, scores, ONES), strict=True
    ):
        np.testing.assert_array_equal(mine, general)


@EACH
def test_everything_else_that_autograd_is_asked_for(name: str) -> None:
    y_true, scores = drawn(name)
    scores = scores.double()
    y_true = y_true.double() if y_true.is_floating_point() else y_true
    for way in ways(name):
        assert torch.autograd.gradgradcheck(lambda p, way=way: way(y_true, p), scores.clone().requires_grad_())
        leaf = scores.clone().requires_grad_()
        rows = torch.autograd.grad(way(y_true, leaf), leaf, torch.eye(ROWS).double(), is_grads_batched=True)[0]
        jacobian = torch.autograd.functional.jacobian(lambda p, way=way: way(y_true, p), scores)
        torch.testing.assert_close(rows, jacobian)


def test_a_change_in_place_is_noticed_and_nothing_is_shared() -> None:
    y_true, leaf = torch.zeros(2, 2), torch.ones(2, 2, requires_grad=True)
    values = lossary.mean_squared_error(y_true, leaf * 1.0)
    values += 1.0
    assert values.tolist() == [2.0, 2.0]
    moved = leaf * 1.0
    values = lossary.mean_squared_error(y_true, moved)
    moved.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        values.sum().backward()
    given = np.array([[3.0, 4.0]])

    @lossary.loss
    def product_of_the_test(y_true: Any, y_pred: Any) -> Any:
        return lossary.words.sum(y_true * y_pred)

    _, slopes = product_of_the_test.cls(reduction="none").value_and_grad(given, given.copy())
    slopes[:] = 7.0
    np.testing.assert_array_equal(given, [[3.0, 4.0]])


def test_one_dimension_is_a_row_for_functions_and_points_for_objects() -> None:
    y_true, y_pred = np.array([0.0, 0.0]), np.array([1.0, 3.0])
    for _ in range(2):
        assert lossary.mean_squared_error(y_true, y_pred) == 5.0
        assert lossary.MeanSquaredError(reduction="none")(y_true, y_pred).tolist() == [1.0, 9.0]
        leaf = torch.tensor(y_pred, requires_grad=True)
        lossary.mean_squared_error(torch.tensor(y_true), leaf).backward()
        assert leaf.grad is not None
        assert leaf.grad.tolist() == [1.0, 3.0]


def test_values_outside_are_told_at_every_call() -> None:
    right, wrong = np.array([[1.0, 0.0]]), np.array([[1.0, 3.0]])
    p = np.array([[0.5, 0.5]])
    for convert in (np.asarray, torch.tensor):
        for y_true in (right, wrong, wrong):
            if y_true is right:
                lossary.binary_crossentropy(convert(y_true), convert(p))
                continue
            with pytest.raises(lossary.DomainError, match=r"binary_crossentropy: y_true\[0, 1\] is 3"):
                lossary.binary_crossentropy(convert(y_true), convert(p))
        assert np.isfinite(np.asarray(lossary.binary_crossentropy(convert(wrong), convert(p), check="off"))).all()


@pytest.mark.parametrize("convert", [np.asarray, torch.tensor], ids=["numpy", "torch"])
def test_a_repeated_call_goes_through_few_functions(convert: Any) -> None:
    """What a small call costs is Python: it was 61 of our functions on NumPy, and 142 on PyTorch."""
    y_true, y_pred = convert([[0.0, 1.0]]), convert([[1.0, 3.0]])
    lossary.huber(y_true, y_pred)
    entered = []

    def follow(frame: Any, event: str, _: Any) -> None:
        if event == "call" and "lossary" in frame.f_globals.get("__name__", ""):
            entered.append(frame.f_code.co_name)

    sys.setprofile(follow)
    try:
        lossary.huber(y_true, y_pred)
    finally:
        sys.setprofile(None)
    assert 0 < len(entered) <= 35, entered
