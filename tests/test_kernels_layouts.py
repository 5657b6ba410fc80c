"""Kernels on arrays of any shape, memory layout and dtype: the numbers count, not how they lie in memory."""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lossary
from inputs import WITNESSES, Setting, arguments
from kernel_laws import assert_same, in_kernel, in_words
from lossary import kernels

REDUCTIONS = ("sum_over_batch_size", "mean_with_sample_weight", "sum", "none")


@pytest.fixture(autouse=True, scope="module")
def _kernels_for_all_sizes() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "THRESHOLD", 0)
        yield


def _locked(x: Any) -> Any:
    x = x.copy()
    x.flags.writeable = False
    return x


def _wide(x: Any, value: float) -> Any:
    """The same numbers as every second column of something wider."""
    wider = np.full((*x.shape[:-1], 2 * x.shape[-1]), value, x.dtype)
    wider[..., 1::2] = x
    return wider[..., 1::2]


# Each gives the same numbers in other places of memory.
LAYOUTS = {
    "plain": lambda x: x,
    "fortran": np.asfortranarray,
    "rows reversed": lambda x: np.ascontiguousarray(x[::-1])[::-1],
    "all reversed": lambda x: np.flip(np.ascontiguousarray(np.flip(x))),
    "every second row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "every second column": lambda x: _wide(x, 77) if x.ndim > 1 else np.repeat(x, 2)[::2],
    "axes swapped": lambda x: np.ascontiguousarray(np.moveaxis(x, 0, -1)).__array__().transpose(-1, *range(x.ndim - 1)),
    "read-only": _locked,
    "unaligned": lambda x: np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(x.shape),
    "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    "a part": lambda x: np.concatenate([x, x])[len(x) :],
}
SHAPES = st.one_of(
    st.lists(st.integers(1, 9), min_size=2, max_size=4).map(tuple),
    # Around the widths of vectors and of the loop over them.
    st.tuples(st.integers(1, 4), st.integers(1, 70)),
    st.tuples(st.integers(1, 300), st.integers(1, 3)),
)


def _without_cancelling(setting: Setting, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Arrays whose values are as large as the terms that these values are sums of."""
    if setting.record.name == "cosine_similarity":
        return np.abs(y_true), np.abs(y_pred)
    return y_true, y_pred


@given(
    shape=SHAPES,
    setting=st.sampled_from(WITNESSES),
    layouts=st.tuples(st.sampled_from(sorted(LAYOUTS)), st.sampled_from(sorted(LAYOUTS))),
    reduction=st.sampled_from(REDUCTIONS),
    dtype=st.sampled_from(["float32", "float64"]),
    weighted=st.booleans(),
    masked=st.booleans(),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=200, deadline=None)
def test_any_shape_layout_weight_and_mask(
    shape: Any, setting: Setting, layouts: Any, reduction: str, dtype: str, weighted: bool, masked: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    y_true, y_pred = setting.draw(rng, shape)
    y_true, y_pred = (y_true.astype(dtype) if setting.has_float_targets else y_true), y_pred.astype(dtype)
    there = [LAYOUTS[layout](x) for layout, x in zip(layouts, (y_true, y_pred), strict=True)]
    options: dict[str, Any] = {"sample_weight": rng.random(shape[:-1])} if weighted else {}
    if masked:
        options["where"] = np.arange(shape[0]) % 3 != 1
    loss = setting.configured(reduction=reduction)
    got, expected = in_kernel(loss, *there, **options), in_words(loss, y_true, y_pred, **options)
    values, _ = in_words(setting.configured(reduction="none"), *_without_cancelling(setting, y_true, y_pred))
    size = float(np.sum(np.abs(values)) if reduction == "sum" else np.max(np.abs(values)))
    assert_same(got, expected, dtype, size)
    for before, after in zip((y_true, y_pred), there, strict=True):
        np.testing.assert_array_equal(before, after)
    plain = in_kernel(loss, y_true, y_pred, **options)
    assert got is not None
    assert plain is not None
    np.testing.assert_array_equal(got[1], plain[1])


@pytest.mark.parametrize("name", ["mean_squared_error", "cosine_similarity", "categorical_hinge"])
def test_one_row_for_all_through_a_stride_of_zero(name: str) -> None:
    rng = np.random.default_rng(1)
    loss = lossary.get(name, reduction="none")
    row = arguments(loss.record, rng, (1, 7))[0].astype("float32")
    y_pred = rng.normal(size=(50, 7)).astype("float32")
    spread = np.broadcast_to(row, (50, 7))
    assert_same(in_kernel(loss, spread, y_pred), in_words(loss, spread.copy(), y_pred), "float32", 1.0)
    same = np.broadcast_to(y_pred[:1], (50, 7))
    got = in_kernel(loss, spread, same)
    assert_same(got, in_words(loss, spread.copy(), same.copy()), "float32", 1.0)
    assert got is not None
    assert len(np.unique(got[0])) == 1


@pytest.mark.parametrize("columns", [*range(1, 71), 2047, 2048, 2049])
def test_every_width_around_those_of_vectors(columns: int) -> None:
    """Sums of known numbers: 1 + 2 + ... in rows, and a softmax over equal scores."""
    y_pred = np.tile(np.arange(1, columns + 1, dtype="float32"), (3, 1))
    found = in_kernel(lossary.get("mae", reduction="none"), np.zeros_like(y_pred), y_pred, sample_weight=np.ones(3))
    assert found is not None
    np.testing.assert_allclose(found[0], (columns + 1) / 2, rtol=1e-6)
    np.testing.assert_array_equal(found[1], np.float32(1.0) / np.float32(columns))
    total = in_kernel(lossary.get("mae", reduction="sum"), np.zeros_like(y_pred), y_pred)
    assert total is not None
    np.testing.assert_allclose(total[0], 3 * (columns + 1) / 2, rtol=1e-6)
    crossentropy = lossary.get("sparse_categorical_crossentropy", from_logits=True, reduction="none")
    found = in_kernel(crossentropy, np.array([0, columns // 2, columns - 1]), np.full((3, columns), 5.0, "float32"))
    assert found is not None
    np.testing.assert_allclose(found[0], math.log(columns), rtol=2e-7, atol=1e-30)
    hit = np.zeros((3, columns))
    hit[[0, 1, 2], [0, columns // 2, columns - 1]] = 1.0
    np.testing.assert_allclose(found[1], 1.0 / columns - hit, rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_sizes_around_chunks_and_tasks(extra: int) -> None:
    for size in (2048 + extra, 2**18 + extra, 2**19 + extra):
        y_pred = np.ones((size, 1), "float32")
        for options, whole in (({}, size), ({"sample_weight": np.full(size, 0.5)}, size / 2)):
            found = in_kernel(lossary.get("mse", reduction="sum"), np.zeros_like(y_pred), y_pred, **options)
            assert found is not None
            assert found[0] == whole
            np.testing.assert_array_equal(found[1], np.float32(2.0 * whole / size))
    rows = np.ones((2**13 + extra, 33), "float32")
    found = in_kernel(lossary.get("mse", reduction="none"), np.zeros_like(rows), rows)
    assert found is not None
    np.testing.assert_array_equal(found[0], 1.0)


LABELS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", ">i4", ">u8", "float32", "float16"]


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_every_kind(kind: str) -> None:
    rng = np.random.default_rng(2)
    y_pred, labels = rng.normal(size=(40, 11)).astype("float32"), rng.integers(0, 11, 40)
    loss = lossary.get("sparse_categorical_crossentropy", from_logits=True)
    expected = in_words(loss, labels, y_pred)
    assert_same(in_kernel(loss, labels.astype(kind), y_pred), expected, "float32", 1.0)
    assert_same(in_kernel(loss, labels.astype(kind)[::-1][::-1], y_pred), expected, "float32", 1.0)
    # 11 is no class; neither is what a smaller integer makes of -1, nor 2**32 + 3 cut to 32 bits.
    wrong = [11, *([-1] if kind[-2] != "u" and "uint" not in kind else []), *([2**32 + 3] if "64" in kind else [])]
    for label in wrong:
        bad = labels.astype(kind)
        bad[7] = label
        with pytest.raises(lossary.DomainError):
            loss(bad, y_pred)


TYPES = ["float16", "float32", "float64", ml_dtypes.bfloat16]


@pytest.mark.parametrize("target", [*TYPES, "int32", "uint8", "bool"], ids=str)
@pytest.mark.parametrize("prediction", TYPES, ids=str)
def test_mixed_types_compute_in_that_of_the_prediction(target: Any, prediction: Any) -> None:
    """Halves and quarters are exact in every type, so the expected numbers are too."""
    y_true = np.array([[0, 1, 1], [1, 0, 1]]).astype(target)
    y_pred = np.array([[0.5, 1.0, 0.25], [2.0, -0.5, 1.0]]).astype(prediction)
    found = in_kernel(lossary.get("mse", reduction="sum"), y_true, y_pred)
    assert found is not None
    value, gradient = found
    narrow = np.dtype(prediction).itemsize == 2
    assert value.dtype == gradient.dtype == ("float32" if narrow else prediction)
    np.testing.assert_allclose(value, (0.25 + 0.5625 + 1.0 + 0.25) / 3, rtol=1e-6)
    np.testing.assert_allclose(gradient, 2 * (y_pred.astype(float) - y_true.astype(float)) / 3, rtol=1e-6)
    result, slope = lossary.value_and_grad(lossary.get("mse", reduction="sum"))(y_true, y_pred)
    assert slope.dtype == y_pred.dtype
    assert result.dtype == ("float32" if narrow else prediction)
    np.testing.assert_allclose(float(result), 2.0625 / 3, rtol=1e-6)


@pytest.mark.parametrize("setting", WITNESSES, ids=str)
def test_nothing_to_compute(setting: Setting) -> None:
    """No data points are an error as without kernels; none that is kept gives 0."""
    for shape in ((0, 5), (0, 1), (2, 0, 3)):
        y_pred = np.zeros(shape, "float32")
        y_true = y_pred.copy() if setting.has_float_targets else np.zeros(shape[:-1], int)
        with pytest.raises(lossary.ShapeError, match="holds no elements"):
            setting.configured().value_and_grad(y_true, y_pred)
    y_true, y_pred = setting.draw(np.random.default_rng(3), (6, 4))
    nothing = np.full_like(y_pred, np.nan)
    found = in_kernel(setting.configured(reduction="sum"), y_true, nothing, where=np.zeros(6, bool))
    assert found is not None
    assert found[0] == 0.0
    np.testing.assert_array_equal(found[1], np.zeros((6, 4)))


TENSORS = {
    "transposed": lambda x: x.t().contiguous().t(),
    "every second column": lambda x: torch.repeat_interleave(x, 2, 1)[:, ::2],
    "a part": lambda x: torch.cat([x, x])[len(x) :],
    "expanded": lambda x: x[:1].expand(x.shape),
}


@pytest.mark.parametrize("layouts", [(a, b) for a in TENSORS for b in TENSORS], ids="-".join)
@pytest.mark.parametrize("name", ["log_cosh", "kl_divergence"])
def test_tensors_of_any_layout_are_differentiated(name: str, layouts: tuple[str, str]) -> None:
    torch.manual_seed(3)
    whole = [TENSORS[layout](torch.rand(31, 17).softmax(-1)) for layout in layouts]
    leaf = whole[1].clone(memory_format=torch.preserve_format) if layouts[1] != "expanded" else whole[1].detach()
    leaf.requires_grad_()
    weights = torch.rand(31)
    assert "fused kernel" in kernels.explain(name, whole[0], leaf)
    loss = lossary.get(name)
    (got,) = torch.autograd.grad(loss(whole[0], leaf, sample_weight=weights), leaf)
    value, expected = in_words(
        loss, *(x.detach().double().numpy() for x in (whole[0], leaf)), sample_weight=weights.numpy()
    )
    torch.testing.assert_close(got.double(), torch.from_numpy(expected), rtol=3e-6, atol=1e-9)
    torch.testing.assert_close(loss(whole[0], leaf, sample_weight=weights).item(), float(value), rtol=1e-6, atol=0.0)
