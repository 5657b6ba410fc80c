"""Losses of one's own on the command line: ``my_losses.py:name`` and ``package.module:name``."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator, Mapping
from functools import cache, partial, update_wrapper
from pathlib import Path
from types import ModuleType
from typing import Any

from .. import texts
from ..objects.define import OBJECT_SETTINGS, Loss
from ..objects.get import get
from ..scoring._errors import no_file
from .errors import UsageError

# The files of the modules that were asked for; an error that comes from one of them is not ours.
_own_files: set[str] = set()


def is_place(text: str) -> bool:
    """Whether this names a place in Python code, and not a loss of the catalogue."""
    return ":" in text or text.endswith(".py") or "/" in text


def located(place: str, parameters: Mapping[str, Any]) -> Loss:
    """The loss at ``my_losses.py:name`` or ``package.module:name``; a file with one loss needs no name.

    Functions made by `lossary.loss`, loss classes and objects, and plain functions of ``(y_true, y_pred)`` are losses.
    """
    where, _, name = (place, "", "") if place.endswith(".py") else place.rpartition(":")
    where, name = (where, name) if where else (name, "")
    module = _from_file(Path(where)) if where.endswith(".py") or "/" in where else _from_module(where, place)
    found = _attribute(module, where, name)
    if inspect.isfunction(found) and not hasattr(found, "record"):
        return _plain(found, parameters)
    if inspect.isclass(found) and not issubclass(found, Loss):
        with _running(f"{place} cannot be made with {dict(parameters)}"):
            return get(found(**parameters))
    return get(found, **parameters)


def _plain(function: Any, parameters: Mapping[str, Any]) -> Loss:
    """A plain function with its own parameters bound, named after them, so that two settings stay apart."""
    settings = {key: value for key, value in parameters.items() if key in OBJECT_SETTINGS}
    own = {key: value for key, value in parameters.items() if key not in settings}
    known = list(inspect.signature(function).parameters)[2:]
    for key in own:
        if key not in known:
            raise texts.unknown_parameter(function.__name__, key, [*known, *OBJECT_SETTINGS])
    if own:
        settings.setdefault("name", f"{function.__name__}({', '.join(f'{k}={v!r}' for k, v in own.items())})")
        function = update_wrapper(partial(function, **own), function)
    return get(function, **settings)


@contextlib.contextmanager
def _running(failure: str) -> Iterator[None]:
    """Runs somebody's code: what it prints leaves the output alone, and what it raises becomes one message."""
    with contextlib.redirect_stdout(sys.stderr):
        try:
            yield
        except (UsageError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise UsageError(f"{failure}: {told(error)}") from None


@contextlib.contextmanager
def own_by_value() -> Iterator[None]:
    """Code that was named on the command line travels to other machines whole: they have no such file."""
    import cloudpickle

    named = [module for module in list(sys.modules.values()) if getattr(module, "__file__", None) in _own_files]
    for module in named:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in named:
            cloudpickle.unregister_pickle_by_value(module)


@cache
def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise no_file(path)
    # What stands beside the file can be imported by it, as if it were run.
    sys.path.insert(0, str(path.resolve().parent))
    name = path.stem if path.stem not in sys.modules else f"{path.stem}_of_the_command_line"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} does not end in .py; accepted is FILE.py:NAME, for example my_losses.py:my_loss")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    _own_files.add(str(module.__file__))
    with _running(f"{path} cannot be imported"):
        spec.loader.exec_module(module)
    return module


def _from_module(where: str, place: str) -> ModuleType:
    if "" not in sys.path:
        sys.path.insert(0, "")
    with _running(f"{where} cannot be imported"):
        try:
            module = importlib.import_module(where)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{where}.".startswith(f"{error.name}."):
                raise
            raise UsageError(
                f"there is no module {error.name!r}, neither in this folder nor installed. {place!r} was read as "
                "MODULE:NAME; a file is written FILE.py:NAME, and a parameter of a loss huber:delta=1.0"
            ) from None
    _own_files.add(str(module.__file__))
    return module


def _attribute(module: ModuleType, where: str, name: str) -> Any:
    names = [key for key, value in vars(module).items() if not key.startswith("_") and _is_own(value, module)]
    if not name and len(names) == 1:
        name = names[0]
    found: Any = module if name else None
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not None:
        return found
    defined = f"It defines {', '.join(names)}" if names else "It defines no function and no loss"
    if not name:
        raise UsageError(f"{where} needs the name of a loss behind it, {where}:NAME. {defined}")
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {where}:{near[0]}? " if near else ""
    raise UsageError(f"{where} has no {name!r}; {hint}{defined}")


def _is_own(value: Any, module: ModuleType) -> bool:
    return isinstance(value, Loss) or (callable(value) and getattr(value, "__module__", None) == module.__name__)


def told(error: BaseException) -> str:
    """An error of somebody's own code in one line, with the place in their file."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    place = None if isinstance(error, SyntaxError) else place_in_own_code(error)
    return text if place is None else f"{text} ({place})"


def place_in_own_code(error: BaseException) -> str | None:
    """Where in the code named on the command line an error comes from, or None if from nowhere there."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in _own_files]
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else None
