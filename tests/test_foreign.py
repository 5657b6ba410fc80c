"""Losses of other libraries where a loss is asked for: their values, or the line to write."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax
import pytest
import sklearn.metrics
import torch
from torch import nn
from torch.nn import functional as F

import lossary
from lossary.texts import peers

TARGETS = torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
SHARES = torch.tensor([[0.2, 0.7], [0.9, 0.4], [0.3, 0.6]])
LABELS, SCORES = torch.tensor([0, 2, -100, 1]), torch.linspace(-2, 3, 16).reshape(4, 4).sin()
IMAGE_LABELS, IMAGES = torch.arange(8).reshape(2, 2, 2) % 3, torch.linspace(-1, 4, 24).reshape(2, 3, 2, 2).cos()

TORCH: list[tuple[Any, Any, Any]] = [
    (loss, TARGETS, SHARES)
    for loss in (
        nn.BCELoss(), nn.BCEWithLogitsLoss(), nn.MSELoss(), nn.L1Loss(), nn.HuberLoss(delta=0.3),
        nn.SmoothL1Loss(beta=0.3), nn.SmoothL1Loss(beta=0.0), F.binary_cross_entropy,
        F.binary_cross_entropy_with_logits, F.mse_loss, F.l1_loss, F.huber_loss, F.smooth_l1_loss,
        functools.partial(F.huber_loss, delta=0.5), functools.partial(F.smooth_l1_loss, beta=0.2),
        nn.DataParallel(nn.L1Loss()), nn.BCELoss().forward,
    )
]  # fmt: skip
TORCH += [
    (loss, LABELS, SCORES) for loss in (nn.CrossEntropyLoss(), F.cross_entropy, nn.CrossEntropyLoss(reduction="sum"))
]
TORCH += [
    (loss, torch.tensor([0, 2, 3, 1]), SCORES)
    for loss in (nn.MultiMarginLoss(p=2, margin=0.4), nn.MultiMarginLoss(reduction="sum"), F.multi_margin_loss)
]
TORCH += [(loss, 2.0 * TARGETS - 1.0, SHARES) for loss in (nn.SoftMarginLoss(), F.soft_margin_loss)]
TORCH += [
    (loss, TARGETS, SHARES) for loss in (nn.MultiLabelSoftMarginLoss(reduction="none"), F.multilabel_soft_margin_loss)
]
TORCH += [(nn.CrossEntropyLoss(ignore_index=1), IMAGE_LABELS, IMAGES), (F.cross_entropy, IMAGE_LABELS, IMAGES)]
TORCH += [(nn.CrossEntropyLoss(ignore_index=1, label_smoothing=0.1), IMAGE_LABELS, IMAGES)]
POSITIVE, WEIGHT = torch.tensor([2.0, 3.0]), torch.tensor([1.0, 2.0, 3.0, 4.0])
TORCH += [
    (loss, 3.0 * TARGETS, SHARES)
    for loss in (nn.PoissonNLLLoss(), nn.PoissonNLLLoss(log_input=False, eps=0.1), F.poisson_nll_loss)
]
TORCH += [
    (nn.BCEWithLogitsLoss(pos_weight=weight), labels, SHARES)
    for weight in (POSITIVE, POSITIVE[:1], POSITIVE[0])
    for labels in (TARGETS, SHARES)
]
TORCH += [
    (loss(weight=WEIGHT, reduction=reduction), torch.tensor([0, 2, 3, 1]), SCORES)
    for loss in (nn.CrossEntropyLoss, nn.MultiMarginLoss)
    for reduction in ("mean", "sum", "none")
]
TORCH += [(nn.CrossEntropyLoss(weight=WEIGHT[1:]), IMAGE_LABELS, IMAGES), (nn.CrossEntropyLoss(WEIGHT), LABELS, SCORES)]
TORCH += [(nn.CrossEntropyLoss(reduction="none"), torch.tensor([0, 2, 3, 1]), SCORES)]


def named(x: Any) -> str:
    """A test's name for a loss or its arguments, the same in every process."""
    return "" if isinstance(x, torch.Tensor) else re.sub(r" at 0x[0-9a-f]+", "", str(x))


@pytest.mark.parametrize(("loss", "y_true", "y_pred"), TORCH, ids=named)
def test_losses_of_pytorch(loss: Any, y_true: Any, y_pred: Any) -> None:
    ours, leaf, other = lossary.get(loss), y_pred.clone().requires_grad_(), y_pred.clone().requires_grad_()
    value, expected = ours(y_true, leaf), loss(other, y_true)
    torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)
    value.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(leaf.grad, other.grad, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(lossary.value_and_grad(loss)(y_true, y_pred)[0], expected.detach(), rtol=1e-5, atol=1e-6)


BUILT_IN = [
    getattr(home, name)
    for home in (torch, torch._C._nn)
    for name in dir(home)
    if not name.startswith("_") and any(word in name for word in ("loss", "kl_div", "cross_entropy"))
]
BUILT_IN += [torch.ops.aten.binary_cross_entropy_with_logits, torch.ops.aten.huber_loss.default]


@pytest.mark.parametrize("loss", BUILT_IN, ids=named)
def test_functions_that_are_built_in_are_what_their_siblings_are(loss: Any) -> None:
    """They have no signature, and take predictions first as those of ``torch.nn.functional`` that call them."""
    sibling = getattr(F, loss.__name__.partition(".")[0], F.nll_loss)

    def read(loss: Any) -> Any:
        try:
            return lossary.get(loss)
        except lossary.ParameterError:
            return None

    assert read(loss) == read(sibling)
    assert read(functools.partial(loss, reduction=2)) == read(functools.partial(sibling, reduction="sum"))


OPTAX: list[Callable[..., Any]] = [
    optax.sigmoid_binary_cross_entropy, optax.l2_loss, optax.squared_error, optax.huber_loss, optax.log_cosh,
    functools.partial(optax.huber_loss, delta=0.1), jax.jit(optax.l2_loss), jax.vmap(optax.l2_loss),
    optax.softmax_cross_entropy, optax.safe_softmax_cross_entropy, optax.losses.sigmoid_focal_loss,
    functools.partial(optax.losses.sigmoid_focal_loss, gamma=1.0),
]  # fmt: skip


@pytest.mark.parametrize("loss", OPTAX, ids=named)
def test_losses_of_optax(loss: Callable[..., Any]) -> None:
    y_true, y_pred = jnp.asarray([[0.0, 1.0], [1.0, 0.0]]), jnp.asarray([[0.2, 0.7], [-0.9, 0.4]])
    value, gradient = lossary.value_and_grad(loss)(y_true, y_pred)
    expected, slope = jax.jit(jax.value_and_grad(lambda p: loss(p, y_true).mean()))(y_pred)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    np.testing.assert_allclose(gradient, slope, rtol=1e-5, atol=1e-7)


def test_losses_of_keras_and_scikit_learn() -> None:
    y_true, y_pred = TARGETS.numpy(), SHARES.numpy()
    for theirs in (keras.losses.Huber(delta=0.2), keras.losses.Huber, keras.losses.CosineSimilarity(axis=0)):
        made = theirs() if isinstance(theirs, type) else theirs
        assert float(lossary.get(theirs)(y_true, y_pred)) == pytest.approx(float(made(y_true, y_pred)), rel=1e-5)
    for theirs in (
        keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True, alpha=0.4, gamma=1.0, label_smoothing=0.1),
        keras.losses.CategoricalFocalCrossentropy(alpha=0.4, gamma=1.0, from_logits=True),
        keras.losses.CategoricalGeneralizedCrossEntropy(q=0.3),
    ):
        labels = np.array([1, 0, 1]) if "Generalized" in type(theirs).__name__ else np.eye(2)[[1, 0, 1]]
        assert float(lossary.get(theirs)(labels, y_pred)) == pytest.approx(float(theirs(labels, y_pred)), rel=1e-4)
    for metric in ("mean_squared_error", "mean_absolute_error", "mean_squared_log_error", "log_loss"):
        theirs = getattr(sklearn.metrics, metric)
        y, p = ([0, 1, 1], [0.2, 0.7, 0.6]) if metric == "log_loss" else (y_true, y_pred)
        assert float(lossary.get(theirs)(y, p)) == pytest.approx(float(theirs(y, p)), rel=1e-5)
    hinge = sklearn.metrics.hinge_loss
    assert float(lossary.get(hinge)([-1.0, 1.0], [0.5, 0.2])) == pytest.approx(hinge([-1, 1], [0.5, 0.2]))
    assert lossary.is_categorical_crossentropy(optax.softmax_cross_entropy)


SPREAD = SHARES + 0.1
PARTS: list[tuple[Any, dict[str, Any]]] = [
    (nn.GaussianNLLLoss(), {}),
    (nn.GaussianNLLLoss(full=True, eps=0.5), {"full": True, "epsilon": 0.5}),
    (F.gaussian_nll_loss, {}),
]


@pytest.mark.parametrize(("loss", "parameters"), PARTS, ids=named)
def test_a_mean_and_a_variance_of_pytorch(loss: Any, parameters: dict[str, Any]) -> None:
    ours = lossary.get(loss)
    assert ours == lossary.GaussianNLL(**parameters)
    torch.testing.assert_close(ours(TARGETS, (SHARES, SPREAD)), loss(SHARES, TARGETS, SPREAD), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_the_line_for_a_mean_and_a_variance_reduced_by_element(reduction: str) -> None:
    loss = nn.GaussianNLLLoss(reduction=reduction)
    with pytest.raises(lossary.ParameterError) as caught:
        lossary.get(loss)
    line = str(caught.value).partition("Write ")[2]
    found = eval(line, {"lossary": lossary, "y_true": TARGETS, "y_pred": torch.stack([SHARES, SPREAD], -1)})
    torch.testing.assert_close(found, loss(SHARES, TARGETS, SPREAD), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "loss",
    [
        nn.TripletMarginLoss(), nn.TripletMarginLoss(margin=0.3, p=1.5, swap=True, reduction="sum"),
        nn.TripletMarginLoss(reduction="none"), F.triplet_margin_loss,
    ],
    ids=named,
)  # fmt: skip
def test_triplets_of_pytorch(loss: Any) -> None:
    anchor, positive, negative = torch.linspace(-2.0, 5.0, 60).reshape(3, 4, 5).sin()
    found = lossary.get(loss)(anchor, positive, negative)
    torch.testing.assert_close(found, loss(anchor, positive, negative), rtol=1e-5, atol=1e-5)


def test_an_eps_of_triplets_that_shows_is_refused() -> None:
    with pytest.raises(lossary.ParameterError, match=r"eps=0\.01.*Write lossary\.TripletMargin\(\)\(anchor"):
        lossary.get(nn.TripletMarginLoss(eps=0.01))


@pytest.mark.parametrize(
    "loss",
    [
        keras.losses.Dice(), keras.losses.Dice(axis=(1, 2)), keras.losses.Tversky(alpha=0.2, beta=0.9, axis=(1, 2)),
        keras.losses.Tversky, keras.losses.dice, keras.losses.tversky,
    ],
    ids=named,
)  # fmt: skip
def test_regions_of_keras(loss: Any) -> None:
    y_pred = np.linspace(0.0, 9.0, 48, dtype="float32").reshape(2, 4, 3, 2) % 1.0
    y_true = (y_pred[::-1] > 0.6).astype("float32")
    theirs = loss() if isinstance(loss, type) else loss
    found = lossary.get(loss)
    assert found.record.regions
    assert float(found(y_true, y_pred)) == pytest.approx(float(theirs(y_true, y_pred)), rel=1e-5)


@pytest.mark.parametrize(("version", "swaps"), [("3.9.2", True), ("3.15.1", True), ("3.16.0", False), ("4.0", False)])
def test_tversky_of_keras_weighs_as_its_version_does(version: str, swaps: bool, monkeypatch: Any) -> None:
    monkeypatch.setattr(keras, "__version__", version)  # 3.16 gives alpha to false positives, as its docstring says.
    alpha, beta = (0.9, 0.2) if swaps else (0.2, 0.9)
    found = lossary.get(keras.losses.Tversky(alpha=0.2, beta=0.9))
    assert found == lossary.Tversky(alpha=alpha, beta=beta, axis=None)


class Own(nn.Module):
    """A user's module in PyTorch's order."""

    def forward(self, output: Any, target: Any) -> Any:
        return ((output - target).abs() / target.add(1.0)).mean()


class OwnBCE(nn.BCELoss):
    """A subclass, which may mean anything."""


EACH = torch.tensor([[1.0], [2.0], [3.0]])
SETTINGS: list[tuple[Any, Any, Any]] = [
    (nn.BCELoss(weight=EACH), TARGETS[:, :1], SHARES[:, :1]),
    (nn.BCEWithLogitsLoss(pos_weight=EACH), TARGETS, SHARES),
    (nn.BCEWithLogitsLoss(pos_weight=POSITIVE, reduction="none"), TARGETS, SHARES),
    (nn.CrossEntropyLoss(weight=WEIGHT, label_smoothing=0.1), torch.tensor([0, 2, 3, 1]), SCORES),
    (nn.PoissonNLLLoss(full=True), 3.0 * TARGETS, SHARES),
    (nn.MSELoss(reduction="sum"), TARGETS, SHARES),
    (nn.HuberLoss(reduction="none", delta=2.0), TARGETS, SHARES),
    (Own(), TARGETS, SHARES),
    (OwnBCE(), TARGETS, SHARES),
    (nn.NLLLoss(), torch.tensor([0, 2, 3, 1]), SCORES.log_softmax(1)),
    (F.kl_div, SHARES, SHARES.log()),
    (lambda output, target: (output - 2.0 * target).mean(), TARGETS, SHARES),
]


@pytest.mark.filterwarnings("ignore:reduction. 'mean'")
@pytest.mark.parametrize(("loss", "y_true", "y_pred"), SETTINGS, ids=named)
def test_what_is_refused_says_the_line_that_gives_the_value(loss: Any, y_true: Any, y_pred: Any) -> None:
    with pytest.raises(lossary.ParameterError, match=r"lossary\.get: .*accepted are .*Write") as caught:
        lossary.get(loss)
    line = str(caught.value).split("Write ")[1].split(", where loss is it")[0]
    scope = {"lossary": lossary, "loss": loss, "y_true": y_true, "y_pred": y_pred, "torch": torch}
    scope |= {"weight": EACH, "pos_weight": EACH}
    found = eval(line, scope)
    value = found(y_true, y_pred) if callable(found) else found
    torch.testing.assert_close(value, loss(y_pred, y_true), rtol=1e-5, atol=1e-6)


class Unnamed(nn.Module):
    """A module whose arguments say nothing."""

    def forward(self, x: Any, y: Any) -> Any:
        return (x - 2.0 * y).mean()


class Ours(nn.Module):
    """A module in the order of this library."""

    def forward(self, y_true: Any, y_pred: Any) -> Any:
        return (y_pred - 2.0 * y_true).mean()


def test_own_functions_stay_what_they_are() -> None:
    def scaled(y_true: Any, y_pred: Any, scale: float = 1.0) -> Any:
        return scale * abs(y_pred - y_true).mean(-1)

    y_true, y_pred = np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]])
    assert lossary.get(functools.partial(scaled, scale=3.0))(y_true, y_pred) == 3.0
    assert lossary.get(functools.partial(lossary.huber, delta=2.0))(y_true, y_pred) == 1.0
    assert lossary.get(functools.partial(keras.losses.huber, delta=2.0))(jnp.array(y_true), jnp.array(y_pred)) == 1.0
    assert lossary.get(jax.jit(scaled))(jnp.array(y_true), jnp.array(y_pred)) == 1.0
    assert lossary.get(Ours())(TARGETS, SHARES) == Ours()(TARGETS, SHARES)


def test_more_that_is_refused() -> None:
    refused: list[Any] = [optax.cosine_distance, optax.kl_divergence, functools.partial(optax.l2_loss, targets=None)]
    refused += [nn.NLLLoss(), nn.CrossEntropyLoss(weight=WEIGHT, label_smoothing=0.1)]
    refused += [torch.kl_div, torch.ctc_loss, torch._C._nn.nll_loss, torch.ops.aten.mse_loss_backward]
    refused += [functools.partial(F.huber_loss, None), Unnamed()]
    for loss in refused:
        with pytest.raises(lossary.ParameterError, match=r"lossary\.get: .*Write lossary\."):
            lossary.get(loss)


PEERS = ["KLDivLoss", "log_loss", "neg_log_loss", "CrossEntropyLoss", "FocalLoss", "RMSE", "neg_brier_score"]
PEERS += ["neg_root_mean_squared_error", "DiceCELoss", "permutation_invariant", "adaptive_softmax"]
UNDERSTOOD = ["BCELoss", "NLLLoss", "l2_loss", "PoissonNLLLoss", "BCEWithLogitsLoss", "MultiLabelSoftMarginLoss"]
UNDERSTOOD += ["sigmoid_binary_cross_entropy", "binary:logistic", "multi:softprob", "reg:squarederror", "count:poisson"]


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_names_that_are_ours_with_settings(name: str) -> None:
    """Nothing has to be said besides, so that the line to write is what they stand for."""
    assert lossary.get(name) == eval(peers.exact(name) or "", {"lossary": lossary})


def test_objects_of_pytorch_with_other_arguments() -> None:
    rng = np.random.default_rng(3)
    first, second, labels = (torch.tensor(x) for x in (*rng.normal(size=(2, 4, 3)), rng.choice([-1.0, 1.0], 4)))
    made = lossary.get(nn.CosineEmbeddingLoss(margin=0.25))
    assert made == lossary.CosineEmbedding(margin=0.25)
    theirs = nn.CosineEmbeddingLoss(margin=0.25)(first, second, labels)
    np.testing.assert_allclose(made(labels, first, second), theirs, rtol=1e-12)
    assert lossary.get(nn.HingeEmbeddingLoss(margin=2.0)) == lossary.HingeEmbedding(margin=2.0)
    assert lossary.get(nn.MarginRankingLoss(margin=0.5)) == lossary.MarginRanking(margin=0.5)
    assert lossary.get(F.cosine_embedding_loss) == lossary.CosineEmbedding()


@pytest.mark.parametrize("name", PEERS)
def test_names_of_other_libraries(name: str) -> None:
    with pytest.raises(lossary.UnknownLossError, match=rf"unknown loss '{name}'; .*Write .*lossary\.") as caught:
        lossary.get(name)
    line = re.split(r"Write ", str(caught.value))[1]
    assert isinstance(eval(line, {"lossary": lossary, "your_function": lambda y_true, y_pred: y_pred}), lossary.Loss)


def test_names_with_words_around_them() -> None:
    for name in ("mean_absolute_error_loss", "neg_mean_absolute_error", "MeanAbsoluteErrorLoss"):
        with pytest.raises(lossary.UnknownLossError, match=r"did you mean mean_absolute_error\?"):
            lossary.get(name)
