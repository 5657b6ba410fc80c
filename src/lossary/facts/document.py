"""Docstrings of functions and classes: the formula's own text, completed with the facts of the record."""

from __future__ import annotations

from functools import lru_cache

from .arguments import Argument, Role
from .axes import ELEMENT, LISTED, PAIR, ROW
from .record import Parameter, Record
from .settings import Around, Choice, Flag, Interval

_AXIS = "axis: The axis of the outputs of one data point; a tuple where they lie along several, None for all axes."
_CHECK = (
    'check: ``"full"``, ``"async"``, ``"shapes"`` or ``"off"``; by default values are checked wherever they can be '
    "read without waiting (see `lossary.check`)."
)
_NAME = "name: Name in logs and configurations."
_REDUCTION = (
    'reduction: ``"sum_over_batch_size"`` (or ``"mean"``) divides the weighted sum by the number of unmasked data '
    'points, ``"mean_with_sample_weight"`` by the sum of their weights, ``"sum"`` by nothing; ``"none"`` or ``None`` '
    "keeps one value per data point. What is reduced is float32 for predictions of half precision."
)


def function_doc(record: Record) -> str:
    """Docstring of the function of one value per data point."""
    prose, example = _split(record.text)
    arguments = [*_arrays(record), *map(_parameter, record.parameters), _AXIS, _CHECK]
    returns = (
        f"One value per data point, in the framework and dtype of ``{_main(record)}`` and in its shape without "
        "``axis``; half precision is computed in float32. Differentiable in the framework's own machinery."
    )
    return _join(prose, _definition(record), _section("Args", arguments), _section("Returns", [returns]),
                 _section("Raises", _raises(record)), _source(record), example)  # fmt: skip


def _main(record: Record) -> str:
    return record.names[record.first_prediction]


def class_doc(record: Record) -> str:
    """Docstring of the class of configured objects."""
    prose, _ = _split(record.text)
    arguments = [*map(_parameter, record.parameters), _AXIS, _REDUCTION, _NAME, _CHECK]
    options = "" if record.has_usual_names else "*, "
    call = (
        f"Call it with ``({', '.join(record.names)}, {options}sample_weight=None, where=None)``: weights and mask have "
        "one entry per data point, or one weight stands for all; masked positions and those of weight 0 touch neither "
        "value nor gradient."
    )
    return _join(prose, _definition(record), _filled(call), _section("Args", arguments),
                 _section("Raises", _raises(record)), _source(record))  # fmt: skip


def _split(text: str) -> tuple[str, str]:
    """The prose and the example of a docstring."""
    prose, mark, example = text.partition(">>>")
    return prose.strip(), mark + example


def _definition(record: Record) -> str:
    return f"``{record.name} = {record.definition}``" if record.definition else ""


def _arrays(record: Record) -> list[str]:
    if not record.is_pair:
        return [_argument(record, argument) for argument in record.arguments]
    if record.labels_are_integers:
        true = "y_true: Integer labels ``(...)`` or ``(..., 1)``, from 0 to C - 1."
    else:
        true = f"y_true: Targets, shape ``(..., C)``: {record.target.describe()}."
    logits = ", or raw scores with ``from_logits=True``" if "from_logits" in record.defaults() else ""
    also = "" if record.labels_are_integers else " ``(N,)`` and ``(N, 1)`` are understood as the same."
    return [true, f"y_pred: Predictions, shape ``(..., C)``: {record.prediction.describe()}{logits}.{also}"]


def _argument(record: Record, argument: Argument) -> str:
    meaning = {Role.TARGET: "Targets", Role.PREDICTION: "Predictions", Role.GIVEN: "Given, without a gradient"}
    shape = {ELEMENT: "(..., C)", PAIR: "(..., D, C)", LISTED: "(..., L)", ROW: "(...)"}[argument.axes]
    if not argument.parts:
        per_row = ", one number per row" if argument.axes == ROW else ""
        return f"{argument.name}: {meaning[argument.role]}, shape ``{shape}``{per_row}: {argument.domain.describe()}."
    names = ", ".join(argument.parts)
    packed = f"{shape[:-1]}, {len(argument.parts)})"
    return (
        f"{argument.name}: {meaning[argument.role]}, shape ``{packed}``, or a tuple of "
        f"{len(argument.parts)} arrays ``({names})``: {argument.domain.describe()}."
    )


def _parameter(parameter: Parameter) -> str:
    allowed = parameter.allowed
    meaning = allowed.meaning if isinstance(allowed, Interval | Flag | Choice | Around) else ""
    accepted = f" ({allowed.describe()})" if allowed is not None else ""
    return f"{parameter.name}: {meaning or 'A parameter of the formula'}{accepted}; {parameter.default!r} by default."


def _raises(record: Record) -> list[str]:
    outside = f"{' or '.join(record.names)} holds a NaN or a value outside its set."
    found = ["ShapeError: The shapes differ, or a mean is over nothing.", f"DomainError: {outside}",
             "DTypeError: An array holds strings, objects or complex numbers.",
             "BackendError: The arrays come from two frameworks."]  # fmt: skip
    if record.parameters:
        found.append("ParameterError: A parameter is unknown or out of range.")
    return found


def _source(record: Record) -> str:
    return _filled(f"Source: {record.source}.") if record.source else ""


def _section(title: str, entries: list[str]) -> str:
    filled = [_filled(entry, "    ", "        ") for entry in entries]
    return "\n".join([f"{title}:", *filled])


# Most entries are the same for all losses, and docstrings are made when the library is imported.
@lru_cache(maxsize=512)
def _filled(text: str, first: str = "", rest: str = "", width: int = 110) -> str:
    """The text in lines no longer than this."""
    lines, line = [], first
    for word in text.split():
        if len(line) + len(word) > width and line.strip():
            lines.append(line.rstrip())
            line = rest
        line += f"{word} "
    return "\n".join([*lines, line.rstrip()])


def _join(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)
