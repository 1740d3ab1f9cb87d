"""Generate `caxton_node/pb` from the schemas in this folder.

Run it after every change of a .proto file: `python proto/generate.py`. The result is committed, so that
neither a user nor a build needs protoc; a test regenerates it and compares every byte.

Messages only: the server and the client are loops over the service descriptors, so no `_pb2_grpc` stubs are
made. Beside them lie the descriptors of all schemas with their comments, from which the description of the
REST API is made.
"""
# ruff: noqa: INP001  proto/ holds schemas; this script is not a package

from __future__ import annotations

import re
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from google.api import annotations_pb2
from grpc_tools import protoc  # type: ignore[import-untyped]  # it ships no types

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "caxton_node" / "pb"
HEADER = (
    '"""Message classes generated from `proto/caxton/v1` by `proto/generate.py`; not edited by hand."""\n'
)
DESCRIPTORS = "descriptors.binpb"
# protoc writes imports for a package called caxton.v1; ours is caxton_node.pb.
IMPORT = re.compile(r"^from caxton\.v1 import ", re.MULTILINE)


def generate() -> dict[str, bytes]:
    """Compile every schema and return the files of `caxton_node/pb` by name.

    Raises:
        RuntimeError: protoc refused a schema; it has printed where and why.
    """
    with tempfile.TemporaryDirectory() as folder:
        sources = sorted(str(path.relative_to(HERE)) for path in HERE.glob("caxton/v1/*.proto"))
        well_known = str(files("grpc_tools") / "_proto")
        annotations = Path(annotations_pb2.__file__).parents[2]  # of googleapis-common-protos
        roots = [f"-I{root}" for root in (HERE, well_known, annotations)]
        described = Path(folder, DESCRIPTORS)
        options = [*roots, f"--python_out={folder}", f"--pyi_out={folder}"]
        options += ["--include_source_info", f"--descriptor_set_out={described}"]
        if protoc.main(["protoc", *options, *sources]) != 0:
            raise RuntimeError("protoc refused a schema")
        made = {path.name: _adapt(path) for path in sorted(Path(folder, "caxton", "v1").iterdir())}
        return {"__init__.py": HEADER.encode(), **made, DESCRIPTORS: described.read_bytes()}


def _adapt(path: Path) -> bytes:
    return IMPORT.sub("from caxton_node.pb import ", path.read_text()).encode()


def main() -> int:
    """Write the files, and remove those whose schema is gone."""
    made = generate()
    TARGET.mkdir(exist_ok=True)
    for stale in {path.name for path in TARGET.glob("*.py*")} - made.keys():
        (TARGET / stale).unlink()
    for name, data in made.items():
        (TARGET / name).write_bytes(data)
    print(f"{len(made)} files in {TARGET}")  # noqa: T201 a script that is run by hand says what it did
    return 0


if __name__ == "__main__":
    sys.exit(main())
