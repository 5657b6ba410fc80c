"""The reference of everything public that is no loss of the catalogue, from docstrings."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator

import lossary

from .catalogue import builtin

_HEAD = """\
# API reference

Everything public but the losses themselves, which have [pages of their own](losses.md). Each loss is a function of one
value per data point, `lossary.huber(y_true, y_pred)`, and a class of configured objects, `lossary.Huber()`, whose
methods are those of `lossary.Loss`."""
# What each part of the reference is about, in the order in which it is read.
_PARTS = {
    "Losses by name": ("get", "names", "loss", "Loss", "ArgumentsLoss", "WeightedSum", "Total", "TotalOfTerms", "Case"),
    "Derivatives": ("value_and_grad", "grad_and_hess"),
    "A last layer with many classes": ("linear_cross_entropy", "linear", "LinearCrossEntropy", "LinearLoss"),
    "Advice": ("diagnose", "suggest", "explain", "verify", "Report", "Finding", "Advice", "Explanation",
               "Verification"),
    "Checks": ("check", "raise_faults"),
    "Pictures": ("plot",),
    "Helpers": ("to_categorical", "is_categorical_crossentropy", "pack"),
}  # fmt: skip


def page() -> str:
    """The page as MyST Markdown."""
    told = {name for names in _PARTS.values() for name in names}
    errors = tuple(name for name in _public() if name not in told and _is_error(name))
    rest = tuple(name for name in _public() if name not in told and name not in errors)
    parts = {**_PARTS, "Errors and warnings": errors}
    if rest:
        parts["More"] = rest
    lines = [_HEAD]
    for title, names in parts.items():
        lines += [f"## {title}", *(_entry("lossary", name) for name in names)]
    return "\n\n".join(lines) + "\n"


def _public() -> Iterator[str]:
    losses = {name for record in builtin() for name in (record.name, record.class_name)}
    made = {id(getattr(lossary, name)) for name in losses}
    for name in lossary.__all__:
        found = getattr(lossary, name)
        if id(found) not in made and not isinstance(found, types.ModuleType):
            yield name


def _is_error(name: str) -> bool:
    found = getattr(lossary, name)
    return inspect.isclass(found) and issubclass(found, Exception)


def _entry(module: str, name: str) -> str:
    found = getattr(lossary, name)
    kind = "autoclass" if inspect.isclass(found) else "autofunction"
    members = "\n   :members:\n   :no-undoc-members:" if kind == "autoclass" and not _is_error(name) else ""
    return f"```{{eval-rst}}\n.. {kind}:: {module}.{name}{members}\n```"
