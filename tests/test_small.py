"""Small calls: what is remembered between them changes no result, no error and no gradient."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import lossary
from inputs import arguments
from lossary import kernels
from lossary.calls.programs import Program, program_for
from peer import ours

SHAPE = (32, 10)
# Names of others, by which records find our losses, with settings, and the same number in PyTorch.
PEERS: dict[str, tuple[dict[str, Any], Callable[[Any, Any], Any]]] = {
    "torch.nn.MSELoss": ({}, lambda y, p: F.mse_loss(p, y)),
    "torch.nn.L1Loss": ({}, lambda y, p: F.l1_loss(p, y)),
    "torch.nn.HuberLoss": ({"delta": 0.3}, lambda y, p: F.huber_loss(p, y, delta=0.3)),
    "torch.nn.BCEWithLogitsLoss": ({}, lambda y, p: F.binary_cross_entropy_with_logits(p, y)),
    "torch.nn.CrossEntropyLoss": ({}, lambda y, p: F.cross_entropy(p, y)),
    "optax.softmax_cross_entropy": ({}, lambda y, p: F.cross_entropy(p, y)),
}
EACH = pytest.mark.parametrize("name", PEERS)
WAY = pytest.mark.usefixtures("way")


def program_of(loss: Any) -> Program:
    return program_for(loss.record, loss.parameters, lossary.backends.NUMPY)


@pytest.fixture(params=["words", "kernel"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain calls are computed in words, or by kernels as from the first call of a program on."""
    monkeypatch.setattr(kernels, "PLAIN", 1 if request.param == "kernel" else kernels.THRESHOLD)


@pytest.fixture(autouse=True)
def _nothing_is_loaded() -> Iterator[None]:
    yield
    program_of(lossary.get("huber")).kernels_at_hand.clear()


def drawn(loss: Any, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    rng, record = np.random.default_rng(seed), loss.record
    y_true, _ = arguments(record, rng, SHAPE)
    y_true = y_true if record.labels_are_integers else y_true.astype(np.float32)
    return torch.from_numpy(y_true), torch.from_numpy(rng.normal(size=SHAPE).astype(np.float32)).requires_grad_()


def both(loss: Any, y_true: torch.Tensor, y_pred: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    value = loss(y_true, y_pred)
    (gradient,) = torch.autograd.grad(value, y_pred)
    return value.detach(), gradient


@EACH
@WAY
def test_values_and_gradients_are_those_of_pytorch_at_every_call(name: str) -> None:
    parameters, peer = PEERS[name]
    loss = ours(name).replaced(**parameters)
    for seed in (1, 2, 3):
        y_true, y_pred = drawn(loss, seed)
        for got, expected in zip(both(loss, y_true, y_pred), both(peer, y_true, y_pred), strict=True):
            torch.testing.assert_close(got, expected, rtol=2e-6, atol=1e-8)
        value, gradient = loss.value_and_grad(y_true.numpy(), y_pred.detach().numpy())
        np.testing.assert_array_equal(value, both(loss, y_true, y_pred)[0])
        np.testing.assert_array_equal(gradient, both(loss, y_true, y_pred)[1])


@WAY
def test_the_same_call_gives_the_same_bits_whatever_ran_before() -> None:
    loss = lossary.get("binary_crossentropy", from_logits=True)
    y_true, y_pred = (x.detach().numpy() for x in drawn(loss, 4))
    first = [x.tobytes() for x in loss.value_and_grad(y_true, y_pred)]
    rng = np.random.default_rng(0)
    loss.value_and_grad(rng.integers(0, 2, (300, 300)).astype("f4"), rng.normal(size=(300, 300)).astype("f4"))
    assert [x.tobytes() for x in loss.value_and_grad(y_true, y_pred)] == first
    assert [x.tobytes() for x in lossary.get(loss.get_config()).value_and_grad(y_true, y_pred)] == first


@WAY
def test_later_calls_are_checked_like_the_first() -> None:
    loss = lossary.get("binary_crossentropy", from_logits=True)
    y_true, y_pred = drawn(loss, 5)
    wrong = y_true.clone()
    wrong[3, 2] = 4.0
    texts = []
    for _ in range(3):
        for call in (loss, lambda y, p: loss.value_and_grad(y.numpy(), p.detach().numpy())):
            call(y_true, y_pred)
            with pytest.raises(lossary.DomainError, match=r"y_true\[3, 2\] is 4") as caught:
                call(wrong, y_pred)
            texts.append(str(caught.value))
            with pytest.raises(lossary.ShapeError, match=r"\(31, 10\)"):
                call(y_true[1:], y_pred)
        with lossary.check("off"):
            assert torch.isfinite(loss(wrong, y_pred))
    assert len(set(texts)) == 1


@WAY
def test_any_layout_and_byte_order_is_understood() -> None:
    loss = lossary.get("mean_squared_error")
    y_true, y_pred = (x.detach().numpy() for x in drawn(loss, 6))
    value, gradient = loss.value_and_grad(y_true, y_pred)
    fixed = y_pred.copy()
    fixed.flags.writeable = False
    wide = np.zeros((32, 20), np.float32)
    wide[:, ::2] = y_pred
    for same in (y_pred.astype(">f4"), np.asfortranarray(y_pred), fixed, wide[:, ::2], y_pred.tolist()):
        for _ in range(2):
            again, slopes = loss.value_and_grad(y_true, same)
            np.testing.assert_allclose(again, value, rtol=1e-6)
            np.testing.assert_allclose(slopes, gradient, rtol=1e-6)


@WAY
def test_vectors_and_columns_keep_their_shapes() -> None:
    loss = lossary.get("mean_squared_error", reduction="sum")
    y_true, y_pred = np.array([1.0, 2.0], np.float32), np.array([4.0, 0.0], np.float32)
    for true, pred in ((y_true, y_pred), (y_true[:, None], y_pred), (y_true, y_pred[:, None])):
        for _ in range(2):
            value, gradient = loss.value_and_grad(true, pred)
            assert value == 13.0
            assert gradient.shape == pred.shape
            assert gradient.ravel().tolist() == [6.0, -4.0]


def test_objects_see_changes_of_what_they_are_asked() -> None:
    loss = lossary.MeanSquaredError()
    y_true, y_pred = np.zeros((2, 1), np.float32), np.array([[1.0], [3.0]], np.float32)
    assert loss.value_and_grad(y_true, y_pred)[0] == 5.0
    loss = loss.replaced(reduction="sum")
    assert loss.value_and_grad(y_true, y_pred)[0] == 10.0
    assert loss.value_and_grad(y_true, y_pred, np.array([1.0, 0.0], np.float32))[0] == 1.0
    assert loss.value_and_grad(y_true, y_pred, where=np.array([False, True]))[0] == 9.0
    with pytest.raises(lossary.ParameterError, match="axis is 5"):
        lossary.MeanSquaredError(axis=5).value_and_grad(y_true, y_pred)
    assert loss.replaced(axis=1).value_and_grad(y_true, y_pred)[0] == 10.0
    with pytest.raises(lossary.ParameterError, match="axis is True"):
        loss.replaced(axis=True)


def test_a_loss_defined_again_is_the_new_one() -> None:
    y_true, y_pred = np.zeros((2, 1), np.float32), np.array([[1.0], [3.0]], np.float32)

    def define(exponent: int) -> None:
        @lossary.loss(name="small_probe")
        def probe(y_true: Any, y_pred: Any) -> Any:
            return lossary.words.mean(abs(y_pred - y_true) ** exponent)

    for exponent, expected in ((2, 5.0), (3, 14.0)):
        define(exponent)
        for _ in range(2):
            assert lossary.get("small_probe").value_and_grad(y_true, y_pred)[0] == pytest.approx(expected, rel=1e-6)


@WAY
def test_gradients_of_gradients_and_a_second_backward() -> None:
    loss = lossary.MeanSquaredError(reduction="sum")
    y_true, y_pred = torch.zeros(2, 1), torch.tensor([[1.0], [3.0]], requires_grad=True)
    for _ in range(2):
        (first,) = torch.autograd.grad(5.0 * loss(y_true, y_pred), y_pred, create_graph=True)
        assert first.tolist() == [[10.0], [30.0]]
        assert torch.autograd.grad(first.sum(), y_pred)[0].tolist() == [[10.0], [10.0]]
        value = loss(y_true, y_pred)
        for _ in range(2):
            assert torch.autograd.grad(value, y_pred, retain_graph=True)[0].tolist() == [[2.0], [6.0]]
    target = y_true.clone().requires_grad_()
    loss(target, y_pred.detach()).backward()
    assert target.grad is not None
    assert target.grad.tolist() == [[-2.0], [-6.0]]
    with torch.no_grad():
        assert not loss(y_true, y_pred).requires_grad


def test_one_value_per_data_point_takes_any_upstream_at_every_size() -> None:
    for rows in (4, 70_000):
        y_pred = torch.full((rows, 1), 3.0, requires_grad=True)
        values = lossary.MeanSquaredError(reduction="none")(torch.zeros(rows, 1), y_pred, torch.full((rows,), 2.0))
        upstream = torch.arange(rows, dtype=torch.float32)
        values.backward(upstream)
        assert torch.equal(values, torch.full((rows,), 18.0))
        assert y_pred.grad is not None
        torch.testing.assert_close(y_pred.grad[:, 0], 12.0 * upstream)


def test_plain_small_calls_take_kernels_and_others_where_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    y = np.zeros(SHAPE, np.float32)
    with monkeypatch.context() as patch:
        patch.setattr(kernels, "PLAIN", kernels.THRESHOLD)
        assert "words of numpy: 320 elements" in kernels.explain("huber", y, y)
        kernels.load("huber")
        assert "fused kernel on numpy" in kernels.explain("huber", y, y)
        assert "words of numpy" in kernels.explain("huber", y.astype("f8"), y.astype("f8"))
    for like in (y, y.astype("f8"), torch.zeros(SHAPE), torch.zeros(SHAPE).double()):
        assert "mae runs in a fused kernel on" in kernels.explain("mae", like, like).replace(
            "mean_absolute_error", "mae"
        )
    for like in (y.tolist(), y.astype("f2"), torch.zeros(SHAPE).half()):
        assert "in the words of" in kernels.explain("mae", like, like)
    monkeypatch.setenv("LOSSARY_KERNELS", "0")
    kernels.load("mae")
    assert "words of numpy" in kernels.explain("mae", y, y)


def test_a_plain_call_is_one_compiled_function() -> None:
    for make in (np.ones, torch.ones):
        loss = lossary.Huber()
        y_pred = make(SHAPE, dtype=np.float32 if make is np.ones else torch.float32)
        loss(y_pred, y_pred)
        loss.value_and_grad(y_pred, y_pred)
        assert [step.run is not None for step in loss._setting.steps.values()] == [True, True]


def test_nothing_holds_a_result_that_was_let_go() -> None:
    y_true, y_pred = drawn(lossary.Huber(), 1)
    gc.collect()
    gc.disable()
    try:
        value = lossary.Huber()(y_true, y_pred)
        held = weakref.ref(value)
        del value
        assert held() is None
    finally:
        gc.enable()


def test_large_inputs_are_not_copied_for_a_mask() -> None:
    y_true, y_pred = np.zeros((700, 100), np.float32), np.ones((700, 100), np.float32)
    y_pred[3] = np.nan
    where = np.arange(700) != 3
    batch = lossary.MeanSquaredError().batch(y_true, y_pred, where=where, fusible=True)
    assert batch.fused is not None
    assert np.shares_memory(batch.fused.y_pred, y_pred)
    value, gradient = batch.value_and_gradient("sum")
    assert value == 699.0
    assert not gradient[3].any()
    assert np.isfinite(gradient).all()
