"""Every name of PyTorch, Keras, optax, scikit-learn and SciPy that records give: its values are those of the line."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import Any

import keras
import numpy as np
import optax
import pytest
import scipy.optimize
import scipy.spatial
import scipy.special
import scipy.stats
import sklearn.decomposition._nmf as nmf
import torch
from sklearn import metrics
from sklearn._loss import loss as sklearn_losses
from sklearn.linear_model import SGDRegressor, _sgd_fast

from peer import OWNERS, TESTED, Peer, assert_line

NOT_RUN = {
    "sklearn.deviance": "a name of before 1.1",
    "sklearn.GradientBoostingClassifier.exponential": "is ExponentialLoss",
    "sklearn.LinearSVR.squared_epsilon_insensitive": "inside liblinear",
    "keras.losses.CTC": "test_peers_sequences.py",
    "optax.losses.ctc_loss": "test_peers_sequences.py",
    "optax.losses.multiclass_generalized_dice_loss": "another loss, as its line says",
    "torch.nn.CTCLoss": "test_peers_sequences.py",
    "torch.nn.functional.ctc_loss": "test_peers_sequences.py",
    "sklearn.SVR.epsilon_insensitive": "inside libsvm",
}


def found(name: str) -> Any:
    return reduce(getattr, name.split(".")[1:], {"torch": torch, "optax": optax}[name.partition(".")[0]])


def named(library: str) -> list[str]:
    return [name for name in OWNERS if name.startswith(library) and name not in NOT_RUN]


# --- PyTorch: arguments in its order, and what its line says besides ------------------------------------------------


def last_first(loss: Any, y: Any, *predictions: Any) -> Any:
    return loss(*predictions, y)


def lists(y: Any) -> Any:
    """Classes that hold, and -1 after them, as PyTorch takes them; ours takes such lists too."""
    return torch.stack([torch.cat([row.nonzero()[:, 0], -torch.ones(len(row), dtype=int)])[: len(row)] for row in y])


def of_torch(*names: str, **differs: Any) -> dict[str, Peer]:
    """A class and a function of PyTorch that are called alike."""

    def peer(loss: Any) -> Peer:
        known = dict(differs)
        theirs = known.pop("theirs", last_first)
        return Peer(lambda *arrays: theirs(loss, *arrays), **known)

    made = {name: found(name) for name in names}
    return {name: peer(loss() if isinstance(loss, type) else loss) for name, loss in made.items()}


NN, FUNCTION = "torch.nn.", "torch.nn.functional."
distributions = torch.distributions
# Nine classes, of which five in two clusters.
ADAPTIVE = torch.nn.AdaptiveLogSoftmaxWithLoss(5, 9, [4, 7], div_value=1.0).double()
PYTORCH = {
    **of_torch(*(name for name in named("torch.nn.") if name != NN + "AdaptiveLogSoftmaxWithLoss")),
    **of_torch(
        NN + "GaussianNLLLoss", FUNCTION + "gaussian_nll_loss", theirs=lambda loss, y, p: loss(p[..., 0], y, p[..., 1])
    ),
    "torch.nn.AdaptiveLogSoftmaxWithLoss": Peer(
        lambda y, hidden: ADAPTIVE(hidden, y).loss,
        lambda loss, y, hidden: loss(y, ADAPTIVE.log_prob(hidden)),
        draw=lambda rng, drawn: (rng.integers(0, 9, 6), rng.normal(size=(6, 5))),
    ),
    "torch.nn.KLDivLoss": Peer(lambda y, p: torch.nn.KLDivLoss(reduction="batchmean")(p, y), rtol=1e-6),
    "torch.nn.functional.kl_div": Peer(lambda y, p: torch.nn.functional.kl_div(p, y, reduction="batchmean"), rtol=1e-6),
    **of_torch(
        NN + "MultiLabelMarginLoss", FUNCTION + "multilabel_margin_loss", theirs=lambda loss, y, p: loss(p, lists(y))
    ),
    **of_torch(
        NN + "TripletMarginLoss",
        NN + "TripletMarginWithDistanceLoss",
        FUNCTION + "triplet_margin_loss",
        FUNCTION + "triplet_margin_with_distance_loss",
        theirs=lambda loss, *three: loss(*three),
        rtol=1e-5,
    ),
    "torch.distributions.LogNormal": Peer(lambda y, p: -distributions.LogNormal(*p.unbind(-1)).log_prob(y).mean(-1)),
    "torch.distributions.MixtureSameFamily": Peer(
        lambda y, p: (
            -distributions.MixtureSameFamily(
                distributions.Categorical(logits=p[..., 0]), distributions.Normal(p[..., 1], p[..., 2])
            ).log_prob(y)
        )
    ),
    "torch.distributions.NegativeBinomial": Peer(
        lambda y, p: (
            -distributions.NegativeBinomial(p[..., 1], logits=(p[..., 0] / p[..., 1]).log()).log_prob(y).mean(-1)
        )
    ),
}

# --- Keras and optax: single precision, as users have it ------------------------------------------------------------


def of_keras(name: str) -> Peer:
    settings = {"alpha": 0.3, "beta": 0.7} if name.endswith("Tversky") else {}
    loss = getattr(keras.losses, name.rpartition(".")[2])(**settings)
    return Peer(lambda *arrays: np.asarray(loss(*arrays)), arrays="numpy", gradient=False, settings=settings, rtol=2e-5)


def of_optax(name: str) -> Peer:
    """Values per row."""

    def theirs(y: Any, p: Any) -> Any:
        each = np.asarray(found(name)(p.astype("float32"), y if y.dtype.kind == "i" else y.astype("float32")))
        return each.mean(-1) if each.ndim > 1 else each

    return Peer(theirs, arrays="numpy", gradient=False, rtol=2e-5)


def half_squares(scores: Any) -> Any:
    """The greatest ``<scores, p> - sum(p**2) / 2`` over distributions."""
    shares = optax.projections.projection_simplex(scores)
    return shares @ scores - shares @ shares / 2


def optaxs(theirs: Any, ours: Any = None, **options: Any) -> Peer:
    return Peer(lambda *arrays: np.asarray(theirs(*arrays)), ours, arrays="numpy", gradient=False, rtol=2e-5, **options)


def from_zero(rng: np.random.Generator, drawn: Any) -> Any:
    """Labels 0 and 1 for ours too."""
    return (drawn[0] > 0).astype(float), drawn[1]


OPTAX = {
    **{name: of_optax(name) for name in named("optax.")},
    "optax.convex_kl_divergence": optaxs(lambda y, p: optax.convex_kl_divergence(p, y)),
    "optax.generalized_kl_divergence": optaxs(lambda y, p: optax.generalized_kl_divergence(p, y)),
    "optax.kl_divergence": optaxs(lambda y, p: optax.kl_divergence(p, y)),
    "optax.losses.kl_divergence_with_log_targets": optaxs(
        lambda y, p: optax.losses.kl_divergence_with_log_targets(p, np.log(y))
    ),
    "optax.cosine_distance": optaxs(lambda y, p: optax.cosine_distance(p, y), lambda loss, y, p: 1 + loss(y, p)),
    "optax.losses.perceptron_loss": optaxs(lambda y, p: optax.losses.perceptron_loss(p, y).mean(-1)),
    "optax.losses.binary_dice_loss": optaxs(
        lambda y, p: optax.losses.binary_dice_loss(p, y).mean(), shape=(2, 6, 5, 1)
    ),
    "optax.losses.dice_loss": optaxs(lambda y, p: optax.losses.dice_loss(p, y).mean(), shape=(2, 6, 5, 1)),
    "optax.losses.make_fenchel_young_loss": optaxs(
        lambda y, p: optax.losses.make_fenchel_young_loss(half_squares)(p, y),
        lambda loss, y, p: loss(y, p) - (y * y).sum(-1) / 2,
    ),
    "optax.losses.sparsemax_loss": optaxs(lambda y, p: optax.losses.sparsemax_loss(p, y).mean(-1), draw=from_zero),
    "optax.losses.triplet_margin_loss": optaxs(optax.losses.triplet_margin_loss),
}

# --- scikit-learn and SciPy -----------------------------------------------------------------------------------------


def metric(function: Any, ours: Any = None, **options: Any) -> Peer:
    return Peer(lambda y, p: np.asarray(function(y, p)), ours, **{"arrays": "numpy", "gradient": False, **options})


def raw(loss: Any, ours: Any = None, **options: Any) -> Peer:
    """A loss of scikit-learn of raw predictions, one per point."""

    def theirs(y: Any, z: Any) -> Any:
        z = z if z.shape[1] > 1 else z[:, 0]
        return loss.loss(y_true=np.ascontiguousarray(y.reshape(-1), float), raw_prediction=np.ascontiguousarray(z))

    return metric(theirs, ours, **{"shape": (6, 1), **options})


def steps(loss: Any, **options: Any) -> Peer:
    """A loss of scikit-learn's stochastic gradient descent."""
    return metric(lambda y, p: np.vectorize(loss.py_loss)(p, y).mean(-1), **options)


def of_descent(name: str) -> Peer:
    """What a name of ``SGDRegressor`` stands for, with its defaults."""
    made, *settings = SGDRegressor.loss_functions[name]
    loss = made(*settings)

    def theirs(y: Any, z: Any) -> Any:
        found = np.empty(len(y))
        loss.loss(np.ascontiguousarray(y[:, 0]), np.ascontiguousarray(z[:, 0]), None, found, 1)
        return found

    return metric(theirs, shape=(6, 1))


def positive(rng: np.random.Generator, drawn: Any) -> Any:
    return drawn[0] + 0.5, drawn[1]


def less_targets(loss: Any, y: Any, z: Any) -> Any:
    """Less what the targets alone add: the loss of the targets and of 1, whose theirs is known."""
    return loss(y, z) - loss(y, np.zeros_like(z))


def from_one(loss: Any) -> Any:
    """Less the loss of a rate of 1."""
    peer = raw(loss, less_targets, draw=positive)
    return Peer(lambda y, z: peer.theirs(y, z) - peer.theirs(y, np.zeros_like(z)), less_targets, **_options(peer))


def _options(peer: Peer) -> dict[str, Any]:
    return {"arrays": "numpy", "gradient": False, "shape": peer.shape, "draw": peer.draw}


def huber_of_quantile(y: Any, z: Any) -> Any:
    loss = sklearn_losses.HuberLoss(quantile=0.8)
    loss.closs.delta = 1.5  # What fitting sets it to.
    return loss.loss(y_true=y[:, 0], raw_prediction=z[:, 0])


def bits(rng: np.random.Generator, drawn: Any) -> Any:
    return rng.integers(0, 2, drawn[0].shape).astype(float), rng.uniform(size=drawn[1].shape)


SKLEARN = {
    "sklearn.AbsoluteError": raw(sklearn_losses.AbsoluteError()),
    "sklearn.ExponentialLoss": raw(
        sklearn_losses.ExponentialLoss(), lambda loss, y, z: loss(2 * y - 1, z), draw=from_zero
    ),
    "sklearn.HalfBinomialLoss": raw(sklearn_losses.HalfBinomialLoss()),
    "sklearn.HalfGammaLoss": from_one(sklearn_losses.HalfGammaLoss()),
    "sklearn.HalfMultinomialLoss": raw(sklearn_losses.HalfMultinomialLoss(n_classes=5), shape=(6, 5)),
    "sklearn.HalfPoissonLoss": raw(sklearn_losses.HalfPoissonLoss()),
    "sklearn.HalfSquaredError": raw(sklearn_losses.HalfSquaredError()),
    "sklearn.HalfTweedieLoss": from_one(sklearn_losses.HalfTweedieLoss(power=1.5)),
    "sklearn.HalfTweedieLossIdentity": metric(
        lambda y, p: sum(
            s * sklearn_losses.HalfTweedieLossIdentity(power=1.5).loss(y_true=y[:, 0], raw_prediction=q)
            for s, q in ((1, p[:, 0]), (-1, np.ones(6)))
        ),
        lambda loss, y, p: loss(y, p) - loss(y, np.ones_like(p)),
        shape=(6, 1),
    ),
    "sklearn.HuberLoss": metric(huber_of_quantile, shape=(6, 1), settings={"quantile": 1.5}),
    "sklearn.PinballLoss": raw(sklearn_losses.PinballLoss()),
    "sklearn.NMF.kullback-leibler": metric(
        lambda y, p: nmf._beta_divergence(y, p, np.eye(5), "kullback-leibler"), lambda loss, y, p: 6 * loss(y, p)
    ),
    "sklearn.SGDClassifier.log_loss": raw(sklearn_losses.HalfBinomialLoss()),
    "sklearn.SGDClassifier.modified_huber": steps(_sgd_fast.ModifiedHuber()),
    "sklearn.SGDClassifier.perceptron": steps(_sgd_fast.Hinge(0.0)),
    "sklearn.SGDClassifier.squared_hinge": steps(_sgd_fast.SquaredHinge(1.0)),
    "sklearn.SGDRegressor.huber": of_descent("huber"),
    "sklearn.SGDRegressor.squared_error": of_descent("squared_error"),
    "sklearn.SGDRegressor.epsilon_insensitive": steps(_sgd_fast.EpsilonInsensitive(0.1)),
    "sklearn.SGDRegressor.squared_epsilon_insensitive": steps(_sgd_fast.SquaredEpsilonInsensitive(0.1)),
    "sklearn.metrics.brier_score_loss": metric(metrics.brier_score_loss, shape=(6, 1), draw=bits),
    "sklearn.metrics.hinge_loss": metric(lambda y, p: metrics.hinge_loss(y[:, 0], p[:, 0]), shape=(9, 1)),
    "sklearn.metrics.log_loss": metric(lambda y, p: metrics.log_loss(y[:, 0], p[:, 0]), shape=(9, 1)),
    **{
        f"sklearn.metrics.{name}": metric(getattr(metrics, name))
        for name in (
            "mean_absolute_error",
            "mean_absolute_percentage_error",
            "mean_pinball_loss",
            "mean_squared_error",
            "mean_squared_log_error",
            "root_mean_squared_error",
        )
    },
    **{
        f"sklearn.metrics.{name}": metric(lambda y, p, f=getattr(metrics, name): f(y[:, 0], p[:, 0]), shape=(6, 1))
        for name in (
            "mean_gamma_deviance",
            "mean_tweedie_deviance",
        )
    },
    "sklearn.metrics.mean_poisson_deviance": metric(
        lambda y, p: metrics.mean_poisson_deviance(y[:, 0], p[:, 0]), shape=(6, 1)
    ),
}


def rho(name: str) -> Any:
    """The cost of SciPy's least squares: half of the sum over residuals."""
    return lambda y, p: [
        2 * scipy.optimize.least_squares(lambda _: at - of, [0.0], loss=name, max_nfev=1).cost / 5  # noqa: B023
        for of, at in zip(y, p, strict=True)
    ]


SCIPY = {
    "scipy.optimize.least_squares.cauchy": metric(rho("cauchy")),
    "scipy.optimize.least_squares.soft_l1": metric(rho("soft_l1")),
    "scipy.spatial.distance.jensenshannon": metric(
        lambda y, p: scipy.spatial.distance.jensenshannon(y, p, axis=1),
        lambda loss, y, p: np.sqrt(loss(y, p)),
        rtol=1e-6,
    ),
    "scipy.special.kl_div": metric(lambda y, p: scipy.special.kl_div(y, p).sum(-1)),
    "scipy.special.pseudo_huber": metric(lambda y, p: scipy.special.pseudo_huber(1.0, y - p).mean(-1)),
    "scipy.stats.pearsonr": metric(
        lambda y, p: [1 - scipy.stats.pearsonr(*row).statistic for row in zip(y, p, strict=True)]
    ),
}


def units(rng: np.random.Generator, drawn: Any) -> Any:
    """Embeddings of length 1."""
    return drawn[0], drawn[1] / np.linalg.norm(drawn[1], axis=-1, keepdims=True)


KERAS = {name: of_keras(name) for name in named("keras.")}
KERAS["keras.losses.Circle"] = replace(KERAS["keras.losses.Circle"], draw=units)
PEERS = {**PYTORCH, **KERAS, **OPTAX, **SKLEARN, **SCIPY}


@pytest.mark.filterwarnings("ignore:The function convex_kl_divergence:DeprecationWarning")
@pytest.mark.usefixtures("formula_in")
@pytest.mark.parametrize("name", PEERS)
def test_the_line_gives_the_peers_values(name: str) -> None:
    assert_line(name, PEERS[name])


def test_every_name_is_run_or_has_a_reason() -> None:
    assert {peer for peer in OWNERS if peer.partition(".")[0] in TESTED} == {*PEERS, *NOT_RUN}
    assert not set(PEERS) & set(NOT_RUN)
