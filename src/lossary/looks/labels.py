"""Labels, dims and units that arrays carry: values are read by position, so those of two arguments must agree.

pandas and polars, xarray, pint and astropy are known by what their objects have; none of them is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from .. import texts


def bare(value: Any) -> Any:
    """The numbers of a quantity with a unit; anything else as it is."""
    quantity = _quantity(value)
    found = _unit(quantity)
    return value if found is None else getattr(quantity, _NUMBERS[found[0]])


def agree(loss: str, arguments: Mapping[str, Any]) -> None:
    """Raises where two arguments of a call carry labels, dims or units that differ."""
    # A symbol of torch.fx has whatever it is asked for.
    given = {k: v for k, v in arguments.items() if v is not None and not type(v).__module__.startswith("torch.")}
    _same_units(loss, {name: value for name, value in given.items() if name in ("y_true", "y_pred")})
    for first, second in combinations(given, 2):
        fault = next(_faults(_variable(first), given[first], _variable(second), given[second]), None)
        if fault is not None:
            raise texts.labels_differ(loss, first, second, *fault)


Fault = tuple[str, str, str, str]  # what differs, how it reads in the first and in the second, the line to write


def _variable(argument: str) -> str:
    """What a line of code calls an argument, or a part of one such as ``y_pred's mean``."""
    return argument.rpartition(" ")[2]


def _faults(first: str, one: Any, second: str, other: Any) -> Iterator[Fault]:
    if _has_dims(one) and _has_dims(other):
        yield from _dims(first, one, second, other)
        return
    if _has_dims(one) or _has_dims(other):
        yield from _both_kinds(first, one, second, other)
        return
    if _has_index(one) and _has_index(other):
        yield from _rows(first, one.index, second, other.index, f"{second}.loc[{first}.index]")
    if _has_columns(one) and _has_columns(other):
        names = list(one.columns), list(other.columns)
        if _displaced(*names):
            same = sorted(map(str, names[0])) == sorted(map(str, names[1]))
            line = f"{second}[list({first}.columns)]" if same else f"{second}.to_numpy()"
            yield "columns", str(names[0]), str(names[1]), f"{second} = {line}"


def _rows(first: str, one: Any, second: str, other: Any, ordered: str) -> Iterator[Fault]:
    """Indexes of pandas.  One that only counts is no name of a row, unless both hold the same labels."""
    if len(one) != len(other) or one.equals(other):
        return
    position = next((i for i, (a, b) in enumerate(zip(one, other, strict=True)) if a != b), 0)
    reads = f"{_shown(one[position])} at position {position}", _shown(other[position])
    if one.is_unique and other.is_unique and set(one) == set(other):
        yield "labels", *reads, f"{second} = {ordered}"
    elif not (_counts(one) or _counts(other)):
        yield "labels", *reads, f"{second} = {second}.to_numpy()   # to read it by position"


def _shown(label: Any) -> str:
    return repr(label.item() if hasattr(label, "item") else label)


def _counts(index: Any) -> bool:
    return type(index).__name__ == "RangeIndex" and index.start == 0 and index.step == 1


def _both_kinds(first: str, one: Any, second: str, other: Any) -> Iterator[Fault]:
    """Labels of an array with dims and of one of pandas, axis by axis."""
    for place, ((told, a), (_, b)) in enumerate(zip(_labels(first, one), _labels(second, other), strict=False)):
        if a is None or b is None or (place > 0 and set(a) != set(b)):  # Columns may be called otherwise.
            continue
        ordered = f"{second}.loc[{told}]" if place == 0 else f"{second}[{told}]"
        if _has_dims(other):
            ordered = f"{second}.sel({{{other.dims[place]!r}: {told}}})"
        yield from _rows(first, a, second, b, ordered)


def _labels(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """How the labels of each axis are called in code, and what they are; None where there are none."""
    if _has_dims(value):
        yield from ((f"{name}.indexes[{dim!r}]", value.indexes.get(dim)) for dim in value.dims)
    elif _has_index(value):
        yield f"{name}.index", value.index
        if _has_columns(value):
            yield f"{name}.columns", value.columns


def _dims(first: str, one: Any, second: str, other: Any) -> Iterator[Fault]:
    if _displaced(one.dims, other.dims):
        same = set(one.dims) == set(other.dims)
        line = f"{second}.transpose(*{first}.dims)" if same else f"{second}.to_numpy()"
        yield "dims", str(tuple(one.dims)), str(tuple(other.dims)), f"{second} = {line}"
    elif not {first, second} & _OF_LAYERS and _renamed(one.dims, other.dims):
        names = ", ".join(f"{b!r}: {a!r}" for a, b in zip(one.dims, other.dims, strict=False) if a != b)
        yield "dims", str(tuple(one.dims)), str(tuple(other.dims)), f"{second} = {second}.rename({{{names}}})"
    for place, (a, b) in enumerate(zip(one.dims, other.dims, strict=False)):
        if a in one.indexes and b in other.indexes and (a == b or _numbered(place) in (a, b)):
            ordered = f"{second}.sel({{{b!r}: {first}.indexes[{a!r}]}})"
            yield from _rows(first, one.indexes[a], second, other.indexes[b], ordered)


# Whose axes are those of no data point.
_OF_LAYERS = {"weight", "bias"}


def _renamed(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether names at one place differ; of arrays of different rank, as labels beside scores, at the first."""
    pairs = list(zip(one, other, strict=False))
    given = pairs if len(one) == len(other) else pairs[:1]
    return any(a != b and not {a, b} & {_numbered(place) for place in range(len(given))} for a, b in given)


def _numbered(place: int) -> str:
    """What xarray calls a dim that nobody names."""
    return f"dim_{place}"


def _displaced(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether a name that both have stands at different places."""
    places = {name: place for place, name in enumerate(one)}
    return any(places.get(name, place) != place for place, name in enumerate(other))


def _same_units(loss: str, pair: Mapping[str, Any]) -> None:
    units = {name: _unit(_quantity(value)) for name, value in pair.items()}
    if len(units) < 2 or not any(units.values()):
        return
    (first, one), (second, other) = units.items()
    line = ", ".join(f"{name} = {_bare(pair, name)}" for name, unit in units.items() if unit is not None)
    if one is not None and other is not None:
        line = line.replace(", ", "; ")
        if _fits(_quantity(pair[second]), getattr(_quantity(pair[first]), one[0])):
            line = f"{second} = {_within(pair, second, f'.to({_place(pair, first)}.{one[0]})')}"
    here, there = ("none" if unit is None else unit[1] for unit in (one, other))
    if here != there:
        raise texts.labels_differ(loss, first, second, "units", here, there, line)


def _quantity(value: Any) -> Any:
    """The array that a labelled one of xarray holds; anything else as it is."""
    return value.data if _has_dims(value) and hasattr(value, "data") else value


def _place(pair: Mapping[str, Any], name: str) -> str:
    return name if _quantity(pair[name]) is pair[name] else f"{name}.data"


def _within(pair: Mapping[str, Any], name: str, change: str) -> str:
    """The line that changes a quantity, inside its labels if it has some."""
    place = _place(pair, name)
    return f"{name}{change}" if place == name else f"{name}.copy(data={place}{change})"


def _bare(pair: Mapping[str, Any], name: str) -> str:
    unit = _unit(_quantity(pair[name]))
    return name if unit is None else _within(pair, name, f".{_NUMBERS[unit[0]]}")


def _fits(value: Any, unit: Any) -> bool:
    """Whether the quantity has a size in this unit, found by trying it."""
    try:
        value.to(unit)
    except Exception:  # Each library has its own.
        return False
    return True


# The attribute that holds the unit, in pint and in astropy, and that which holds the numbers.
_NUMBERS = {"units": "magnitude", "unit": "value"}


def _unit(value: Any) -> tuple[str, str] | None:
    for attribute, numbers in _NUMBERS.items():
        if hasattr(value, attribute) and hasattr(value, numbers) and hasattr(value, "to"):
            return attribute, str(getattr(value, attribute))
    return None


def _has_index(value: Any) -> bool:
    return hasattr(value, "iloc") and hasattr(value, "index")


def _has_columns(value: Any) -> bool:
    return hasattr(value, "to_numpy") and hasattr(value, "columns")


def _has_dims(value: Any) -> bool:
    return hasattr(value, "dims") and hasattr(value, "indexes") and hasattr(value, "transpose")
