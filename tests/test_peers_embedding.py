"""Losses of embeddings and rankings beside PyTorch's, or beside what other libraries document."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch.nn.functional as F

import lossary
from peer import assert_same

RNG = np.random.default_rng(7)
SHAPE = (30, 6)
FIRST, SECOND = RNG.normal(size=(2, *SHAPE))
SIGNS, DISTANCES = RNG.choice([-1.0, 1.0], SHAPE), RNG.gamma(2.0, size=SHAPE)
BITS, LABELS = (SIGNS + 1.0) / 2.0, SIGNS[:, 0]


@pytest.mark.parametrize("margin", [0.0, 0.3, -0.2])
def test_cosine_embedding_is_that_of_pytorch(margin: float) -> None:
    def peer(y: Any, a: Any, b: Any) -> Any:
        return F.cosine_embedding_loss(a, b, y, margin=margin, reduction="none")

    assert_same(lossary.CosineEmbedding(margin=margin), peer, [LABELS, FIRST, SECOND], [1, 2])


def test_cosine_similarity_mse_is_its_definition() -> None:
    """As `CosineSimilarityLoss` of sentence-transformers is documented."""
    grades = RNG.uniform(-1.0, 1.0, SHAPE[0])

    def peer(y: Any, a: Any, b: Any) -> Any:
        return F.mse_loss(F.cosine_similarity(a, b), y, reduction="none")

    assert_same(lossary.CosineSimilarityMSE(), peer, [grades, FIRST, SECOND], [1, 2])


@pytest.mark.parametrize("name", ["cosine_embedding", "cosine_similarity_mse"])
def test_a_vector_of_zeros_has_no_slope(name: str) -> None:
    first, second = np.zeros((2, 3)), np.ones((2, 3))
    _, slopes = lossary.get(name).value_and_grad([1.0, -1.0], first, second)
    assert not np.any(slopes)


@pytest.mark.parametrize("margin", [1.0, 2.5])
def test_hinge_embedding_is_that_of_pytorch(margin: float) -> None:
    def peer(y: Any, d: Any) -> Any:
        return F.hinge_embedding_loss(d, y, margin=margin, reduction="none").mean(-1)

    assert_same(lossary.HingeEmbedding(margin=margin), peer, [SIGNS, DISTANCES], [1])


def test_contrastive_is_twice_that_of_sentence_transformers() -> None:
    """Whose formula, read from its documentation, is half of this on cosine distances, with a margin of 1/2."""

    def peer(y: Any, d: Any) -> Any:
        return 2.0 * (0.5 * (y * d.pow(2) + (1 - y) * F.relu(0.5 - d).pow(2))).mean(-1)

    assert_same(lossary.Contrastive(margin=0.5), peer, [BITS, 0.5 * DISTANCES], [1])
    soft = RNG.uniform(size=SHAPE)
    assert_same(lossary.Contrastive(margin=0.5), peer, [soft, 0.2 * DISTANCES], [1])


@pytest.mark.parametrize("margin", [0.0, 0.7])
def test_margin_ranking_is_that_of_pytorch(margin: float) -> None:
    def peer(y: Any, a: Any, b: Any) -> Any:
        return F.margin_ranking_loss(a, b, y, margin=margin, reduction="none").mean(-1)

    level = np.where(RNG.random(SHAPE) < 0.2, FIRST, SECOND)  # Equal scores pull like those in the wrong order.
    assert_same(lossary.MarginRanking(margin=margin), peer, [SIGNS, FIRST, level], [1, 2])


def test_bpr_and_margin_mse_are_their_definitions() -> None:
    assert_same(lossary.BPR(), lambda a, b: -F.logsigmoid(a - b).mean(-1), [FIRST, SECOND], [0, 1])

    def peer(y: Any, a: Any, b: Any) -> Any:
        return F.mse_loss(a - b, y, reduction="none").mean(-1)

    assert_same(lossary.MarginMSE(), peer, [DISTANCES, FIRST, SECOND], [1, 2])
