import json
import stat

import pytest

from caxton_node.cli.config_file import config_path, read_config, token_of, write_config
from caxton_node.cli.connection import choose_connection, context_name, overruling
from caxton_node.cli.contexts import CliConfig, Context, parse, write
from caxton_node.core.errors import InvalidArgument, InvalidConfig, NotFound
from tests.support.cli import caxton

pytestmark = pytest.mark.story("008")

PROD = Context(endpoint="node1.example.net:50051", token="cax_prod_secret")
LOCAL = Context(data_dir="/srv/caxton")
BOTH = CliConfig("prod", {"prod": PROD, "local": LOCAL})


def home(tmp_path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}


def test_what_is_written_reads_back():
    config = CliConfig("prod", {"prod": PROD, "local": LOCAL}, Context(output="wide", color="never"))
    assert parse(write(config), "file") == config


@pytest.mark.parametrize("text", ["", "# nothing\n", "contexts:\n", "{}"])
def test_an_empty_file_has_no_contexts(text):
    assert parse(text, "file") == CliConfig()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("contexts:\n  prod:\n    endpoit: a:1\n", "line 3: 'endpoit' is not known; did you mean endpoint?"),
        ("output: xml\n", "line 1: output cannot be 'xml'; it is table or wide or json or yaml"),
        ("contexts: {}\n\ncurrent: prod\n", "line 3: current names prod, which is no context"),
        ("contexts:\n  - prod\n", "line 2: here must be names and values"),
        ("contexts:\n  prod:\n    token: [a]\n", "line 3: token must be one text"),
        ("contexts:\n  prod: {\n", "line 3: "),
        ("a: b: c\n", "line 1: "),
        ("? [a]\n: b\n", "line 1: "),
    ],
)
def test_a_broken_file_says_the_line_and_what_next(text, says):
    with pytest.raises(InvalidConfig) as caught:
        parse(text, "/home/me/config.yaml")
    assert caught.value.why.startswith(says)
    assert "mv /home/me/config.yaml" in caught.value.hint


def test_the_file_is_for_its_owner_alone(tmp_path):
    path = write_config(home(tmp_path), BOTH)
    assert path == config_path(home(tmp_path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_config(home(tmp_path)) == BOTH
    assert list(path.parent.iterdir()) == [path]


def test_without_a_file_there_are_no_contexts(tmp_path):
    assert read_config(home(tmp_path)) == CliConfig()


@pytest.mark.parametrize(
    ("given", "environ", "target", "token"),
    [
        ({}, {}, "node1.example.net:50051", "cax_prod_secret"),
        ({"context": "local"}, {}, "unix:/srv/caxton/caxton.sock", ""),
        ({}, {"CAXTON_CONTEXT": "local"}, "unix:/srv/caxton/caxton.sock", ""),
        ({}, {"CAXTON_ENDPOINT": "other:1", "CAXTON_TOKEN": "theirs"}, "other:1", "theirs"),
        ({}, {"CAXTON_DATA_DIR": "/data"}, "unix:/data/caxton.sock", ""),
        ({"context": "prod"}, {"CAXTON_ENDPOINT": "other:1"}, "node1.example.net:50051", "cax_prod_secret"),
        ({"token": "mine"}, {}, "node1.example.net:50051", "mine"),
        ({"data_dir": "/data"}, {"CAXTON_ENDPOINT": "other:1"}, "unix:/data/caxton.sock", ""),
        ({"endpoint": "third:2"}, {"CAXTON_ENDPOINT": "other:1"}, "third:2", ""),
        ({"endpoint": "third:2", "context": "prod"}, {}, "third:2", ""),
    ],
)
def test_options_come_before_the_environment_before_the_context(tmp_path, given, environ, target, token):
    environ = {**home(tmp_path), **environ}
    write_config(environ, BOTH)
    found = choose_connection(given, environ, BOTH)
    assert (found.target, found.token) == (target, token)


def test_a_token_of_a_context_is_never_shown_to_another_endpoint(tmp_path):
    found = choose_connection({"endpoint": "evil.example:1"}, home(tmp_path), BOTH)
    assert found.token == ""


def test_the_defaults_of_the_file_are_used_without_a_context(tmp_path):
    config = CliConfig(defaults=Context(endpoint="default:1"))
    assert choose_connection({}, home(tmp_path), config).target == "default:1"
    assert context_name({}, {}, config) == ""


def test_an_unknown_context_says_which_there_are():
    with pytest.raises(NotFound, match="no context prd") as caught:
        choose_connection({"context": "prd"}, {}, BOTH)
    assert "did you mean prod?" in caught.value.hint


def test_a_token_can_come_from_a_file_or_a_command(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("from-file\n")
    secret.chmod(0o600)
    assert token_of(Context(token_file=str(secret)), home(tmp_path)) == "from-file"
    assert token_of(Context(token_command="printf 'from command'"), home(tmp_path)) == "from command"
    assert token_of(Context(), home(tmp_path)) == ""


def test_a_token_that_others_can_read_is_not_used(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o644)
    with pytest.raises(InvalidConfig) as caught:
        token_of(Context(token_file=str(secret)), home(tmp_path))
    assert caught.value.hint == f"chmod 600 {secret}"


@pytest.mark.parametrize("command", ["false", "/nowhere/command", "'open"])
def test_a_token_command_that_fails_says_so(tmp_path, command):
    with pytest.raises(InvalidArgument, match="token command"):
        token_of(Context(token_command=command), home(tmp_path))


def test_a_life_of_contexts_from_the_shell(tmp_path):
    environ = home(tmp_path)
    ca = tmp_path / "ca.crt"
    ca.write_text("a certificate")
    added = caxton("context", "add", "prod", "--endpoint", "a.example:1", "--ca", ca, **environ)
    assert (added.code, "and current" in added.out) == (0, True), added.err
    assert caxton("context", "add", "local", "--data-dir", tmp_path, **environ).code == 0
    listed = caxton("ctx", "ls", **environ)
    assert [line.split()[:3] for line in listed.out.splitlines()] == [
        ["CURRENT", "NAME", "NODE"],
        ["yes", "prod", "a.example:1"],
        ["no", "local", str(tmp_path)],
    ]
    assert caxton("context", "use", "local", **environ).out == "local is the current context\n"
    asked = caxton("agent", "list", **environ)
    assert (asked.code, f"no node answers at {tmp_path}/caxton.sock" in asked.err) == (5, True)
    assert caxton("context", "remove", "local", **environ).code == 0
    assert "no context local" in caxton("context", "use", "local", **environ).err
    assert stat.S_IMODE(config_path(environ).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("environ", "variable"),
    [
        ({}, ""),
        ({"CAXTON_DATA_DIR": "/data"}, "CAXTON_DATA_DIR"),
        ({"CAXTON_DATA_DIR": "/data", "CAXTON_ENDPOINT": "a:1"}, "CAXTON_ENDPOINT"),
        ({"CAXTON_DATA_DIR": "/data", "CAXTON_CONTEXT": "local"}, "CAXTON_CONTEXT"),
        ({"CAXTON_DATA_DIR": "/data", "CAXTON_CONTEXT": "prod"}, ""),
    ],
)
def test_what_wins_over_the_current_context_is_named(environ, variable):
    assert overruling(environ, BOTH) == variable


def test_whoever_chooses_a_context_hears_that_the_environment_wins(tmp_path):
    environ = home(tmp_path) | {"CAXTON_DATA_DIR": str(tmp_path)}
    write_config(environ, BOTH)
    used = caxton("context", "use", "local", **environ)
    assert (used.code, used.out) == (0, "local is the current context\n")
    assert used.err == "warning: CAXTON_DATA_DIR is set and wins over the context local\n"
    listed = caxton("context", "list", "-o", "json", **environ)
    rows = {row["name"]: (row["current"], row["used"]) for row in json.loads(listed.out)}
    assert rows == {"prod": (False, False), "local": (True, False)}
    assert "CAXTON_DATA_DIR" in listed.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "neither was given"),
        (("--endpoint", "a:1", "--data-dir", "/x"), "both were given"),
        (("--endpoint", "nonsense"), "is not an endpoint"),
        (("--endpoint", "a:1", "--token", "x", "--token-file", "y"), "more than one of"),
    ],
)
def test_a_context_that_cannot_be_used_is_not_added(tmp_path, words, says):
    done = caxton("context", "add", "new", *words, **home(tmp_path))
    assert (done.code, says in done.err) == (2, True), done.err


def test_a_broken_file_stops_every_verb_with_its_line(tmp_path):
    path = config_path(home(tmp_path))
    path.parent.mkdir(parents=True)
    path.write_text("contexts:\n  prod:\n    endpont: x\n")
    done = caxton("agent", "list", **home(tmp_path))
    assert (done.code, "line 3" in done.err, "next:" in done.err) == (2, True, True)


def test_the_file_says_how_answers_look(tmp_path):
    environ = home(tmp_path)
    write_config(
        environ, CliConfig("a", {"a": Context(endpoint="a:1", output="json")}, Context(output="yaml"))
    )
    assert caxton("context", "list", **environ).out.startswith("[")
    assert caxton("context", "list", "-o", "table", **environ).out.startswith("CURRENT")
