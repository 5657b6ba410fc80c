"""The ``lossary`` command in forks of a process that has imported it: all of a process but its slow start.

``python cli_server.py`` reads one request in JSON per line: arguments, environment, folder, the files that output and
errors go to, and code that runs before the command.  It answers each with the exit status.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any


def command(
    arguments: list[str], environment: dict[str, str], cwd: Path | None = None, before: str = ""
) -> subprocess.CompletedProcess[str]:
    """What the command said and its status."""
    with tempfile.TemporaryDirectory() as folder:
        files = [f"{folder}/out", f"{folder}/err"]
        request = {"arguments": arguments, "environment": environment, "cwd": str(cwd or Path.cwd()), "files": files}
        request["before"] = before
        server = _server()
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        status = int(server.stdout.readline())
        out, err = (Path(file).read_text() for file in files)
    return subprocess.CompletedProcess(arguments, status, out, err)


@cache
def _server() -> subprocess.Popen[str]:
    started = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert started.stdin is not None
    atexit.register(started.stdin.close)  # Which ends it.
    return started


def serve() -> None:
    """Forks for each request."""
    import pyarrow.csv
    import pyarrow.parquet  # noqa: F401

    import lossary.cli._app  # noqa: F401

    for line in sys.stdin:
        child = os.fork()
        if not child:
            _run(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _run(request: dict[str, Any]) -> None:
    """Becomes the command, as the interpreter would start it, and ends."""
    for number, path in enumerate(["/dev/null", *request["files"]]):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
    sys.stdout, sys.stderr = (open(number, "w", closefd=False) for number in (1, 2))  # noqa: SIM115
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["cwd"])
    sys.argv = ["lossary", *request["arguments"]]
    status: Any = 1
    try:
        from lossary.cli import main

        exec(request["before"], {})
        main()
        status = 0
    except SystemExit as end:
        status = end.code
    except BaseException:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else bool(status))


if __name__ == "__main__":
    serve()
