import importlib.util
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.story("006")


def test_the_committed_classes_are_what_the_schemas_generate_now():
    spec = importlib.util.spec_from_file_location("caxton_proto_generate", ROOT / "proto" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = script
    spec.loader.exec_module(script)
    folder = ROOT / "caxton_node" / "pb"
    committed = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert script.generate() == committed


def test_every_method_of_the_schemas_says_what_it_does():
    for path in (ROOT / "proto" / "caxton" / "v1").glob("*.proto"):
        for before, line in pairwise(path.read_text().splitlines()):
            if line.strip().startswith("rpc "):
                assert before.strip().startswith("//"), f"{path.name}: {line.strip()}"
