"""verify passes what is sound and names what is not; explain states what is known by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytensor
import pytest

import lossary
from everywhere import EXAMPLES
from inputs import EVERY_SETTING, NAMES, Setting, few
from lossary import domains, words
from lossary.doctor.fit import activation_fit

pytestmark = pytest.mark.usefixtures("formula_in")
# Checks that fail by what float32 is, or by what the loss is; an entry that is no longer needed fails.
_LENGTHS = "where lengths of boxes are 0 or beyond all others, slopes are their inverses"
EXCUSED = {
    ("distance_iou", "huge"): _LENGTHS,
    ("complete_iou", "tiny"): _LENGTHS,
    ("complete_iou", "huge"): _LENGTHS,
    ("efficient_iou", "huge"): _LENGTHS,
    ("mixture_density_nll", "large"): "thousands of scales away, the last digit says which component is nearest",
    ("z_loss_crossentropy", "minimum"): "large scores cost something in themselves: it lies not where one is surest",
}


@pytest.mark.parametrize("setting", few(EXAMPLES.__contains__, EVERY_SETTING), ids=str)
def test_every_loss_of_the_catalogue_is_sound(setting: Setting) -> None:
    found = lossary.verify(setting.configured())
    excused = {check for name, check in EXCUSED if name == setting.record.name}
    assert {check.name for check in found.failed} == excused, str(found)
    assert {check.name for check in found.checks} >= {"gradient", "minimum", "mask", "weights", "half precision"}


@pytest.mark.parametrize("setting", few(EXAMPLES.__contains__, EVERY_SETTING), ids=str)
def test_a_loss_added_to_itself_is_as_sound(setting: Setting) -> None:
    one = setting.configured()
    found = lossary.verify(one + one)
    assert not {check.name for check in found.failed} - {name for loss, name in EXCUSED if loss == setting.record.name}
    gradient = next(check for check in found.checks if check.name == "gradient")
    assert gradient.status == next(c.status for c in lossary.verify(one).checks if c.name == "gradient")


@pytest.mark.parametrize(
    "loss",
    [
        # A formula may hand a parameter alone to a word; sets of which one lies in the other; axes of other arrays.
        lossary.BinaryCrossentropy() + lossary.Dice(),
        lossary.CategoricalCrossentropy(from_logits=True) + 0.5 * lossary.Dice(from_logits=True),
        lossary.GaussianNLL() + 2.0 * lossary.GaussianNLL(full=True),
        lossary.Dice(axis=(1, 2)),
        lossary.MeanSquaredError(axis=0),
    ],
    ids=repr,
)
def test_what_people_add_up_is_sound(loss: lossary.Loss) -> None:
    found = lossary.verify(loss)
    assert found.ok, str(found)
    assert {check.name: check.status for check in found.checks}["gradient"] == "passed"


def test_constants_in_the_terms_of_a_sum_are_seen_on_every_backend() -> None:
    circles = lossary.Circle() + lossary.Circle(gamma=2.0)
    assert lossary.verify(circles, "torch").checks[0].detail.startswith("a part of the formula counts as a constant")


def test_only_losses_of_the_catalogue_are_excused() -> None:
    assert {name for name, _ in EXCUSED} <= set(NAMES)


@pytest.mark.parametrize(
    ("backend", "name"),
    [
        ("torch", "categorical_crossentropy"),
        ("jax", "sparse_categorical_crossentropy"),
        ("tensorflow", "huber"),
        pytest.param("pytensor", "huber", marks=pytest.mark.costly),
    ],
)
def test_on_every_backend(backend: str, name: str) -> None:
    # PyTensor would compile each of some dozen expressions.
    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        found = lossary.verify(name, backend=backend)
    assert found.ok, str(found)
    assert found.backend == backend


@pytest.mark.costly
def test_in_programs_that_pytensor_compiles() -> None:
    assert lossary.verify("huber", backend="pytensor").ok


def test_what_a_backend_cannot_do_is_said() -> None:
    """JAX computes in float32 unless told otherwise, so there is nothing wider to compare with."""
    checks = {check.name: check for check in lossary.verify("mse", "jax").checks}
    assert checks["half precision"].status == "not checked"
    assert "float32" in checks["half precision"].detail


def failures(loss: Any, backend: str = "numpy") -> set[str]:
    return {check.name for check in lossary.verify(loss, backend).failed}


def wrong_slope(y_true: Any, y_pred: Any) -> Any:
    return y_pred - y_true


def _half_right(near: Any, far: Any) -> Any:
    slope = 2.0 * (near - far + 1.0) / words.count(near)
    return slope, slope


def test_a_wrong_slope_is_found() -> None:
    @lossary.loss(slope=wrong_slope)
    def half_slope(y_true: Any, y_pred: Any) -> Any:
        return words.mean(words.square(y_pred - y_true))

    assert {"gradient", "hand-written slope"} <= failures(half_slope)


@lossary.loss(target=None, predictions={"near": domains.Real(), "far": domains.Real()}, slope=_half_right)
def pulled_apart(near: Any, far: Any) -> Any:
    return words.mean(words.square(near - far + 1.0))


def test_a_wrong_slope_of_one_prediction_of_several_is_found() -> None:
    assert failures(pulled_apart) == {"gradient", "hand-written slope"}
    report = {check.name: check.detail for check in lossary.verify(pulled_apart).checks}
    assert "at far[" in report["gradient"]
    assert "(far)" in report["hand-written slope"]
    assert "does not follow" in report["minimum"]


def test_a_wrong_slope_of_one_part_is_found() -> None:
    @lossary.loss(
        prediction=domains.Parts(middle=domains.Real(), width=domains.NonNegative()),
        slope=lambda y_true, y_pred: (0.0 * y_pred[0], words.sign(y_pred[1]) / words.count(y_pred[1])),
    )
    def wide(y_true: Any, y_pred: Any) -> Any:
        return words.mean(abs(y_true - y_pred[0]) + y_pred[1])

    assert failures(wide) == {"gradient", "hand-written slope"}
    assert "y_pred's middle" in str(lossary.verify(wide))


def test_scores_are_best_in_the_right_order() -> None:
    """The best scores of a list are no copies of the relevances."""
    check = next(check for check in lossary.verify("pairwise_logistic").checks if check.name == "minimum")
    assert check.status == "passed"

    @lossary.loss(target=domains.NonNegative(), prediction=domains.Real())
    def wrong_way(y_true: Any, y_pred: Any) -> Any:
        return words.softplus(words.sum((y_pred - words.mean(y_pred)) * y_true))

    assert "minimum" in failures(wrong_way)


def test_a_minimum_beside_the_truth_is_found() -> None:
    @lossary.loss
    def off_centre(y_true: Any, y_pred: Any) -> Any:
        return words.mean(words.square(y_pred - 0.9 * y_true))

    assert failures(off_centre) == {"minimum"}
    check = next(check for check in lossary.verify(off_centre).checks if check.name == "minimum")
    assert "below the" in check.detail


def test_a_sign_error_is_found() -> None:
    @lossary.loss
    def upside_down(y_true: Any, y_pred: Any) -> Any:
        return -words.mean(words.square(y_pred - y_true))

    assert "minimum" in failures(upside_down)


def test_overflow_is_found() -> None:
    @lossary.loss
    def naive_log_cosh(y_true: Any, y_pred: Any) -> Any:
        d = y_pred - y_true
        return words.mean(words.log(0.5 * (words.exp(d) + words.exp(-d))))

    assert "large" in failures(naive_log_cosh) or "huge" in failures(naive_log_cosh)


def test_lost_digits_are_found() -> None:
    @lossary.loss
    def careless(y_true: Any, y_pred: Any) -> Any:
        return words.mean(words.log(1.0 + words.square(y_pred - y_true)))

    @lossary.loss
    def careful(y_true: Any, y_pred: Any) -> Any:
        return words.mean(words.log1p(words.square(y_pred - y_true)))

    assert "small" in failures(careless)
    assert "small" not in failures(careful)


def test_nan_gradient_at_the_truth_is_found() -> None:
    @lossary.loss
    def root(y_true: Any, y_pred: Any) -> Any:
        return words.mean(words.sqrt(words.square(y_pred - y_true)))

    assert "gradient at the truth" in failures(root)


def test_a_function_of_ones_own_on_its_framework() -> None:
    import torch

    def absolute(y_true: Any, y_pred: Any) -> Any:
        return torch.mean(torch.abs(y_true - y_pred), -1)

    assert lossary.verify(absolute, "torch").ok
    refused = lossary.verify(absolute)
    assert not refused.ok
    assert "backend='torch'" in refused.checks[-1].detail or "torch" in refused.checks[-1].detail


def test_logarithms_of_amounts_and_of_probabilities() -> None:
    counts, shares = np.asarray([[2.0], [0.0]]), np.asarray([[0.25, 0.75]] * 2)
    for loss, y_true, fits in (
        (lossary.Poisson(from_logs=True), counts, "linear"),
        (lossary.KLDivergence(from_logs=True), shares, "log_softmax"),
    ):
        assert lossary.verify(loss).ok
        assert lossary.explain(loss).last_layer == fits
        assert lossary.diagnose(loss, y_true, np.log(np.maximum(y_true, 0.1))).ok
        assert activation_fit(loss, fits).judgement == "right"


def test_verification_as_text_and_data() -> None:
    found = lossary.verify("hinge")
    data = json.loads(found.to_json())
    assert data["ok"] is True
    assert data["loss"] == "Hinge()"
    assert "Hinge() on numpy: sound" in str(found)
    assert "ok   gradient" in str(found)
    assert found._repr_html_().startswith("<pre>")


def test_facts_are_right() -> None:
    def fact(loss: str, name: str) -> str:
        return next(check.detail for check in lossary.verify(loss).checks if check.name == name)

    assert fact("huber", "convexity").startswith("convex")
    assert fact("cosine_similarity", "convexity").startswith("not convex")
    assert fact("cosine_similarity", "value at the truth") == "-1"
    assert fact("mean_squared_error", "value at the truth") == "0"


# --- explain --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", EVERY_SETTING, ids=str)
def test_explain_covers_every_loss(setting: Setting) -> None:
    loss = setting.configured()
    page = lossary.explain(loss)
    assert page.formula.startswith(f"{loss.record.name} = ")
    assert page.source
    assert "def " in page.gradient
    text = str(page)
    for label in ("targets", "predictions", "last layer", "floor", "start", "unchanged by", "source"):
        assert label in text
    assert json.loads(page.to_json())["formula"] == page.formula


@pytest.mark.parametrize(
    ("loss", "floor", "start"),
    [
        ("mean_squared_error", "0", "with outputs of 0"),
        ("cosine_similarity", "-1", "0 with outputs of 0"),
        ("hinge", "0", "1 with outputs of 0"),
        ("binary_crossentropy", "0", "log 2 = 0.6931"),
        ("sparse_categorical_crossentropy", "0", "log C with C classes: 1.609 for 5 classes"),
        ("mean_absolute_percentage_error", "0", "100 with outputs of 0"),
        ("pairwise_logistic", "0", "0.6931 with outputs of 0"),
        ("generalized_iou", "0", "with outputs of 0"),
        ("triplet_margin", "0 was the least", "1 with outputs of 0"),
        ("gaussian_nll", "was the least of 1000", "with mean 0, variance 0.6931"),
        ("dice", "0", "with outputs all alike"),
    ],
)
def test_floor_and_start(loss: str, floor: str, start: str) -> None:
    page = lossary.explain(loss)
    assert page.floor == floor or ("least" in floor and floor in page.floor)
    assert start in page.start
    assert ("log 2" in page.start) == (loss == "binary_crossentropy")


SHIFT = "adding the same number to y_true and y_pred"
SCALE = "multiplying y_true and y_pred by the same positive number"
LIFT = "adding the same number to all outputs of y_pred"
STRETCH = "multiplying y_pred by a positive number"
ORDER = "the order of the classes"


@pytest.mark.parametrize(
    ("loss", "holds", "fails"),
    [
        (lossary.MeanAbsoluteError(), {SHIFT, "exchanging y_true and y_pred"}, {SCALE, STRETCH, LIFT}),
        (lossary.MeanAbsolutePercentageError(), {SCALE, "the sign of both"}, {SHIFT}),
        (lossary.CosineSimilarity(), {SCALE, STRETCH}, {SHIFT}),
        (lossary.CategoricalCrossentropy(from_logits=True), {LIFT, ORDER}, {STRETCH}),
        (lossary.CategoricalCrossentropy(), {STRETCH, ORDER}, {LIFT}),
        (lossary.BinaryCrossentropy(from_logits=True), set(), {LIFT, STRETCH}),
        (lossary.PairwiseLogistic(), {LIFT}, {STRETCH, SHIFT}),
        (lossary.CRPSEnsemble(), {SHIFT, "the sign of y_true and y_pred"}, {SCALE}),
        (lossary.GeneralizedIoU(), {SHIFT, SCALE}, set()),
        (lossary.TripletMargin(), {"adding the same number to anchor, positive and negative"}, {SHIFT}),
    ],
    ids=lambda x: "+".join(sorted(x)) if isinstance(x, set) else repr(x),
)
def test_invariances(loss: Any, holds: set[str], fails: set[str]) -> None:
    found = set(lossary.explain(loss).invariances)
    assert holds <= found
    assert not fails & found


def test_parameters_reach_the_page() -> None:
    page = lossary.explain("huber", delta=2.5)
    assert page.loss == "Huber(delta=2.5)"
    assert any(line.startswith("delta=2.5") for line in page.parameters)
    assert lossary.explain("cce", from_logits=True).last_layer == "linear"


@pytest.mark.parametrize("name", lossary.names())
def test_every_argument_has_its_set_and_every_prediction_its_slope(name: str) -> None:
    record, page = lossary.get(name).record, lossary.explain(name)
    told = f"{page.targets}; {page.predictions}"
    assert all(argument in told for argument in record.names if argument not in ("y_true", "y_pred"))
    scope: dict[str, Any] = {}
    exec(page.gradient, scope)
    returned = page.gradient.rpartition("return ")[2]
    assert returned.count(", ") + 1 >= len(record.predictions)
    assert f"gradient with respect to {page.named}" in str(page)


def test_the_last_layer_of_parts_is_told_for_each() -> None:
    assert lossary.explain("gaussian_nll").last_layer == "linear for mean, softplus for variance"
    assert lossary.explain("interval_score").last_layer == "linear"
    assert lossary.explain("crps").targets == "one per row: real numbers"
    assert lossary.explain("dpo").targets.startswith("no targets; reference_chosen: ")


def test_gradient_source_is_what_runs() -> None:
    """The printed derivative of a custom loss is the derivative: 2 (p - y) / n."""

    @lossary.loss
    def plain_square(y_true: Any, y_pred: Any) -> Any:
        return words.mean((y_pred - y_true) ** 2)

    page = lossary.explain(plain_square)
    scope: dict[str, Any] = {
        "count": lambda x: x.shape[-1],
        "spread": lambda x, like: x + 0 * like,
        "square": np.square,
    }
    exec(page.gradient, scope)
    y_true, y_pred = np.array([[1.0, 2.0]]), np.array([[4.0, 0.0]])
    assert scope["plain_square_slope"](y_true, y_pred).tolist() == [[3.0, -2.0]]
    assert "def plain_square_value" in page.formula


def test_a_function_with_one_value_per_output_is_verified() -> None:
    report = lossary.verify(lambda y_true, y_pred: (y_true - y_pred) ** 2)
    assert report.ok, str(report)
    assert not lossary.verify(lambda y_true, y_pred: (y_true - y_pred + 1) ** 2).ok


def test_an_unknown_backend_is_refused_in_words() -> None:
    with pytest.raises(lossary.ParameterError) as caught:
        lossary.verify("huber", "tork")
    assert str(caught.value) == (
        "verify: backend is 'tork'; accepted are 'numpy', 'jax', 'pytensor', 'tensorflow', 'torch'. The default is "
        "backend='numpy'"
    )
