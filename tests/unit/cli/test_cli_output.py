import json

import click
import pytest
import yaml

from caxton_node.cli.output import Column, Output, column, visible
from caxton_node.cli.types import Count, Duration, KeyValue, Size, read_content
from caxton_node.client.plain import plain, text_of
from caxton_node.pb import agents_pb2, cluster_pb2, messages_pb2

pytestmark = pytest.mark.story("008")
COLUMNS = (column("NAME", "name"), column("COUNT", "count", right=True), column("MORE", "more", wide=True))
ROWS = [{"name": "a", "count": 5, "more": [1, 2]}, {"name": "longer", "count": 12345, "more": []}]


def test_a_table_is_aligned_and_hides_what_is_wide(capsys):
    Output().rows(ROWS, COLUMNS, empty="")
    assert capsys.readouterr().out == "NAME    COUNT\na           5\nlonger  12345\n"


def test_wide_shows_every_column(capsys):
    Output("wide").rows(ROWS, COLUMNS, empty="")
    assert capsys.readouterr().out.splitlines()[1] == "a           5  1, 2"


def test_nothing_is_said_on_stderr_and_is_an_empty_list_for_programs(capsys):
    Output().rows([], COLUMNS, empty="no agents")
    Output("json").rows([], COLUMNS, empty="no agents")
    captured = capsys.readouterr()
    assert (captured.err, captured.out) == ("no agents\n", "[]\n")


def test_json_and_yaml_hold_the_same(capsys):
    Output("json").rows(ROWS, COLUMNS, empty="")
    as_json = json.loads(capsys.readouterr().out)
    Output("yaml").rows(ROWS, COLUMNS, empty="")
    assert yaml.safe_load(capsys.readouterr().out) == as_json == ROWS


def test_states_have_their_color_on_a_terminal_only(capsys):
    Output(color=True).rows([{"state": "Running"}], (column("STATE", "state"),), empty="")
    assert "\x1b[32mRunning" in capsys.readouterr().out
    Output(color=False).rows([{"state": "Running"}], (column("STATE", "state"),), empty="")
    assert "\x1b[" not in capsys.readouterr().out


def test_a_stream_is_one_json_value_a_line(capsys):
    Output("json").event({"n": 1}, "one")
    Output("yaml").event({"n": 1}, "one")
    Output().event({"n": 1}, "one")
    assert capsys.readouterr().out == '{"n": 1}\n---\nn: 1\none\n'


def test_messages_become_plain_values_with_words_for_enums():
    agent = agents_pb2.Agent(name="a", state=agents_pb2.AGENT_STATE_RUNNING)
    agent.detail.config.update({"whole": 3, "half": 0.5, "deep": {"list": [1, "x"]}})
    agent.detail.deployed_unix_ms = 2**53
    found = plain(agent)
    assert (found["state"], found["detail"]["deployed_unix_ms"]) == ("Running", 2**53)
    assert found["detail"]["config"] == {"whole": 3, "half": 0.5, "deep": {"list": [1, "x"]}}
    assert "detail" not in plain(agents_pb2.Agent())
    assert plain(cluster_pb2.Member(state=cluster_pb2.MEMBER_STATE_DEAD))["state"] == "dead"
    assert plain(cluster_pb2.GetStatusResponse(listening={"b": "2", "a": "1"}))["listening"] == {
        "a": "1",
        "b": "2",
    }


def test_content_that_is_no_text_is_shown_as_base64():
    assert plain(messages_pb2.Message(content="grüß".encode()))["content"] == "grüß"
    assert text_of(b"\xff\x00") == "base64:/wA="


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("30s", 30), ("5m", 300), ("2h", 7200), ("1.5", 1.5), ("7d", 604800)],
)
def test_durations(text, seconds):
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize(
    ("text", "size"), [("65536", 65536), ("512KiB", 524288), ("10M", 10 * 2**20), ("1.5 GB", 3 * 2**29)]
)
def test_sizes(text, size):
    assert Size().convert(text, None, None) == size


@pytest.mark.parametrize(
    ("kind", "text"),
    [(Duration(), "soon"), (Duration(), "-1s"), (Size(), "big"), (KeyValue(), "novalue"), (KeyValue(), "=x")],
)
def test_values_that_cannot_be_read_are_refused(kind, text):
    with pytest.raises(click.BadParameter):
        kind.convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("a=1", ("a", 1)),
        ("a=true", ("a", True)),
        ("a=x=y", ("a", "x=y")),
        ('a={"b": [1]}', ("a", {"b": [1]})),
        ("a=", ("a", "")),
    ],
)
def test_settings_are_json_where_they_can_be(text, pair):
    assert KeyValue().convert(text, None, None) == pair


def test_content_comes_from_the_option_or_a_file(tmp_path):
    (tmp_path / "message").write_bytes(b"\x00\x01")
    assert read_content("plain") == b"plain"
    assert read_content(f"@{tmp_path}/message") == b"\x00\x01"


def test_a_column_may_compute_its_value(capsys):
    Output().rows(
        [{"ok": True, "share": 0.123456}],
        (Column("OK", lambda row: row["ok"]), column("SHARE", "share")),
        empty="",
    )
    assert capsys.readouterr().out.splitlines()[1] == "yes  0.123"


def test_no_agent_moves_the_cursor_of_an_operator_or_forges_a_line(capsys):
    row = {"name": "a\x1b[2Jb\rc\nd\x9b", "count": 1}
    Output().rows([row], COLUMNS, empty="")
    Output().facts(row, [("name", row["name"])])
    out = capsys.readouterr().out
    assert out.splitlines()[1] == r"a\x1b[2Jb\rc\nd\x9b      1"
    assert out.splitlines()[2] == r"name  a\x1b[2Jb\rc\nd\x9b"
    assert visible("two\nlines\tand\x1b]0;title\x07") == "two\nlines\tand\\x1b]0;title\\x07"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Duration(), "60d"),
        (Size(), "9999999G"),
        (Duration(), "9" * 400),
        (Count(), "-1"),
        (Count(), "9" * 30),
        (Count(), "x"),
    ],
)
def test_a_value_that_no_request_can_hold_is_a_usage_error(kind, text):
    with pytest.raises(click.BadParameter):
        kind.convert(text, None, None)
