"""The same call by us and by every peer that has the loss: a dictionary from a label to a function without arguments.

Every function computes the mean loss and its gradient with respect to the predictions, waits for the result and
returns the value, so that it can be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax
import torch
import torch.nn.functional as F  # noqa: N812
from sklearn._loss import loss as sk

import lossary

Run = Callable[[], float]


@dataclass(frozen=True)
class Case:
    """One loss with its parameters and the peers that define it the same way."""

    name: str
    parameters: tuple[tuple[str, Any], ...] = ()
    torch: Callable[[Any, Any], Any] | None = None
    plain: Callable[[Any, Any], Any] | None = None
    optax: Callable[[Any, Any], Any] | None = None
    keras: bool = True
    sklearn: Callable[[], Any] | None = None

    @property
    def label(self) -> str:
        """The loss and what is set."""
        return self.name + (" (logits)" if dict(self.parameters).get("from_logits") else "")

    def loss(self) -> Any:
        """Our object."""
        return lossary.get(self.name, **dict(self.parameters))


def _log_cosh(y: Any, p: Any) -> Any:
    d = p - y
    return (d + F.softplus(-2.0 * d) - 0.6931471805599453).mean()


def _categorical_hinge(y: Any, p: Any) -> Any:
    return (((1 - y) * p).amax(-1) - (y * p).sum(-1) + 1).clamp_min(0).mean()


LOGITS = (("from_logits", True),)
CASES = (
    Case("mean_squared_error", torch=lambda y, p: F.mse_loss(p, y), plain=lambda y, p: ((p - y) ** 2).mean(),
         optax=lambda y, p: optax.squared_error(p, y).mean(), sklearn=sk.HalfSquaredError),
    Case("mean_absolute_error", torch=lambda y, p: F.l1_loss(p, y), plain=lambda y, p: (p - y).abs().mean(),
         sklearn=sk.AbsoluteError),
    Case("mean_absolute_percentage_error",
         torch=lambda y, p: 100 * ((p - y) / y.abs().clamp_min(1e-7)).abs().mean(),
         plain=lambda y, p: 100 * ((p - y) / y.abs().clamp_min(1e-7)).abs().mean()),
    Case("mean_squared_logarithmic_error", torch=lambda y, p: F.mse_loss(torch.log1p(p), torch.log1p(y)),
         plain=lambda y, p: ((torch.log1p(p) - torch.log1p(y)) ** 2).mean()),
    Case("huber", torch=lambda y, p: F.huber_loss(p, y), plain=lambda y, p: F.huber_loss(p, y),
         optax=lambda y, p: optax.huber_loss(p, y).mean()),
    Case("log_cosh", torch=_log_cosh, plain=_log_cosh, optax=lambda y, p: optax.log_cosh(p, y).mean()),
    Case("hinge", torch=lambda y, p: (1 - y * p).clamp_min(0).mean(),
         plain=lambda y, p: (1 - y * p).clamp_min(0).mean(),
         optax=lambda y, p: optax.hinge_loss(p, y).mean()),
    Case("squared_hinge", torch=lambda y, p: ((1 - y * p).clamp_min(0) ** 2).mean(),
         plain=lambda y, p: ((1 - y * p).clamp_min(0) ** 2).mean()),
    Case("poisson", torch=lambda y, p: F.poisson_nll_loss(p, y, log_input=False, eps=1e-7),
         plain=lambda y, p: (p - y * torch.log(p + 1e-7)).mean()),
    Case("binary_crossentropy", torch=lambda y, p: F.binary_cross_entropy(p, y),
         plain=lambda y, p: -(y * torch.log(p) + (1 - y) * torch.log1p(-p)).mean()),
    Case("binary_crossentropy", LOGITS, torch=lambda y, p: F.binary_cross_entropy_with_logits(p, y),
         plain=lambda y, p: (p.clamp_min(0) - p * y + torch.log1p(torch.exp(-p.abs()))).mean(),
         optax=lambda y, p: optax.sigmoid_binary_cross_entropy(p, y).mean(), sklearn=sk.HalfBinomialLoss),
    Case("kl_divergence", torch=lambda y, p: F.kl_div(p.log(), y, reduction="batchmean"),
         plain=lambda y, p: (torch.xlogy(y, y) - y * torch.log(p)).sum(-1).mean()),
    Case("cosine_similarity", torch=lambda y, p: -F.cosine_similarity(p, y).mean(),
         plain=lambda y, p: -(F.normalize(p, dim=-1) * F.normalize(y, dim=-1)).sum(-1).mean(),
         optax=lambda y, p: -optax.cosine_similarity(p, y).mean()),
    Case("categorical_hinge", torch=_categorical_hinge, plain=_categorical_hinge),
    Case("categorical_crossentropy", torch=lambda y, p: -(y * p.log()).sum(-1).mean(),
         plain=lambda y, p: -(y * torch.log(p)).sum(-1).mean()),
    Case("categorical_crossentropy", LOGITS, torch=lambda y, p: F.cross_entropy(p, y),
         plain=lambda y, p: -(y * torch.log_softmax(p, -1)).sum(-1).mean(),
         optax=lambda y, p: optax.softmax_cross_entropy(p, y).mean()),
    Case("sparse_categorical_crossentropy", LOGITS, torch=lambda y, p: F.cross_entropy(p, y),
         plain=lambda y, p: F.cross_entropy(p, y),
         optax=lambda y, p: optax.softmax_cross_entropy_with_integer_labels(p, y).mean(),
         sklearn=sk.HalfMultinomialLoss),
)  # fmt: skip


def inputs(case: Case, shape: tuple[int, int]) -> tuple[Any, Any]:
    """Ordinary float32 inputs."""
    rng = np.random.default_rng(0)
    loss = case.loss()
    y_true = loss.record.target.sample(rng, shape)
    y_pred = loss.record.prediction_domain(loss.parameters).sample(rng, shape).astype(np.float32)
    return (y_true if loss.record.labels_are_integers else y_true.astype(np.float32)), y_pred


def contenders(case: Case, y_true: Any, y_pred: Any, *, compiled: bool) -> Iterator[tuple[str, Run]]:
    """Everyone who has this loss; with ``compiled`` torch.compile too, which takes seconds to get ready."""
    yield "lossary numpy", _ours_numpy(case, y_true, y_pred)
    yield "lossary torch", _torch(case.loss(), y_true, y_pred)
    yield "lossary jax", _jax(case.loss(), y_true, y_pred)
    if case.torch is not None:
        yield "torch", _torch(case.torch, y_true, y_pred)
    if compiled and case.plain is not None:
        yield "torch.compile", _torch(torch.compile(case.plain, dynamic=False), y_true, y_pred)
    if case.optax is not None:
        yield "optax jit", _jax(case.optax, y_true, y_pred)
    if case.keras:
        parameters = dict(case.parameters)
        function = getattr(keras.losses, case.name)
        yield "keras jax jit", _jax(lambda y, p: jnp.mean(function(y, p, **parameters)), y_true, y_pred)
    if case.sklearn is not None:
        run = _sklearn(case, y_true, y_pred)
        if run is not None:
            yield "sklearn", run


def _ours_numpy(case: Case, y_true: Any, y_pred: Any) -> Run:
    call = lossary.value_and_grad(case.loss())
    return lambda: float(call(y_true, y_pred)[0])


def _torch(function: Callable[[Any, Any], Any], y_true: Any, y_pred: Any) -> Run:
    y, p = torch.from_numpy(y_true), torch.from_numpy(y_pred.copy()).requires_grad_()

    def run() -> float:
        p.grad = None
        value = function(y, p)
        value.backward()
        return float(value.detach())

    return run


def _jax(function: Callable[[Any, Any], Any], y_true: Any, y_pred: Any) -> Run:
    y, p = jnp.asarray(y_true), jnp.asarray(y_pred)
    call = jax.jit(jax.value_and_grad(lambda p, y: function(y, p)))

    def run() -> float:
        value, gradient = call(p, y)
        gradient.block_until_ready()
        return float(value)

    return run


def _sklearn(case: Case, y_true: Any, y_pred: Any) -> Run | None:
    multiclass = case.sklearn is sk.HalfMultinomialLoss
    loss = sk.HalfMultinomialLoss(n_classes=y_pred.shape[1]) if multiclass else case.sklearn()  # type: ignore[misc]
    y, p = (y_true, y_pred) if multiclass else (y_true.ravel(), y_pred.ravel())
    half = 2.0 if case.sklearn is sk.HalfSquaredError else 1.0
    y = y.astype(p.dtype)
    threads = torch.get_num_threads()

    def run() -> float:
        value, _ = loss.loss_gradient(y, p, n_threads=threads)
        return half * float(value.mean())

    return run
