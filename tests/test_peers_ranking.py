"""Losses of lists and of sets of labels against optax and PyTorch."""

from __future__ import annotations

import numpy as np
import torch

import lossary


def test_list_softmax_is_optaxs() -> None:
    import jax
    import jax.numpy as jnp
    import optax

    labels = np.array([[2.0, 0.0, 1.0, 0.5], [0.0, 0.0, 3.0, 1.0]], np.float32)
    scores = np.array([[0.3, -1.0, 2.0, 0.5], [1.5, 0.2, -0.7, 9.0]], np.float32)
    keep = np.array([[True, True, False, True], [True, True, True, True]])
    for where in (None, keep):

        def theirs(scores: object, where: object = where) -> object:
            return optax.losses.ranking_softmax_loss(scores, jnp.asarray(labels), where=where)

        value, slopes = jax.jit(jax.value_and_grad(theirs))(jnp.asarray(scores))
        mine, gradient = lossary.RankingSoftmax().value_and_grad(labels, scores, where=where)
        np.testing.assert_allclose(mine, value, rtol=1e-6)
        np.testing.assert_allclose(gradient, slopes, rtol=1e-5, atol=1e-6)


def test_normalized_labels_are_a_distribution() -> None:
    labels, scores = (
        torch.tensor([[2.0, 0.0, 1.0], [1.0, 1.0, 0.0]]),
        torch.tensor([[0.3, -1.0, 2.0], [1.5, 0.2, -7.0]]),
    )
    shares = labels / labels.sum(1, keepdim=True)
    expected = torch.nn.functional.cross_entropy(scores, shares, reduction="none")
    torch.testing.assert_close(lossary.ranking_softmax(labels, scores, normalize=True), expected)


def test_multilabel_margin_is_torchs() -> None:
    held = torch.tensor([[0.0, 1.0, 1.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0, 0.0], [0.0] * 5])
    listed = torch.tensor([[4, 1, 2, -1, -1], [3, -1, -1, -1, -1], [-1] * 5])
    scores = torch.tensor([[0.3, -1.0, 2.0, 0.5, 0.75], [1.5, 0.2, -0.7, 9.0, 9.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
    one, other = (scores.clone().requires_grad_(True) for _ in range(2))
    expected = torch.nn.functional.multilabel_margin_loss(one, listed, reduction="none")
    got = lossary.multilabel_margin(held, other)
    torch.testing.assert_close(got, expected)
    slopes = (torch.autograd.grad(value.sum(), raw)[0] for value, raw in ((got, other), (expected, one)))
    torch.testing.assert_close(*slopes)
