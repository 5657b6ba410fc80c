"""Machine code in this process."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from itertools import count
from typing import Any

from llvmlite import binding

# The function of a unit that Python calls, and what such functions call.
ENTRY = "entry"
_NEEDED = (
    "PyErr_BadArgument", "PyErr_NoMemory", "PyErr_Occurred", "PyEval_RestoreThread", "PyEval_SaveThread",
    "PyFloat_AsDouble", "PyLong_AsLongLong", "PyLong_FromLongLong",
)  # fmt: skip
_FASTCALL = 0x0080
_numbers = count()


def linked(code: bytes, names: Sequence[str]) -> dict[str, int]:
    """The addresses of functions of an object file; each file has names of its own, and stays for good."""
    library = binding.JITLibraryBuilder().add_object_img(code).add_current_process()
    for name, address in _addresses().items():
        library.import_symbol(name, address)
    for name in names:
        library.export_symbol(name)
    found = library.link(_linker(), f"lossary{next(_numbers)}")
    _never_let_go(found)
    return {name: found[name] for name in names}


def function(code: bytes, name: str) -> Callable[..., int]:
    """The entry of an object file as a function of Python; the same file is linked once."""
    key = hashlib.sha256(code).digest(), name
    if key not in _functions:
        _functions[key] = _builtin(linked(code, [ENTRY])[ENTRY], name)
    return _functions[key]


@cache
def _linker() -> Any:
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    made = binding.create_lljit_compiler()
    _never_let_go(made)
    return made


def _never_let_go(found: Any) -> None:
    """Threads may run machine code until the process ends, when Python's objects are gone."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(found))


class _Definition(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("text", ctypes.c_char_p),
    )


# By digest of the object file, and name.
_functions: dict[tuple[bytes, str], Callable[..., int]] = {}
# Python reads a definition as long as its function lives.
_definitions: list[_Definition] = []


def _builtin(address: int, name: str) -> Callable[..., int]:
    """The entry at an address as a function of Python."""
    _definitions.append(_Definition(name.encode(), address, _FASTCALL, None))
    new = ctypes.pythonapi.PyCFunction_NewEx
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    made: Callable[..., int] = new(ctypes.addressof(_definitions[-1]), None, None)
    return made


@cache
def _addresses() -> dict[str, int]:
    """Where the functions are that an entry calls, and what it knows by name."""
    found = {name: ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0 for name in _NEEDED}
    return found | {"PyLong_Type": id(int)}
