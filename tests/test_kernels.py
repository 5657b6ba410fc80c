"""Fused kernels against the formula in words: every loss, use, dtype and memory layout, and the errors they raise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lossary
from inputs import FUSED, WITNESSES, Setting, every, is_separable
from kernel_laws import assert_same
from lossary import kernels

REDUCTIONS = ("sum_over_batch_size", "mean_with_sample_weight", "sum", "none")
EACH = pytest.mark.parametrize("setting", every(FUSED), ids=str)


@pytest.fixture(autouse=True)
def _kernels_for_all_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "THRESHOLD", 0)


def cast(setting: Setting, y_true: Any, y_pred: Any, dtype: str) -> tuple[Any, Any]:
    if setting.has_float_targets:
        y_true = y_true.astype(dtype)
    return y_true, y_pred.astype(dtype)


def in_words(loss: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """Value and gradient without kernels."""
    return loss.batch(*args, **kwargs, fusible=False).value_and_gradient(loss.reduction)


def in_kernel(loss: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """Value and gradient by a kernel, which must have taken the call."""
    batch = loss.batch(*args, **kwargs, fusible=True)
    assert batch.fused is not None
    assert batch.fused.reduced(loss.reduction, gradient=True) is not None
    return batch.value_and_gradient(loss.reduction)


@EACH
def test_value_and_gradient_are_those_of_the_words(setting: Setting) -> None:
    assert_agreement(setting, "float32")


@pytest.mark.parametrize("setting", WITNESSES, ids=str)
def test_value_and_gradient_are_those_of_the_words_in_double_precision(setting: Setting) -> None:
    assert_agreement(setting, "float64")


def assert_agreement(setting: Setting, dtype: str) -> None:
    rng = np.random.default_rng(11)
    y_true, y_pred = cast(setting, *setting.draw(rng, (37, 29)), dtype)
    weights = rng.gamma(2.0, size=37)
    mask = rng.random(37) < 0.7
    for reduction in REDUCTIONS:
        loss = setting.configured(reduction=reduction)
        for options in ({}, {"sample_weight": weights}, {"sample_weight": weights, "where": mask}):
            assert_same(in_kernel(loss, y_true, y_pred, **options), in_words(loss, y_true, y_pred, **options), dtype)


@EACH
def test_values_alone_are_those_of_the_words(setting: Setting) -> None:
    rng = np.random.default_rng(12)
    y_true, y_pred = cast(setting, *setting.draw(rng, (23, 5)), "float32")
    expected, _ = in_words(setting.configured(reduction="none"), y_true, y_pred)
    assert_same([setting(y_true, y_pred)], [expected], "float32")
    mean, _ = in_words(setting.configured(), y_true, y_pred)
    assert_same([np.asarray(setting.configured()(y_true, y_pred))], [np.asarray(mean)], "float32")


@pytest.mark.parametrize("setting", every([s for s in FUSED if is_separable(s)]), ids=str)
def test_elementwise_weights_and_masks(setting: Setting) -> None:
    rng = np.random.default_rng(5)
    loss = setting.configured()
    y_true, y_pred = (x.astype("float32") for x in setting.draw(rng, (50, 41)))
    options = {"sample_weight": rng.random((50, 41)), "where": rng.random((50, 41)) < 0.5}
    y_pred[~options["where"]] = np.nan
    assert_same(in_kernel(loss, y_true, y_pred, **options), in_words(loss, y_true, y_pred, **options), "float32")


def test_along_another_axis() -> None:
    rng = np.random.default_rng(6)
    y_pred = rng.normal(size=(4, 7, 5)).astype("float32")
    y_true = rng.integers(0, 7, (4, 5))
    loss = lossary.get("sparse_categorical_crossentropy", from_logits=True, axis=1)
    assert_same(in_kernel(loss, y_true, y_pred), in_words(loss, y_true, y_pred), "float32")


def test_half_precision_goes_through_float32() -> None:
    rng = np.random.default_rng(7)
    y_true, y_pred = (rng.normal(size=(64, 8)).astype("float16") for _ in range(2))
    value, gradient = in_kernel(lossary.get("huber"), y_true, y_pred)
    assert gradient.dtype == np.float16
    assert value.dtype == np.float32
    wide, _ = in_words(lossary.get("huber"), y_true.astype("float64"), y_pred.astype("float64"))
    np.testing.assert_allclose(value, wide, rtol=1e-3)


@EACH
def test_bad_values_raise_the_same_error_in_kernels(setting: Setting) -> None:
    rng = np.random.default_rng(8)
    for bad_target in (False, True):
        y_true, y_pred = cast(setting, *setting.draw(rng, (9, 6)), "float32")
        (y_true if bad_target else y_pred)[(5,) if y_true.ndim == 1 and bad_target else (5, 3)] = (
            99 if bad_target and not setting.has_float_targets else np.nan
        )
        loss = setting.configured()
        with pytest.raises(lossary.DomainError) as expected:
            loss.batch(y_true, y_pred)
        for call in (loss, loss.value_and_grad, setting):
            with pytest.raises(lossary.DomainError) as raised:
                call(y_true, y_pred)
            assert str(raised.value) == str(expected.value)


def test_rows_that_are_no_distribution_raise_in_kernels() -> None:
    y_true = np.full((6, 4), 0.5, "float32")
    with pytest.raises(lossary.DomainError, match="sums to 2"):
        lossary.categorical_crossentropy(y_true, np.full((6, 4), 0.25, "float32"))


def test_unchecked_calls_let_bad_values_through() -> None:
    y_pred = np.array([[np.nan, 1.0], [2.0, 3.0]], "float32")
    assert np.isnan(lossary.get("huber", check="off")(np.zeros((2, 2), "float32"), y_pred))


def test_a_mean_that_fits_does_not_overflow_in_its_sum() -> None:
    y_pred = np.array([[1e19, 1e19, 0.0]], "float32")
    value, _ = in_kernel(lossary.get("mse"), np.zeros((1, 3), "float32"), y_pred)
    np.testing.assert_allclose(value, 2e38 / 3, rtol=1e-6)
    huge = np.array([[1e160, 0.0]])
    value, _ = lossary.value_and_grad(lossary.get("mse"))(np.zeros((1, 2)), huge / 1e8)
    np.testing.assert_allclose(value, 5e303, rtol=1e-12)


def test_a_row_of_more_than_one_cache() -> None:
    rng = np.random.default_rng(10)
    y_pred = rng.normal(size=(3, 50_021)).astype("float32") * 5
    labels = rng.integers(0, 50_021, 3)
    loss = lossary.get("sparse_categorical_crossentropy", from_logits=True)
    assert_same(in_kernel(loss, labels, y_pred), in_words(loss, labels, y_pred), "float32")


def test_custom_losses_get_kernels_and_redefinition_gets_a_new_one() -> None:
    def define(power: int) -> Any:
        @lossary.loss(name="kernel_probe")
        def probe(y_true: Any, y_pred: Any, *, scale: float = 2.0) -> Any:
            return lossary.words.mean(scale * abs(y_pred - y_true) ** power)

        return probe

    y_true, y_pred = np.zeros((2, 3), "float32"), np.array([[1, 2, 3], [0, -1, -2]], "float32")
    for power, sums in ((3, 36 + 9), (2, 14 + 5)):
        value, _ = in_kernel(define(power).cls(), y_true, y_pred)
        np.testing.assert_allclose(value, 2.0 * sums / 6, rtol=1e-6)


def test_a_loss_that_is_defined_again_as_it_was_adds_no_machine_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Machine code stays for good, so running a cell of a notebook again and again would fill the memory."""
    from lossary.kernels.compiler import link

    linked: list[int] = []
    real = link.linked
    monkeypatch.setattr(link, "linked", lambda code, names: linked.append(len(code)) or real(code, names))

    def define() -> int:
        @lossary.loss(name="kernel_again")
        def again(y_true: Any, y_pred: Any) -> Any:
            return lossary.words.mean(7.0 * abs(y_pred - y_true) ** 3)

        value, _ = again.cls().value_and_grad(np.zeros((300, 300)), np.full((300, 300), 2.0))
        assert value == pytest.approx(56.0)
        assert "fused kernel" in kernels.explain(again.cls(), np.zeros((300, 300)), np.ones((300, 300)))
        return len(linked)

    first = define()
    assert first > 0
    assert [define() for _ in range(3)] == [first] * 3


def test_a_formula_that_cannot_be_compiled_runs_in_words_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from lossary.kernels.cpu import run, step

    @lossary.loss(name="kernel_without")
    def without(y_true: Any, y_pred: Any) -> Any:
        return lossary.words.mean(abs(y_pred - y_true))

    def broken(*_: Any) -> Any:
        raise TypeError("no such word")

    for place in (run, step):
        monkeypatch.setattr(place, "source", broken)
    y_true, y_pred = np.zeros((2, 2), "float32"), np.array([[1.0, -3.0], [2.0, 0.0]], "float32")
    loss = without.cls()
    value, gradient = loss.value_and_grad(y_true, y_pred)
    np.testing.assert_allclose(value, 1.5)
    np.testing.assert_allclose(gradient, [[0.25, -0.25], [0.25, 0.0]])
    assert "no kernel can be compiled (TypeError: no such word)" in kernels.explain(loss, y_true, y_pred)
    with pytest.raises(lossary.DomainError):
        loss(y_true, y_pred * np.float32(np.nan))
