"""Likelihoods, scores and errors of forecasts."""

from __future__ import annotations

from typing import Any

import darts.utils.likelihood_models.torch as darts
import darts.utils.losses as darts_losses
import gluonts.evaluation.metrics as gluon_metrics
import gluonts.torch.distributions.negative_binomial as gluon_negative_binomial
import gluonts.torch.distributions.studentT as gluon_student
import ngboost.distns
import ngboost.manifold
import numpy as np
import properscoring
import pytorch_forecasting.metrics as forecasting
import scoringrules
import statsmodels.robust.norms as statsmodels_norms
import torch
from ngboost.scores import CRPScore, LogScore

from peer import Peer

from .loading import module

neural = module("neuralforecast.losses.pytorch")
river = module("river.optim.losses")
ALPHA = {"alpha": 0.3}


def likelihood(distribution: Any) -> Peer:
    """A distribution, as darts' likelihoods hold it, of the numbers that ours has packed."""
    return Peer(lambda y, p: -distribution(p.unbind(-1)).log_prob(y).mean(-1))


def darts_of(name: str) -> Peer:
    return likelihood(getattr(darts, name)()._distr_from_params)


def score(function: Any, *, root: bool = False, **options: Any) -> Peer:
    """A score of NumPy's numbers; ``root`` says that it takes the root of our variance."""

    def theirs(y: Any, p: Any) -> Any:
        first, *rest = np.moveaxis(p, -1, 0)
        return np.mean(function(y, first, *(np.sqrt(rest) if root else rest)), -1)

    return Peer(theirs, arrays="numpy", **options)


def boosted(distribution: Any, rule: Any, logs: Any, *, root: bool = False) -> Peer:
    """A score of NGBoost, whose distributions take what it fits: logs of what is positive."""
    kind = ngboost.manifold.manifold(rule, distribution)
    return score(lambda y, *parts: kind(np.stack(logs(*parts))).score(y), root=root)


def location_and_scale(a: Any, b: Any) -> Any:
    return a, np.log(b)


def error(loss: Any) -> Any:
    """A loss of neuralforecast, of (series, times, 1)."""
    return lambda y, p: loss(y[..., None], p[..., None])


def mase(y: Any, p: Any, scale: Any) -> Any:
    history = torch.stack([torch.zeros_like(scale), scale], -1)  # One step, whose size is the scale.
    return neural.MASE(seasonality=1)(y[..., None], p[..., None], history)


def shorter(y: Any, p: Any, scale: Any) -> Any:
    history = torch.stack([torch.zeros_like(scale), scale], -1)
    metric = forecasting.MASE()
    scaling = metric.calculate_scaling(y, torch.full((6,), 5), history, torch.full((6,), 2))
    return metric.loss(p[..., None], y, scaling).mean(-1)


def longer(loss: Any, y: Any, p: Any, scale: Any) -> Any:
    history = torch.stack([torch.zeros_like(scale), scale], -1)
    return loss(y, p, torch.cat([history, y], -1).diff(dim=-1).abs().sum(-1) / 7)


def members(rng: np.random.Generator, drawn: Any) -> Any:
    return rng.normal(size=(6, 5)), rng.normal(size=(6, 5, 9))


def tau(rng: np.random.Generator, drawn: Any) -> Any:
    return drawn[0], drawn[1], np.full_like(drawn[0], 0.3)


def scaled(y: Any, p: Any) -> Any:
    """Parameters for pytorch-forecasting's normal, whose targets are scaled; here not."""
    return torch.stack([torch.zeros_like(y), torch.ones_like(y), p[..., 0], p[..., 1].sqrt()], -1)


PEERS = {
    "darts.BetaLikelihood": darts_of("BetaLikelihood"),
    "darts.GammaLikelihood": darts_of("GammaLikelihood"),
    "darts.LaplaceLikelihood": darts_of("LaplaceLikelihood"),
    "darts.LogNormalLikelihood": darts_of("LogNormalLikelihood"),
    "darts.NegativeBinomialLikelihood": likelihood(
        lambda parts: darts.NegativeBinomialLikelihood()._distr_from_params((parts[0], 1 / parts[1]))
    ),
    "darts.utils.losses.SmapeLoss": Peer(lambda y, p: darts_losses.SmapeLoss(block_denom_grad=False)(p, y)),
    "gluonts.NegativeBinomial": Peer(
        lambda y, p: (
            -gluon_negative_binomial.NegativeBinomial(p[..., 1], logits=(p[..., 0] / p[..., 1]).log())
            .log_prob(y)
            .mean(-1)
        )
    ),
    "gluonts.StudentT": likelihood(lambda parts: gluon_student.StudentT(*parts)),
    "gluonts.quantile_loss": Peer(
        lambda y, p: gluon_metrics.quantile_loss(y, p, 0.3),
        lambda loss, y, p: 30 * loss(y, p),
        settings=ALPHA,
        arrays="numpy",
    ),
    "neuralforecast.GMM": Peer(
        lambda y, p: neural.GMM(n_components=5, weighted=True)(y, (p[..., 1], p[..., 2], p[..., 0].softmax(-1))),
    ),
    "neuralforecast.losses.pytorch.HuberQLoss": Peer(error(neural.HuberQLoss(q=0.3)), settings=ALPHA),
    "neuralforecast.losses.pytorch.IQLoss": Peer(
        lambda y, p, level: neural.QuantileLoss.__call__(neural.QuantileLoss(0.3), y[..., None], p[..., None]),
        draw=tau,
    ),
    "neuralforecast.losses.pytorch.MASE": Peer(mase),
    "neuralforecast.losses.pytorch.QuantileLoss": Peer(error(neural.QuantileLoss(0.3)), settings=ALPHA),
    "neuralforecast.losses.pytorch.RMSE": Peer(error(neural.RMSE())),
    "neuralforecast.losses.pytorch.SMAPE": Peer(error(neural.SMAPE())),
    "ngboost.GammaLogScore": boosted(ngboost.distns.Gamma, LogScore, lambda a, b: (np.log(a), np.log(b))),
    "ngboost.LaplaceLogScore": boosted(ngboost.distns.Laplace, LogScore, location_and_scale),
    "ngboost.NormalCRPScore": boosted(ngboost.distns.Normal, CRPScore, location_and_scale),
    "ngboost.NormalLogScore": boosted(ngboost.distns.Normal, LogScore, location_and_scale, root=True),
    "ngboost.TLogScore": boosted(ngboost.distns.T, LogScore, lambda df, a, b: (a, np.log(b), np.log(df))),
    "properscoring.crps_gaussian": score(properscoring.crps_gaussian),
    "pytorch_forecasting.BetaDistributionLoss": Peer(
        lambda y, p: (
            forecasting.BetaDistributionLoss().loss(torch.stack([p[..., 0] / p.sum(-1), p.sum(-1)], -1), y).mean(-1)
        )
    ),
    "pytorch_forecasting.LogNormalDistributionLoss": Peer(
        lambda y, p: forecasting.LogNormalDistributionLoss().loss(p, y).mean(-1)
    ),
    "pytorch_forecasting.NegativeBinomialDistributionLoss": Peer(
        lambda y, p: (
            forecasting.NegativeBinomialDistributionLoss().loss(torch.stack([p[..., 0], 1 / p[..., 1]], -1), y).mean(-1)
        )
    ),
    "pytorch_forecasting.NormalDistributionLoss": Peer(lambda y, p: _normal(scaled(y, p), y).mean(-1)),
    "pytorch_forecasting.metrics.MASE": Peer(shorter, longer, rtol=1e-6),
    "pytorch_forecasting.metrics.SMAPE": Peer(
        lambda y, p: forecasting.SMAPE().loss(p[..., None], y).mean(-1), rtol=1e-6
    ),
    "river.optim.losses.EpsilonInsensitiveHinge": Peer(
        lambda y, p: np.vectorize(river.EpsilonInsensitiveHinge())(y, p).mean(-1),
        lambda loss, y, p: loss(2 * y - 1, p),
        arrays="numpy",
    ),
    "scoringrules.crps_normal": score(scoringrules.crps_normal),
    "scoringrules.dssuv_ensemble": Peer(
        lambda y, x: scoringrules.dssuv_ensemble(y, x).mean(-1),
        lambda loss, y, x: loss(y, np.stack([x.mean(-1), x.var(-1, ddof=1)], -1)),
        draw=members,
        arrays="numpy",
    ),
    "scoringrules.logs_beta": score(scoringrules.logs_beta),
    "scoringrules.logs_gamma": score(scoringrules.logs_gamma),
    "scoringrules.logs_laplace": score(scoringrules.logs_laplace),
    "scoringrules.logs_lognormal": score(scoringrules.logs_lognormal),
    "scoringrules.logs_mixnorm": Peer(
        lambda y, p: scoringrules.logs_mixnorm(
            y, p[..., 1], p[..., 2], np.exp(p[..., 0]) / np.exp(p[..., 0]).sum(-1, keepdims=True)
        ),
        arrays="numpy",
    ),
    "scoringrules.logs_negbinom": score(
        lambda y, m, n: scoringrules.logs_negbinom(y, n, n / (n + m)),
        draw=lambda rng, drawn: (drawn[0], drawn[1] + [0.0, 1.0]),
    ),
    "scoringrules.logs_normal": score(scoringrules.logs_normal, root=True),
    "scoringrules.logs_t": score(scoringrules.logs_t),
    "scoringrules.quantile_score": Peer(
        lambda y, p: scoringrules.quantile_score(y, p, 0.3).mean(-1), settings=ALPHA, arrays="numpy"
    ),
    "statsmodels.robust.norms.TukeyBiweight": Peer(
        lambda y, p: statsmodels_norms.TukeyBiweight().rho(y - p).mean(-1), arrays="numpy"
    ),
}


def _normal(x: Any, y: Any) -> Any:
    loss = forecasting.NormalDistributionLoss()
    loss._transformation = None
    return loss.loss(x, y)
