"""Plain calls in one compiled step: the bits of the kernel that they stand around, and the errors of all other ways.

A step adds values up in another order than NumPy does, both in double precision: a value in float32 is the same but
where that decides how it is rounded, one in float64 is off by a few units.  Gradients are the same in every bit.
"""

from __future__ import annotations

import contextlib
import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import lossary
from inputs import FEWEST, FUSED, WITNESSES, Setting, every, is_separable, program
from kernel_laws import in_words
from lossary import kernels
from lossary.calls import evaluate
from lossary.calls.kernel import NOT_IN_ORDER
from lossary.kernels.cpu import labels, target, tasks, threads

EACH = pytest.mark.parametrize("setting", every(FUSED, FEWEST), ids=str)
SOME = pytest.mark.parametrize("setting", WITNESSES, ids=str)
DTYPES = pytest.mark.parametrize("dtype", ["float32", "float64"])
REDUCTIONS = ("sum_over_batch_size", "mean_with_sample_weight", "sum")
# One row, one column, a small batch, uneven ones and more axes: short rows in float32, long ones in float64, as what
# takes time is to compile each kind; the largest steps are of both kinds.
SHAPES = {
    "float32": ((1, 1), (1, 7), (7, 1), (32, 10), (3, 5, 4)),
    "float64": ((1, 37), (37, 29), (130, 61), (2, 3, 61)),
}


@pytest.fixture(autouse=True)
def _as_users_run_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "PLAIN", 1)


@contextmanager
def without_steps(*, fused: bool = True) -> Iterator[None]:
    """All calls go the general way: to a kernel whatever their size is, or in words."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "PLAIN", float("inf"))
        patch.setattr(kernels, "THRESHOLD", 0 if fused else float("inf"))
        yield


def whole(setting: Setting, **options: Any) -> Any:
    """The object; regions lie along the last axis, as they do in two dimensions where none is named."""
    return setting.configured(axis=-1, **options)


def drawn(setting: Setting, shape: tuple[int, ...], dtype: str, seed: int = 31) -> tuple[Any, Any]:
    y_true, y_pred = setting.draw(np.random.default_rng(seed), shape)
    return (y_true.astype(dtype) if setting.has_float_targets else y_true), y_pred.astype(dtype)


def in_a_step(loss: Any, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
    """The value alone, and with its gradient, both of which a step must have given."""
    loss._setting.forget()
    alone, both = loss(y_true, y_pred), loss.value_and_grad(y_true, y_pred)
    assert [step.run is not None for step in loss._setting.steps.values()] == [True, True]
    return alone, *both


def in_a_kernel(loss: Any, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
    """The same of the kernel that a large call takes."""
    with without_steps():
        fused = loss.batch(y_true, y_pred, fusible=True).fused
        assert fused is not None
        value, (gradient,) = fused.reduced(loss.reduction, gradient=True)
        return fused.reduced(loss.reduction, gradient=False)[0], value, gradient.reshape(y_pred.shape)


def assert_same(got: tuple[Any, Any, Any], expected: tuple[Any, Any, Any], terms: float, dtype: str) -> None:
    """``terms`` is the size of what was added up."""
    eps = float(np.finfo(dtype).eps)
    for a, b in zip(got[:2], expected[:2], strict=True):
        assert a.dtype == b.dtype == dtype
        assert abs(float(a) - float(b)) <= eps * max(abs(float(b)), 4 * 2.0**-52 / eps * terms)
    assert got[2].tobytes() == expected[2].tobytes()
    assert (got[2].dtype, got[2].shape) == (expected[2].dtype, expected[2].shape)


def compare(setting: Setting, shape: tuple[int, ...], dtype: str, reduction: str) -> None:
    y_true, y_pred = drawn(setting, shape, dtype)
    before = y_true.tobytes(), y_pred.tobytes()
    for x in (y_true, y_pred):
        x.flags.writeable = False
    loss = whole(setting, reduction=reduction)
    got, expected = in_a_step(loss, y_true, y_pred), in_a_kernel(loss, y_true, y_pred)
    with without_steps(fused=False):
        values = np.abs(whole(setting, reduction="none")(y_true, y_pred))
    assert_same(got, expected, float(np.sum(values) if reduction == "sum" else np.mean(values)), dtype)
    assert (y_true.tobytes(), y_pred.tobytes()) == before


@EACH
@DTYPES
def test_a_step_gives_the_bits_of_the_kernel_in_it(setting: Setting, dtype: str) -> None:
    shapes = [shape for shape in SHAPES[dtype] if fits(setting, shape)]
    for place, shape in enumerate(shapes):
        compare(setting, shape, dtype, REDUCTIONS[place % 3])


def fits(setting: Setting, shape: tuple[int, ...]) -> bool:
    """Whether a row may be that short, and a region lies along one axis."""
    try:
        with without_steps(fused=False):
            whole(setting)(*drawn(setting, shape, "float32"))
    except (lossary.LossError, ValueError):
        return False
    return True


@pytest.fixture
def short_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "TASK", 2 * target.CHUNK)
    monkeypatch.setattr(labels, "WORTH", target.TASK)


def by_threads(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "count", lambda: number)


def bits(found: tuple[Any, ...]) -> list[bytes]:
    return [x.tobytes() for x in found]


@EACH
def test_steps_of_one_task_and_of_several(setting: Setting, short_tasks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row less than a task, a task, a row more, and several tasks with a rest."""
    for columns in (16, 128):
        most = tasks.task(program(setting)) // columns
        for place, rows in enumerate((most - 1, most, most + 1, 3 * most + 5)):
            by_threads(1, monkeypatch)
            reduction = REDUCTIONS[place % 3]
            compare(setting, (rows, columns), "float32", reduction)
            y_true, y_pred = drawn(setting, (rows, columns), "float32")
            loss = whole(setting, reduction=reduction)
            expected = bits(in_a_step(loss, y_true, y_pred))
            for number in (2, 3):
                by_threads(number, monkeypatch)
                assert bits(in_a_step(loss, y_true, y_pred)) == expected


@pytest.mark.parametrize("setting", every(WITNESSES, FEWEST), ids=str)
def test_calls_of_several_tasks_are_prepared_once(
    setting: Setting, short_tasks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = 16
    y_true, y_pred = drawn(setting, (tasks.task(program(setting)) // columns + 1, columns), "float32")
    loss = whole(setting)
    alone, (value, gradient) = loss(y_true, y_pred), loss.value_and_grad(y_true, y_pred)
    true, pred = torch.from_numpy(y_true), torch.from_numpy(y_pred).requires_grad_()
    assert [loss(true, pred.detach()).item(), loss(true, pred).item()] == [alone, value]
    monkeypatch.delattr(evaluate, "_batch")  # Which whatever is lined up anew goes through.
    assert loss(y_true, y_pred) == alone
    assert loss.value_and_grad(y_true, y_pred)[1].tobytes() == gradient.tobytes()
    assert loss(true, pred.detach()).item() == alone
    (found,) = torch.autograd.grad(loss(true, pred), pred)
    assert found.numpy().tobytes() == gradient.tobytes()


@pytest.mark.parametrize("setting", every(WITNESSES, FEWEST), ids=str)
def test_many_values_are_prepared_once(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "THRESHOLD", 0)
    y_true, y_pred = drawn(setting, (70, 30), "float32")
    loss = whole(setting, reduction="none")
    expected, slopes = in_words(loss, y_true, y_pred)
    true, pred = torch.from_numpy(y_true), torch.from_numpy(y_pred).requires_grad_()
    alone, unseen = loss(y_true, y_pred), loss(true, pred.detach())
    both, seen = loss.value_and_grad(y_true, y_pred), loss(true, pred)
    monkeypatch.delattr(evaluate, "_batch")
    size = float(np.abs(expected).max())
    for found in (alone, both[0], loss(y_true, y_pred), unseen, loss(true, pred.detach()), seen.detach()):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-6 * size)
    upstream = torch.linspace(0.5, 2.0, len(expected))
    (found,) = torch.autograd.grad(loss(true, pred), pred, upstream)
    scale = 1e-6 * float(np.abs(slopes).max())
    np.testing.assert_allclose(loss.value_and_grad(y_true, y_pred)[1], slopes, rtol=2e-6, atol=scale)
    np.testing.assert_allclose(found, slopes * upstream.numpy()[:, None], rtol=2e-6, atol=2 * scale)


def test_what_is_wrong_among_many_values_is_seen() -> None:
    y_true, y_pred = np.zeros((2000, 40), "float32"), np.ones((2000, 40), "float32")
    for name in ("log_cosh", "cosine_similarity"):
        loss = lossary.get(name)
        for call in (getattr(lossary, name), loss.replaced(reduction="none").value_and_grad):
            call(y_true, y_pred)
            for place in (0, 500, -1):
                with pytest.raises(lossary.LossError, match=f"{place % 2000}, 3.*NaN"):
                    call(y_true, with_one(y_pred, np.nan, (place, 3)))
    # A value that is not finite is that of the words: half of (2e38 - 0)**2, divided by 40, is beyond float32.
    huge = lossary.mean_squared_error(y_true, with_one(y_pred, 2e38, (7, 3)))
    assert huge[7] == np.inf
    assert (np.delete(huge, 7) == 1.0).all()
    # Order among the parts of a prediction is nothing that a kernel sees.
    boxes = np.tile(np.array([0.0, 0.0, 1.0, 1.0], "float32"), (1 << 17, 1))
    assert (lossary.generalized_iou(boxes, boxes) == 0.0).all()
    with pytest.raises(lossary.DomainError, match="x1"):
        lossary.generalized_iou(with_one(boxes, 2.0, (9, 0)), boxes)


@pytest.mark.parametrize("make", [np.full, torch.full])
def test_many_values_of_several_predictions(make: Any) -> None:
    shape, loss = (1 << 16, 2), lossary.GaussianNLL(reduction="none", full=False)
    y_true, mean, variance = (make(shape, number) for number in (1.0, 3.0, 2.0))
    # Half of log(2) + (1 - 3)**2 / 2, in the mean of two outputs; the slopes are (3 - 1) / 2 and 1/4 - 4 / 8, halved.
    values, slopes = loss.value_and_grad(y_true, (mean, variance))
    for found in (values, loss(y_true, (mean, variance))):
        assert found.shape == shape[:1]
        np.testing.assert_allclose(found, np.log(2.0) / 2 + 1.0, rtol=1e-6)
    for found, expected in zip(slopes, (0.5, -0.125), strict=True):
        assert found.shape == shape
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("number", [1, 3])
def test_what_is_wrong_in_any_task_is_seen(number: int, short_tasks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    by_threads(number, monkeypatch)
    y_true, y_pred = np.zeros((1000, 40), "float32"), np.ones((1000, 40), "float32")
    for name in ("log_cosh", "cosine_similarity"):
        loss = lossary.get(name)
        loss.value_and_grad(y_true, y_pred)
        for place in (0, 500, -1):
            with pytest.raises(lossary.LossError, match="NaN"):
                loss.value_and_grad(y_true, with_one(y_pred, np.nan, (place, 3)))
    # Finite in all of them, but not their sum.
    large = lossary.MeanAbsoluteError(reduction="sum")
    assert large(y_true, np.full_like(y_pred, 3e37)) == np.inf
    assert large(y_true, np.full_like(y_pred, 3e33)) == pytest.approx(3e36, rel=1e-6)


@pytest.mark.parametrize("number", [1, 3])
def test_targets_that_are_not_all_one_hot(number: int, short_tasks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    by_threads(number, monkeypatch)
    rng = np.random.default_rng(8)
    y_true, scores = np.eye(40, dtype="float32")[rng.integers(0, 40, 1000)], rng.normal(size=(1000, 40)).astype("f4")
    loss = lossary.CategoricalCrossentropy(from_logits=True, reduction="sum")
    value, gradient = loss.value_and_grad(y_true, scores)
    for place in (0, 500, -1):
        soft = y_true.copy()
        soft[place] = 1 / 40
        softmax = np.exp(scores[place].astype(float))
        softmax /= softmax.sum()
        found, slopes = loss.value_and_grad(soft, scores)
        change = np.sum((y_true[place] - soft[place]) * np.log(softmax))
        np.testing.assert_allclose(found - value, change, atol=1e-3)
        gradient[place] += y_true[place] - soft[place]
        np.testing.assert_allclose(slopes, gradient, atol=1e-6)
        gradient[place] -= y_true[place] - soft[place]


def test_an_error_of_a_task_reaches_the_caller(short_tasks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next call is computed."""
    by_threads(2, monkeypatch)
    loss, x = lossary.get("log_cosh"), np.ones((1000, 40), "float32")
    expected = bits(loss.value_and_grad(x, 2.0 * x))

    def no_memory(function: Any, firsts: range) -> int:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(threads, "run", no_memory)
        with pytest.raises(MemoryError):
            loss.value_and_grad(x, 2.0 * x)
    assert bits(loss.value_and_grad(x, 2.0 * x)) == expected


def test_memory_lives_as_long_as_a_thread_may_be_at_it(short_tasks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C may end a call while another thread computes a task."""
    by_threads(2, monkeypatch)
    late: list[Any] = []

    def interrupted(function: Any, firsts: range) -> int:
        late.append(function)
        raise KeyboardInterrupt

    monkeypatch.setattr(threads, "run", interrupted)
    y_pred = np.ones((1000, 40), "float32")
    alive = weakref.ref(y_pred)
    with contextlib.suppress(KeyboardInterrupt):
        lossary.get("log_cosh")(torch.zeros(1000, 40), torch.from_numpy(y_pred))
    del y_pred
    gc.collect()
    assert len(late) == 1
    assert alive() is not None
    late.clear()
    gc.collect()
    assert alive() is None


@SOME
def test_a_second_backward_through_several_tasks(setting: Setting, short_tasks: None) -> None:
    y_true, y_pred = drawn(setting, (300, 40), "float32")
    true, pred = torch.from_numpy(y_true), torch.from_numpy(y_pred).requires_grad_()
    curvatures = []
    for fused in (True, False):
        with contextlib.nullcontext() if fused else without_steps(fused=False):
            loss = whole(setting)
            (slope,) = torch.autograd.grad(loss(true, pred), pred, create_graph=True)
            curvatures.append(torch.autograd.grad((slope * slope.detach()).sum(), pred, allow_unused=True)[0])
    if curvatures[1] is None:
        assert curvatures[0] is None
    else:
        torch.testing.assert_close(curvatures[0], curvatures[1])


@pytest.mark.parametrize("setting", every(WITNESSES, FEWEST), ids=str)
@DTYPES
def test_pytorch_gets_the_same_bits(setting: Setting, dtype: str) -> None:
    for shape in ((1, 7), (32, 10), (37, 29)):
        y_true, y_pred = drawn(setting, shape, dtype)
        loss = whole(setting)
        alone, value, gradient = in_a_step(loss, y_true, y_pred)
        true, pred = torch.from_numpy(y_true), torch.from_numpy(y_pred).requires_grad_()
        assert loss(true, pred.detach()).numpy().tobytes() == alone.tobytes()
        total = loss(true, pred)
        assert total.detach().numpy().tobytes() == value.tobytes()
        for _ in range(2):  # What is found at once, and what is found again.
            (found,) = torch.autograd.grad(total, pred, retain_graph=True)
            assert found.numpy().tobytes() == gradient.tobytes()
        with FlopCounterMode(display=False):
            (found,) = torch.autograd.grad(total, pred, retain_graph=True)
        torch.testing.assert_close(found, torch.from_numpy(gradient), rtol=1e-5, atol=1e-6)


@SOME
def test_every_layout_byte_order_and_dtype_has_the_same_answer(setting: Setting) -> None:
    y_true, y_pred = drawn(setting, (12, 10), "float32")
    loss = whole(setting)
    expected = loss.value_and_grad(y_true, y_pred)
    for form in FORMS:
        for true, pred in ((form(y_true), y_pred), (y_true, form(y_pred)), (form(y_true), form(y_pred))):
            for _ in range(2):
                for got, wanted in zip(loss.value_and_grad(true, pred), expected, strict=True):
                    np.testing.assert_allclose(got, wanted, rtol=2e-6, atol=1e-6, err_msg=form.__name__)
                np.testing.assert_allclose(loss(true, pred), expected[0], rtol=2e-6)
    for kind in ("int32", "int64", "uint8") if record_of(setting).labels_are_integers else ():
        np.testing.assert_allclose(loss(y_true.astype(kind), y_pred), expected[0], rtol=2e-6)
    half = y_pred.astype("float16")
    wide = loss(y_true, half.astype("float32"))
    np.testing.assert_allclose(loss(y_true, half), wide, rtol=2e-3)


def record_of(setting: Setting) -> Any:
    return setting.record


def strided(x: Any) -> Any:
    return np.repeat(x, 2, axis=-1)[..., ::2]


def turned(x: Any) -> Any:
    return np.asfortranarray(x)


def backwards(x: Any) -> Any:
    return x[::-1].copy()[::-1]


def swapped(x: Any) -> Any:
    return x.astype(x.dtype.newbyteorder())


def unaligned(x: Any) -> Any:
    found = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(x.shape)
    assert not found.flags.aligned
    return found


FORMS = (strided, turned, backwards, swapped, unaligned)


@SOME
def test_what_is_wrong_is_said_as_without_steps(setting: Setting) -> None:
    y_true, y_pred = drawn(setting, (9, 6), "float32")
    short, wide = (y_true[:8], y_pred), (y_true, np.concatenate([y_pred, y_pred[:1]]))
    bad = [
        short,
        wide,
        (y_true[:0], y_pred[:0]),
        (y_true, with_one(y_pred, np.nan)),
        (y_true, with_one(y_pred, np.inf)),
    ]
    if setting.has_float_targets:
        bad.append((with_one(y_true, np.nan), y_pred))
    else:
        bad += [(with_one(y_true, label), y_pred) for label in (6, -1, 2**40)]
    for given in bad:
        loss = whole(setting)
        for way in WAYS:
            way(loss, y_true, y_pred)
            with without_steps(fused=False):
                expected = outcome(way, whole(setting), *given)
            for _ in range(2):
                assert outcome(way, loss, *given) == expected


WAYS: tuple[Any, ...] = (
    lambda loss, *given: loss(*given),
    lambda loss, *given: loss.value_and_grad(*given)[0],
    lambda loss, *given: loss(*map(torch.from_numpy, given)).numpy(),
)


def with_one(x: Any, value: Any, place: tuple[int, ...] = (4, 3)) -> Any:
    found = x.copy()
    found[place[: x.ndim]] = value
    return found


def outcome(way: Any, loss: Any, *given: Any) -> str:
    try:
        return str(way(loss, *given))
    except lossary.LossError as error:
        return f"{type(error).__name__}: {error}"


@SOME
def test_unchecked_shapes_are_the_words_business(setting: Setting) -> None:
    """Nothing is read beyond what was given."""
    y_true, y_pred = drawn(setting, (32, 10), "float32")
    one = y_true[:1] if setting.has_float_targets else y_true[:5]
    with lossary.check("off"):
        for rows in (32, 7000):
            many = np.tile(y_pred, (-(-rows // 32), 1))[:rows]
            loss = whole(setting)
            for given in ((one, many), (torch.from_numpy(one.copy()), torch.from_numpy(many))):
                if setting.has_float_targets:
                    with without_steps(fused=False):
                        expected = whole(setting)(np.repeat(y_true[:1], rows, 0), many)
                    np.testing.assert_allclose(loss(*given), expected, rtol=1e-5)
                else:
                    with pytest.raises((IndexError, ValueError, RuntimeError, lossary.LossError)):
                        loss(*given)


def test_ignored_classes_weights_and_masks_go_another_way() -> None:
    rng = np.random.default_rng(5)
    labels, scores = rng.integers(0, 10, 32), rng.normal(size=(32, 10)).astype("float32")
    labels[3] = -100
    loss = lossary.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-100)
    keep = labels != -100
    plain = loss.replaced(ignore_class=None)
    expected = plain.value_and_grad(labels[keep], scores[keep])
    value, gradient = loss.value_and_grad(labels, scores)
    np.testing.assert_allclose(value, expected[0], rtol=1e-6)
    np.testing.assert_allclose(gradient[keep], expected[1], rtol=1e-6)
    assert not gradient[3].any()
    np.testing.assert_allclose(plain(labels, scores, where=keep), expected[0], rtol=1e-6)
    np.testing.assert_allclose(plain(labels[keep], scores[keep], np.full(31, 2.0)), 2.0 * float(expected[0]), rtol=1e-6)


def test_long_sums_in_double_precision_keep_their_digits() -> None:
    """Rows of one output, whose values are added up one by one: a task of them, and several."""
    y_pred = np.random.default_rng(1).random((5 * target.TASK // 2, 1))
    loss = whole(rowwise(), reduction="sum")
    for rows in (target.TASK, len(y_pred)):
        given = filled(y_pred[:rows])
        got, values = in_a_step(loss, *given)[0], whole(rowwise(), reduction="none")(*given)
        assert abs(got - np.sum(values.astype(np.longdouble))) <= 16 * np.finfo("f8").eps * abs(got)


def rowwise() -> Setting:
    """A loss whose rows stay apart, of any numbers."""
    return next(s for s in FUSED if not is_separable(s) and s.record.name == "cosine_similarity")


def filled(y_pred: Any) -> tuple[Any, Any]:
    return np.ones_like(y_pred), y_pred


def test_a_step_computes_nothing_where_memory_does_not_lie_in_order() -> None:
    program_of, y = program(lossary.MeanSquaredError()), np.ones((4, 3), "float32")
    step = kernels.step(program_of, (), y, 3, mean=True, gradient=True)
    assert step is not None
    run, tail, *_ = step
    for form in (strided, turned, backwards, unaligned):
        for given in ((form(y), y), (y, form(y))):
            gradient, value = np.full_like(y, 7.0), np.full((), 7.0, "float32")
            assert run(*given, gradient, value, *tail) == NOT_IN_ORDER
            assert value == 7.0
            assert (gradient == 7.0).all()
    assert run(y, y, gradient, value, *tail) == value == 0
