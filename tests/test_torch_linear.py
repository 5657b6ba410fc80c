"""The linear head as a module: values, gradients and states of PyTorch's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import lossary
import lossary.torch as ours

N, C, F = 6, 5, 4
WEIGHT = torch.tensor([0.5, 2.0, 1.0, 3.0, 0.25])
LABELS = torch.tensor([0, 4, 2, 2, 1, 3])
SHARES = torch.rand(N, C, generator=torch.Generator().manual_seed(1)).softmax(1)

CASES = {
    "plain": ({}, LABELS),
    "bias": ({"bias": True}, LABELS),
    "smooth": ({"label_smoothing": 0.2}, LABELS),
    "left out": ({"ignore_index": 2}, LABELS),
    "as ever left out": ({}, torch.where(LABELS == 2, -100, LABELS)),
    "weights": ({"weight": WEIGHT, "ignore_index": 4}, LABELS),
    "weights and smooth": ({"weight": WEIGHT, "label_smoothing": 0.1}, LABELS),
    "shares": ({"bias": True}, SHARES),
    "weights of shares": ({"weight": WEIGHT}, SHARES),
    "many outputs": ({"out_features": (2, 3), "bias": True}, torch.arange(N * 6).reshape(N, 2, 3) % C),
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_are_pytorchs(case, reduction):
    settings, target = CASES[case]
    theirs = nn.LinearCrossEntropyLoss(F, C, reduction=reduction, **settings)
    made = ours.LinearCrossEntropyLoss(F, C, reduction=reduction, **settings)
    made.load_state_dict(theirs.state_dict())
    found = []
    for module in (theirs, made):
        hidden = torch.linspace(-2, 3, N * F).reshape(N, F).requires_grad_()
        value = module(hidden, target)
        value.sum().backward()
        found.append((value, hidden.grad, *(p.grad for p in module.parameters())))
    for expected, got in zip(*found, strict=True):
        torch.testing.assert_close(got, expected, rtol=2e-5, atol=1e-6)


def test_a_single_vector():
    theirs, made = (
        nn.LinearCrossEntropyLoss(F, C, reduction="none"),
        ours.LinearCrossEntropyLoss(F, C, reduction="none"),
    )
    made.load_state_dict(theirs.state_dict())
    hidden, target = torch.ones(F), torch.tensor(2)
    torch.testing.assert_close(made(hidden, target), theirs(hidden, target))


def test_second_derivatives_and_an_empty_mean():
    made = ours.LinearCrossEntropyLoss(F, C, dtype=torch.float64)
    hidden = torch.randn(N, F, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: made(x, LABELS), hidden)
    assert made(hidden, torch.full((N,), -100)) == 0.0


@pytest.mark.parametrize("strict", [False, pytest.param(True, marks=pytest.mark.costly)])
def test_a_program_of_any_number_of_tokens_can_be_exported(strict):
    """Two sequences whose length and number are known later, with the label of the next token."""
    head, dynamic = ours.LinearCrossEntropyLoss(F, C), torch.export.Dim.DYNAMIC

    class Next(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(F, C)

        def forward(self, hidden, labels):
            return lossary.linear_cross_entropy(labels, hidden, self.layer.weight, shift=1)

    def of(batch, length):
        return torch.randn(batch, length, F), torch.arange(batch * length).reshape(batch, length) % C

    for module, given, others in (
        (head, (torch.randn(N, F), LABELS), (torch.randn(4, F), LABELS[:4])),
        (Next(), of(2, 6), of(3, 4)),
    ):
        free = tuple(dict.fromkeys(range(given[1].ndim), dynamic) for _ in given)
        made = torch.export.export(module, given, dynamic_shapes=free, strict=strict).module()
        torch.testing.assert_close(made(*others), module(*others))


def test_what_it_says_of_itself_and_of_mistakes():
    made = ours.LinearCrossEntropyLoss(F, C, label_smoothing=0.1)
    assert repr(made).startswith("LinearCrossEntropyLoss(\n  label_smoothing=0.1\n")
    with pytest.raises(ValueError, match="accepted"):
        made(torch.ones(N, F), LABELS + 5)
    with pytest.raises(ValueError, match="reduction"):
        ours.LinearCrossEntropyLoss(F, C, reduction="average")


RARE = [[0, 19, 5, 3, 12, 10], [0, 1, 2, 3, 3, 2], [19, 18, 17, 5, 6, 7]]


@pytest.mark.parametrize("target", RARE)
def test_a_softmax_of_clusters_is_pytorchs(target):
    theirs, made = (
        room.AdaptiveLogSoftmaxWithLoss(F, 20, [4, 10], div_value=2.0, head_bias=True) for room in (nn, ours)
    )
    made.load_state_dict(theirs.state_dict())
    found = []
    for layer in (theirs, made):
        hidden = torch.linspace(-2, 3, N * F).reshape(N, F).requires_grad_()
        answer = layer(hidden, torch.tensor(target))
        answer.loss.backward()
        found.append([answer.output, answer.loss, hidden.grad, *(p.grad for p in layer.parameters())])
    for expected, got in zip(*found, strict=True):
        torch.testing.assert_close(got, expected, rtol=2e-5, atol=1e-6)


def test_a_softmax_of_clusters_predicts_and_adds_up():
    layer = ours.AdaptiveLogSoftmaxWithLoss(F, 20, [4, 10], div_value=2.0)
    hidden, target = torch.randn(N, F), torch.tensor(RARE[0])
    output, loss = layer(hidden, target)
    torch.testing.assert_close(output, layer.log_prob(hidden).gather(1, target[:, None])[:, 0])
    assert layer.predict(hidden).tolist() == layer.log_prob(hidden).argmax(1).tolist()
    parts = [layer.total(hidden[rows], target[rows]) for rows in (slice(0, 1), slice(1, N))]
    torch.testing.assert_close(sum(parts).mean(), loss)
    one = layer(hidden[0], target[0])
    assert one.output.shape == ()
    torch.testing.assert_close(one.output, output[0])
    assert layer(hidden[:0], target[:0]).loss == 0.0
