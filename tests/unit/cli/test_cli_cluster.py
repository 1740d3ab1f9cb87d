"""How a cluster looks on a terminal."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from caxton_node.cli.cluster_history import line_of
from caxton_node.cli.cluster_partition import REPORT_COLUMNS
from caxton_node.cli.cluster_partition import _lines as partition_lines
from caxton_node.cli.cluster_peers import columns as peer_columns
from caxton_node.cli.cluster_screen import Sight, draw
from caxton_node.cli.cluster_sheet import shown, some, span, what_of
from caxton_node.cli.cluster_watch import ends
from caxton_node.cli.output import Output, cell
from caxton_node.client.plain import plain
from caxton_node.pb import cluster_pb2 as pb

pytestmark = [pytest.mark.story("008"), pytest.mark.story("041")]
NOW_MS = 1_700_000_000_000


def member(name: str, state: str = "ALIVE", **fields: Any) -> dict[str, Any]:
    made = pb.Member(node_id=name, state=f"MEMBER_STATE_{state}", address=f"192.0.2.1:{len(name)}", **fields)
    return shown(plain(made))


def status(**fields: Any) -> dict[str, Any]:
    facts = {"node_id": "n1", "cluster": "home", "partition_view": "majority", "agreed": 3, "agreed_seen": 3}
    return plain(pb.GetStatusResponse(**{**facts, **fields}))


def screen(sight: Sight, *, width: int = 120, height: int = 30) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    console.print(draw(sight, width=width, height=height))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (7.9, "7s"), (62, "1m 2s"), (3600, "1h"), (90_061, "1d 1h"), (86_405, "1d 5s")],
)
def test_times_are_written_in_their_two_largest_units(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_many_names_are_cut_and_counted() -> None:
    assert some(["a", "b"]) == "a, b"
    assert some([f"n{number}" for number in range(2000)]).endswith("n7 and 1,992 more")
    assert some(["\x1b[2J"]) == "\\x1b[2J"


def test_who_accused_whom_is_said_where_somebody_was_accused() -> None:
    event = {"accusers": ["n1", "n3"]}
    assert what_of(event, "suspected") == "suspected by n1, n3"
    assert what_of(event, "died") == "died, accused by n1, n3"
    assert what_of(event, "joined") == "joined"
    assert what_of({}, "died") == "died"


def test_an_event_is_one_line() -> None:
    event = pb.HistoryEvent(at_unix_ms=NOW_MS, what="suspected", member="n2", address="h:1", accusers=["n1"])
    assert line_of(plain(event)).endswith("n2  \x1b[33msuspected by n1\x1b[0m  h:1  incarnation 0")
    view = pb.HistoryEvent(at_unix_ms=NOW_MS, what="view", member="n1", detail="minority, was majority")
    assert line_of(plain(view)).endswith("n1  view  minority, was majority")


def test_the_screen_has_a_row_for_each_member_and_the_view_at_its_foot() -> None:
    members = [
        member("n1", is_self=True),
        member("n2", since_unix_ms=NOW_MS - 62_000, link="quic", rtt_ms=0.42, last_change="joined"),
        member("n3", "DEAD", since_unix_ms=NOW_MS, flaps=2, last_change="died", accusers=["n1", "n2"]),
    ]
    event = plain(pb.HistoryEvent(at_unix_ms=NOW_MS, what="died", member="n3", accusers=["n1", "n2"]))
    facts = status(agreed_seen=2, gossip_in_per_s=164.4, gossip_dropped={"replayed": 3})
    lines = screen(Sight(members, facts, [event], at_unix_ms=NOW_MS))
    assert len(lines) == 30
    assert lines[0].startswith("home  seen from n1  ")
    assert lines[2].split() == [
        "NODE",
        "STATE",
        "SINCE",
        "ADDRESS",
        "LINK",
        "RTT",
        "MS",
        "FLAPS",
        "LAST",
        "EVENT",
    ]
    assert lines[3].split()[:3] == ["n1", "*", "alive"]
    assert lines[4].split() == ["n2", "alive", "1m", "2s", "192.0.2.1:2", "quic", "0.42", "0", "joined"]
    assert lines[5].endswith("2  died, accused by n1, n2")
    assert lines[8].endswith("n3  died, accused by n1, n2")
    assert lines[-3].startswith("majority  sees 2 of 3 that count   2 alive  0 suspect  1 failed  0 left")
    assert "164 B/s in" in lines[-2]
    assert "dropped: 3 replayed" in lines[-2]
    assert lines[-1] == "q ends"


@pytest.mark.parametrize(("width", "height"), [(120, 40), (80, 24), (60, 15), (40, 10), (30, 9)])
def test_a_thousand_members_fit_into_any_window_trouble_first(width: int, height: int) -> None:
    members = [member(f"n{number:04}") for number in range(1000)]
    members[700] = member("n0700", "SUSPECT")
    lines = screen(Sight(members, status(), at_unix_ms=NOW_MS), width=width, height=height)
    assert len(lines) <= height
    assert lines[3].startswith("n0700")
    assert any(line.startswith("and ") for line in lines)


def test_a_node_that_does_not_answer_is_said_at_the_foot() -> None:
    assert screen(Sight())[-1] == "asking ..."
    last = screen(Sight((), status(), notice="no node answers at /run/x", at_unix_ms=NOW_MS))[-1]
    assert last == "no node answers at /run/x"


def test_a_split_that_is_over_is_one_row(capsys: pytest.CaptureFixture[str]) -> None:
    report = pb.PartitionReport(
        began_unix_ms=NOW_MS, ended_unix_ms=NOW_MS + 125_000, view="minority", here=["n4", "n5"],
        there=["n1", "n2"], missing=["n3"], conflicts=2,
    )  # fmt: skip
    Output().rows([plain(report)], REPORT_COLUMNS, empty="")
    head, row = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["BEGAN", "LASTED", "VIEW", "HERE"]
    assert row.split()[3:] == ["2m", "5s", "minority", "n4,", "n5", "n1,", "n2", "-", "n3", "2"]


@pytest.mark.parametrize(
    ("typed", "is_end"),
    [
        (b"q", True), (b"xq", True), (b"\x03", True), (b"\x04", True), (b"\x1b", True), (b"", True),
        (b"\x1b[Aq", True), (b"\x1b[A", False), (b"\x1bOA", False), (b"\x1b[<64;10;5M", False), (b"x", False),
    ],
)  # fmt: skip
def test_arrows_and_the_mouse_wheel_do_not_end_the_screen(typed: bytes, is_end: bool) -> None:
    assert ends(typed) is is_end


def test_a_partition_says_how_many_have_a_vote_and_why_many_may_not_be_enough() -> None:
    answer = pb.GetPartitionResponse(
        node_id="n2", view="minority", alive=["n2", "n3", "n4"], agreed=["n1", "n2", "n3", "n4"], lost=["n1"]
    )
    lines = dict(partition_lines(plain(answer)))
    assert lines["sees"] == "3 of 4"
    assert "before the latest change" in str(lines["because"])
    answer.waiting.append("n4")
    assert dict(partition_lines(plain(answer)))["sees"] == "2 of 4"


def peer(**fields: Any) -> dict[str, Any]:
    return plain(pb.Peer(**{"node_id": "n2", "state": "up", "kind": "quic", **fields}))


def peer_cells(row: dict[str, Any]) -> dict[str, str]:
    return {each.title: cell(each.value(row)) for each in peer_columns(NOW_MS / 1000)}


def test_a_peer_is_shown_with_its_link_and_the_reason() -> None:
    day_ms = 86_400_000
    cells = peer_cells(
        peer(
            why="TCP lost 1.5% of its packets",
            rtt_ms=12.345,
            loss=0.0153,
            in_per_s=2.5 * 1024,
            backlog_bytes=3 * 1024 * 1024,
            clock_skew_s=-1.5,
            certificate_ends_unix_ms=NOW_MS + 30 * day_ms,
        )
    )
    assert cells["KIND"] == "quic"
    assert cells["WHY THIS KIND"] == "TCP lost 1.5% of its packets"
    assert (cells["RTT MS"], cells["LOSS"]) == ("12.3", "1.5%")
    assert (cells["IN/S"], cells["OUT/S"], cells["BACKLOG"]) == ("2.5 KiB", "0 bytes", "3 MiB")
    assert (cells["CLOCK"], cells["CERTIFICATE"]) == ("-1.50 s", "30.0 d")


def test_what_is_not_known_of_a_peer_is_a_dash() -> None:
    cells = peer_cells(peer(state="waiting", kind="", last_failure="unreachable"))
    assert [cells[title] for title in ("KIND", "RTT MS", "LOSS", "CLOCK", "CERTIFICATE")] == ["-"] * 5
    assert cells["LAST FAILURE"] == "unreachable"
