import io

import click
import pytest

from caxton_node.cli.interactive import Shell
from caxton_node.cli.line_reader import History, PipeReader, history_path, open_reader
from caxton_node.cli.patience import frame, patience
from caxton_node.cli.session import Session
from tests.support.cli import caxton

pytestmark = pytest.mark.story("008")


@pytest.fixture
def shell(tmp_path, monkeypatch) -> Shell:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("CAXTON_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("CAXTON_ENDPOINT", raising=False)
    return Shell(Session())


def test_a_script_of_commands_runs_to_its_end_whatever_fails(tmp_path):
    script = 'version\nagent list\n# a comment\nnonsense\n"open\nhelp\ncaxton version\n'
    done = caxton("interactive", stdin=script, CAXTON_DATA_DIR=str(tmp_path), HOME=str(tmp_path))
    assert done.out.count("caxton 0.") == 2
    assert "Commands:" in done.out
    assert "no node answers" in done.err
    assert "No such command 'nonsense'" in done.err
    assert "no closing quotation" in done.err
    assert done.code == 0


def test_exit_leaves_with_the_code_of_the_last_command(tmp_path):
    done = caxton(
        "shell", stdin="agent list\nexit\nversion\n", CAXTON_DATA_DIR=str(tmp_path), HOME=str(tmp_path)
    )
    assert (done.code, done.out) == (5, "")


def test_options_on_a_line_of_their_own_stay(shell, capsys):
    assert shell.take("-o json")
    assert shell.take("context list")
    assert capsys.readouterr().out == "[]\n"
    assert shell.take("context list -o yaml")
    assert capsys.readouterr().out == "[]\n"
    assert shell.take("--help")
    assert "Commands:" in capsys.readouterr().out


def test_an_option_of_one_line_does_not_stay(shell, capsys):
    shell.take("-o json context list")
    shell.take("context list")
    said = capsys.readouterr()
    assert (said.out, "no contexts" in said.err) == ("[]\n", True)


def test_the_prompt_names_the_context_and_whether_a_node_answers(shell):
    assert shell.prompt() == "caxton (no node)> "
    shell.take("--context prod")
    assert shell.prompt().startswith("caxton (prod/")


@pytest.mark.parametrize(
    ("before", "offers"),
    [
        ("", "agent"),
        ("ag", "agent"),
        ("caxton ag", "agent"),
        ("agent d", "deploy"),
        ("agent ", "list"),
        ("agent list --no", "--node"),
        ("agent list -o ", "yaml"),
        ("ex", "exit"),
        ("agents l", "list"),
    ],
)
def test_nouns_verbs_and_options_complete(shell, before, offers):
    assert offers in [value for value, _ in shell.complete(before)]


def test_completion_of_names_is_silent_without_a_node(shell, capsys):
    assert shell.complete("agent get ") == []
    assert capsys.readouterr() == ("", "")


def test_history_is_private_bounded_and_keeps_no_token(tmp_path):
    path = history_path({"XDG_STATE_HOME": str(tmp_path)})
    history = History(path)
    for number in range(1005):
        history.add(f"agent get a{number}")
    history.add("agent list --token cax_prod_secret")
    history.add(" agent list")
    assert (len(history.lines()), history.lines()[-1]) == (1000, "agent get a1004")
    assert path.stat().st_mode & 0o077 == 0


def test_what_is_piped_is_read_without_a_prompt():
    with open_reader(lambda _: [], io.StringIO("a\nb\n")) as reader:
        assert isinstance(reader, PipeReader)
        assert list(reader.lines(lambda: "never>")) == ["a", "b"]


def test_patience_shows_nothing_where_nobody_looks():
    stream = io.StringIO()
    with patience("deploying", stream):
        pass
    assert stream.getvalue() == ""


def test_the_line_of_patience_fits_the_terminal():
    assert frame("deploying echo.wasm", 3.2, 80).endswith(" deploying echo.wasm 3 s")
    assert len(frame("x" * 100, 100.0, 40)) <= 40
    assert click.unstyle(frame("a", 0.0, 80, plain=True)) == "| a 0 s"
