"""Losses that compare the points of a batch: values, slopes and digits, beside peers, with masks and weights."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import keras
import mpmath as mp
import numpy as np
import optax
import pytest
import torch

import lossary
from inputs import few
from lossary.backends import by_name

LABELS = np.array([0, 1, 0, 2, 1, 0, 3])  # One has no relative.
DIGITS = 60


# --- references: the definitions, point by point --------------------------------------------------------------------


def ntxent(near: list[Any], far: list[Any], temperature: Any = 0.07) -> Any:
    terms = [mp.log(sum(mp.exp((n - p) / temperature) for n in far) + 1) for p in near]
    return mp.fsum(terms) / len(terms)


def circle(near: list[Any], far: list[Any], gamma: Any = 80.0, margin: Any = 0.4, held: Any = None) -> Any:
    near_held, far_held = held or (near, far)
    pull = [mp.exp(-gamma * (1 + margin - h) * (p - 1 + margin)) for p, h in zip(near, near_held, strict=True)]
    push = [mp.exp(gamma * max(h + margin, 0) * (n - margin)) for n, h in zip(far, far_held, strict=True)]
    return mp.log(1 + mp.fsum(pull) * mp.fsum(push))


def cosines(rows: list[list[Any]], of: int, labels: Any) -> tuple[list[Any], list[Any]]:
    """Those of a point's relatives and of its strangers."""

    def cosine(a: list[Any], b: list[Any]) -> Any:
        lengths = mp.sqrt(mp.fdot(a, a) * mp.fdot(b, b))
        return mp.fdot(a, b) / lengths if lengths else mp.mpf(0)

    others = [(labels[j] == labels[of], cosine(rows[of], rows[j])) for j in range(len(rows)) if j != of]
    return [c for same, c in others if same], [c for same, c in others if not same]


@cache
def reference(name: str, kind: str, settings: tuple[tuple[str, Any], ...]) -> tuple[list[Any], Any]:
    """The values and the gradient of their sum, by central differences."""
    labels, embeddings, parameters = LABELS, drawn(kind), dict(settings)
    constant = name == "circle" and parameters.pop("constant_weights", True)
    exact = [[mp.mpf(float(x)) for x in row] for row in embeddings]
    parameters = {key: mp.mpf(value) for key, value in parameters.items()}
    defaults = {"ntxent": {"temperature": mp.mpf(0.07)}, "circle": {"gamma": mp.mpf(80), "margin": mp.mpf(0.4)}}
    numbers = defaults[name] | parameters
    held = [cosines(exact, i, labels) for i in range(len(exact))]

    def values(rows: Any) -> list[Any]:
        found = []
        for i in range(len(rows)):
            near, far = cosines(rows, i, labels)
            more = {"held": held[i]} if constant else {}
            found.append({"ntxent": ntxent, "circle": circle}[name](near, far, **numbers, **more) if near else 0)
        return found

    def slope(i: int, j: int) -> Any:
        if not any(exact[i]):
            return mp.mpf(0)
        step, ends = mp.mpf(10) ** -25 * max(map(abs, exact[i])), []
        for sign in (1, -1):
            moved = [list(row) for row in exact]
            moved[i][j] += sign * step
            ends.append(mp.fsum(values(moved)))
        return (ends[0] - ends[1]) / (2 * step)

    with mp.workdps(DIGITS):
        return values(exact), [[slope(i, j) for j in range(len(row))] for i, row in enumerate(exact)]


def drawn(kind: str) -> Any:
    rng = np.random.default_rng(5)
    ordinary = rng.normal(size=(len(LABELS), 3))
    near = ordinary[LABELS] + 1e-3 * rng.normal(size=ordinary.shape)  # As after training.
    found = {"ordinary": ordinary, "near": near, "large": 1e18 * ordinary, "tiny": 1e-18 * ordinary, "zero": ordinary}
    row = found[kind].astype(np.float32)
    row[3 if kind == "zero" else -1] *= 0.0 if kind == "zero" else 1.0
    return row


SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("ntxent", {}),
    ("ntxent", {"temperature": 1.0}),
    ("circle", {}),
    ("circle", {"gamma": 4.0, "margin": 0.25, "constant_weights": False}),
]
# JAX has no float64 here, and what rounds a cosine is multiplied by up to 2 * gamma.
LIMITS = {"numpy": 4.0, "torch": 4.0, "tensorflow": 4.0, "jax": 400.0}
ULP = float(np.finfo(np.float32).eps)


@pytest.mark.parametrize("backend", few("numpy".__eq__, LIMITS))
@pytest.mark.parametrize(("name", "parameters"), SETTINGS, ids=str)
@pytest.mark.parametrize("kind", ["ordinary", "near", "large", "tiny", "zero"])
def test_values_and_slopes_have_their_digits(name: str, parameters: Any, kind: str, backend: str) -> None:
    embeddings, own = drawn(kind), by_name(backend)
    loss = lossary.get(name, reduction="none", **parameters)
    values, slopes = loss.value_and_grad(own.asarray(LABELS), own.asarray(embeddings))
    exact, right = reference(name, kind, tuple(parameters.items()))
    for mine, wanted in zip(np.asarray(values, np.float64), exact, strict=True):
        assert abs(mine - wanted) <= LIMITS[backend] * ULP * abs(wanted)
    for mine, wanted in zip(np.asarray(slopes, np.float64), right, strict=True):
        # What an embedding is pulled by is a sum over all points, of which little may be left.
        size = max(abs(x) for row in right for x in row) if kind == "near" else max(map(abs, wanted))
        assert all(abs(a - b) <= LIMITS[backend] * ULP * size for a, b in zip(mine, wanted, strict=True))


def test_frameworks_differentiate_it_themselves_too() -> None:
    labels, embeddings = LABELS, np.random.default_rng(6).normal(size=(7, 3))
    for name in ("ntxent", "circle"):
        loss = lossary.get(name)
        _, slopes = loss.value_and_grad(labels, embeddings)
        tensor = torch.tensor(embeddings, requires_grad=True)
        loss(torch.tensor(labels), tensor).backward()
        np.testing.assert_allclose(tensor.grad, slopes, rtol=1e-9, atol=1e-12)
        theirs = jax.jit(jax.grad(lambda x, loss=loss: loss(jnp.asarray(labels), x)))(jnp.asarray(embeddings))
        np.testing.assert_allclose(theirs, slopes, rtol=2e-3, atol=2e-3)


# --- peers ------------------------------------------------------------------------------------------------------


@pytest.mark.costly
def test_ntxent_is_optaxs() -> None:
    embeddings = np.random.default_rng(7).normal(size=(7, 4)).astype(np.float32)
    even, relatives = np.array([0, 1, 2, 0, 1, 2]), (LABELS[:, None] == LABELS).sum(0) - 1.0
    np.testing.assert_allclose(
        lossary.NTXent()(even, embeddings[:6]), optax.losses.ntxent(embeddings[:6], even), rtol=1e-5
    )
    pairs = lossary.NTXent(reduction="mean_with_sample_weight")
    value, slopes = pairs.value_and_grad(LABELS, embeddings, sample_weight=relatives)
    theirs = jax.value_and_grad(optax.losses.ntxent)(jnp.asarray(embeddings), jnp.asarray(LABELS))
    np.testing.assert_allclose(value, theirs[0], rtol=1e-5)
    np.testing.assert_allclose(slopes, theirs[1], rtol=1e-4, atol=1e-5)


def test_circle_is_that_of_keras() -> None:
    embeddings = np.random.default_rng(8).normal(size=(7, 4)).astype(np.float32)
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    np.testing.assert_allclose(lossary.Circle()(LABELS, embeddings), keras.losses.Circle()(LABELS, unit), rtol=1e-5)


def test_a_model_of_keras_learns_by_labels() -> None:
    from lossary.keras import Model

    keras.utils.set_random_seed(0)  # From some starts a step of this size passes an output of 0, where directions turn.
    inputs = keras.Input((2,))
    model = Model(inputs, keras.layers.Dense(3)(inputs))
    model.compile(loss=lossary.NTXent(temperature=0.5), optimizer=keras.optimizers.SGD(0.1))
    x = np.random.default_rng(9).normal(size=(16, 2)).astype(np.float32)
    losses = model.fit(x, (x[:, 0] > 0).astype(int), epochs=8, batch_size=16, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


# --- masks, weights, shapes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ntxent", "circle"])
def test_what_is_left_out_is_nobodys_stranger_and_weight_0_is(name: str) -> None:
    embeddings, keep = np.random.default_rng(10).normal(size=(7, 4)), np.arange(7) != 2
    loss = lossary.get(name)
    spoiled = np.where(keep[:, None], embeddings, np.nan)
    np.testing.assert_allclose(loss(LABELS, spoiled, where=keep), loss(LABELS[keep], embeddings[keep]), rtol=1e-12)
    values, weights = loss.replaced(reduction="none")(LABELS, embeddings), np.where(keep, 2.0, 0.0)
    total = loss.replaced(reduction="sum")(LABELS, embeddings, sample_weight=weights)
    np.testing.assert_allclose(total, (values * weights).sum(), rtol=1e-12)
    # Two have no relative, and the mean is over the others.
    np.testing.assert_allclose(loss(LABELS, embeddings), values.sum() / (len(LABELS) - 2), rtol=1e-12)


def test_several_batches_lie_one_before_the_other() -> None:
    labels, embeddings = np.stack([LABELS, LABELS[::-1]]), np.random.default_rng(11).normal(size=(2, 7, 4))
    values = lossary.ntxent(labels, embeddings)
    for i in range(2):
        np.testing.assert_allclose(values[i], lossary.ntxent(labels[i], embeddings[i]), rtol=1e-12)


def test_large_labels_are_told_apart() -> None:
    labels = np.array([2**53, 2**53 + 1, 2**53 + 2]).repeat(2)
    assert np.all(lossary.ntxent(labels, np.eye(6)) > 1.0)
    with pytest.raises(lossary.DomainError, match=r"ntxent: y_true\[0\] is 0.5; accepted are labels, whole numbers"):
        lossary.ntxent(np.array([0.5, 1.0]), np.eye(2))


@pytest.mark.parametrize("name", ["ntxent", "circle", "ctc"])
def test_a_diagonal_of_the_hessian_is_refused(name: str) -> None:
    with pytest.raises(
        lossary.LossError, match=f"{name}: looks at whole batches or sequences, so that its Hessian has no"
    ):
        lossary.grad_and_hess(name)


# Of which the exponentials that are left out of the sums overflow float32.
STEEP = [lossary.Circle(), lossary.Circle(constant_weights=False), lossary.NTXent(temperature=0.01)]


@pytest.mark.parametrize("loss", STEEP, ids=repr)
def test_slopes_of_slopes_are_the_same_in_either_direction(loss: Any) -> None:
    rng = np.random.default_rng(0)
    rows, along = rng.normal(size=(2, 7, 4)).astype("float32")
    slope = jax.grad(lambda rows: loss(LABELS, rows))
    forward = jax.jit(lambda rows: jax.jvp(slope, (rows,), (along,))[1])(rows)
    assert float(abs(forward).max()) > 0.1
    backward = jax.jit(jax.grad(lambda rows: (slope(rows) * along).sum()))(rows)
    if not loss.parameters.get("constant_weights"):  # With weights that are held there is no symmetry.
        np.testing.assert_allclose(backward, forward, rtol=1e-3, atol=1e-4 * float(abs(forward).max()))
    assert np.isfinite(backward).all()
    given = torch.from_numpy(rows).requires_grad_()
    (first,) = torch.autograd.grad(loss(torch.from_numpy(LABELS), given), given, create_graph=True)
    (again,) = torch.autograd.grad((first * torch.from_numpy(along)).sum(), given)
    np.testing.assert_allclose(backward, again, rtol=1e-3, atol=1e-4 * float(abs(forward).max()))
