"""What an editor and a type checker see: names, signatures and docstrings in the generated stub."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import lossary
from lossary.objects.names import exports

STUB = Path(lossary.__file__).with_suffix(".pyi")
SNIPPET = """
import lossary
from lossary import losses
from lossary.losses import mean_squared_error

lossary.huber([[1.0]], [[2.0]], delta=2.0)
lossary.categorical_crossentropy([[1.0]], [[1.0]], True, 0.1, -1, epsilon=0.0, check="off")
losses.mse([[1.0]], [[2.0]])
mean_squared_error([[1.0]], [[2.0]])
loss = lossary.Huber(delta=2.0, reduction="sum")
width: float = loss.delta
lossary.Huber(delta="wide")
lossary.huber([[1.0]], [[2.0]], gamma=2.0)
"""


@pytest.fixture(scope="module")
def definitions() -> dict[str, ast.AST]:
    found: dict[str, ast.AST] = {}
    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: node for alias in node.names}
    return found


def test_stub_names_everything_public(definitions: dict[str, ast.AST]) -> None:
    assert set(lossary.__all__) <= set(definitions)
    assert set(exports()) <= set(definitions)


def test_stub_signatures_and_docstrings_are_those_of_the_objects(definitions: dict[str, ast.AST]) -> None:
    for name, node in definitions.items():
        if isinstance(node, ast.FunctionDef):
            signature = inspect.signature(getattr(lossary, name))
            written = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
            assert written == list(signature.parameters), name
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            assert inspect.cleandoc(ast.get_docstring(node) or "") == inspect.getdoc(getattr(lossary, name)), name


@pytest.mark.costly
def test_type_checker_accepts_right_calls_and_refuses_wrong_ones(tmp_path: Path) -> None:
    (tmp_path / "snippet.py").write_text(SNIPPET)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "snippet.py"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    errors = [line for line in result.stdout.splitlines() if "error" in line and "snippet.py" in line]
    assert len(errors) == 2, result.stdout
    assert 'Argument "delta" to "Huber" has incompatible type "str"' in errors[0]
    assert 'Unexpected keyword argument "gamma" for "huber"' in errors[1]
