"""Losses of sequences under optax's names, in its order and with its defaults."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..backends.jax import BACKEND
from ..objects.get import get

Array = Any


def ctc_loss(
    logits: Array,
    logit_paddings: Array,
    labels: Array,
    label_paddings: Array,
    *,
    blank_id: int = 0,
    log_epsilon: Array = -1e5,
) -> Array:
    """Connectionist temporal classification of each sequence, as ``optax.ctc_loss``.

    Labels that do not fit into the steps cost infinity, where optax ends near ``-log_epsilon``, which is not used here.
    """
    loss = get("ctc", blank=blank_id, reduction="none")
    return loss(_listed(labels, label_paddings), jnp.asarray(logits), where=jnp.asarray(logit_paddings) == 0)


def ctc_loss_with_forward_probs(
    logits: Array,
    logit_paddings: Array,
    labels: Array,
    label_paddings: Array,
    *,
    blank_id: int = 0,
    log_epsilon: Array = -1e5,
) -> tuple[Array, Array, Array]:
    """`ctc_loss`, and logarithms of how probable each state is, as ``optax.losses.ctc_loss_with_forward_probs``.

    At each step of each sequence, (T, N, L + 1): that of a blank, or of nothing yet, after so many labels, to which the
    last step adds that of the last label; and (T, N, L) that of each label.  What cannot be, which padded labels are
    part of, has ``log_epsilon``.
    """
    scores = jnp.asarray(logits)
    listed, counts = _listed(labels, label_paddings), jnp.asarray(logit_paddings)[..., None] == 0
    value = ctc_loss(scores, logit_paddings, labels, label_paddings, blank_id=blank_id)
    # A start that no step ends in, and then blanks and labels in turn.
    states = jnp.moveaxis(BACKEND.alignment_states(listed, scores, blank_id, counts), 1, 0)
    start, blanks, said = (jnp.maximum(x, log_epsilon) for x in (states[..., 0], states[..., 1::2], states[..., 2::2]))
    blanks = blanks.at[..., 0].set(jnp.maximum(start, blanks[..., 0]))
    return value, blanks.at[-1, :, 1:].set(jnp.logaddexp(blanks[-1, :, 1:], said[-1])), said


def _listed(labels: Array, paddings: Array) -> Array:
    """The labels, with -1 for those that are padding."""
    return jnp.where(jnp.asarray(paddings) > 0, -1, jnp.asarray(labels))
