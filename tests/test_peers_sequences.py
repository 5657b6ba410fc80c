"""Connectionist temporal classification beside PyTorch's, optax's and Keras's: values, gradients, lengths, padding."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax
import pytest
import torch
import torch.nn.functional as F

import lossary

RNG = np.random.default_rng(17)
N, T, L, C = 5, 9, 3, 4
SCORES = RNG.normal(size=(N, T, C)) * 2.0
LABELS = RNG.integers(1, C, (N, L))
LABELS[1, 2], LABELS[2, 1:], LABELS[3] = 0, 0, [2, 2, 2]
STEPS = np.array([9, 7, 5, 9, 6])
KEPT = np.arange(T) < STEPS[:, None]
LOSS = lossary.CTC(reduction="none")


def theirs(labels: Any, blank: int = 0) -> tuple[Any, Any]:
    """PyTorch's values and the gradient of their sum."""
    scores = torch.tensor(SCORES, requires_grad=True)
    logs, lengths = scores.log_softmax(-1).transpose(0, 1), torch.tensor((labels != blank).sum(1))
    values = F.ctc_loss(logs, torch.tensor(labels), torch.tensor(STEPS), lengths, blank, reduction="none")
    values.sum().backward()
    return values.detach(), scores.grad


def test_values_and_slopes_are_those_of_pytorch() -> None:
    values, slopes = LOSS.value_and_grad(LABELS, SCORES, where=KEPT)
    wanted, right = theirs(LABELS)
    np.testing.assert_allclose(values, wanted, rtol=1e-10)
    np.testing.assert_allclose(slopes, right, rtol=1e-8, atol=1e-12)
    # Its mean divides each value by the number of labels.
    mean = F.ctc_loss(
        torch.tensor(SCORES).log_softmax(-1).transpose(0, 1), torch.tensor(LABELS), torch.tensor(STEPS),
        torch.tensor((LABELS != 0).sum(1)),
    )  # fmt: skip
    ours = lossary.CTC()(LABELS, SCORES, sample_weight=1.0 / (LABELS != 0).sum(1), where=KEPT)
    np.testing.assert_allclose(ours, mean, rtol=1e-10)


def test_the_blank_may_be_the_last_class() -> None:
    labels = np.where(LABELS == 0, C - 1, LABELS - 1)
    values, slopes = LOSS.replaced(blank=-1).value_and_grad(labels, SCORES, where=KEPT)
    wanted, right = theirs(labels, blank=C - 1)
    np.testing.assert_allclose(values, wanted, rtol=1e-10)
    np.testing.assert_allclose(slopes, right, rtol=1e-8, atol=1e-12)


# `test_optax_face` has its function too.
@pytest.mark.costly
def test_values_and_slopes_are_those_of_optax() -> None:
    def total(scores: Any) -> Any:
        return optax.losses.ctc_loss(scores, 1.0 - KEPT, LABELS, (LABELS == 0).astype(float)).sum()

    wanted, right = jax.jit(jax.value_and_grad(total))(jnp.asarray(SCORES, jnp.float32))
    ours = jax.jit(lossary.CTC(reduction="sum").value_and_grad)
    value, slopes = ours(jnp.asarray(LABELS), jnp.asarray(SCORES, jnp.float32), None, jnp.asarray(KEPT))
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    np.testing.assert_allclose(slopes, right, rtol=1e-3, atol=1e-5)


def test_values_are_those_of_keras_and_a_model_learns() -> None:
    scores = SCORES.astype(np.float32)
    np.testing.assert_allclose(lossary.CTC()(LABELS, scores), jax.jit(keras.losses.CTC())(LABELS, scores), rtol=1e-5)
    keras.utils.set_random_seed(0)
    inputs = keras.Input((T, 2))
    model = keras.Model(inputs, keras.layers.Dense(C)(inputs))
    model.compile(loss=lossary.CTC(), optimizer=keras.optimizers.SGD(0.05))
    x = RNG.normal(size=(N, T, 2)).astype(np.float32)
    losses = model.fit(x, LABELS, epochs=5, batch_size=N, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("padding", [-1, 0])
def test_padding_may_stand_anywhere(padding: int) -> None:
    labels = np.array([[1, padding, 2, padding, 3]])
    np.testing.assert_allclose(LOSS(labels, SCORES[:1]), LOSS(np.array([[1, 2, 3]]), SCORES[:1]), rtol=1e-12)


def test_steps_that_are_left_out_are_as_good_as_cut_out() -> None:
    keep = np.array([0, 1, 1, 0, 1, 0, 1, 1, 0], bool)[None]
    spoiled = np.where(keep[..., None], SCORES[:1], np.nan)
    values, slopes = LOSS.value_and_grad(LABELS[:1], spoiled, where=keep)
    wanted, right = LOSS.value_and_grad(LABELS[:1], SCORES[:1, keep[0]])
    np.testing.assert_allclose(values, wanted, rtol=1e-12)
    np.testing.assert_allclose(slopes[:, keep[0]], right, rtol=1e-10, atol=1e-14)
    assert not slopes[:, ~keep[0]].any()


def test_labels_that_do_not_fit_have_no_slope_and_others_are_refused() -> None:
    too_many = np.array([[2, 2]])
    values, slopes = LOSS.value_and_grad(too_many, SCORES[:1, :2])
    assert values == np.inf
    assert not slopes.any()
    assert lossary.CTC(infeasible="zero")(too_many, SCORES[:1, :2]) == 0
    with pytest.raises(lossary.DomainError, match=r"ctc: y_true\[0, 1\] is 4; "):
        LOSS(np.array([[1, 4]]), SCORES[:1])
    with pytest.raises(lossary.ParameterError, match=r"ctc: blank is 0.5; accepted is a whole number >= -1"):
        lossary.CTC(blank=0.5)


def test_second_derivatives_are_pytorchs_own() -> None:
    labels, scores = torch.tensor(LABELS[1:2]), torch.tensor(SCORES[1:2, :4])
    torch.autograd.gradcheck(lambda z: LOSS(labels, z), scores.requires_grad_())
    torch.autograd.gradgradcheck(lambda z: LOSS(labels, z), scores.requires_grad_())
