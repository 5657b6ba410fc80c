"""What is said about names of losses, of libraries and of what other libraries have."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from ..errors import ParameterError, UnknownLossError
from . import peers
from .calls import shown


def unknown_loss(name: str, names: Mapping[str, str], fold: Any) -> UnknownLossError:
    """No loss of this name; ``names`` maps folded spellings to canonical names."""
    theirs = peers.line(name)
    if theirs is not None:
        return UnknownLossError(f"unknown loss {name!r}; another library calls a loss so. Write {theirs}")
    bare = fold(name.rsplit(".", 1)[-1]).removeprefix("neg").removesuffix("loss")
    if bare in names:
        return UnknownLossError(f"unknown loss {name!r}; did you mean {names[bare]}? All names: lossary.names()")
    ours, others = _nearest(name, names, fold), _nearest(name, {fold(each): each for each in peers.spellings()}, fold)
    if others and others[0][1] > max(0.8, (ours[0][1] if ours else 0.0) + _CLEAR):
        meant = others[0][0]
        return UnknownLossError(
            f"unknown loss {name!r}; did you mean {meant}? Another library calls a loss so. Write {peers.line(meant)}"
        )
    # A typing slip has one clear answer; an incomplete name may have several.
    near = list(dict.fromkeys(each for each, ratio in ours if ratio > ours[0][1] - _CLEAR))
    hint = f"; did you mean {' or '.join(near[:3])}?" if near else "."
    return UnknownLossError(f"unknown loss {name!r}{hint} All names: lossary.names()")


# By how much more alike a name is that is meant without doubt.
_CLEAR = 0.08


def _nearest(name: str, names: Mapping[str, str], fold: Any) -> list[tuple[str, float]]:
    """What folded names like this one stand for, and how like they are, the nearest first."""
    whole = fold(name.rsplit(".", 1)[-1])
    found = []
    # Without a "loss" at its end, however that is spelled, which would make it like all that have one.
    for form, worth in ((whole, 1.0), (re.sub("l?o?s+$", "", whole), 0.9)):
        for match in difflib.get_close_matches(form, names, n=8, cutoff=0.6):
            found.append((names[match], worth * difflib.SequenceMatcher(None, form, match).ratio()))
    return sorted(found, key=lambda each: -each[1])


def unknown_library(name: Any, libraries: list[str]) -> ParameterError:
    """A library of which nothing is known."""
    near = difflib.get_close_matches(str(name).lower(), libraries, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"accepted are {', '.join(map(repr, libraries))}."
    line = f"lossary.names(peer={[*near, 'torch'][0]!r})"
    return ParameterError(f"lossary.names: peer={shown(name)}; {hint} Write {line}")


def not_a_loss(value: Any) -> UnknownLossError:
    """An identifier of a type that names no loss."""
    return UnknownLossError(
        f"cannot make a loss of {shown(value)} ({type(value).__name__}); accepted are a name, a function of "
        "(y_true, y_pred), a loss object, a loss class, or the dict of get_config(). For example "
        "lossary.get('mean_squared_error')"
    )


def foreign_setting(name: str, setting: str, line: str) -> ParameterError:
    """Another library's loss with a setting that has no counterpart."""
    return ParameterError(
        f"lossary.get: {name} has {setting}, which no setting here stands for; accepted are losses without it. "
        f"Write {line}"
    )


def foreign_order(name: str, arguments: str, library: str = "") -> ParameterError:
    """A function of another library, or in its order, with the prediction first."""
    ours = peers.stands_for(name) or peers.NAMES.get(name) or peers.exact(f"{library}.{name}")
    if ours is not None:
        return ParameterError(
            f"lossary.get: {name} takes {arguments}; accepted are losses of other libraries with settings that one of "
            f"ours has, and its arguments stand in another order here. Write {ours}"
        )
    return ParameterError(
        f"lossary.get: {name} takes {arguments}; accepted are functions of (y_true, y_pred), and losses of other "
        f"libraries that are among ours. Write lossary.get(lambda y_true, y_pred: loss(y_pred, y_true)), where loss "
        "is it"
    )


def name_taken(name: str, owner: str) -> ParameterError:
    """A loss with a name that another has."""
    return ParameterError(
        f"the name {name!r} belongs to the loss {owner}; choose another: @lossary.loss(name='my_{name}')"
    )
