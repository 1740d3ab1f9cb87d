"""Errors are JSON wherever JSON was asked for, and text everywhere else."""

import json

import click
import pytest

from caxton_node.cli.failure import run
from caxton_node.cli.interactive import Shell
from caxton_node.cli.main import caxton
from caxton_node.cli.session import Session

pytestmark = pytest.mark.story("008")

UNREACHABLE = ["agent", "get", "x"]
MISSPELT = ["agent", "gett", "x"]


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    """Return the place of the file, where there is none yet."""
    for name in ("CAXTON_ENDPOINT", "CAXTON_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("CAXTON_DATA_DIR", str(tmp_path))
    (tmp_path / "caxton").mkdir()
    return tmp_path / "caxton" / "config.yaml"


def type_in(*words: str) -> int:
    return run(caxton, "caxton", words, obj=Session())


def error_of(text: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(text)["error"]
    return found


@pytest.mark.parametrize("words", [UNREACHABLE, MISSPELT, ["agent"], ["agent", "list", "--node"]])
@pytest.mark.parametrize("option", [["-o", "json"], ["-ojson"], ["--output=json"], ["--output", "json"]])
def test_an_option_asks_for_json_even_of_usage_errors(words, option, capsys):
    assert type_in(*option, *words) in {2, 5}
    said = capsys.readouterr()
    assert said.out == ""
    assert error_of(said.err)["hint"]


def test_a_misspelt_verb_says_in_json_what_was_meant(capsys):
    assert type_in("-o", "json", *MISSPELT) == 2
    error = error_of(capsys.readouterr().err)
    assert (error["code"], error["hint"]) == ("INVALID_ARGUMENT", "did you mean get?  caxton agent --help")


@pytest.mark.parametrize("words", [UNREACHABLE, MISSPELT])
@pytest.mark.parametrize(
    "text", ["output: json\n", "current: a\ncontexts:\n  a:\n    data_dir: /nowhere\n    output: json\n"]
)
def test_the_file_asks_for_json_and_the_line_has_the_last_word(words, text, config, monkeypatch, capsys):
    config.write_text(text)
    monkeypatch.delenv("CAXTON_DATA_DIR")
    type_in(*words)
    assert error_of(capsys.readouterr().err)
    type_in(*words, "-o", "table")
    assert capsys.readouterr().err.startswith("error:")


def test_a_file_that_cannot_be_used_is_told_as_text(config, capsys):
    config.write_text("output: [json\n")
    assert type_in(*UNREACHABLE) == 2
    assert capsys.readouterr().err.startswith("error:")


@pytest.mark.parametrize("line", ["agent get x", "agent gett x", "nonsense", '"open', "agent"])
def test_a_sitting_that_began_with_json_has_its_errors_in_json(line, capsys):
    shell = Shell(Session(settings={"output": "json"}))
    assert shell.take(line)
    assert error_of(capsys.readouterr().err)
    assert shell.code in {2, 5}


def test_a_line_of_options_turns_the_errors_of_the_lines_after_it(capsys):
    shell = Shell(Session())
    for option, begin in (("-o json", "{"), ("-o table", "error:")):
        shell.take(option)
        shell.take("agent get x")
        assert capsys.readouterr().err.startswith(begin)


def test_a_bug_is_told_in_json_too(capsys):
    @click.command()
    @click.option("-o", "output")
    def broken(output: str) -> None:
        raise RuntimeError("oops")

    assert run(broken, "broken", ["-o", "json"]) == 1
    error = error_of(capsys.readouterr().err)
    assert (error["code"], error["why"]) == ("INTERNAL_ERROR", "RuntimeError: oops")
