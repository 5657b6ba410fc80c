"""What is said of other libraries' losses: every line runs, every name leads somewhere, no name leads to two."""

from __future__ import annotations

import collections
import inspect
import re

import keras
import numpy as np
import optax
import pytest
import torch
from sklearn._loss.loss import _LOSSES
from sklearn.metrics import get_scorer_names
from sklearn.utils import all_estimators

import lossary
from inputs import BUILTIN
from lossary.facts.record import Record
from lossary.facts.registry import folded, loss_class
from lossary.facts.spelling import fold, spelling
from lossary.texts import peers

KNOWN = [record for record in BUILTIN if record.peers]
# What stands in a line for a parameter of the other library.
SETTINGS = {"alpha": 0.3, "beta": 0.7, "quantile": 1.5, "slope": 2.0, "C": 3}


@pytest.mark.parametrize("record", KNOWN, ids=lambda record: record.name)
def test_every_line_makes_a_loss(record: Record) -> None:
    for peer in record.peers:
        assert isinstance(eval(record.line(peer), {"lossary": lossary, **SETTINGS}), lossary.Loss), peer


def is_plain(line: str) -> bool:
    """Whether nothing is left to be said, or to be put in the place of a name."""
    return "#" not in line and not re.search(r"=[A-Za-z]\w*[,)]", line.replace("=True", "").replace("=False", ""))


def test_a_name_stands_for_a_loss_with_settings() -> None:
    soft = lossary.BinaryCrossentropy(from_logits=True)
    for name in ("MultiLabelSoftMarginLoss", "torch.nn.MultiLabelSoftMarginLoss", "nn.BCEWithLogitsLoss"):
        assert lossary.get(name) == soft
    assert lossary.get("MultiLabelSoftMarginLoss", reduction="sum") == soft.replaced(reduction="sum")
    assert lossary.get("optax.l2_loss") == 0.5 * lossary.MeanSquaredError()
    regions = lossary.Dice(from_logits=True) + lossary.BinaryFocalCrossentropy(from_logits=True)
    assert lossary.get("DiceFocalLoss", axis=(2, 3)) == regions.replaced(axis=(2, 3))
    # DiceCELoss is a sum whose regions and last layer have to be known.
    with pytest.raises(lossary.UnknownLossError, match=r"Write lossary.Dice\(axis="):
        lossary.get("DiceCELoss")


@pytest.mark.parametrize("record", KNOWN, ids=lambda record: record.name)
def test_every_name_is_understood_or_explained(record: Record) -> None:
    for peer in record.peers:
        assert_name_is_understood(record, peer)


def assert_name_is_understood(record: Record, peer: str) -> None:
    owner = folded().get(fold(spelling(peer)))
    exact = peers.exact(spelling(peer))
    if owner is None and exact is not None and is_plain(exact):
        assert lossary.get(spelling(peer)) == eval(exact, {"lossary": lossary})
    elif owner is None:
        with pytest.raises(lossary.UnknownLossError, match=r"another library calls a loss so\. Write .*lossary\."):
            lossary.get(spelling(peer))
    else:
        assert owner == record.name


@pytest.mark.parametrize("name", peers.COMPOSED)
def test_names_of_losses_that_are_another_with_settings_stand_for_it(name: str) -> None:
    assert lossary.get(name) == eval(peers.COMPOSED[name], {"lossary": lossary})


def test_values_of_composed_losses() -> None:
    log2 = np.log(2.0)
    found = {
        "dice_focal": ([[1.0, 0.0]], [[0.0, 0.0]], 0.5 + log2 / 4),  # 1 - 2 (1/2)/(1 + 1), and (1/2)^2 log 2
        "soft_f1": ([[1.0], [0.0]], [[1.0], [0.5]], 0.2),  # 1 - 2/(1 + 1.5)
        "dawid_sebastiani": ([[3.0]], [[[1.0, 4.0]]], 2 * log2 + 1.0),  # log 4 + (3 - 1)^2/4
    }
    for name, (y_true, y_pred, value) in found.items():
        np.testing.assert_allclose(lossary.get(name)(y_true, y_pred), value, rtol=1e-6)


def test_names_of_several_losses_are_explained_with_a_line_that_runs() -> None:
    for name in peers.NAMES:
        with pytest.raises(lossary.UnknownLossError, match="another library calls a loss so") as caught:
            lossary.get(name)
        line = str(caught.value).partition("Write ")[2]
        scope = {"lossary": lossary, "your_function": lambda y_true, y_pred: y_pred}
        assert isinstance(eval(line, scope), lossary.Loss), name


def test_what_another_library_calls_so_is_no_answer_to_one_that_is_named() -> None:
    """LightGBM's and scikit-learn's defaults are not XGBoost's, nor is a metric of one the objective of another."""
    for name in ("xgboost.huber", "sklearn.fair", "optax.binary_logloss"):
        assert peers.line(name) is None
    assert lossary.get("catboost.MultiLogloss") == lossary.BinaryCrossentropy(from_logits=True)
    with pytest.raises(lossary.UnknownLossError, match=r"BinaryCrossentropy\(from_logits=True\) .*Sparse"):
        lossary.get("MultiLogloss")


@pytest.mark.parametrize("library", ["torch", "optax", "keras"])
def test_every_public_loss_of_a_library_stands_beside_ours(library: str) -> None:
    theirs = {
        "torch": [name for name in dir(torch.nn) if name.endswith("Loss")],
        "optax": [name for name in dir(optax.losses) if "loss" in name or "entropy" in name or "divergence" in name],
        "keras": [name for name, x in vars(keras.losses).items() if isinstance(x, type) and name != "Loss"],
    }[library]
    known = {spelling(name) for name in lossary.names(peer=library)}
    assert {*theirs} - known <= {"NLLLoss2d", "ctc_loss_with_forward_probs"}
    for name in lossary.names(peer=library).values():
        assert isinstance(eval(name, {"lossary": lossary, **SETTINGS}), lossary.Loss)


def test_every_name_of_a_loss_of_scikit_learn_is_one_here_or_explained() -> None:
    """Those of its estimators and of its own losses, and its scorers that are losses, negated."""
    names = {*_LOSSES, *(name for name in get_scorer_names() if name.startswith("neg_"))}
    for _, estimator in all_estimators():
        for each in getattr(estimator, "_parameter_constraints", {}).get("loss", ()):
            names |= getattr(each, "options", set())
    assert len(names) > 35
    for name in names:
        if fold(name) in folded():
            assert lossary.get(name).record.name == folded()[fold(name)]
        elif not peers.exact(name):
            ours = folded().get(fold(name.removeprefix("neg_")))
            answers = ("another library calls a loss so. Write", f"did you mean {ours}?")
            assert any(answer in refusal(name) for answer in answers), name


def refusal(name: str) -> str:
    """What is said of a name that is no loss here."""
    with pytest.raises(lossary.UnknownLossError) as caught:
        lossary.get(name)
    return str(caught.value)


# What parameters of Keras's are not here, or have another default: whole batches, and rows that are left out by a mask.
NOT_KERASS = {"Circle": {"remove_diagonal"}, "Dice": {"axis"}, "Tversky": {"axis"}}
NOT_KERASS |= {"circle": {"remove_diagonal", "ref_labels", "ref_embeddings"}, "dice": {"axis"}, "tversky": {"axis"}}


def test_every_name_of_keras_is_one_here_with_its_parameters_and_defaults() -> None:
    theirs = {name: each for name, each in vars(keras.losses).items() if callable(each) and name[0] != "_"}
    for name in theirs.keys() - {"Loss", "deserialize", "get", "serialize"}:
        found = lossary.get(name)
        ours = type(found) if isinstance(theirs[name], type) else getattr(lossary, found.record.name)
        one, other = (
            {p.name: p.default for p in inspect.signature(each).parameters.values() if p.name != "name"}
            for each in (ours, theirs[name])
        )
        shared = other.keys() & one
        differ = {key for key in shared if other[key] not in (inspect.Parameter.empty, one[key])}
        differ |= other.keys() - one - {"dtype", "kwargs"}
        assert differ == NOT_KERASS.get(name, set()), name


def test_no_name_stands_for_two_losses() -> None:
    owners = collections.defaultdict(set)
    for record in KNOWN:
        for peer in record.peers:
            owners[fold(spelling(peer))].add(record.name)
    told = set(map(fold, peers.NAMES))
    assert {name: found for name, found in owners.items() if len(found) > 1 and name not in told} == {}
    every = [peer for record in KNOWN for peer in record.peers]
    assert len(set(every)) == len(every)


@pytest.mark.parametrize("record", KNOWN, ids=lambda record: record.name)
def test_full_names_are_understood_or_explained(record: Record) -> None:
    for peer in record.peers:
        assert_full_name_is_understood(record, peer)


def assert_full_name_is_understood(record: Record, peer: str) -> None:
    if is_plain(record.line(peer)):
        assert lossary.get(peer) == eval(record.line(peer), {"lossary": lossary})
    elif record.peers[peer] not in ("", "Loss()"):
        with pytest.raises(lossary.UnknownLossError, match=re.escape(record.line(peer))):
            lossary.get(peer)
    else:
        assert lossary.get(peer) == loss_class(record.name)()


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("nn.BCELoss", lossary.BinaryCrossentropy()),
        ("F.huber_loss", lossary.Huber()),
        ("tf.keras.losses.Huber", lossary.Huber()),
        ("tf.keras.losses.MSE", lossary.MeanSquaredError()),
        ("keras.losses.mae", lossary.MeanAbsoluteError()),
    ],
)
def test_names_as_people_import_them(name: str, ours: lossary.Loss) -> None:
    assert lossary.get(name) == ours
