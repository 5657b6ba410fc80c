"""Losses of language models, of rankings and of policies."""

from __future__ import annotations

import collections
import types
from typing import Any

import jax
import jax.numpy as jnp
import jaxopt.loss
import jaxopt.projection
import numpy as np
import pytorch_metric_learning.losses as metric_learning
import rax
import torch
from entmax import SparsemaxLoss
from liger_kernel import chunked_loss

from peer import Peer

from .loading import module

allrank = module("allrank.models.losses.pointwise")
recbole, views = module("recbole.model.loss"), module("lightly.loss.ntx_ent_loss")
sentences = {name: module(f"sentence_transformers.sentence_transformer.losses.{name}") for name in (
    "contrastive", "cosine_similarity", "distill_kl_div", "margin_mse",
)}  # fmt: skip
policies, values, errors = (module(f"rlax._src.{name}") for name in ("policy_gradients", "value_learning", "losses"))
DPO = module("trl.trainer.dpo_trainer").DPOTrainer
KTO = module("trl.trainer.kto_trainer").KTOTrainer
REWARD = module("trl.trainer.reward_trainer").RewardTrainer
CPO = module("trl.experimental.cpo.cpo_trainer").CPOTrainer
ORPO = module("trl.experimental.orpo.orpo_trainer").ORPOTrainer
ALPHA = {"alpha": 0.3}
# Answers of two tokens.
TOKENS = torch.ones(12, 3, dtype=torch.long)


def half_squares(scores: Any) -> Any:
    """The greatest ``<scores, p> - sum(p**2) / 2`` over distributions."""
    shares = jaxopt.projection.projection_simplex(scores)
    return shares @ scores - shares @ shares / 2


def trainer(**settings: Any) -> Any:
    """What a trainer of TRL is to its loss."""
    same = types.SimpleNamespace(device="cpu", gather=lambda x: x, gather_for_metrics=lambda x: x)
    return types.SimpleNamespace(
        accelerator=same, model=types.SimpleNamespace(training=False), beta=0.1, label_smoothing=0.0,
        aux_loss_enabled=False, precompute_ref_logps=True, use_weighting=False, ld_alpha=None, _total_train_tokens=0,
        _metrics=collections.defaultdict(lambda: collections.defaultdict(list)), **settings,
    )  # fmt: skip


def model(log_probabilities: Any) -> Any:
    """A language model that gives both tokens of an answer half of its logarithm."""
    each = log_probabilities.reshape(-1, 1) / 2 * torch.ones(1, 2)
    fixed = each.detach()
    found = types.SimpleNamespace(log_probs=each, entropy=fixed, mean_logits=fixed, is_top1=fixed > 0)
    return lambda **inputs: found


def dpo(loss_type: str, *, tokens: int = 1, **settings: Any) -> Peer:
    """``tokens``: how many an answer's log-probability is divided by there."""

    def theirs(a: Any, b: Any, reference_a: Any, reference_b: Any) -> Any:
        own = trainer(loss_types=[loss_type], loss_weights=[1.0], f_divergence_type="reverse_kl")
        vars(own).update(settings)
        inputs = {
            "input_ids": TOKENS, "attention_mask": TOKENS, "completion_mask": TOKENS,
            "ref_chosen_logps": tokens * reference_a[:, 0], "ref_rejected_logps": tokens * reference_b[:, 0],
        }  # fmt: skip
        return DPO._compute_loss(own, model(tokens * torch.cat([a, b])), inputs, False)

    return Peer(theirs, shape=(6, 1))


def kto(y: Any, p: Any, reference: Any, divergence: Any) -> Any:
    own = trainer(loss_type="kto", calculate_KL=True, desirable_weight=1.0, undesirable_weight=1.0)
    own._compute_kl_logps = lambda model, batch: divergence[:, 0]
    inputs = {
        "input_ids": TOKENS[:6], "attention_mask": TOKENS[:6], "completion_mask": TOKENS[:6], "label": y[:, 0] == 1,
        "ref_logps": reference[:, 0], "ref_KL_logps": torch.zeros(6),
    }  # fmt: skip
    return KTO._compute_loss(own, model(p), inputs, False)


def one_divergence(rng: np.random.Generator, drawn: Any) -> Any:
    """That of the batch, as trainers estimate it."""
    y, p, reference, _ = drawn
    return y, p, reference, np.full_like(p, 0.7)


def rewards(a: Any, b: Any) -> Any:
    own = trainer(args=types.SimpleNamespace(center_rewards_coefficient=None))
    scores = types.SimpleNamespace(logits=torch.cat([a, b]))
    return REWARD.compute_loss(own, lambda **inputs: scores, {"attention_mask": TOKENS})


def cpo(loss_type: str, likelihood: float) -> Any:
    def theirs(a: Any, b: Any, mean: Any = None) -> Any:
        own = trainer(loss_type=loss_type, alpha=0.0, cpo_alpha=likelihood, simpo_gamma=0.5)
        own.cpo_loss = types.MethodType(CPO.cpo_loss, own)
        zero, cost = torch.zeros(6), torch.zeros(()) if mean is None else -mean.mean()
        own.concatenated_forward = lambda model, batch: (a[:, 0], b[:, 0], zero, zero, cost)
        return CPO.get_batch_loss_metrics(own, None, None)[0]

    return theirs


def orpo(a: Any, b: Any) -> Any:
    own = trainer()
    own.odds_ratio_loss = types.MethodType(ORPO.odds_ratio_loss, own)
    zero = torch.zeros(6)
    own.concatenated_forward = lambda model, batch: (a[:, 0], b[:, 0], zero, zero, -a.mean())
    return ORPO.get_batch_loss_metrics(own, None, None)[0]


def linear(loss: Any, ours: Any = None, **options: Any) -> Peer:
    """Liger's losses take hidden states and a head; here of two classes, each answer one token, the class 0."""

    def theirs(*arrays: Any) -> Any:
        hidden, reference = (heads(torch.cat(list(x))) for x in (arrays[:2], arrays[-2:]))
        given = {"ref_input": reference, "ref_weight": torch.eye(2)} if len(arrays) == 4 else {}
        made = loss(compiled=False, **options)
        return made(torch.eye(2), hidden, torch.zeros(12, 1, dtype=torch.long), **given)[0]

    return Peer(theirs, ours, shape=(6, 1), draw=negative, rtol=1e-5)


def heads(log_probabilities: Any) -> Any:
    """Scores of two classes of which the first has this log-probability."""
    log_odds = log_probabilities - torch.log(-torch.expm1(log_probabilities))
    return torch.stack([log_odds, torch.zeros_like(log_odds)], -1).float()


def negative(rng: np.random.Generator, drawn: Any) -> Any:
    """Log-probabilities."""
    return [-np.abs(x) - 0.01 for x in drawn]


def liger_kto(y: Any, p: Any, reference: Any, divergence: Any) -> Any:
    made = chunked_loss.LigerFusedLinearKTOLoss(compiled=False, use_ref_model=True)
    return made(
        heads(p), torch.eye(2), torch.zeros(6, 1, dtype=torch.long), preference_labels=y[:, 0] == 1,
        ref_input=heads(reference), ref_weight=torch.eye(2), kl=divergence[0].float(),
    )[0]  # fmt: skip


def negative_but_divergence(rng: np.random.Generator, drawn: Any) -> Any:
    y, p, reference, divergence = one_divergence(rng, drawn)
    return y, *negative(rng, (p, reference)), divergence


def of_embeddings(name: str, loss: str, *columns: Any) -> Any:
    return getattr(sentences[name], loss)(None).compute_loss_from_embeddings(list(columns[:-1]), columns[-1])


def at_distance(y: Any, distance: Any) -> Any:
    """Pairs of embeddings at these cosine distances."""
    cosine = 1 - distance.reshape(-1)
    first = torch.stack([torch.ones_like(cosine), torch.zeros_like(cosine)], -1)
    return first, torch.stack([cosine, (1 - cosine**2).sqrt()], -1), y.reshape(-1)


def scored(*scores: Any) -> Any:
    """A query of one number, and documents whose products with it are these scores."""
    return torch.ones_like(scores[0]), *scores


PEERS = {
    "allrank.pointwise_rmse": Peer(
        lambda y, p: allrank.pointwise_rmse(p, y, 4), lambda loss, y, p: loss(y, 4 * p), rtol=1e-6
    ),
    "entmax.SparsemaxLoss": Peer(lambda y, z: SparsemaxLoss()(z, y)),
    "jaxopt.loss.make_fenchel_young_loss": Peer(
        lambda y, z: jax.vmap(jaxopt.loss.make_fenchel_young_loss(half_squares))(y, z) + (y * y).sum(-1) / 2,
        arrays="jax",
    ),
    "jaxopt.loss.multiclass_sparsemax_loss": Peer(jax.vmap(jaxopt.loss.multiclass_sparsemax_loss), arrays="jax"),
    "liger_kernel.chunked_loss.LigerFusedLinearCPOLoss": linear(
        chunked_loss.LigerFusedLinearCPOLoss, lambda loss, a, b, mean: loss(a, b, a)
    ),
    "liger_kernel.chunked_loss.LigerFusedLinearDPOLoss": linear(chunked_loss.LigerFusedLinearDPOLoss),
    "liger_kernel.chunked_loss.LigerFusedLinearKTOLoss": Peer(
        liger_kto, shape=(6, 1), draw=negative_but_divergence, rtol=1e-5
    ),
    "liger_kernel.chunked_loss.LigerFusedLinearORPOLoss": linear(chunked_loss.LigerFusedLinearORPOLoss),
    "liger_kernel.chunked_loss.LigerFusedLinearSimPOLoss": linear(
        chunked_loss.LigerFusedLinearSimPOLoss, compute_nll_loss=False
    ),
    "lightly.loss.NTXentLoss": Peer(
        lambda y, x: views.NTXentLoss()(*x.chunk(2)),
        draw=lambda rng, drawn: (np.tile(np.arange(3), 2), drawn[1]),
        rtol=1e-6,
    ),
    "pytorch_metric_learning.losses.CircleLoss": Peer(lambda y, x: metric_learning.CircleLoss()(x, y), rtol=1e-6),
    "pytorch_metric_learning.losses.NTXentLoss": Peer(lambda y, x: metric_learning.NTXentLoss()(x, y), rtol=1e-6),
    "rax.softmax_loss": Peer(lambda y, z: rax.softmax_loss(z, y), arrays="jax"),
    "recbole.model.loss.BPRLoss": Peer(recbole.BPRLoss(), rtol=1e-6),
    "rlax.clipped_surrogate_pg_loss": Peer(
        lambda new, old, a: jax.vmap(lambda r, a: policies.clipped_surrogate_pg_loss(r, a, 0.3))(jnp.exp(new - old), a),
        arrays="jax",
        settings=ALPHA,
    ),
    "rlax.expectile_loss": Peer(lambda y, p: errors.expectile_loss(p, y, 0.3).mean(), arrays="jax", settings=ALPHA),
    "rlax.quantile_regression_loss": Peer(
        lambda y, p: jax.vmap(lambda p, y: values.quantile_regression_loss(p, jnp.array([0.3]), y, 1.0))(p, y),
        shape=(6, 1),
        arrays="jax",
        settings=ALPHA,
    ),
    "sentence_transformers.losses.ContrastiveLoss": Peer(
        lambda y, d: of_embeddings("contrastive", "ContrastiveLoss", *at_distance(y, d)),
        shape=(6, 1),
        draw=lambda rng, drawn: (drawn[0], rng.uniform(0.05, 1.9, (6, 1))),
        rtol=1e-6,
    ),
    "sentence_transformers.losses.CosineSimilarityLoss": Peer(
        lambda y, a, b: of_embeddings("cosine_similarity", "CosineSimilarityLoss", a, b, y), rtol=1e-6
    ),
    "sentence_transformers.losses.DistillKLDivLoss": Peer(
        lambda y, z: of_embeddings("distill_kl_div", "DistillKLDivLoss", *scored(*z[:, :, None].unbind(1)), y)
    ),
    "sentence_transformers.losses.MarginMSELoss": Peer(
        lambda y, a, b: of_embeddings("margin_mse", "MarginMSELoss", *scored(a, b), y[:, 0]), shape=(6, 1)
    ),
    "trl.experimental.cpo.CPOConfig(loss_type='sigmoid')": Peer(cpo("sigmoid", 1.0), shape=(6, 1)),
    "trl.experimental.cpo.CPOConfig(loss_type='simpo')": Peer(cpo("simpo", 0.0), shape=(6, 1)),
    "trl.DPOConfig(loss_type='apo_down')": dpo("apo_down"),
    "trl.DPOConfig(loss_type='apo_zero')": dpo("apo_zero"),
    "trl.DPOConfig(loss_type='hinge')": dpo("hinge"),
    "trl.DPOConfig(loss_type='ipo')": dpo("ipo", tokens=3),
    "trl.DPOConfig(loss_type='robust')": dpo("robust", label_smoothing=0.1),
    "trl.DPOConfig(loss_type='sigmoid')": dpo("sigmoid"),
    "trl.KTOConfig(loss_type='kto')": Peer(kto, shape=(6, 1), draw=one_divergence),
    "trl.experimental.orpo.ORPOTrainer": Peer(orpo, shape=(6, 1), draw=negative, rtol=1e-5),
    "trl.RewardTrainer": Peer(rewards, shape=(6, 1)),
}
