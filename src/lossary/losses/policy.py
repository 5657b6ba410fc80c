"""Losses of policies: actions that turned out better than expected are to become more likely."""

from __future__ import annotations

import math
from typing import Any

from ..facts.domain import Real
from ..facts.record import Case
from ..facts.settings import Interval
from ..objects.define import loss
from ..words import count, exp, less, logical_not, maximum, mean, minimum, square, sum, weighted, where


@loss(
    aliases=("reinforce", "reinforce_loss"),
    target=None,
    predictions={"log_probability": Real()},
    given={"advantage": Real()},
    definition="mean(-advantage * log_probability)",
    source="R. J. Williams, Simple statistical gradient-following algorithms for connectionist reinforcement learning "
    "(1992), eq. 6",
    peers={
        "rlax.policy_gradient_loss": "Loss()   # of the log-probabilities of the actions taken, not of scores",
    },
    cases=(
        Case([[-1.0]], [[2.0]], (2.0,), "-(2 * -1)"),
        Case([[-1.0, -4.0]], [[2.0, -0.5]], (0.0,), "(2 - 2)/2"),
    ),
)
def policy_gradient(log_probability: Any, advantage: Any) -> Any:
    """Log-probability of the actions taken, times how much better than expected they were, negated.

    For agents that learn from returns: ``log_probability`` is that of each action taken, and ``advantage`` its return
    less a baseline, without a gradient.  The gradient is that of the expected return; the value means nothing, and one
    that falls says nothing about learning.  An action of advantage 0 costs 0, however unlikely.

    In Keras the targets are ``lossary.pack(advantage=a)``.

    >>> import lossary
    >>> print(lossary.policy_gradient([[-1.0]], [[2.0]]))
    [2.]
    """
    return -mean(weighted(advantage, log_probability))


def _root(log_probability: Any, old_log_probability: Any) -> Any:
    """The root of the ratio: a factor below 1 between two of them keeps a product from overflowing where it fits."""
    return exp(0.5 * (log_probability - old_log_probability))


def _ppo_slope(
    log_probability: Any, old_log_probability: Any, advantage: Any, *, epsilon_low: Any = 0.2, epsilon_high: Any = 0.2
) -> Any:
    root, bad = _root(log_probability, old_log_probability), less(advantage, 0.0)
    too_good = logical_not(bad) & (square(root) > 1.0 + epsilon_high)
    clipped = too_good | (bad & (square(root) < 1.0 - epsilon_low))
    kept = where(clipped, 0.0, root)
    return -advantage / count(log_probability) * kept * kept


@loss(
    class_name="PPOClip",
    aliases=("ppo", "ppo_loss", "clipped_surrogate"),
    target=None,
    predictions={"log_probability": Real()},
    given={"old_log_probability": Real(), "advantage": Real()},
    parameters={
        "epsilon_low": Interval("How far the ratio may fall below 1 for actions that were bad", 0.0, 1.0),
        "epsilon_high": Interval("How far the ratio may rise above 1 for actions that were good", 0.0),
    },
    slope=_ppo_slope,
    definition="mean(-min(r * advantage, clip(r, 1 - epsilon_low, 1 + epsilon_high) * advantage)), r = "
    "exp(log_probability - old_log_probability)",
    source="J. Schulman et al., Proximal policy optimization algorithms (2017), eq. 7; Q. Yu et al., DAPO (2025), "
    "eq. 10 (two epsilons)",
    peers={
        "rlax.clipped_surrogate_pg_loss": "Loss(epsilon_low=alpha, epsilon_high=alpha)   # of the ratios r",
    },
    cases=(
        Case([[-1.0, -1.0]], [[-1.0 - math.log(2.0)] * 2], [[1.0, -1.0]], (0.4,), "(-1.2 + 2)/2"),
        Case([[-1.0, -1.0]], [[-1.0 + math.log(2.0)] * 2], [[1.0, -1.0]], (0.15,), "(-1/2 + 0.8)/2"),
        Case([[-1.0]], [[-1.0 - math.log(2.0)]], [[3.0]], (-4.5,), "-3 * 1.5", {"epsilon_high": 0.5}),
    ),
)
def ppo_clip(
    log_probability: Any, old_log_probability: Any, advantage: Any, *, epsilon_low: float = 0.2,
    epsilon_high: float = 0.2,
) -> Any:  # fmt: skip
    """Clipped surrogate of proximal policy optimization: advantages times ratios that may not go far from 1.

    For agents and language models that take several steps on what an older policy did.  ``log_probability`` is that of
    each action (or token) taken under the policy that is trained, ``old_log_probability`` that at the time, and
    ``advantage`` how much better than expected it was; the latter two have no gradient.  A good action stops being
    pushed at a ratio of ``1 + epsilon_high``, a bad one at ``1 - epsilon_low``; bad actions that became more likely are
    never clipped.  Its two epsilons are one in the paper.  The value means little by itself.

    In Keras the targets are ``lossary.pack(old_log_probability=x, advantage=y)``.

    >>> import lossary
    >>> print(lossary.ppo_clip([[0.0, 0.0]], [[-1.0, -1.0]], [[1.0, -1.0]]).round(4))
    [0.7591]
    """
    # Divided first, terms do not overflow where their mean fits.
    root, loss = _root(log_probability, old_log_probability), -advantage / count(log_probability)
    # The lesser of both products belongs to the lesser ratio of a good action and to the greater one of a bad action.
    # Put so, an infinite ratio meets no factor of 0; and at the edges the slope is that inside.
    good = loss * minimum(1.0 + epsilon_high, square(root))
    bad = maximum(loss * (1.0 - epsilon_low), loss * root * root)
    return sum(where(loss > 0.0, bad, good))
