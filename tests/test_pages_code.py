"""The code that pages of losses show runs as it stands."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor
from tools.pages.snippets import snippets

from inputs import BUILTIN, arguments
from lossary.facts.arguments import Role
from lossary.facts.domain import NonNegative, OneHot, Positive, Probabilities

# A pair with raw scores, one without, one with two predictions per target, one without targets, one of regions.
SAMPLE = ("huber", "binary_crossentropy", "gaussian_nll", "triplet_margin", "dice")
CODE = [pytest.param(r, tab, id=f"{r.name}-{tab}") for r in BUILTIN if r.name in SAMPLE for tab in snippets(r)]
OTHERS = [record for record in BUILTIN if record.name not in SAMPLE]


def run(record, tab):
    code = snippets(record)[tab]
    exec(compile(code, f"{record.name} {tab}", "exec"), given(record, code))


def given(record, code):
    """The variables that a reader has: arrays under the names of the loss's arguments, a model and its data."""
    raw = {"from_logits": True} if "from_logits=True" in code else {}
    drawn = dict(
        zip(
            record.names,
            arguments(record, np.random.default_rng(0), (2, 3, 4, 5) if record.regions else (4, 5), raw),
            strict=True,
        )
    )
    if "jax" in code:
        import jax.numpy as jnp

        return {name: jnp.asarray(array) for name, array in drawn.items()}
    if ".backward()" in code:
        import torch

        trained = {argument.name for argument in record.arguments if argument.role is Role.PREDICTION}
        return {name: torch.tensor(np.asarray(array), requires_grad=name in trained) for name, array in drawn.items()}
    if "model.compile" in code:
        import keras

        from lossary.keras import Sequential

        return {"model": Sequential([keras.Input((3,)), keras.layers.Dense(2)])}
    if "(x, y)" in code or "(model, x, y" in code:
        x = np.random.default_rng(0).normal(size=(30, 2))
        if record.labels_are_integers or isinstance(record.target, OneHot | Probabilities):
            return {"model": LogisticRegression(), "x": x, "y": np.arange(30) % 3}
        y = arguments(record, np.random.default_rng(0), (30, 1), raw)[0]
        model = PoissonRegressor() if isinstance(record.prediction, NonNegative | Positive) else LinearRegression()
        return {"model": model, "x": x, "y": np.asarray(y).reshape(30)}
    return drawn


@pytest.mark.filterwarnings("error:Scoring failed")
@pytest.mark.parametrize(("record", "tab"), CODE)
def test_code_of_a_page_runs(record, tab):
    run(record, tab)


@pytest.mark.exhaustive
@pytest.mark.filterwarnings("error:Scoring failed")
@pytest.mark.parametrize("record", OTHERS, ids=lambda record: record.name)
def test_code_of_every_page_runs(record):
    for tab in snippets(record):
        run(record, tab)
