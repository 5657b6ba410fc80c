"""Losses of times, of ranks and of sounds."""

from __future__ import annotations

from typing import Any

import auraloss.time
import coral_pytorch.dataset
import coral_pytorch.losses as coral
import lifelines
import numpy as np
import pycox.models.loss as pycox
import torch
import torchmetrics.functional as torchmetrics
import torchmetrics.functional.audio as torchmetrics_audio
import torchsurv.loss.weibull as torchsurv

from peer import Peer

from .loading import module

audtorch = module("audtorch.metrics.functional")
speechbrain = module("speechbrain.nnet.losses")


def levels(y: Any, p: Any) -> Any:
    return coral_pytorch.dataset.levels_from_labelbatch(y.long(), p.shape[-1] + 1)


def steps(loss: Any, y: Any, z: Any) -> Any:
    """A mean over the steps that count: CORN takes as many as the rank, and the one that fails."""
    counted = (y + 1).clamp(max=z.shape[-1])
    return loss.replaced(reduction="sum")(y, z) / counted.sum()


def seen(function: Any, *, fraction: bool = False) -> Peer:
    def theirs(y: Any, z: Any) -> Any:
        return function(z, y[:, 0].long(), y[:, 1].to(z.dtype), *([y[:, 2]] if fraction else []))

    return Peer(theirs, rtol=1e-5)


def weibull(y: Any, p: Any) -> Any:
    """Lifelines' sum over persons, over their number."""
    fitter, (times, events) = lifelines.WeibullFitter(), np.moveaxis(y, -1, 0)
    scale, shape = np.exp(np.moveaxis(p, -1, 0))
    parameters = scale, shape
    hazard, total = fitter._log_hazard(parameters, times), fitter._cumulative_hazard(parameters, times)
    return -(events * hazard - total).mean(-1)


def correlations(function: Any) -> Any:
    return lambda y, p: 1 - torch.stack([function(*row).reshape(()) for row in zip(p, y, strict=True)])


def over_fewer(loss: Any, y: Any, p: Any) -> Any:
    """Both moments over n - 1, the distance of means as it is: as if means lay sqrt((n - 1) / n) as far apart."""
    move = (1 - np.sqrt(4 / 5)) * (y.mean(-1, keepdim=True) - p.mean(-1, keepdim=True))
    return loss(y, p + move)


PEERS = {
    "audtorch.metrics.functional.concordance_cc": Peer(lambda y, p: 1 - audtorch.concordance_cc(p, y)[:, 0], rtol=1e-6),
    "audtorch.metrics.functional.pearsonr": Peer(lambda y, p: 1 - audtorch.pearsonr(p, y)[:, 0], rtol=1e-6),
    "auraloss.time.SISDRLoss": Peer(lambda y, p: auraloss.time.SISDRLoss()(p, y), rtol=1e-6),
    "auraloss.time.SNRLoss": Peer(lambda y, p: auraloss.time.SNRLoss()(p, y), rtol=1e-6),
    "coral_pytorch.losses.coral_loss": Peer(lambda y, z: coral.coral_loss(z, levels(y, z))),
    "coral_pytorch.losses.CoralLoss": Peer(lambda y, z: coral.CoralLoss()(z, levels(y, z))),
    "coral_pytorch.losses.corn_loss": Peer(lambda y, z: coral.corn_loss(z, y, 6), steps),
    "coral_pytorch.losses.CornLoss": Peer(lambda y, z: coral.CornLoss(6)(z, y), steps),
    "lifelines.WeibullFitter": Peer(weibull, arrays="numpy"),
    "pycox.models.loss.cox_cc_loss": Peer(
        lambda z: pycox.cox_cc_loss(z[:, 0], tuple(z[:, 1:].unbind(1)), clamp=(-np.inf, np.inf))
    ),
    "pycox.models.loss.nll_logistic_hazard": seen(pycox.nll_logistic_hazard),
    "pycox.models.loss.nll_pc_hazard_loss": seen(pycox.nll_pc_hazard_loss, fraction=True),
    "pycox.models.loss.nll_pmf": seen(pycox.nll_pmf),
    "speechbrain.VariationalAutoencoderLoss": Peer(
        lambda mean, log_variance: speechbrain.VariationalAutoencoderLoss(dist_loss_weight=1.0)(
            (mean, None, mean, log_variance, None, None), mean
        )
    ),
    "torchmetrics.functional.audio.scale_invariant_signal_distortion_ratio": Peer(
        lambda y, p: torchmetrics_audio.scale_invariant_signal_distortion_ratio(p, y), rtol=1e-5
    ),
    "torchmetrics.functional.concordance_corrcoef": Peer(
        correlations(torchmetrics.concordance_corrcoef), over_fewer, rtol=1e-5
    ),
    "torchmetrics.functional.pearson_corrcoef": Peer(correlations(torchmetrics.pearson_corrcoef), rtol=1e-5),
    "torchsurv.neg_log_likelihood_weibull": Peer(
        lambda y, p: torchsurv.neg_log_likelihood_weibull(p[:, 0], y[:, 0, 1] == 1, y[:, 0, 0]), shape=(6, 1), rtol=1e-6
    ),
}
