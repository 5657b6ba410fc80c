"""One of two processes that compute a head together: ``python linear_processes.py RANK ADDRESS_FILE``, run by tests."""

from __future__ import annotations

import sys

import pytest
import torch
import torch.distributed as dist
from torch.nn import functional

import lossary


def main(rank: int, store: str) -> None:
    torch.manual_seed(0)
    dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
    hidden, weight, bias = (torch.randn(*shape, dtype=torch.float64) for shape in ((6, 3), (7, 3), (7,)))
    y_true = torch.tensor([0, 6, 3, -1, 4, 2])
    for settings in ({}, {"label_smoothing": 0.2, "softcap": 2.0}, {"reduction": "sum", "z_loss": 0.1}):
        whole = _leaves(hidden, weight, bias)
        wanted = _expected(y_true, *whole, **settings)
        wanted.backward()
        # Some rows of the weight, as many on each as there are.
        rows = slice(0, 3) if rank == 0 else slice(3, 7)
        own = _leaves(hidden, weight[rows], bias[rows])
        value = lossary.linear_cross_entropy(y_true, *own, ignore_class=-1, parallel="vocabulary", chunk=4, **settings)
        value.backward()
        _same(value, wanted)
        for got, of in zip(own, (whole[0].grad, whole[1].grad[rows], whole[2].grad[rows]), strict=True):
            _same(got.grad, of)
        # Some tokens, of which one process has none that counts but one.
        tokens = slice(0, 4) if rank == 0 else slice(4, 6)
        own = _leaves(hidden[tokens], weight, bias)
        value = lossary.linear_cross_entropy(y_true[tokens], *own, ignore_class=-1, parallel="tokens", **settings)
        value.backward()
        _same(value, wanted)
        _same(own[0].grad, whole[0].grad[tokens])
        for got, of in zip(own[1:], whole[1:], strict=True):
            dist.all_reduce(got.grad)
            _same(got.grad, of.grad)
    own = _leaves(hidden, weight[rows], bias[rows])
    values = lossary.linear_cross_entropy(y_true, *own, ignore_class=-1, parallel="vocabulary", reduction="none")
    wanted = functional.cross_entropy(
        functional.linear(hidden, weight, bias), y_true, ignore_index=-1, reduction="none"
    )
    _same(values, wanted)
    gradient = torch.autograd.grad(values.sum(), own[1], create_graph=True)[0]
    with pytest.raises(lossary.BackendError, match="parallel=None"):
        gradient.sum().backward()
    with pytest.raises(lossary.ParameterError, match="uses sparsemax, which needs a whole row"):
        lossary.linear("sparsemax", parallel="vocabulary")(y_true.clamp(min=0), *own)
    print("same")
    dist.destroy_process_group()


def _leaves(*arrays):
    return [x.clone().requires_grad_() for x in arrays]


def _same(one, other):
    torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-14)


def _expected(y_true, hidden, weight, bias, softcap=None, z_loss=0.0, label_smoothing=0.0, reduction="mean"):
    scores = functional.linear(hidden, weight, bias)
    scores = scores if softcap is None else softcap * torch.tanh(scores / softcap)
    given = {"ignore_index": -1, "label_smoothing": label_smoothing, "reduction": reduction}
    return functional.cross_entropy(scores, y_true, **given) + z_loss * (scores[y_true >= 0].logsumexp(-1) ** 2).sum()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
