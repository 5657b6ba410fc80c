"""Small calls of losses with several predictions or arguments of other names: prepared once, the same in all ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import lossary
from inputs import EVERY_SETTING, Setting, few, program
from kernel_laws import assert_same
from lossary import kernels
from lossary.facts.arguments import Role

SEVERAL = [s for s in EVERY_SETTING if not s.record.is_pair and not kernels.unfit(program(s))]


def _kind(setting: Setting) -> tuple[Any, ...]:
    """What steps tell these losses apart by."""
    record = setting.record
    shapes = [(each.is_label, each.has_outputs) for each in record.inputs]
    return program(setting).separable, len(record.predictions), *shapes, [bool(x.parts) for x in record.arguments]


WITNESSES = list({repr(_kind(setting)): setting for setting in reversed(SEVERAL)}.values())


def drawn(setting: Setting, shape: tuple[int, int], dtype: str) -> list[Any]:
    arrays = map(np.asarray, setting.draw(np.random.default_rng(shape[1]), shape))
    return [x if x.dtype.kind in "iu" else x.astype(dtype) for x in arrays]


def apart(setting: Setting, arrays: Sequence[Any]) -> list[Any]:
    """Arguments whose parts are arrays of their own."""
    given = zip(setting.record.arguments, arrays, strict=True)
    return [tuple(np.moveaxis(x, -1, 0).copy()) if each.parts else x for each, x in given]


def flat(found: Any) -> list[Any]:
    return [x for each in found for x in flat(each)] if isinstance(found, tuple | list) else [found]


def tensors(setting: Setting, arguments: Sequence[Any]) -> tuple[list[Any], list[torch.Tensor]]:
    """The same on the memory of the arrays, and those that have a gradient."""
    made = [tuple(map(torch.from_numpy, x)) if isinstance(x, tuple) else torch.from_numpy(x) for x in arguments]
    roles = zip(setting.record.arguments, made, strict=True)
    return made, [x.requires_grad_() for each, x in roles if each.role is Role.PREDICTION for x in flat((x,))]


@pytest.mark.parametrize("setting", few(WITNESSES.__contains__, SEVERAL), ids=str)
@pytest.mark.parametrize("dtype", few("float32".__eq__, ["float32", "float64"]))
def test_a_small_call_is_that_of_the_words(setting: Setting, dtype: str) -> None:
    for shape in ((7, 1), (6, 5)) if setting.record.inputs[0].has_outputs else ((6, 5),):
        packed = drawn(setting, shape, dtype)
        for arguments in (packed, apart(setting, packed)):
            for reduction in ("sum_over_batch_size", "none"):
                loss = setting.configured(reduction=reduction)
                wanted = flat(loss.lined_up(arguments).value_and_gradient(reduction))
                given, predictions = tensors(setting, arguments)
                value = loss(*given)
                slopes = torch.autograd.grad(value, predictions, 2 * torch.ones_like(value), retain_graph=True)
                again = torch.autograd.grad(value, predictions, torch.ones_like(value), create_graph=True)
                for found in (
                    flat(loss.value_and_grad(*arguments)),
                    flat(loss.value_and_grad(*given)),
                    [value, *(x / 2 for x in slopes)],
                    [loss(*arguments), *again],
                ):
                    got = [np.asarray(x.detach() if isinstance(x, torch.Tensor) else x) for x in found]
                    assert_same(got, wanted, dtype, 1.0)


def test_a_plain_call_is_one_compiled_function() -> None:
    y, mean, variance = np.zeros((6, 5)), np.ones((6, 5)), np.full((6, 5), 2.0)
    for given in ((y, (mean, variance)), (y, np.stack([mean, variance], -1))):
        loss = lossary.GaussianNLL()
        loss(*given)
        value, gradients = loss.value_and_grad(*given)
        assert [step.run is not None for step in loss._setting.steps.values()] == [True, True]
        assert value == pytest.approx(0.5 * (np.log(2.0) + 0.5))
        mean_slope, variance_slope = gradients if isinstance(gradients, tuple) else np.moveaxis(gradients, -1, 0)
        np.testing.assert_allclose(mean_slope, 1 / 60, rtol=1e-12)
        np.testing.assert_allclose(variance_slope, (0.25 - 0.125) / 30, rtol=1e-12)


PEERS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "gaussian_nll": (
        lambda a, b, c: lossary.GaussianNLL()(a, (b, c.exp())),
        lambda a, b, c: F.gaussian_nll_loss(b, a, c.exp()),
    ),
    "triplet": (lossary.TripletMargin(), F.triplet_margin_loss),
    "ranking": (
        lambda a, b, c: lossary.MarginRanking()(torch.sign(a), b, c),
        lambda a, b, c: F.margin_ranking_loss(b, c, torch.sign(a)),
    ),
    "cosine": (
        lambda a, b, c: lossary.CosineEmbedding()(torch.sign(a[:, 0]), b, c),
        lambda a, b, c: F.cosine_embedding_loss(b, c, torch.sign(a[:, 0])),
    ),
}


@pytest.mark.parametrize("name", PEERS)
def test_values_and_gradients_are_those_of_pytorch_at_every_call(name: str) -> None:
    for seed in (1, 2):
        torch.manual_seed(seed)
        a, b, c = torch.randn(3, 32, 10)
        b.requires_grad_()
        c.requires_grad_()
        found, wanted = ((value, *torch.autograd.grad(value, (b, c))) for value in (f(a, b, c) for f in PEERS[name]))
        for got, expected in zip(found, wanted, strict=True):
            torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-7)


def test_later_calls_are_checked_like_the_first() -> None:
    boxes = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 2.0, 1.0]])
    crossed = boxes[:, [2, 1, 0, 3]]
    y, mean, variance = torch.zeros(2, 3), torch.ones(2, 3), torch.ones(2, 3)
    wrong = variance.clone()
    wrong[1, 2] = -1.0
    nll, iou = lossary.GaussianNLL(), lossary.GeneralizedIoU()
    for _ in range(2):
        assert float(iou(boxes, boxes)) == 0.0
        with pytest.raises(lossary.DomainError, match="x1"):
            iou(crossed, boxes)
        nll(y, (mean, variance))
        with pytest.raises(lossary.DomainError, match=r"variance\[1, 2\] is -1"):
            nll(y, (mean, wrong))
        with pytest.raises(lossary.ShapeError, match=r"\(2, 2\)"):
            nll(y, (mean, variance[:, :2]))


def test_one_prediction_alone_is_differentiated_and_targets_too() -> None:
    y, mean = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 2.0]])
    variance = torch.tensor([[2.0, 4.0]], requires_grad=True)
    loss = lossary.GaussianNLL(reduction="sum")
    loss(y, (mean, variance)).backward()
    # Half of 1 / variance - (difference / variance)^2, over two outputs.
    assert variance.grad is not None
    torch.testing.assert_close(variance.grad, torch.tensor([[(0.5 - 1.0) / 4, 0.25 / 4]]))
    y.requires_grad_()
    loss(y, (mean, variance)).backward()
    torch.testing.assert_close(y.grad, torch.tensor([[-0.5, 0.0]]))
    with torch.no_grad():
        assert not loss(y, (mean, variance)).requires_grad
