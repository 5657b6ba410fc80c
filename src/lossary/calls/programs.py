"""The programs of records: one per setting of the switches, made once and ready to run on a backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakValueDictionary

from ..backends import NUMPY, Backend, by_name
from ..facts.record import Record
from ..facts.registry import definition, enrol, enrolled, is_enrolled, kept
from ..graph.program import Program, Switches

__all__ = ["Program", "enrol", "enrolled", "for_labels", "holds_rows", "is_enrolled", "kept", "numbered", "program_for"]

# By its number a compiled step finds a program again, after its loss was defined anew too.
numbered: WeakValueDictionary[str, Program] = WeakValueDictionary()


def program_for(record: Record, parameters: Mapping[str, Any], backend: Backend, *, gaps: bool = False) -> Program:
    """The program of a record at these parameters, for rows with or without gaps, ready to run on the backend."""
    return program_at(record, record.switches(parameters), backend, gaps=gaps)


def program_at(record: Record, switches: Switches, backend: Backend, *, gaps: bool = False) -> Program:
    """As `program_for`, for switches that are known: torch.compile takes no floats for constants."""
    if record.number is None:
        return Program(record, switches, gaps=gaps)
    program: Program = getattr(record.programs, _ready(record.number, switches, gaps, backend.name))
    return program


def _ready(number: str, switches: Switches, gaps: bool, backend_name: str) -> str:
    """The name under which the record of this number keeps the program, which is built first."""
    record = definition(number)
    found = next((program for program in vars(record.programs).values() if program.key == (switches, gaps)), None)
    program = Program(record, switches, gaps=gaps) if found is None else found
    name = f"program_{program.number}"
    if found is None:
        numbered[program.number] = program
        setattr(record.programs, name, program)
    if backend_name not in program.built:
        program.build(by_name(backend_name), NUMPY)
        program.built.add(backend_name)
    return name


# torch.compile runs a function with this mark as it is instead of tracing into it: generating and compiling source
# cannot be traced.  It takes and returns plain data, and programs are attributes: of those torch.compile asks for each
# when it comes to it, of a dict for all at once.
_ready._dynamo_marked_constant = True  # type: ignore[attr-defined]


def holds_rows(record: Record, parameters: Mapping[str, Any]) -> bool:
    """Whether each of several predictions is a row, such as an embedding, instead of one number."""
    return not record.has_usual_names and not program_for(record, parameters, NUMPY).separable


def for_labels(program: Program) -> Program | None:
    """The program of the loss that this one is for integer labels, if there is one."""
    record = enrolled(f"sparse_{program.record.name}")
    if record is None or not record.builtin or not is_enrolled(program.record):
        return None
    shared = {name: value for name, value in program.switches.items() if name in record.defaults()}
    return program_for(record, record.defaults() | shared, NUMPY)
