"""A loss from the line of code that stands for it: sums and multiples of losses with settings, and nothing else."""

from __future__ import annotations

import ast
import math
from typing import Any

from ..facts import registry
from ..facts.spelling import fold
from .loss import Loss


def written(line: str) -> Loss | None:
    """The loss of a line such as ``0.5 * lossary.Huber(delta=2.0)``; None where something is left to be chosen."""
    return None if "#" in line else _made(ast.parse(line, mode="eval").body)


def _made(node: ast.expr) -> Any:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        weight, term = _number(node.left), _made(node.right)
        return None if weight is None or term is None else weight * term
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        term, divisor = _made(node.left), _number(node.right)
        return None if divisor is None or term is None else term / divisor
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        terms = _made(node.left), _made(node.right)
        return None if None in terms else terms[0] + terms[1]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args:
        return _configured(node.func.attr, node.keywords)
    return None


def _configured(name: str, keywords: list[ast.keyword]) -> Loss | None:
    canonical = registry.folded().get(fold(name))
    try:
        settings = {str(each.arg): ast.literal_eval(each.value) for each in keywords}
    except ValueError:  # A name, for which something is to be put.
        return None
    made: Loss | None = None if canonical is None else registry.loss_class(canonical)(**settings)
    return made


def _number(node: ast.expr) -> float | None:
    try:
        found = ast.literal_eval(node)
    except ValueError:
        return None
    return float(found) if isinstance(found, int | float) and math.isfinite(found) else None
