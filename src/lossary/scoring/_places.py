"""Where rows lie: files, globs, folders, addresses that fsspec knows, and the standard input."""

from __future__ import annotations

import glob
import io
import os
import re
import select
import stat
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, cast

from .._extras import MissingExtraError, require
from . import _errors

ENDINGS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".feather": "arrow",
    ".arrow": "arrow",
    ".ipc": "arrow",
    ".arrows": "arrow",
    ".npz": "npz",
}
KINDS = tuple(dict.fromkeys(ENDINGS.values()))
PACKED = (".gz", ".zst", ".bz2", ".xz", ".lz4")


@dataclass(frozen=True)
class Place:
    """One file or stream; ``keys`` are the columns that its folders name (``year=2024``)."""

    path: str
    kind: str = ""
    size: int = 0
    filesystem: Any = field(default=None, compare=False)
    keys: Mapping[str, Any] = field(default_factory=dict, compare=False)
    # Of a stream: what makes a reader that waits for it give up.
    halted: threading.Event | None = field(default=None, compare=False)

    @property
    def is_stream(self) -> bool:
        """Whether it can be read once, and alone from its beginning."""
        return self.halted is not None

    def __str__(self) -> str:
        return "the standard input" if self.path == "-" else self.path

    def open(self) -> Any:
        """The bytes as a Python file, without a buffer of its own; reading never waits for more than there is."""
        if self.halted is not None:
            source = _standard_input() if self.path == "-" else os.open(self.path, os.O_RDONLY)
            return _Waiting(source, self.halted) if isinstance(source, int) else source
        return open(self.path, "rb", buffering=0) if self.filesystem is None else self._remote()

    def seekable(self) -> Any:
        """The bytes as a file of Arrow's, whatever bytes its name is made of."""
        import pyarrow as pa

        if self.filesystem is not None:
            return pa.PythonFile(self._remote(), mode="r")
        return pa.OSFile(os.fsencode(self.path) if os.name == "posix" else self.path)

    def _remote(self) -> Any:
        return self.filesystem.open(self.filesystem._strip_protocol(self.path), "rb")

    def stamp(self) -> tuple[Any, ...]:
        """What changes when somebody writes to it."""
        if self.is_stream:
            return ()
        if self.filesystem is not None:
            about = self.filesystem.info(self.filesystem._strip_protocol(self.path))
            return tuple(str(about.get(key)) for key in ("size", "mtime", "LastModified", "ETag", "created"))
        try:
            status = os.stat(self.path)
        except OSError:
            return ()
        return status.st_size, status.st_mtime_ns, status.st_ino


def _standard_input() -> int | IO[bytes]:
    """The number of a file of its own for what comes in; the bytes themselves where Python holds them in memory."""
    if sys.stdin is None or sys.stdin.closed:
        raise _errors.unreadable("the standard input", "it is closed")
    try:
        return os.dup(sys.stdin.fileno())
    except (AttributeError, io.UnsupportedOperation):
        text = getattr(sys.stdin, "buffer", sys.stdin).read()
        return io.BytesIO(text.encode() if isinstance(text, str) else text)


class _Waiting(io.FileIO):
    """A stream that may have nothing to say for long, and whose reader can be called off meanwhile."""

    def __init__(self, number: int, halted: threading.Event) -> None:
        super().__init__(number)
        self._halted = halted

    def read(self, size: int | None = -1, /) -> bytes:
        while os.name == "posix" and not select.select([self], [], [], 0.1)[0]:
            if self._halted.is_set():
                raise InterruptedError("nobody waits for it any more")
        return super().read(-1 if size is None else size)


@contextmanager
def steady(place: str | Path | Place) -> Iterator[None]:
    """Raises a `FileError` at the end if the file is not what it was at the beginning."""
    place = place if isinstance(place, Place) else Place(str(place))
    before = place.stamp()
    yield
    if place.stamp() != before:
        raise _errors.changed(place)


def places(named: str | Path | Sequence[str | Path], form: str | None = None) -> list[Place]:
    """Every file that is named, each once, in the order of the names and sorted within a glob or a folder.

    Raises:
        FileError: Nothing is there, or its kind is not known.
    """
    texts = [str(text) for text in ([named] if isinstance(named, str | Path) else named)]
    if not texts:
        raise _errors.nothing_named()
    return _partitioned(list(dict.fromkeys(place for text in texts for place in _expanded(text, form))))


def _expanded(text: str, form: str | None) -> list[Place]:
    if text == "-":
        return [Place("-", form or "", halted=threading.Event())]
    if "://" in text:
        return _remote(text, form)
    path = Path(text)
    if path.is_dir():
        found = (file for file in path.rglob("*") if file.is_file())
        return _of_folder(text, [Place(str(file), size=file.stat().st_size) for file in sorted(found)], path, form)
    if path.exists():
        return [_local(text, form)]
    if not glob.has_magic(text):
        raise _errors.no_file(path)
    matched = [name for name in sorted(glob.glob(text, recursive=True)) if not _is_mark(name)]
    if not matched:
        raise _errors.no_match(text)
    return [place for name in matched for place in _expanded(name, form)]


def _is_mark(path: str) -> bool:
    """Whether a file is one of those that writers of data sets leave beside them: _SUCCESS, _metadata."""
    return path.rpartition("/")[2].startswith("_") and _kind_or_none(path) is None


def _local(text: str, form: str | None) -> Place:
    status = os.stat(text)
    if not stat.S_ISREG(status.st_mode):
        return Place(text, form or "", halted=threading.Event())
    return Place(text, form or _kind(text), status.st_size)


def _remote(text: str, form: str | None) -> list[Place]:
    """Files at an address, as fsspec finds them there."""
    require("fsspec", "cli", f"reading {text}")
    import fsspec

    try:
        files, path = fsspec.core.url_to_fs(text)
        is_glob, is_folder = glob.has_magic(path), files.isdir(path)
        if is_glob or is_folder:
            details = (files.glob if is_glob else files.find)(path, detail=True)
        else:  # Not found among those of a folder: a web server need not list any.
            details = {path: files.info(path)}
    except FileNotFoundError:
        raise _errors.no_address(text, FileNotFoundError("nothing is there")) from None
    except ImportError as error:
        raise MissingExtraError(f"{text} cannot be read: {error}") from None
    except Exception as error:
        raise _errors.no_address(text, error) from None
    found = [
        Place(files.unstrip_protocol(name), size=int(about.get("size") or 0), filesystem=files)
        for name, about in sorted(details.items())
        if about.get("type") == "file"
    ]
    if not found:
        raise _errors.no_match(text) if is_glob else _errors.no_address(text, FileNotFoundError("nothing is there"))
    if is_folder:
        return _of_folder(text, found, path, form)
    return [replace(place, kind=form or _kind(place.path)) for place in found]


def _of_folder(text: str, files: Iterable[Place], root: Any, form: str | None) -> list[Place]:
    """The files of a data set: what begins with a dot or an underscore is none of its rows."""
    depth = len(str(root).rstrip("/"))
    shown = [file for file in files if not re.search(r"/[._]", file.path[depth:])]
    found = [(file, form or kind) for file in shown if (kind := _kind_or_none(file.path)) or form]
    kinds = list(dict.fromkeys(kind for _, kind in found))
    if not kinds:
        raise _errors.empty_folder(text, list(ENDINGS))
    if len(kinds) > 1:
        raise _errors.several_kinds(text, [str(kind) for kind in kinds])
    return [replace(file, kind=cast(str, kind)) for file, kind in found]


def _kind_or_none(path: str) -> str | None:
    name = path.rpartition("/")[2].lower()
    for ending in PACKED:
        name = name.removesuffix(ending)
    return ENDINGS.get(os.path.splitext(name)[1])


def _kind(path: str) -> str:
    kind = _kind_or_none(path)
    if kind is None:
        raise _errors.unknown_kind(path, list(ENDINGS), PACKED)
    return kind


def _partitioned(found: list[Place]) -> list[Place]:
    """The same places with the columns that their folders name, as numbers where all of them are whole numbers."""
    names = dict.fromkeys(name for place in found for name in re.findall(r"([^/=]+)=[^/]*/", place.path))
    if not names or any(place.kind == "npz" for place in found):
        return found
    require("pyarrow", "cli", "reading folders like year=2024")
    import pyarrow as pa
    import pyarrow.dataset as ds

    reader = ds.partitioning(pa.schema([(name, pa.string()) for name in names]), flavor="hive")
    read = [ds.get_partition_keys(reader.parse(place.path)) for place in found]
    whole = [name for name in names if all(re.fullmatch(r"[+-]?\d+", keys.get(name) or "0") for keys in read)]
    return [
        replace(place, keys={k: int(v) if k in whole and v is not None else v for k, v in keys.items()})
        for place, keys in zip(found, read, strict=True)
    ]
