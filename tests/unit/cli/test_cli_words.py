import importlib
import json
import subprocess
import sys

import pytest

from caxton_node.cli.main import NOUNS
from caxton_node.cli.main import caxton as group
from caxton_node.cli.node import VERBS
from tests.support.cli import ROOT, caxton, caxton_node

pytestmark = pytest.mark.story("008")


def test_help_shows_every_noun_and_the_exit_codes():
    done = caxton("--help")
    assert done.code == 0
    assert all(noun in done.out for noun in NOUNS)
    assert "5 unreachable" in done.out


def test_help_imports_neither_grpc_nor_any_noun():
    script = (
        "import sys; from caxton_node.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'grpc', 'google.protobuf', 'yaml', 'rich', 'asyncio', 'caxton_node.cli.agent'}\n"
        "heavy &= set(sys.modules)\n"
        "print(heavy or 'light')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.splitlines()[-1] == "light"


@pytest.mark.parametrize("entries", [NOUNS, VERBS], ids=["caxton", "caxton-node"])
def test_every_entry_can_be_imported_and_says_what_its_table_says(entries):
    for entry in entries.values():
        module, _, attribute = entry.target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert command.help
        assert entry.help.endswith(".")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("agnt", "list"), "agent"),
        (("agent", "lst"), "list"),
        (("cluster", "member"), "members"),
        (("mesage",), "message"),
    ],
)
def test_an_unknown_word_gets_a_suggestion_and_exit_code_2(words, meant):
    done = caxton(*words)
    assert done.code == 2
    assert f"did you mean {meant}" in done.err


def test_an_unknown_option_gets_a_suggestion():
    done = caxton("message", "send", "--too", "echo")
    assert (done.code, "did you mean --to" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("alias", "noun"), [("agents", "agent"), ("msg", "message"), ("capabilities", "capability")]
)
def test_plurals_and_aliases_are_the_same_command(alias, noun):
    context = group.make_context("caxton", [], resilient_parsing=True)
    assert group.get_command(context, alias) is group.get_command(context, noun)


def test_a_noun_without_a_verb_shows_its_verbs():
    done = caxton("agents")
    assert done.code == 2
    assert "deploy" in done.err


@pytest.mark.parametrize(
    "words",
    [("agent", "list"), ("cluster", "status"), ("message", "send", "--to", "x"), ("server", "status")],
)
def test_without_a_node_every_verb_is_unreachable_with_the_next_step(words, tmp_path):
    done = caxton(*words, "--data-dir", tmp_path)
    assert done.code == 5
    assert done.err.splitlines()[0] == f"error: no node answers at {tmp_path}/caxton.sock"
    assert "next: start one with `caxton-node run`" in done.err


def test_errors_are_json_when_the_output_is(tmp_path):
    done = caxton("agent", "list", "-o", "json", "--data-dir", tmp_path)
    error = json.loads(done.err)["error"]
    assert (done.code, error["code"]) == (5, "UNAVAILABLE")
    assert error["hint"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("agent", "deploy", "/nowhere/agent.wasm"), "does not exist"),
        (("agent", "deploy"), "Missing argument"),
        (("message", "send"), "Missing option '--to'"),
        (("agent", "stop", "x", "--drain", "soon"), "is not a duration"),
        (("agent", "list", "-o", "xml"), "is not one of"),
        (("message", "send", "--to", "x", "--content", "@/nowhere/file"), "cannot be read"),
        (("agent", "list", "--endpoint", "nonsense"), "is not an endpoint"),
    ],
)
def test_bad_usage_has_exit_code_2_and_says_what(words, says, tmp_path):
    done = caxton(*words, CAXTON_DATA_DIR=str(tmp_path))
    assert (done.code, says in done.err) == (2, True), done.err
    assert done.err.startswith("error: ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_a_script_that_asks_the_program(shell):
    done = caxton("completion", shell)
    assert done.code == 0
    assert "_CAXTON_COMPLETE" in done.out


def test_completion_knows_nouns_verbs_and_options():
    words = {"_CAXTON_COMPLETE": "bash_complete"}
    assert "plain,agent" in caxton(COMP_WORDS="caxton ag", COMP_CWORD="1", **words).out
    assert "plain,deploy" in caxton(COMP_WORDS="caxton agent d", COMP_CWORD="2", **words).out
    assert "plain,--mailbox" in caxton(COMP_WORDS="caxton agent deploy --mail", COMP_CWORD="3", **words).out


def test_color_is_left_out_when_piped():
    assert "\x1b[" not in caxton("agent", "list", "--endpoint", "127.0.0.1:9").err


def test_a_node_is_made_once_and_never_overwritten(tmp_path):
    made = caxton_node("init", "--data-dir", tmp_path / "n1", "--node-id", "n1", "-o", "json")
    founded = json.loads(made.out)
    assert (made.code, founded["node_id"], founded["cluster"]) == (0, "n1", "caxton")
    assert founded["admin_token"].startswith("cax_prod_")
    key = (tmp_path / "n1" / "certs" / "ca.key").read_bytes()
    again = caxton_node("init", "--data-dir", tmp_path / "n1", "--node-id", "n2")
    assert (again.code, "already holds node n1" in again.err) == (1, True)
    assert (tmp_path / "n1" / "certs" / "ca.key").read_bytes() == key
    shown = caxton_node("certs", "show", "--data-dir", tmp_path / "n1", "-o", "json")
    facts = json.loads(shown.out)
    assert (facts["node_id"], facts["state"], facts["signs"]) == ("n1", "valid", True)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("run",), 3, "holds no node"),
        (("run", "--set", "grpc.prot=1"), 2, "did you mean grpc.port"),
        (("run", "--set", "grpc.port=many"), 2, "grpc.port cannot be"),
        (("run", "--config", "/nowhere/config.yaml"), 2, "/nowhere/config.yaml"),
        (("certs", "show"), 2, "caxton-node init"),
        (("token",), 5, "no node answers"),
        (("leave",), 5, "no node answers"),
        (("join", "127.0.0.1:9", "--token", "nonsense"), 2, "token"),
        (("join", "127.0.0.1:9"), 2, "Missing option '--token'"),
        (("init", "--node-id", "Not A Node"), 2, "is not a node id"),
        (("rum",), 2, "did you mean run"),
    ],
)
def test_the_daemon_s_verbs_fail_clearly(words, code, says, tmp_path):
    done = caxton_node(*words, CAXTON_DATA_DIR=str(tmp_path / "data"))
    assert (done.code, says in done.err) == (code, True), done.err
