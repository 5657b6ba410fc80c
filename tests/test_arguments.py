"""Laws that every loss obeys, whatever its arguments: structures of gradients, shapes, weights, masks, dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lossary
from everywhere import ALL, EXAMPLES, SEVERAL, differentiated, elsewhere, flat, predicted, run, there
from inputs import Setting, central_difference, few, has_constants, jax_with
from lossary.facts.arguments import Role
from lossary.facts.axes import ELEMENT, OUTPUT
from lossary.facts.domain import Parts
from lossary.objects.define import function

ROWS, WIDTH = 4, 3
several = pytest.mark.parametrize("setting", SEVERAL, ids=str)


def each(test: Any) -> Any:
    """Of all losses, in words; in the proof by kernels too."""
    return pytest.mark.usefixtures("formula_in")(pytest.mark.parametrize("setting", ALL, ids=str)(test))


@pytest.fixture
def drawn(setting: Setting, rng: np.random.Generator) -> tuple[Any, ...]:
    return setting.draw(rng, (ROWS, WIDTH))


def both(loss: Any, arguments: Any, **options: Any) -> tuple[Any, list[Any]]:
    value, gradient = loss.value_and_grad(*arguments, **options)
    return value, flat(gradient)


@pytest.mark.parametrize(("setting", "backend"), elsewhere([s for s in SEVERAL if not s.parameters]), ids=str)
def test_hand_worked_cases(setting: Setting, backend: str) -> None:
    """On NumPy they are checked with those of all losses."""
    record = setting.record

    def program(*arrays: Any) -> list[Any]:
        rest = iter(arrays)
        return [function(record.name)(*(next(rest) for _ in case.arrays), **case.parameters) for case in record.cases]

    with jax_with(x64=True):
        arrays = [np.asarray(x, np.float64) for case in record.cases for x in case.arrays]
        values = run(backend, program, *arrays)
    for case, value in zip(record.cases, values, strict=True):
        np.testing.assert_allclose(value, case.value, rtol=1e-6, atol=1e-12, err_msg=case.working)


@each
def test_gradients_are_slopes_of_the_value(setting: Setting, drawn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    loss = setting.configured()
    value, gradient = loss.value_and_grad(*drawn)
    predictions = predicted(setting)
    monkeypatch.setenv("LOSSARY_KERNELS", "0")  # The values are those of the words, whatever the slopes are.
    # One array for one prediction, a tuple for several, and nothing for what is given.
    assert isinstance(gradient, tuple) == (len(predictions) > 1)
    found = flat(gradient)
    assert len(found) == len(predictions)
    for place, slopes in zip(predictions, found, strict=True):

        def moved(x: Any, place: int = place) -> Any:
            return loss(*(x if i == place else a for i, a in enumerate(drawn)))

        assert slopes.shape == drawn[place].shape
        if has_constants(setting):
            continue
        np.testing.assert_allclose(slopes, central_difference(moved, drawn[place]), rtol=2e-4, atol=2e-8)
    np.testing.assert_allclose(value, np.mean(setting(*drawn)), rtol=1e-12)


# PyTensor compiles every expression: one of each makeup is enough there.
@pytest.mark.usefixtures("formula_in")
@pytest.mark.parametrize(("setting", "backend"), elsewhere(SEVERAL, all_on=("torch", "jax", "tensorflow")), ids=str)
def test_every_backend_agrees_with_numpy(setting: Setting, backend: str, drawn: Any, rng: Any) -> None:
    """Weights, a mask over NaN, single precision, and the gradient by the framework's own differentiation."""
    loss, places = setting.configured(), predicted(setting)
    weights, keep = rng.uniform(0.1, 2.0, ROWS), np.array([True, False, True, True])
    spoiled = [np.where(keep.reshape(ROWS, *[1] * (x.ndim - 1)), x, np.nan) for x in drawn]
    single = [x.astype(np.float32) for x in drawn]

    def program(weights: Any, keep: Any, *arrays: Any) -> list[Any]:
        plain, spoilt, small = (arrays[i * len(drawn) : (i + 1) * len(drawn)] for i in range(3))
        value, slopes = both(loss, spoilt, sample_weight=weights, where=keep)
        here = isinstance(plain[0], np.ndarray)
        own = both(loss, plain)[1] if here else differentiated(backend, loss, plain, places)
        small_value, small_slopes = both(loss.replaced(reduction="none"), small)
        return [value, *slopes, *own, small_value, *small_slopes]

    with jax_with(x64=True):
        got = run(backend, program, weights, keep, *drawn, *spoiled, *single, eager=setting not in EXAMPLES)
    wanted = program(weights, keep, *drawn, *spoiled, *single)
    exact = 1 + 2 * len(places)
    for number, (mine, right) in enumerate(zip(got, wanted, strict=True)):
        assert mine.dtype == right.dtype == (np.float64 if number < exact else np.float32), number
        tolerance = {"rtol": 1e-9, "atol": 1e-13} if number < exact else {"rtol": 1e-4, "atol": 2e-6}
        np.testing.assert_allclose(mine, right, **tolerance, err_msg=f"answer {number}")
    for slopes in got[1 : 1 + len(places)]:
        assert np.all(slopes[1] == 0)


@each
def test_weights_scale_and_a_mask_removes(setting: Setting, drawn: Any, rng: np.random.Generator) -> None:
    loss, keep, weights = setting.configured(), np.array([True, False, True, True]), rng.uniform(0.1, 2.0, ROWS)
    spoiled = [
        np.where(keep.reshape(ROWS, *[1] * (x.ndim - 1)), x, np.nan) if x.dtype.kind == "f" else x for x in drawn
    ]
    value, slopes = both(loss, spoiled, where=keep)
    wanted, right = both(loss, [x[keep] for x in drawn])
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    for mine, exact in zip(slopes, right, strict=True):
        np.testing.assert_allclose(mine[keep], exact, rtol=1e-12, atol=1e-15)
        assert np.all(mine[~keep] == 0)
    value, slopes = both(loss, drawn, sample_weight=weights)
    np.testing.assert_allclose(value, np.mean(setting(*drawn) * weights), rtol=1e-12)
    _, twice = both(loss, drawn, sample_weight=2.0 * weights)
    for one, two in zip(slopes, twice, strict=True):
        np.testing.assert_allclose(two, 2.0 * one, rtol=1e-12)


@each
def test_dtypes_are_those_of_the_predictions(setting: Setting, drawn: Any) -> None:
    loss = setting.configured()
    double, exact = both(loss, drawn)
    for dtype, digits in ((np.float32, 2e-5), (np.float16, 3e-2)):
        cast = [x.astype(dtype) if x.dtype.kind == "f" else x for x in drawn]
        value, slopes = both(loss, cast)
        assert value.dtype == np.float32
        assert setting(*cast).dtype == dtype
        np.testing.assert_allclose(value, double, rtol=digits, atol=digits)
        for mine, right in zip(slopes, exact, strict=True):
            assert mine.dtype == dtype
            np.testing.assert_allclose(mine, right, rtol=digits, atol=digits * max(1.0, np.abs(right).max()))


@each
def test_rows_may_lie_along_the_first_axis(setting: Setting, drawn: Any) -> None:
    along = 2 if setting.record.depth > 1 else 1  # Parts lie behind.

    def turned(x: Any) -> Any:
        return np.moveaxis(x, along, 0)

    moved = [turned(x) if OUTPUT in a.axes else x for a, x in zip(setting.record.arguments, drawn, strict=True)]
    np.testing.assert_allclose(setting(*moved, axis=0), setting(*drawn), rtol=1e-12)
    value, slopes = both(setting.configured(axis=0), moved)
    wanted, right = both(setting.configured(), drawn)
    np.testing.assert_allclose(value, wanted, rtol=1e-12)
    for mine, exact in zip(slopes, right, strict=True):
        np.testing.assert_allclose(mine, turned(exact), rtol=1e-12)


PACKED = [setting for setting in SEVERAL if any(a.parts for a in setting.record.arguments)]
packed = pytest.mark.parametrize("setting", PACKED, ids=str)


def apart(setting: Setting, arguments: Any) -> list[Any]:
    """Packed parts as tuples."""
    return [
        tuple(np.moveaxis(x, -1, 0)) if isinstance(a.domain, Parts) else x
        for a, x in zip(setting.record.arguments, arguments, strict=True)
    ]


@packed
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_tuples_in_tuples_out(setting: Setting, backend: str, drawn: Any) -> None:
    loss = setting.configured()
    value, gradient = loss.value_and_grad(*there(backend, tuple(drawn)))
    again, slopes = loss.value_and_grad(*there(backend, tuple(apart(setting, drawn))))
    assert not isinstance(gradient, tuple)
    assert isinstance(slopes, tuple) == any(a.parts for a in setting.record.arguments if a.role is Role.PREDICTION)
    np.testing.assert_allclose(again, value, rtol=1e-12)
    slopes = np.stack([np.asarray(s) for s in slopes], -1) if isinstance(slopes, tuple) else slopes
    np.testing.assert_allclose(slopes, gradient, rtol=1e-12)


@pytest.mark.parametrize("setting", [s for s in PACKED if all(a.axes == ELEMENT for a in s.record.arguments)], ids=str)
def test_one_output_needs_no_axis_of_its_own(setting: Setting, rng: np.random.Generator) -> None:
    loss = setting.configured()
    full = setting.draw(rng, (ROWS, 1))
    value, slopes = both(loss, full)
    narrow = [x[:, 0] for x in full]  # Parts (N, 2), and what has none (N,).
    columns = [x if not a.parts else x[:, 0] for a, x in zip(setting.record.arguments, full, strict=True)]
    for arguments in (narrow, columns, apart(setting, full), apart(setting, narrow)):
        again, gradient = loss.value_and_grad(*arguments)
        np.testing.assert_allclose(again, value, rtol=1e-12)
        together = np.stack(gradient, -1) if isinstance(gradient, tuple) else gradient
        np.testing.assert_allclose(together.ravel(), slopes[0].ravel(), rtol=1e-12)
        (place,) = predicted(setting)
        shape = np.shape(np.stack(arguments[place], -1) if isinstance(arguments[place], tuple) else arguments[place])
        assert together.shape == shape


@several
@pytest.mark.usefixtures("formula_in")
def test_arguments_have_names(setting: Setting, drawn: Any) -> None:
    named = dict(zip(setting.record.names, drawn, strict=True))
    first = setting.record.names[0]
    rest = {name: x for name, x in named.items() if name != first}
    np.testing.assert_array_equal(setting(**named), setting(*drawn))
    np.testing.assert_array_equal(setting(named[first], **rest), setting(*drawn))
    np.testing.assert_array_equal(setting.configured()(named[first], **rest), setting.configured()(*drawn))


@pytest.mark.parametrize("name", ["gaussian_nll", "triplet_margin"])
def test_gradients_of_gradients(name: str, rng: np.random.Generator) -> None:
    import torch

    setting = Setting(function(name).record)
    drawn, places = setting.draw(rng, (1, 2)), predicted(setting)
    loss = setting.configured(reduction="sum")
    tensors = [torch.tensor(x) for x in drawn]
    for place in places:

        def value(x: Any, tensors: Any = tensors, place: int = place) -> Any:
            return loss(*(x if i == place else t for i, t in enumerate(tensors)))

        def slopes(x: Any, place: int = place) -> Any:
            moved = [x if i == place else a for i, a in enumerate(drawn)]
            return both(loss, moved)[1][places.index(place)]

        curvature = torch.autograd.functional.hessian(value, tensors[place]).sum(tuple(range(tensors[place].dim())))
        np.testing.assert_allclose(curvature, central_difference(slopes, drawn[place]), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("setting", few(EXAMPLES.__contains__, [s for s in SEVERAL if not s.record.compared]), ids=str)
def test_rows_may_be_mapped_over(setting: Setting, drawn: Any) -> None:
    import jax

    with jax_with(x64=True):
        values = jax.jit(jax.vmap(setting))(*there("jax", tuple(drawn)))
    np.testing.assert_allclose(values, setting(*drawn), rtol=1e-9)


def test_what_is_given_has_no_gradient() -> None:
    import torch

    given = [torch.zeros(2, 1), torch.ones(2, 1), torch.zeros(2, 1), torch.zeros(2, 1)]
    for x in given[:2]:
        x.requires_grad_()
    lossary.DPO()(*given).backward()
    assert given[0].grad is not None
    assert torch.equal(given[0].grad, -given[1].grad)
    assert len(lossary.DPO().value_and_grad(*given)[1]) == 2


def test_the_slope_in_a_norm_that_is_learnt(rng: np.random.Generator) -> None:
    import torch

    drawn = [torch.tensor(x) for x in Setting(function("triplet_margin").record).draw(rng, (3, 4))]
    norm = torch.tensor(2.5, dtype=torch.float64, requires_grad=True)
    lossary.TripletMargin(norm=norm, margin=9.0)(*drawn).backward()
    ends = [float(lossary.TripletMargin(norm=2.5 + step, margin=9.0)(*drawn)) for step in (1e-6, -1e-6)]
    assert norm.grad is not None
    assert float(norm.grad) == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-6)


def test_losses_of_the_same_arguments_add_up(rng: np.random.Generator) -> None:
    one, two = lossary.TripletMargin(), lossary.TripletMargin(norm=1.0, margin=3.0)
    triple, weights = Setting(function("triplet_margin").record).draw(rng, (ROWS, WIDTH)), rng.random(ROWS)
    value, slopes = (0.5 * one + two).value_and_grad(*triple, sample_weight=weights)
    (first, ones), (second, twos) = (loss.value_and_grad(*triple, sample_weight=weights) for loss in (one, two))
    assert value == pytest.approx(0.5 * first + second, rel=1e-12)
    assert (0.5 * one + two)(*triple) == pytest.approx(0.5 * one(*triple) + two(*triple), rel=1e-12)
    for mine, a, b in zip(slopes, ones, twos, strict=True):
        np.testing.assert_allclose(mine, 0.5 * a + b, rtol=1e-12)
    parts = np.zeros((2, 1)), (np.ones((2, 1)), np.full((2, 1), 2.0))
    _, gradient = (lossary.GaussianNLL() + lossary.GaussianNLL(full=True)).value_and_grad(*parts)
    _, alone = lossary.GaussianNLL().value_and_grad(*parts)
    for mine, right in zip(gradient, alone, strict=True):
        np.testing.assert_allclose(mine, 2.0 * right, rtol=1e-12)
