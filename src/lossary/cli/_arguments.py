"""What arguments of commands mean: losses with parameters, names with their nearest neighbours, shared options."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from .._get import get, names
from .._loss import Loss
from ._output import UsageError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def complete_loss(incomplete: str) -> list[str]:
    """Loss names for the shell."""
    return [name for name in names() if name.startswith(incomplete)]


LossNames = Annotated[
    list[str],
    typer.Option(
        "--loss",
        "-l",
        metavar="NAME",
        help="Any spelling of a loss, with parameters as huber:delta=2 or categorical_crossentropy:from_logits=true. "
        "Repeat it for several.",
        autocompletion=complete_loss,
    ),
]
Rows = Annotated[int, typer.Option(min=1, help="Look at this many rows at most, from the start of the file.")]


def loss_from(text: str) -> Loss:
    """``huber:delta=2,reduction=sum`` as a loss object.

    >>> loss_from("huber:delta=2")
    Huber(delta=2.0)
    """
    name, _, settings = text.partition(":")
    parameters: dict[str, Any] = {}
    for setting in filter(None, settings.split(",")):
        key, equals, value = setting.partition("=")
        if not equals:
            raise UsageError(f"{text}: {setting!r} has no value; write {name}:{key}=1.0")
        parameters[key.strip()] = _value(value.strip())
    return get(name.strip(), **parameters)


def _value(text: str) -> Any:
    known: dict[str, Any] = {"true": True, "false": False, "none": None}
    if text.lower() in known:
        return known[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def one_of(what: str, given: str, accepted: Sequence[str]) -> str:
    """The given word, in lower case, if it is accepted, else a `UsageError` with the nearest ones."""
    if given.lower() in accepted:
        return given.lower()
    near = difflib.get_close_matches(given.lower(), accepted, n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}? " if near else ""
    raise UsageError(f"{what} {given!r} is not known; {hint}Accepted are {', '.join(accepted)}")
