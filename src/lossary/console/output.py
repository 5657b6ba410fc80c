"""How commands speak: tables and text for people, JSON for programs, errors on the error stream and an exit status."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec

import typer
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ..errors import LossError
from . import FAILED, INTERRUPTED
from .own import place_in_own_code, told

P = ParamSpec("P")

# Columns below which lines are left to the terminal to break: a number that we break cannot be read.
NARROWEST = 40


def console(*, errors: bool = False) -> Console:
    """A console for the output or the error stream; into a pipe nothing is wrapped unless COLUMNS says so."""
    stream = sys.stderr if errors else sys.stdout
    asked = stream.isatty() or os.environ.get("COLUMNS", "").strip("0")
    width = max(shutil.get_terminal_size().columns, NARROWEST) if asked else 10_000
    return Console(stderr=errors, width=width, highlight=False, markup=False, emoji=False)


# What a terminal obeys instead of showing it, and what turns the direction of writing.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def shown(text: str | Text) -> str | Text:
    """The text with control characters spelled out: names and labels come from files that anybody may have written."""
    plain = text.plain if isinstance(text, Text) else text
    if not _CONTROL.search(plain):
        return text
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), plain)


def draw(renderable: RenderableType, style: str | None = None) -> None:
    """Anything rich can draw, without the blanks that fill lines up and that nobody wants in a file or a pipe."""
    screen = console()
    with screen.capture() as drawn:
        screen.print(renderable, style=style)
    for line in drawn.get().splitlines():
        print(line.rstrip())


def say(text: str | Text, style: str | None = None) -> None:
    """Text, wrapped at the terminal's width."""
    draw(shown(text), style)


def code(text: str) -> None:
    """Lines to copy, never wrapped."""
    console().print(shown(text), soft_wrap=True)


def pairs(rows: Iterable[tuple[str, str]]) -> None:
    """Names, and beside them numbers that are never broken."""
    known = list(rows)
    width = max(len(name) for name, _ in known)
    for name, number in known:
        code(f"{name:<{width}}  {number}")


def emit(data: Any) -> None:
    """JSON on the output stream; numbers that JSON lacks become null."""
    print(json.dumps(_plain(data), indent=2, allow_nan=False))


def _plain(data: Any) -> Any:
    if isinstance(data, dict):
        return {str(key): _plain(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_plain(value) for value in data]
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if data is None or isinstance(data, str | int | bool):
        return data
    return _plain(data.item()) if hasattr(data, "item") else str(data)


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    *,
    numbers_from: int | None = None,
    headed: bool = True,
) -> None:
    """A table; columns from ``numbers_from`` on are aligned right, the first column is never cut."""
    grid = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0), show_header=headed)
    for index, heading in enumerate(headings):
        is_number = numbers_from is not None and index >= numbers_from
        grid.add_column(heading, justify="right" if is_number else "left", no_wrap=index == 0, overflow="fold")
    for row in rows:
        grid.add_row(*map(shown, row))
    draw(grid)


@contextmanager
def progress(what: str, *, quiet: bool) -> Iterator[Callable[[float], None]]:
    """A progress bar on the error stream, if that is a terminal; yields a function of the part done."""
    screen = console(errors=True)
    if quiet or not sys.stderr.isatty():  # FORCE_COLOR makes no terminal of a log.
        yield lambda done: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(None), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task(str(shown(what)), total=1.0)
        yield lambda done: bar.update(task, completed=done)


def reporting(function: Callable[P, None]) -> Callable[P, None]:
    """Turns what goes wrong in a command into one message and an exit status, without a traceback."""

    @wraps(function)
    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except LossError as error:
            _fail(type(error).__name__, as_command(str(error)), as_json=bool(kwargs.get("as_json")))
        except (OSError, MemoryError) as error:
            _fail(type(error).__name__, str(error) or "out of memory", as_json=bool(kwargs.get("as_json")))
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except (typer.Exit, typer.Abort):
            raise
        except BaseException as error:  # SystemExit too: a loss of one's own does not decide the status.
            if os.environ.get("LOSSARY_TRACEBACK"):
                raise
            _fail(*_unforeseen(error), as_json=bool(kwargs.get("as_json")))

    return command


def _unforeseen(error: BaseException) -> tuple[str, str]:
    """What to say of an error that no one foresaw: in code named on the command line, or here."""
    if place_in_own_code(error):
        return "OwnCodeError", told(error)
    return "InternalError", f"{told(error)}. This is a fault of lossary; LOSSARY_TRACEBACK=1 shows where it happened"


SPOKEN = {
    "lossary.names()": "lossary list",
    "lossary.names: peer=": "--peer ",
    "pass backend='torch', 'jax' or 'tensorflow'": "write --backend torch, jax or tensorflow",
    "no model was given; pass model=": "a file holds no model; lossary.diagnose takes one",
    "no metrics were given; pass metrics=[...]": "a file holds no metrics; lossary.diagnose takes them",
}
# The same of calls with arguments.
SPOKEN_PATTERNS = {
    r"lossary\.names\(peer='(\w+)'\)": r"lossary list --peer \1",
    r"lossary\.(\w+)\(y_true, y_pred\)": r"--loss \1",
    r"lossary\.to_categorical\(y_true, \w+\) first": "a --target for each of the classes, a column of 0 and 1",
}


def as_command(text: str) -> str:
    """A text of the library, which names its own calls, in the words of the command line."""
    for call, words in SPOKEN.items():
        text = text.replace(call, words)
    for call, words in SPOKEN_PATTERNS.items():
        text = re.sub(call, words, text)
    return text


def _fail(kind: str, message: str, *, as_json: bool) -> None:
    if as_json:
        emit({"error": {"kind": kind, "message": message}})
    else:
        text = Text("lossary: ", style="bold red")
        console(errors=True).print(text.append(Text(str(shown(message)), style="not bold default")))
    raise typer.Exit(FAILED) from None
