"""Kernels of Triton in its interpreter, which has to be chosen before triton is imported: a process of its own.

``python tests/triton_interpreted.py NAME...`` prints what is wrong with each named setting, or with all.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

os.environ["TRITON_INTERPRET"] = "1"

import numpy as np
import torch

import lossary
from inputs import FUSED, WITNESSES, Setting, program
from lossary.calls.evaluate import prepare
from lossary.kernels.cpu.run import host_numbers
from lossary.kernels.triton import emit, module, run

# Of the largest slope of a row, and of the value.
MOST = 2e-6
FINISH = module.module(emit.common())["finish"]


class Case:
    """Inputs of one loss, the words' results in double precision, and the kernel's in single."""

    def __init__(self, setting: Setting, shape: tuple[int, int], dtype: torch.dtype = torch.float32) -> None:
        rng = np.random.default_rng(7)
        y_true, y_pred = map(torch.tensor, setting.draw(rng, shape))
        self.y_true = y_true.to(dtype) if y_true.is_floating_point() else y_true
        self.y_pred, self.setting, self.shape = y_pred.to(dtype), setting, shape
        self.weights, self.live = torch.tensor(rng.uniform(0.5, 2.0, shape[0])).float(), torch.arange(shape[0]) % 3 != 1
        self.gradient = torch.full(shape, torch.nan, dtype=dtype)

    def wanted(self, factors: Any) -> tuple[Any, Any]:
        true = self.y_true.double() if self.y_true.is_floating_point() else self.y_true
        leaf = self.y_pred.double().requires_grad_()
        with lossary.check("off"):
            values = self.setting.configured(reduction="none")(true, leaf)
        used = torch.where(self.live, values, 0.0) if factors is not None else values
        total = (used * (1.0 if factors is None else factors.double())).sum()
        total.backward()  # type: ignore[no-untyped-call]
        self.size = float(used.abs().sum())  # Values may cancel.
        return float(total.detach()), leaf.grad

    def rows(self, *, long: bool = False, weighted: bool = False, inner: int = 1, upstream: Any = None) -> Any:
        made = emit.source(program(self.setting), "long" if long else "rows")
        kernel = module.module(made.text)[made.name]
        points, columns = self.shape
        sizes = {"BLOCK": 4 if columns < 64 else 128} if long else {"ROWS": 2, "BLOCK": 1 << (columns - 1).bit_length()}
        grid = points if long else -(-points // 2)
        totals, values, value = torch.zeros(grid, dtype=torch.float64), torch.zeros(points), torch.zeros(())
        arrays = [self.y_true, self.y_pred, self.gradient]
        if inner > 1:  # Outputs lie along the first axis.
            arrays = [x.T.contiguous() if x.dim() > 1 else x for x in arrays]
        weights, live = (self.weights, self.live) if weighted else (None, None)
        given = [*arrays, values, totals, None, weights, live, upstream, points, columns, inner, 1, 1.0]
        kernel[(grid,)](*given, *self.numbers(made), **sizes)
        FINISH[(1,)](totals, value, grid, 1, BLOCK=2)
        self.gradient = arrays[2].T if inner > 1 else arrays[2]
        assert abs(float(values.double().sum()) - float(totals.sum())) <= MOST * (1 + float(values.abs().sum()))
        return float(value), self.gradient.double()

    def elements(self, block: int) -> tuple[Any, Any]:
        made = emit.source(program(self.setting), "elements")
        size, columns = self.y_pred.numel(), self.shape[1]
        grid = -(-size // block)
        totals, value = torch.zeros(grid, dtype=torch.float64), torch.zeros(())
        parts = (totals, None) if grid > 1 else (None, value)
        given = [self.y_true, self.y_pred, self.gradient, *parts, None, size, columns, columns, 1.0]
        module.module(made.text)[made.name][(grid,)](*given, *self.numbers(made), BLOCK=block)
        if grid > 1:
            FINISH[(1,)](totals, value, grid, columns, BLOCK=2)
        return float(value), self.gradient.double()

    def numbers(self, made: emit.Source) -> list[float]:
        given = self.setting.configured()._setting.numbers
        return [float(x) for x in host_numbers(program(self.setting), made.numbers)(*given)]


def differs(case: Case, found: tuple[Any, Any], factors: Any = None, most: float = MOST) -> str:
    wanted = case.wanted(factors)
    value = abs(found[0] - wanted[0]) / (case.size + 1e-30)
    size = wanted[1].abs().amax(-1, keepdim=True) + 1e-30
    slope = float(((found[1] - wanted[1]).abs() / size).max())
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
    for long in (False, True) if setting in WITNESSES else (False,):
        kind = "long, " if long else ""
        case = Case(setting, (5, 7))
        found[f"{kind}weights and mask"] = differs(case, case.rows(long=long, weighted=True), case.weights)
        if not case.gradient[1].eq(0.0).all():
            found[f"{kind}masked"] = "the gradient of a masked row is not 0"
        case = Case(setting, (5, 7))
        found[f"{kind}strided"] = differs(case, case.rows(long=long, inner=5))
        case = Case(setting, (5, 7))
        value, slope = case.rows(long=long, upstream=torch.tensor(2.0))
        found[f"{kind}upstream"] = differs(case, (value, slope / 2))
    case = Case(setting, (5, 7), torch.float16)
    found["half"] = differs(case, case.rows(), most=1e-3)
    return {name: text for name, text in found.items() if text}


def of_calls(setting: Setting) -> dict[str, str]:
    """What is wrong with whole calls, beside the words: weights, a mask, other axes, every reduction."""
    found = {}
    case = Case(setting, (4, 6))
    for weighted in (False, True) if setting in WITNESSES else (True,):
        others = (case.weights, case.live) if weighted else (None, None)
        batch = prepare(setting.configured()._setting, (case.y_true, case.y_pred), *others, batched=True, check="off")
        words, fused = batch.in_words(), run.Fused(batch)
        for reduction in ("sum_over_batch_size", "mean_with_sample_weight", "sum", "none"):
            wanted, got = words.value_and_gradient(reduction), fused.reduced(reduction, gradient=True)
            assert got is not None
            for name, one, other in zip(("value", "slope"), wanted, (got[0], *got[1]), strict=True):
                error = float((one - other).abs().max() / (1e-6 + one.abs().max()))
                if not error < 8 * MOST:
                    found[f"{reduction} {name} {weighted}"] = f"{error:.1e}"
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    for one in FUSED:
        if not sys.argv[1:] or str(one) in sys.argv[1:]:
            print(one, faults(one) | of_calls(one) or "is right", flush=True)
