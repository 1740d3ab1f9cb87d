"""Modules that travel between real nodes: by digest from the command line, and through a SIGKILL."""

import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from caxton_node.devkit.demo.nodes import wait_for
from tests.support.nodes import caxton
from tests.support.padded import padded_echo

pytestmark = pytest.mark.story("022")
MIB = 1024 * 1024


def digest(module):
    return hashlib.sha256(module).hexdigest()


def ok(done):
    """Return what a command printed; it must have left 0."""
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def deploy(node, name, module, tmp_path):
    """Deploy a module from a file; returns its digest."""
    file = tmp_path / f"{name}.wasm"
    file.write_bytes(module)
    ok(caxton(node, "agent", "deploy", file))
    return digest(module)


def size_of(place):
    return place.stat().st_size if place.exists() else 0


def test_a_digest_deploys_updates_and_is_tried_and_needs_a_name(trio, tmp_path):
    first, second, _ = trio.nodes
    sha256 = deploy(first, "origin", padded_echo(2 * MIB, seed=1), tmp_path)
    done = ok(caxton(second, "agent", "deploy", f"sha256:{sha256}", "--name", "copy", "-o", "json"))
    assert json.loads(done)["module_sha256"] == sha256
    ok(caxton(second, "agent", "validate", f"sha256:{sha256}"))
    other = deploy(first, "other", padded_echo(10, seed=2), tmp_path)
    ok(caxton(second, "agent", "update", "copy", f"sha256:{other}"))
    nameless = caxton(second, "agent", "deploy", f"sha256:{sha256}")
    assert nameless.returncode == 2
    assert "--name" in nameless.stderr
    odd = caxton(second, "agent", "deploy", "sha256:12")
    assert odd.returncode == 2
    assert "64 hexadecimal digits" in odd.stderr


def test_a_fetch_that_is_killed_goes_on_where_it_was(trio, tmp_path):
    first, second, _ = trio.nodes
    module = padded_echo(48 * MIB, seed=3)
    sha256 = deploy(first, "huge", module, tmp_path)
    part = second.data_dir / "modules" / f"{sha256}.part"
    with ThreadPoolExecutor(1) as threads:
        cut = threads.submit(caxton, second, "agent", "deploy", f"sha256:{sha256}", "--name", "huge2")
        wait_for("a part of the module", lambda: size_of(part) >= 4 * MIB, within_s=30)
        second.kill()
        assert cut.result().returncode != 0
    came = size_of(part)
    assert 4 * MIB <= came < len(module)
    second.start()
    second.wait_ready()
    wait_for("n2 to see the source", lambda: "huge" in caxton(second, "agent", "list").stdout, within_s=30)
    ok(caxton(second, "agent", "deploy", f"sha256:{sha256}", "--name", "huge2"))
    resumed = [int(at) for at in re.findall(r'"?resumed_at"?[=:] ?(\d+)', second.log_path.read_text())]
    assert came in resumed, "what had come was fetched again"
    assert (second.data_dir / "modules" / f"{sha256}.wasm").read_bytes() == module
