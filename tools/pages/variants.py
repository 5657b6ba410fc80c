"""The settings of a loss's switches under which the explorer shows it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from lossary.backends import NUMPY
from lossary.calls.programs import Program, program_for
from lossary.facts.record import Parameter, Record
from lossary.facts.settings import Choice, Flag
from lossary.show import javascript


def takes(record: Record) -> bool:
    """Whether the explorer shows a loss."""
    return next(variants(record), None) is not None


def variants(record: Record) -> Iterator[tuple[dict[str, Any], Program, dict[str, Any]]]:
    """The settings of a loss's switches under which it can be printed, and its program for all of its numbers."""
    switches = {p.name: _settings(p) for p in record.parameters if isinstance(p.allowed, Flag | Choice)}
    for setting in itertools.product(*switches.values()):
        chosen = dict(zip(switches, setting, strict=True))
        heated = chosen.get("from_logits", False)
        parameters = record.defaults() | chosen
        for p in record.parameters:
            if p.off is not None and parameters[p.name] == p.off and (not p.shared or heated):
                parameters[p.name] = 0.5  # So that the formula sees a number that can be moved.
        program = program_for(record, parameters, NUMPY)
        if not javascript.unfit(program):
            yield chosen, program, parameters


def _settings(parameter: Parameter) -> tuple[Any, ...]:
    """The default first."""
    values = parameter.allowed.names if isinstance(parameter.allowed, Choice) else (False, True)
    return tuple(sorted(values, key=lambda value: value != parameter.default))
