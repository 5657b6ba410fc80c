"""Kernels of Triton in its interpreter, which has to be chosen before triton is imported: a process of its own.

``python tests/triton_interpreted.py NAME...`` prints what is wrong with each named setting, or with all.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"

import numpy as np
import pytest
import torch

import lossary
from inputs import EVERY_FUSED, WITNESSES, WITNESSES_OF_SEVERAL, Setting, program
from lossary.calls.evaluate import prepare
from lossary.kernels import triton
from lossary.kernels.cpu.run import host_numbers
from lossary.kernels.triton import emit, module, run
from lossary.routes import steps, torch_device
from lossary.routes.torch_prepared import as_given
from lossary.routes.torch_together import leaves

# What takes every mechanism.
CHOSEN = WITNESSES + WITNESSES_OF_SEVERAL
# Of the largest slope of a row, and of the value.
MOST = 2e-6
FINISH = module.module(emit.common())["finish"]


class Case:
    """Inputs of one loss, the words' results in double precision, and the kernel's in single."""

    def __init__(self, setting: Setting, shape: tuple[int, int], dtype: torch.dtype = torch.float32) -> None:
        rng = np.random.default_rng(7)
        given = prepare(setting.configured()._setting, setting.draw(rng, shape), batched=True, check="off").inputs
        arrays = zip(setting.record.inputs, map(torch.tensor, given), strict=True)
        self.inputs = [x if each.is_label else x.to(dtype) for each, x in arrays]
        self.setting, self.shape, self.predictions = setting, shape, setting.record.predictions
        self.weights, self.live = torch.tensor(rng.uniform(0.5, 2.0, shape[0])).float(), torch.arange(shape[0]) % 3 != 1
        self.gradients: list[Any] = [torch.full(shape, torch.nan, dtype=dtype) for _ in self.predictions]

    def arguments(self, inputs: Sequence[Any]) -> list[Any]:
        """Inputs as a caller passes them."""
        return as_given(inputs, [len(each.parts) for each in self.setting.record.arguments])

    def wanted(self, factors: Any) -> tuple[Any, list[Any]]:
        inputs = [x.detach().double() if x.is_floating_point() else x for x in self.inputs]
        differentiated = [inputs[place].requires_grad_() for place in self.predictions]
        with lossary.check("off"):
            values = self.setting.configured(reduction="none")(*self.arguments(inputs))
        used = torch.where(self.live, values, 0.0) if factors is not None else values
        total = (used * (1.0 if factors is None else factors.double())).sum()
        total.backward()
        self.size = float(used.abs().sum())  # Values may cancel.
        return float(total.detach()), [x.grad for x in differentiated]

    def rows(self, *, long: bool = False, weighted: bool = False, inner: int = 1, upstream: Any = None) -> Any:
        made = emit.source(program(self.setting), "long" if long else "rows")
        kernel = module.module(made.text)[made.name]
        points, columns = self.shape
        sizes = {"BLOCK": 4 if columns < 64 else 128} if long else {"ROWS": 2, "BLOCK": 1 << (columns - 1).bit_length()}
        grid = points if long else -(-points // 2)
        totals, values, value = torch.zeros(grid, dtype=torch.float64), torch.zeros(points), torch.zeros(())
        arrays = [*self.inputs, *self.gradients]
        if inner > 1:  # Outputs lie along the first axis.
            arrays = [x.T.contiguous() if x.dim() > 1 else x for x in arrays]
        weights, live = (self.weights, self.live) if weighted else (None, None)
        given = [*arrays, values, totals, None, weights, live, upstream, points, columns, inner, 1, 1.0]
        kernel[(grid,)](*given, *self.numbers(made), **sizes)
        FINISH[(1,)](totals, value, grid, 1, BLOCK=2)
        self.gradients = [x.T if inner > 1 else x for x in arrays[len(self.inputs) :]]
        assert abs(float(values.double().sum()) - float(totals.sum())) <= MOST * (1 + float(values.abs().sum()))
        return float(value), self.gradients

    def elements(self, block: int) -> tuple[Any, list[Any]]:
        made = emit.source(program(self.setting), "elements")
        size, columns = self.shape[0] * self.shape[1], self.shape[1]
        grid = -(-size // block)
        totals, value = torch.zeros(grid, dtype=torch.float64), torch.zeros(())
        parts = (totals, None) if grid > 1 else (None, value)
        given = [*self.inputs, *self.gradients, *parts, None, size, columns, columns, 1.0]
        module.module(made.text)[made.name][(grid,)](*given, *self.numbers(made), BLOCK=block)
        if grid > 1:
            FINISH[(1,)](totals, value, grid, columns, BLOCK=2)
        return float(value), self.gradients

    def numbers(self, made: emit.Source) -> list[float]:
        given = self.setting.configured()._setting.numbers
        return [float(x) for x in host_numbers(program(self.setting), made.numbers)(*given)]


def of_largest(found: Any, wanted: Any) -> float:
    """The largest error of a slope, beside the largest slope of its row."""
    return float(((found - wanted).abs() / (wanted.abs().amax(-1, keepdim=True) + 1e-30)).max())


def differs(case: Case, found: tuple[Any, list[Any]], factors: Any = None, most: float = MOST) -> str:
    wanted = case.wanted(factors)
    value = abs(found[0] - wanted[0]) / (case.size + 1e-30)
    slope = max(of_largest(one.double(), other) for one, other in zip(found[1], wanted[1], strict=True))
    return "" if value <= MOST and slope <= most else f"value {value:.1e} slope {slope:.1e}"


def faults(setting: Setting) -> dict[str, str]:
    found = {}
    for shape in ((5, 7), (2, 300)):
        case = Case(setting, shape)
        found[f"rows {shape}"] = differs(case, case.rows())
        case = Case(setting, shape)
        found[f"long {shape}"] = differs(case, case.rows(long=True))
        if program(setting).separable:
            case = Case(setting, shape)
            found[f"elements {shape}"] = differs(case, case.elements(16 if shape[0] > 2 else 1024))
    # What has nothing to do with the formula is the same for all long rows.
    for long in (False, True) if setting in CHOSEN else (False,):
        kind = "long, " if long else ""
        case = Case(setting, (5, 7))
        found[f"{kind}weights and mask"] = differs(case, case.rows(long=long, weighted=True), case.weights)
        if not all(x[1].eq(0.0).all() for x in case.gradients):
            found[f"{kind}masked"] = "the gradient of a masked row is not 0"
        case = Case(setting, (5, 7))
        found[f"{kind}strided"] = differs(case, case.rows(long=long, inner=5))
        case = Case(setting, (5, 7))
        value, slopes = case.rows(long=long, upstream=torch.tensor(2.0))
        found[f"{kind}upstream"] = differs(case, (value, [x / 2 for x in slopes]))
        whole, case = Case(setting, (5, 7)), Case(setting, (5, 7))
        case.gradients[0] = None
        if not all(map(torch.equal, case.rows(long=long)[1][1:], whole.rows(long=long)[1][1:])):
            found[f"{kind}one left out"] = "other gradients change with it"
    case = Case(setting, (5, 7), torch.float16)
    found["half"] = differs(case, case.rows(), most=1e-3)
    return {name: text for name, text in found.items() if text}


def of_calls(setting: Setting) -> dict[str, str]:
    """What is wrong with whole calls, beside the words: weights, a mask, another axis, every reduction."""
    found = {}
    case = Case(setting, (4, 6))
    for weighted, turned in ((False, True), (True, False)) if setting in CHOSEN else ((True, False),):
        others = (case.weights, case.live) if weighted else (None, None)
        arguments = case.arguments([x.T.contiguous().T if turned and x.dim() > 1 else x for x in case.inputs])
        batch = prepare(setting.configured()._setting, arguments, *others, batched=True, check="off")
        words, fused = batch.in_words(), run.Fused(batch)
        for reduction in ("sum_over_batch_size", "mean_with_sample_weight", "sum", "none"):
            wanted, got = words.value_and_gradient(reduction), fused.reduced(reduction, gradient=True)
            assert got is not None
            for place, (one, other) in enumerate(zip(leaves(wanted), (got[0], *got[1]), strict=True)):
                error = float((one - other).abs().max() / (1e-6 + one.abs().max()))
                if not error < 8 * MOST:
                    found[f"{reduction} {place} {weighted}"] = f"{error:.1e}"
    return found


class Launch(run.Launch):
    """The interpreter has nothing compiled to keep."""

    def run(self, given: Sequence[Any], like: Any = None) -> None:
        super().run(given)


def of_plain_totals(setting: Setting) -> dict[str, str]:
    """What is wrong with sums and means that are prepared once, seen by autograd."""
    found = {}
    for dtype in (torch.float32, torch.float16):
        case, loss = Case(setting, (4, 6), dtype), setting.configured()
        most = MOST if dtype is torch.float32 else 1e-3
        predictions = [case.inputs[place].requires_grad_() for place in case.predictions]
        arrays, structure = steps.leaves(case.arguments(case.inputs))
        for reduction, size in (("sum", 1.0), ("sum_over_batch_size", 4.0)):
            total = torch_device.at_once(loss._setting, arrays, structure, -1, None, reduction)
            assert total is not None
            # Gradients that are at hand, in words, which are differentiable again, and the first made anew.
            for how, options in (("at hand", {"retain_graph": True}), ("words", {"create_graph": True}), ("anew", {})):
                got = torch.autograd.grad(2.0 * size * total, predictions, **options)
                far = differs(case, (float(total.detach()) * size, [x.double() / 2.0 for x in got]), most=most)
                found[f"{reduction} {dtype} {how}"] = far
        both = torch_device.at_once_with_gradient(loss._setting, arrays, structure, -1, None, "sum")
        assert both is not None
        found[f"both {dtype}"] = differs(case, (float(both[0]), list(leaves(both[1]))), most=most)
    return {name: text for name, text in found.items() if text}


if __name__ == "__main__":
    on_a_device = pytest.MonkeyPatch()
    on_a_device.setattr(run, "Launch", Launch)
    on_a_device.setattr(torch_device, "_plain", torch_device._Plain)
    on_a_device.setattr(triton, "unusable", lambda device: "")
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    for one in EVERY_FUSED:
        if not sys.argv[1:] or str(one) in sys.argv[1:]:
            print(one, faults(one) | of_calls(one) | of_plain_totals(one) or "is right", flush=True)
