"""Generate and build the example clients: `python sdk/clients/build.py [python] [go] [typescript]`.

What is made lies in `build/` of each folder. The compiler of the schemas comes with grpcio-tools, for Go too.
"""
# ruff: noqa: INP001  the SDK is no package

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from google.api import annotations_pb2
from grpc_tools import protoc  # type: ignore[import-untyped]  # it ships no types

HERE = Path(__file__).resolve().parent
PROTO = HERE.parents[1] / "proto"
SOURCES = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("caxton/v1/*.proto"))
GO_MODULE = "caxton.example/client"
GO_TOOLS = (
    "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.11",
    "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.0",
)


class ToolMissing(Exception):
    """A language cannot be built here."""


def compile_schemas(*options: str, plugins: Path | None = None) -> None:
    """Run protoc over every schema.

    Raises:
        RuntimeError: It refused; it has printed why.
    """
    well_known = files("grpc_tools") / "_proto"
    annotations = Path(annotations_pb2.__file__).parents[2]
    roots = [f"-I{root}" for root in (PROTO, well_known, annotations)]
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{plugins}{os.pathsep}{before}" if plugins else before
    try:
        if protoc.main(["protoc", *roots, *options, *SOURCES]) != 0:
            raise RuntimeError("protoc refused a schema")
    finally:
        os.environ["PATH"] = before


def build_python() -> None:
    """Generate message classes and stubs."""
    build = _fresh(HERE / "python" / "build")
    compile_schemas(f"--python_out={build}", f"--grpc_python_out={build}")


def build_go() -> None:
    """Generate, and compile the program to `go/build/caxton-example`."""
    _need("go", "install Go 1.24 or newer (apt-get install golang, or go.dev/dl)")
    folder = HERE / "go"
    tools = folder / ".tools"
    for tool in GO_TOOLS:
        if not (tools / tool.rpartition("/")[2].partition("@")[0]).exists():
            _run(["go", "install", "-trimpath", tool], folder, GOBIN=str(tools))
    generated = _fresh(folder / "caxtonv1")
    names = [f"M{source}={GO_MODULE}/caxtonv1" for source in SOURCES]
    options = [
        f"--{kind}_opt={option}" for kind in ("go", "go-grpc") for option in (f"module={GO_MODULE}", *names)
    ]
    compile_schemas(*options, f"--go_out={folder}", f"--go-grpc_out={folder}", plugins=tools)
    assert any(generated.iterdir())
    _run(["go", "build", "-trimpath", "-o", "build/caxton-example", "."], folder)


def build_typescript() -> None:
    """Install what the lock file says, generate types, and compile to `typescript/build`."""
    _need("npm", "install Node 20 or newer with npm (apt-get install nodejs npm)")
    folder = HERE / "typescript"
    if not (folder / "node_modules" / ".package-lock.json").exists():
        _run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], folder)
    _fresh(folder / "generated")
    _run(["npm", "run", "--silent", "generate"], folder)
    _run(["npm", "run", "--silent", "compile"], folder)


BUILDERS: Mapping[str, Callable[[], None]] = {
    "python": build_python,
    "go": build_go,
    "typescript": build_typescript,
}


def build(name: str) -> bool:
    """Build one language; returns False if that was done already and nothing has changed since.

    Raises:
        ToolMissing: Its tools are not installed.
    """
    stamp = HERE / name / "build" / ".made-from"
    digest = _inputs(HERE / name)
    if stamp.exists() and stamp.read_text() == digest:
        return False
    BUILDERS[name]()
    stamp.write_text(digest)
    return True


def _inputs(folder: Path) -> str:
    """Return a digest of all that a client is made from."""
    kinds = ("*.py", "*.go", "go.*", "*.json", "src/*.ts")
    own = (path for kind in kinds for path in folder.glob(kind))
    digest = hashlib.sha256()
    for path in sorted({*own, *(PROTO / source for source in SOURCES), Path(__file__)}):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _need(program: str, hint: str) -> None:
    if shutil.which(program) is None:
        raise ToolMissing(f"{program} is not installed: {hint}")


def _run(command: Sequence[str], folder: Path, **environment: str) -> None:
    subprocess.run(command, cwd=folder, check=True, env={**os.environ, **environment})


def main(names: Sequence[str]) -> int:
    """Build these languages, or all; return the exit code."""
    missing = 0
    for name in names or BUILDERS:
        try:
            was_made = build(name)
        except ToolMissing as err:
            missing += 1
            print(f"{name}: {err}", file=sys.stderr)  # noqa: T201  a script that is run by hand says what it did
        else:
            print(f"{name}: {'built' if was_made else 'is built'}")  # noqa: T201
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
