"""Losses as scorers of scikit-learn: its own numbers, whatever estimators return and however labels are written."""

from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pytest
import sklearn
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import get_scorer, hinge_loss, log_loss, make_scorer
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

import lossary
from lossary.sklearn import scorer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 3))
NUMBERS = X[:, 0] + RNG.normal(size=90)
TWO = np.array(["no", "yes"])[(NUMBERS > 0).astype(int)]
THREE = np.array(["a", "b", "c"])[np.digitize(NUMBERS, [-0.7, 0.7])]
WEIGHTS = RNG.uniform(0.5, 2.0, 90)
SPARSE = lossary.SparseCategoricalCrossentropy


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        ("bce", "two"),
        (lossary.BinaryCrossentropy(from_logits=True), "two"),
        (SPARSE(), "two"),
        (SPARSE(from_logits=True), "two"),
        (SPARSE(), "three"),
        (SPARSE(from_logits=True), "three"),
        ("categorical_crossentropy", "three"),
    ],
    ids=str,
)
def test_log_loss_of_probabilities_and_of_scores(loss, kind):
    labels = {"two": TWO, "three": THREE}[kind]
    model = LogisticRegression().fit(X, labels)
    for weights in (None, WEIGHTS):
        expected = -log_loss(labels, model.predict_proba(X), sample_weight=weights)
        assert scorer(loss)(model, X, labels, sample_weight=weights) == pytest.approx(expected, rel=1e-6)


def test_scores_are_made_of_probabilities_where_there_are_no_scores():
    model = DummyClassifier(strategy="prior").fit(X, TWO)
    one, other = (scorer(lossary.BinaryCrossentropy(from_logits=flag))(model, X, TWO) for flag in (True, False))
    assert one == other


def test_several_labels_and_several_outputs():
    many = np.stack([NUMBERS > 0, X[:, 1] > 0.5, NUMBERS > 1], axis=1).astype(int)
    for model in (OneVsRestClassifier(LogisticRegression()), MultiOutputClassifier(LogisticRegression())):
        found = model.fit(X, many).predict_proba(X)
        shares = np.stack([each[:, 1] for each in found], axis=1) if isinstance(found, list) else found
        each = [log_loss(many[:, k], shares[:, k], sample_weight=WEIGHTS) for k in range(3)]
        assert scorer("bce")(model, X, many, sample_weight=WEIGHTS) == pytest.approx(-np.mean(each), rel=1e-6)
    lines = model.fit(X, np.stack([THREE, TWO], axis=1))
    each = [log_loss(labels, p) for labels, p in zip((THREE, TWO), lines.predict_proba(X), strict=True)]
    assert scorer(SPARSE())(lines, X, np.stack([THREE, TWO], axis=1)) == pytest.approx(-np.mean(each), rel=1e-6)
    ridge = RidgeClassifier().fit(X, many)
    margin = np.maximum(1 - (2 * many - 1) * ridge.decision_function(X), 0)
    assert scorer("hinge")(ridge, X, many) == pytest.approx(-margin.mean())


def test_probabilities_of_0_and_sparse_labels():
    trees = DecisionTreeClassifier(random_state=0)
    for labels, loss in ((TWO, "bce"), (THREE, SPARSE()), (THREE, "categorical_crossentropy")):
        ours, theirs = (cross_val_score(trees, X, labels, scoring=each) for each in (scorer(loss), "neg_log_loss"))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    many = np.stack([NUMBERS > 0, X[:, 1] > 0.5], axis=1).astype(int)
    model = OneVsRestClassifier(LogisticRegression()).fit(X, many)
    assert scorer("bce")(model, X, csr_matrix(many)) == scorer("bce")(model, X, many)


def test_margins():
    model = LinearSVC().fit(X, TWO)
    assert scorer("hinge")(model, X, TWO) == pytest.approx(-hinge_loss(TWO, model.decision_function(X)))


def test_numbers_and_what_scikit_learn_makes_of_a_loss_itself():
    expected = cross_val_score(Ridge(), X, NUMBERS, scoring="neg_mean_squared_error")
    np.testing.assert_allclose(cross_val_score(Ridge(), X, NUMBERS, scoring=scorer("mse")), expected)
    made = make_scorer(lossary.MeanSquaredError(), greater_is_better=False)
    np.testing.assert_allclose(cross_val_score(Ridge(), X, NUMBERS, scoring=made), expected)


@pytest.mark.costly
def test_a_search_over_several_processes():
    model = make_pipeline(StandardScaler(), LogisticRegression())
    grid = {"logisticregression__C": [0.01, 1.0]}
    ours = GridSearchCV(model, grid, scoring=scorer(SPARSE()), n_jobs=2).fit(X, THREE)
    theirs = GridSearchCV(model, grid, scoring="neg_log_loss").fit(X, THREE)
    np.testing.assert_allclose(ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"], rtol=1e-6)


def test_several_metrics():
    found = cross_validate(LogisticRegression(), X, TWO, scoring={"bce": scorer("bce"), "accuracy": "accuracy"})
    np.testing.assert_allclose(found["test_bce"], cross_val_score(LogisticRegression(), X, TWO, scoring="neg_log_loss"))


def test_weights_are_routed():
    with sklearn.config_context(enable_metadata_routing=True):
        model = LogisticRegression().set_fit_request(sample_weight=True)
        asked = [each.set_score_request(sample_weight=True) for each in (scorer("bce"), get_scorer("neg_log_loss"))]
        given = {"params": {"sample_weight": WEIGHTS}}
        one, other = (cross_val_score(model, X, TWO, scoring=each, **given) for each in asked)
    np.testing.assert_allclose(one, other)
    again = pickle.loads(pickle.dumps(asked[0]))
    with sklearn.config_context(enable_metadata_routing=True):
        np.testing.assert_allclose(cross_val_score(model, X, TWO, scoring=clone(again), **given), one)


@pytest.mark.parametrize("loss", ["mse", 0.5 * lossary.MeanSquaredError() + 0.5 * lossary.MeanSquaredError()])
@pytest.mark.parametrize("made", [scorer, partial(make_scorer, greater_is_better=False)])
def test_weights_nobody_asked_for_are_refused(loss, made):
    with sklearn.config_context(enable_metadata_routing=True):
        model, given = Ridge().set_fit_request(sample_weight=True), {"params": {"sample_weight": WEIGHTS}}
        with pytest.raises(UnsetMetadataPassedError):
            cross_val_score(model, X, NUMBERS, scoring=made(lossary.get(loss)), **given)


def test_it_is_shown_as_its_loss():
    assert repr(scorer("huber")) == "scorer(Huber())"


@pytest.mark.parametrize(
    ("loss", "model", "labels", "said"),
    [
        ("bce", LogisticRegression(), THREE, "knows 3 classes.*scorer.'sparse_categorical_crossentropy'."),
        ("hinge", DummyClassifier(), TWO, "predicts labels alone.*CalibratedClassifierCV"),
        ("bce", LogisticRegression(), np.where(TWO == "no", "maybe", "yes"), "y_true holds .*maybe.*StratifiedKFold"),
    ],
)
def test_refusals(loss, model, labels, said):
    fitted = model.fit(X, TWO if "maybe" in labels else labels)
    with pytest.raises(lossary.LossError, match=said):
        scorer(loss)(fitted, X, labels)


def test_losses_of_other_arguments_are_refused_at_once():
    for name in ("triplet_margin", "dpo", "kto"):
        with pytest.raises(lossary.LossError, match="and a scorer has"):
            scorer(name)
    for loss in (0.5 * lossary.Huber() + lossary.LogCosh(), lambda y, p: (y - p) ** 2):
        assert scorer(loss).loss
