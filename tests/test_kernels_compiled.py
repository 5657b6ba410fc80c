"""Kernels inside torch.compile: which programs hold one, and that values and derivatives are those of a plain call."""

from __future__ import annotations

import enum
import os
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest
import torch

import lossary
from inputs import EVERY_SETTING, FEWEST, FUSED, WITNESSES, Setting, every, few, program
from lossary import kernels
from lossary.calls.programs import numbered
from lossary.facts.arguments import Role
from lossary.objects.define import Loss

ROWS, COLUMNS = 3000, 40
assert ROWS * COLUMNS > kernels.THRESHOLD


@pytest.fixture(autouse=True)
def fresh() -> None:
    torch.compiler.reset()


class Watched:
    """A compiler that only looks: how many kernels the program holds."""

    def __init__(self) -> None:
        self.kernels = 0

    def __call__(self, module: Any, example_inputs: Any) -> Any:
        self.kernels += sum("lossary.total" in str(node.target) for node in module.graph.nodes)
        return module


def drawn(setting: Setting, rng: np.random.Generator, dtype: torch.dtype = torch.float32) -> tuple[Any, Any]:
    y_true, y_pred = map(torch.tensor, setting.draw(rng, (ROWS, COLUMNS)))
    return (y_true.to(dtype) if y_true.is_floating_point() else y_true), y_pred.to(dtype)


def gradient(function: Any, y_pred: Any) -> tuple[Any, Any]:
    leaf = y_pred.detach().clone().requires_grad_()
    value = function(leaf)
    value.sum().backward()
    return value.detach(), leaf.grad


def assert_same(function: Any, plain: Any, y_pred: Any, kernels: int) -> None:
    """Compiled it holds so many kernels and gives what it gives otherwise."""
    watched = Watched()
    found = gradient(torch.compile(function, backend=watched, fullgraph=True), y_pred)
    assert watched.kernels == kernels
    torch.testing.assert_close(found, gradient(plain, y_pred))


def weighted_and_masked(setting: Setting, reduction: str, rng: np.random.Generator) -> None:
    y_true, y_pred = drawn(setting, rng)
    weight, mask = torch.tensor(rng.uniform(0.5, 2.0, ROWS)).float(), torch.tensor(rng.random(ROWS) < 0.7)
    loss = setting.configured(reduction=reduction)

    def step(y_pred: Any) -> Any:
        return loss(y_true, y_pred) + 2.0 * loss(y_true, y_pred, sample_weight=weight, where=mask)

    assert_same(step, step, y_pred, kernels=2)


@pytest.mark.parametrize("setting", every(FUSED, FEWEST), ids=str)
def test_every_loss_runs_in_kernels(setting: Setting, rng: np.random.Generator) -> None:
    weighted_and_masked(setting, "sum_over_batch_size", rng)


@pytest.mark.parametrize("reduction", few("sum".__eq__, ["mean_with_sample_weight", "sum"]))
def test_every_reduction_runs_in_kernels(reduction: str, rng: np.random.Generator) -> None:
    weighted_and_masked(WITNESSES[0], reduction, rng)


SEVERAL = [s for s in EVERY_SETTING if not s.record.is_pair and not kernels.unfit(program(s))]


def _kind(setting: Setting) -> tuple[Any, ...]:
    """Whether there is more than one prediction, parts and labels."""
    inputs, parts = setting.record.inputs, [bool(argument.parts) for argument in setting.record.arguments]
    return len(setting.record.predictions) > 1, parts, [each.is_label for each in inputs]


KINDS = list({repr(_kind(setting)): setting for setting in reversed(SEVERAL)}.values())


@pytest.mark.parametrize("setting", few(KINDS[:2].__contains__, KINDS), ids=str)
def test_losses_of_several_inputs_run_in_kernels(setting: Setting, rng: np.random.Generator) -> None:
    loss, names = setting.configured(reduction="sum"), setting.record.arguments
    given = [torch.tensor(x) for x in setting.draw(rng, (ROWS, COLUMNS))]
    given = [x.float() if x.is_floating_point() else x for x in given]
    predictions = [x.requires_grad_() for each, x in zip(names, given, strict=True) if each.role is Role.PREDICTION]
    weight, mask = torch.tensor(rng.uniform(0.5, 2.0, ROWS)).float(), torch.tensor(rng.random(ROWS) < 0.7)

    def step(*given: Any) -> Any:
        apart = [x.unbind(-1) if each.parts else x for each, x in zip(names, given, strict=True)]
        return loss(*apart) + 2.0 * loss(*given, sample_weight=weight, where=mask)

    watched = Watched()
    value, wanted = torch.compile(step, backend=watched, fullgraph=True)(*given), step(*given)
    assert watched.kernels == 2
    torch.testing.assert_close(value, wanted)
    for repeated in (False, True):  # What the kernel found, and what words find, which may be differentiated again.
        found, slopes = (torch.autograd.grad(x, predictions, create_graph=repeated) for x in (value, wanted))
        torch.testing.assert_close(found, slopes, rtol=2e-5, atol=1e-5)
        value, wanted = torch.compile(step, backend=watched, fullgraph=True)(*given), step(*given)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_dtypes(dtype: torch.dtype, rng: np.random.Generator) -> None:
    y_true, y_pred = torch.randn(ROWS, COLUMNS, dtype=dtype), torch.randn(ROWS, COLUMNS, dtype=dtype)
    loss = lossary.LogCosh()
    assert_same(lambda p: loss(y_true, p), lambda p: loss(y_true, p), y_pred, kernels=1)


def test_classes_along_another_axis_and_transposed_scores() -> None:
    labels, scores = torch.randint(0, 10, (8, 40, 40)), torch.randn(10, 8, 40, 40).transpose(0, 1)
    loss = lossary.SparseCategoricalCrossentropy(from_logits=True, axis=1)
    assert_same(lambda p: loss(labels, p), lambda p: loss(labels, p), scores, kernels=1)


def test_a_sum_with_a_weight_per_output(rng: np.random.Generator) -> None:
    y_true, scores = torch.tensor(rng.integers(0, 2, (ROWS, COLUMNS))).float(), torch.randn(ROWS, COLUMNS)
    weight = torch.linspace(0.5, 2.0, COLUMNS)
    loss = lossary.BinaryCrossentropy(from_logits=True, pos_weight=weight.tolist(), reduction="sum")
    value, slope = gradient(torch.compile(lambda p: loss(y_true, p), backend=Watched()), scores)
    theirs = torch.nn.BCEWithLogitsLoss(pos_weight=weight, reduction="sum")
    expected, their_slope = gradient(lambda p: theirs(p, y_true) / COLUMNS, scores)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(slope, their_slope)


def test_nothing_under_a_mask_leaks() -> None:
    y_true, y_pred, mask = torch.zeros(ROWS, COLUMNS), torch.ones(ROWS, COLUMNS), torch.ones(ROWS, dtype=torch.bool)
    y_pred[7], mask[7] = torch.nan, False
    loss = lossary.MeanSquaredError()
    value, slope = gradient(torch.compile(lambda p: loss(y_true, p, where=mask), backend=Watched()), y_pred)
    assert value == 1.0
    assert torch.all(slope[7] == 0)
    assert torch.all(slope[8] == 2.0 / COLUMNS / (ROWS - 1))


@pytest.mark.costly
def test_where_words_give_what_is_asked_for() -> None:
    y_true, y_pred = torch.randn(ROWS, COLUMNS), torch.randn(ROWS, COLUMNS)
    small, far = lossary.Huber(), lossary.Huber(check="async")
    for function in (
        lambda p: small(y_true[:9], p[:9]),
        lambda p: far(y_true, p),
        lambda p: lossary.huber(y_true, p),
        lambda p: lossary.Huber(reduction="none")(y_true, p),
        torch.func.grad(lambda q: small(y_true, q)),
        lambda p: torch.func.vmap(small)(y_true.reshape(2, -1), p.reshape(2, -1)),
    ):
        assert_same(function, function, y_pred, kernels=0)
    watched = Watched()
    with torch.no_grad():
        value = torch.compile(small, backend=watched)(y_true, y_pred)
    assert watched.kernels == 0
    torch.testing.assert_close(value, small(y_true, y_pred))


def test_differentiated_targets_stay_in_words() -> None:
    y_true = torch.randn(ROWS, COLUMNS, requires_grad=True)
    watched, loss = Watched(), lossary.MeanSquaredError()
    torch.compile(loss, backend=watched)(y_true, y_true.detach() + 1.0).backward()
    assert watched.kernels == 0
    assert y_true.grad is not None
    torch.testing.assert_close(y_true.grad, torch.full_like(y_true, -2.0 / y_true.numel()))


def test_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOSSARY_KERNELS", "0")
    y_true, loss = torch.randn(ROWS, COLUMNS), lossary.Huber()
    assert_same(lambda p: loss(y_true, p), lambda p: loss(y_true, p), torch.randn(ROWS, COLUMNS), kernels=0)


def _twice(loss: Loss, y_true: Any, y_pred: Any, weight: Any) -> Any:
    leaf = y_pred.clone().requires_grad_()
    value = 3.0 * loss(y_true, leaf, sample_weight=weight)
    (slope,) = torch.autograd.grad(value, leaf, create_graph=True)
    # Both the upstream factor and the slope take part, so both ways of the second derivative are needed.
    (second,) = torch.autograd.grad((slope * slope).sum() * value, leaf)
    return second


@pytest.mark.parametrize("setting", every(FUSED, FEWEST[:1]), ids=str)
def test_second_derivative_where_the_compiler_leaves_it_to_autograd(setting: Setting, rng: np.random.Generator) -> None:
    y_true, y_pred = drawn(setting, rng, torch.float64)
    loss, weight = setting.configured(reduction="sum"), torch.tensor(rng.uniform(0.5, 2.0, ROWS))
    watched = Watched()
    found = _twice(torch.compile(loss, backend=watched, fullgraph=True), y_true, y_pred, weight)
    assert watched.kernels == 1
    torch.testing.assert_close(found, _twice(loss, y_true, y_pred, weight))


@pytest.mark.costly
def test_any_batch_size_with_the_default_compiler() -> None:
    loss = lossary.CategoricalCrossentropy(from_logits=True)
    compiled = torch.compile(loss, dynamic=True, fullgraph=True)
    for rows in (9, ROWS, ROWS + 1, 30):
        y_true, y_pred = torch.softmax(torch.randn(rows, COLUMNS), -1), torch.randn(rows, COLUMNS)
        found = gradient(lambda p, y_true=y_true: compiled(y_true, p), y_pred)
        torch.testing.assert_close(found, gradient(lambda p, y_true=y_true: loss(y_true, p), y_pred))


def test_an_exported_program_needs_no_lossary() -> None:
    class Step(torch.nn.Module):
        def forward(self, y_true: Any, y_pred: Any) -> Any:
            return lossary.Huber()(y_true, y_pred)

    y_true, y_pred = torch.randn(ROWS, COLUMNS), torch.randn(ROWS, COLUMNS, requires_grad=True)
    exported = torch.export.export(Step(), (y_true, y_pred))
    assert not any("lossary" in str(node.target) for node in exported.graph.nodes)
    torch.testing.assert_close(exported.module()(y_true, y_pred), lossary.Huber()(y_true, y_pred))


AGAIN = f"""
import torch, lossary
torch.manual_seed(0)
y_true, y_pred = torch.rand({ROWS}, {COLUMNS}), torch.rand({ROWS}, {COLUMNS}, requires_grad=True)
for loss in (lossary.Huber(delta=DELTA), lossary.Poisson()):
    torch.compile(loss)(y_true, y_pred).backward()
    wanted, = torch.autograd.grad(loss(y_true, y_pred), y_pred)
    assert torch.equal(y_pred.grad, wanted), loss
    y_pred.grad = None
"""


@pytest.mark.exhaustive
def test_what_the_compiler_keeps_on_disk_serves_other_processes(tmp_path: Any) -> None:
    environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    for delta in ("0.1", "0.1", "0.2"):
        program = AGAIN.replace("DELTA", delta)
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == 0, done.stderr[-2000:]


def _named(factor: float) -> Loss:
    @lossary.loss(name="redefined_in_a_notebook")
    def redefined(y_true: Any, y_pred: Any) -> Any:
        return lossary.words.mean(lossary.words.abs(y_pred - y_true) * factor)

    made: Loss = redefined.cls()
    return made


@pytest.mark.costly
def test_a_loss_that_is_defined_again() -> None:
    y_true, y_pred = torch.randn(ROWS, COLUMNS), torch.randn(ROWS, COLUMNS)
    first = _named(1.0)
    assert_same(lambda p: first(y_true, p), lambda p: first(y_true, p), y_pred, kernels=1)
    second = _named(5.0)
    torch.compiler.reset()
    assert_same(lambda p: second(y_true, p), lambda p: second(y_true, p), y_pred, kernels=1)
    torch.compiler.reset()
    found = gradient(torch.compile(lambda p: first(y_true, p), backend="eager"), y_pred)
    torch.testing.assert_close(found, gradient(lambda p: second(y_true, p) / 5.0, y_pred))


@pytest.mark.costly
def test_what_the_compiler_kept_is_not_taken_for_another_parameter(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    y_true, y_pred = torch.zeros(ROWS, COLUMNS), torch.full((ROWS, COLUMNS), 3.0)
    for delta in (0.5, 0.25):
        torch.compiler.reset()
        _, slope = gradient(lambda p, delta=delta: torch.compile(lossary.Huber(delta=delta))(y_true, p), y_pred)
        torch.testing.assert_close(slope, torch.full_like(slope, delta / slope.numel()))
    assert any(tmp_path.iterdir())


class Mode(enum.Enum):
    PLAIN = 1.0
    DOUBLE = 2.0


@pytest.mark.costly
def test_a_switch_of_any_kind() -> None:
    @lossary.loss(name="switched_by_an_enumeration")
    def switched(y_true: Any, y_pred: Any, mode: Any = Mode.PLAIN) -> Any:
        return lossary.words.mean(lossary.words.abs(y_pred - y_true) * mode.value)

    assert switched([[1.0, 2.0]], [[2.0, 3.0]]).tolist() == [1.0]
    y_true, y_pred, loss = torch.randn(ROWS, COLUMNS), torch.randn(ROWS, COLUMNS), switched.cls(mode=Mode.DOUBLE)
    assert_same(lambda p: loss(y_true, p), lambda p: loss(y_true, p), y_pred, kernels=1)


def test_derivatives_of_any_order_where_the_compiler_leaves_them_to_autograd() -> None:
    y_true, y_pred = torch.randn(ROWS, COLUMNS, dtype=torch.float64), torch.randn(ROWS, COLUMNS, dtype=torch.float64)
    plain = lossary.LogCosh(reduction="sum")
    compiled = torch.compile(plain, backend="eager", fullgraph=True)
    found = []
    for loss in (compiled, plain):
        direction = torch.ones_like(y_pred)
        _, product = torch.autograd.functional.hvp(lambda q, loss=loss: loss(y_true, q), y_pred, direction)
        leaf = y_pred.clone().requires_grad_()
        value = loss(y_true, leaf)
        (one,) = torch.autograd.grad(value, leaf, create_graph=True)
        (two,) = torch.autograd.grad((one * one).sum() * value, leaf, create_graph=True)
        (three,) = torch.autograd.grad((two * two).sum(), leaf)
        found.append((product, three))
    torch.testing.assert_close(found[0], found[1])
    assert torch.any(found[0][0] != 0)


def test_a_fault_is_reported_once() -> None:
    y_true, y_pred = torch.ones(ROWS, COLUMNS), torch.ones(ROWS, COLUMNS, requires_grad=True)
    y_true[5, 5] = -1.0
    step = torch.compile(lossary.Poisson(check="async"), backend="eager")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        step(y_true, y_pred)
        with pytest.raises(lossary.DomainError):
            lossary.raise_faults()
    assert sum(issubclass(one.category, lossary.DomainWarning) for one in caught) == 1


def test_calls_of_a_loss_whose_name_was_taken_over_leave_no_programs_behind() -> None:
    first, _ = _named(1.0), _named(5.0)
    first([[1.0, 2.0]], [[2.0, 3.0]])
    before = len(numbered)
    for _ in range(3):
        assert first([[1.0, 2.0]], [[2.0, 3.0]]) == 1.0
    assert len(numbered) == before
