"""What arguments of commands mean: losses with parameters, names with their nearest neighbours, shared options."""

from __future__ import annotations

import ast
import contextlib
import difflib
import glob
import re
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from ..facts.spelling import fold
from ..objects.define import Loss, folded
from ..objects.get import get, names
from .errors import UsageError
from .own import is_place, located

LOSS = "Any spelling of a loss, or FILE.py:NAME or MODULE:NAME for your own; parameters as huber:delta=2."

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def complete_loss(incomplete: str) -> list[str]:
    """Loss names and Python files for the shell."""
    files = sorted(glob.glob(f"{glob.escape(incomplete)}*.py"))
    return [*(name for name in names() if name.startswith(incomplete)), *files]


LossNames = Annotated[
    list[str],
    typer.Option(
        "--loss",
        "-l",
        metavar="NAME",
        help=f"{LOSS} Repeat it for several.",
        autocompletion=complete_loss,
    ),
]
Rows = Annotated[int, typer.Option(min=1, help="Look at this many rows at most, from the start of the file.")]


def loss_from(text: str) -> Loss:
    """``huber:delta=2,reduction=sum`` or ``huber(delta=2)`` as a loss object, and so for losses of one's own.

    >>> loss_from("huber:delta=2")
    Huber(delta=2.0)
    >>> loss_from("CategoricalCrossentropy(from_logits=True)")
    CategoricalCrossentropy(from_logits=True)
    """
    name, written = _divided(text.strip())
    parameters = _parameters(text, name, written)
    if is_place(name):
        return located(name, parameters)
    return get(name, **parameters)


def _divided(text: str) -> tuple[str, str]:
    """The name of a loss and what stands behind its colon or in its brackets."""
    called = re.fullmatch(r"([^()]+)\((.*)\)", text, re.DOTALL)
    if called:
        return called[1].strip(), called[2]
    name, _, rest = text.rpartition(":")
    if name and ("=" in rest or fold(name) in folded()):
        return name.strip(), rest
    return text, ""


def _parameters(text: str, name: str, written: str) -> dict[str, Any]:
    """``delta=2, reduction=sum`` as keyword arguments; words need no quotes, and true is True."""
    source = f"f({written})"
    try:
        call = ast.parse(source, mode="eval").body
    except SyntaxError:
        call = None
    if not isinstance(call, ast.Call) or any(word.arg is None for word in call.keywords):
        raise UsageError(f"{text}: the parameters {written!r} cannot be read; write {name}:key=1.0,other=true")
    for lone in call.args:
        raise UsageError(f"{text}: {ast.unparse(lone)!r} has no value; write {name}:{ast.unparse(lone)}=1.0")
    return {str(word.arg): _value(str(ast.get_source_segment(source, word.value))) for word in call.keywords}


def _value(text: str) -> Any:
    known: dict[str, Any] = {"true": True, "false": False, "none": None}
    if text.lower() in known:
        return known[text.lower()]
    for reading in (ast.literal_eval, float):
        with contextlib.suppress(ValueError, TypeError):
            return reading(text)
    return text


def one_of(what: str, given: str, accepted: Sequence[str]) -> str:
    """The given word, in lower case, if it is accepted, else a `UsageError` with the nearest ones."""
    if given.lower() in accepted:
        return given.lower()
    near = difflib.get_close_matches(given.lower(), accepted, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? Accepted" if near else "accepted"
    raise UsageError(f"{what} {given!r} is not known; {hint} are {', '.join(accepted)}")
