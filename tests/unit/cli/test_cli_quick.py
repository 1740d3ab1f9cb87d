"""What a command imports decides how long it takes; it is counted here, and timed in tests/bench."""

import socket
import subprocess
import sys

import pytest

from caxton_node.cli.quick_start import Found, State, headline, lay_out, look, steps
from caxton_node.cli.session import Session
from tests.support.cli import ROOT, caxton

pytestmark = pytest.mark.story("008")

HEAVY = ("grpc", "rich", "yaml", "asyncio", "ssl", "http.client", "email", "jsonschema_rs", "msgspec")


def imported(words: list[str]) -> set[str]:
    """Run a command line and return the modules that it has imported."""
    script = (
        "import sys; from caxton_node.cli.main import main\n"
        f"try: main({words!r})\n"
        "except SystemExit: pass\n"
        "print('\\n'.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("words", [["--help"], ["agent", "--help"], ["agent", "list", "--help"]])
def test_help_imports_nothing_heavy(words):
    assert not imported(words) & {*HEAVY, "google.protobuf", "socket", "caxton_node.client.client"}


def test_help_of_all_nouns_imports_none_of_them():
    nouns = {name for name in imported(["--help"]) if name.startswith("caxton_node.cli.")}
    assert len(nouns) <= 8, nouns


@pytest.mark.parametrize(
    ("found", "first"),
    [
        (Found(State.NOTHING, "/srv/x"), "caxton-node init --data-dir /srv/x"),
        (Found(State.STOPPED, "/srv/x y"), "caxton-node run --data-dir '/srv/x y'"),
        (Found(State.AWAY, "far:1", why="refused"), "caxton context list"),
        (Found(State.EMPTY, "unix:/x"), "caxton agent deploy FILE"),
        (Found(State.BUSY, "unix:/x", ("echo",)), "caxton message send --to echo --data '\"hello\"'"),
    ],
)
def test_the_quick_start_begins_with_what_makes_sense_now(found, first):
    assert steps(found)[0][0] == first
    assert found.where in headline(found)
    assert len(list(lay_out(steps(found)))) <= 5


def test_caxton_alone_is_a_quick_start(tmp_path):
    done = caxton(CAXTON_DATA_DIR=str(tmp_path), HOME=str(tmp_path))
    assert (done.code, done.err) == (0, "")
    assert "caxton-node init" in done.out
    assert "caxton --help" in done.out


def test_a_node_that_was_killed_does_not_run(tmp_path):
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "node.crt").touch()
    for name in ("caxton.sock", "rest.sock"):  # bound, closed and never removed, as a kill leaves them
        with socket.socket(socket.AF_UNIX) as plug:
            plug.bind(str(tmp_path / name))
    found = look(Session(settings={"data_dir": str(tmp_path)}))
    assert (found.state, found.where) == (State.STOPPED, str(tmp_path))
    assert steps(found)[0][0].startswith("caxton-node run")


def test_a_quick_start_needs_no_sound_configuration(tmp_path):
    (tmp_path / "caxton").mkdir()
    (tmp_path / "caxton" / "config.yaml").write_text("colour: never\n")
    done = caxton(HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path))
    assert (done.code, "line 1" in done.err + done.out) in {(0, True), (2, True)}
