"""How it looks where messages are, which way they went, and what conversations have come to."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from caxton_node.cli.conversation_sheet import COLUMNS, ROWS_MAX, show_conversation
from caxton_node.cli.output import Output
from caxton_node.cli.sheet import instant
from caxton_node.cli.trace_sheet import show_trace
from caxton_node.cli.whereabouts_sheet import ago, show_whereabouts
from caxton_node.client.plain import plain
from caxton_node.pb import tracking_pb2 as pb

pytestmark = [pytest.mark.story("002"), pytest.mark.story("008")]
T0 = 1_700_000_000_000_000
AT = instant(T0)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def words(line: str) -> list[str]:
    return [word for word in line.split("  ") if word]


class TestWhere:
    """Where a message is."""

    def show(self, capsys: pytest.CaptureFixture[str], **fields: Any) -> str:
        row = pb.Whereabouts(receiver="echo@n2", node="n1", since_unix_us=T0, **fields)
        answer = pb.WhereIsMessageResponse(message_id="ab" * 16, receivers=[row])
        show_whereabouts(Output(), plain(answer))
        head, empty, columns, line = lines(capsys)
        assert (head, empty, words(columns)[:2]) == (f"message {'ab' * 16}", "", ["RECEIVER", "STATE"])
        return " ".join(line.split())

    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"state": pb.DELIVERY_STATE_QUEUED}, f"queued {AT} n1"),
            ({"state": pb.DELIVERY_STATE_HANDLED, "version": "1.2"}, f"handled {AT} n1 by version 1.2"),
            (
                {
                    "state": pb.DELIVERY_STATE_PARKED,
                    "reason": "agent-stopped",
                    "until_unix_ms": T0 // 1000 + 60_000,
                },
                f"parked {AT} n1 agent-stopped, until {instant(T0 + 60_000_000)}",
            ),
            (
                {"state": pb.DELIVERY_STATE_REFUSED, "reason": "mailbox-full"},
                f"refused {AT} n1 mailbox-full",
            ),
            (
                {"state": pb.DELIVERY_STATE_EXPIRED, "reason": "expired"},
                f"expired {AT} n1 nobody came to it in time",
            ),
            ({"state": pb.DELIVERY_STATE_FORWARDED, "forwarded_to": "n2"}, f"forwarded {AT} n1 to node n2"),
            (
                {
                    "state": pb.DELIVERY_STATE_FORWARDED,
                    "forwarded_to": "n2",
                    "note": "node n2 cannot be asked: dead",
                    "gone_unix_us": T0 + 1_000_000,
                },
                f"forwarded {AT} n1 node n2 cannot be asked: dead since {instant(T0 + 1_000_000)}",
            ),
        ],
    )
    def test_every_state_says_what_else_is_known(
        self, capsys: pytest.CaptureFixture[str], fields: dict[str, Any], says: str
    ) -> None:
        assert self.show(capsys, **fields) == f"echo@n2 {says}"

    def test_what_an_agent_wrote_cannot_move_the_cursor(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert "\x1b" not in self.show(capsys, state=pb.DELIVERY_STATE_REFUSED, reason="\x1b[2J")

    def test_programs_get_every_field_with_words_for_states(self, capsys: pytest.CaptureFixture[str]) -> None:
        row = pb.Whereabouts(receiver="a", state=pb.DELIVERY_STATE_PARKED, until_unix_ms=5)
        show_whereabouts(Output("json"), plain(pb.WhereIsMessageResponse(receivers=[row])))
        (found,) = json.loads(capsys.readouterr().out)["receivers"]
        assert (found["state"], found["until_unix_ms"], found["note"]) == ("parked", 5, "")

    @pytest.mark.parametrize(
        ("seconds", "says"),
        [
            (0.002, "2 ms"),
            (119, "119 s"),
            (120, "2 min"),
            (5_400, "90 min"),
            (7_200, "2 h"),
            (500_000, "6 days"),
        ],
    )
    def test_times_are_written_as_people_say_them(self, seconds: float, says: str) -> None:
        assert ago(seconds) == says


def test_an_instant_of_today_needs_no_date() -> None:
    found = datetime.fromtimestamp(T0 / 1e6, UTC).astimezone()
    assert instant(T0, found) == f"{found:%H:%M:%S}.000"
    assert instant(T0, found + timedelta(days=1)) == f"{found:%Y-%m-%d %H:%M:%S}"


class TestTrace:
    """The way of the messages of a conversation."""

    def step(self, act: str, sender: str, receiver: str, at_us: int = 0, **fields: Any) -> pb.TraceStep:
        found = pb.TraceStep(
            conversation_id="talk-1",
            performative=act,
            sender=sender,
            receiver=receiver,
            node="n1",
            outcome="handled",
            instance=f"{receiver.partition('@')[0]}#2.0.1@n1",
            sent_unix_us=T0 + at_us,
            routed_unix_us=T0 + at_us + 50,
            taken_unix_us=T0 + at_us + 150,
            ended_unix_us=T0 + at_us + 1_150,
        )
        found.MergeFrom(pb.TraceStep(**fields))
        return found

    def show(self, capsys: pytest.CaptureFixture[str], *steps: pb.TraceStep, **fields: Any) -> list[str]:
        show_trace(Output(), plain(pb.TraceMessageResponse(steps=steps, **fields)))
        return lines(capsys)

    def test_it_reads_as_calls_and_returns(self, capsys: pytest.CaptureFixture[str]) -> None:
        found = self.show(
            capsys,
            self.step("request", "client@n1", "echo@n1"),
            self.step("cfp", "echo@n1", "df@n1", 500, depth=1),
            self.step("inform", "echo@n1", "client@n1", 2_000, answer=True),
        )
        assert found == [
            f"conversation talk-1, began at {AT}",
            "",
            "  AFTER  MESSAGE                         WAITED  TOOK  OUTCOME  BY, WHY",
            "      0  request  client@n1 → echo@n1    100 µs  1 ms  handled  2.0",
            "+500 µs    cfp      echo@n1 → df@n1      100 µs  1 ms  handled  2.0",
            "  +2 ms  └ inform   echo@n1 → client@n1  100 µs  1 ms  handled  2.0",
            "",
            "3 messages: 3 handled; 3 agents on 1 node",
            "3.15 ms from the first to the end of the last, 300 µs in mailboxes, 3 ms in agents' hands",
        ]

    @pytest.mark.parametrize(
        ("outcome", "taken_us", "says"),
        [
            ("refused: no-such-agent", 0, ["refused", "no-such-agent"]),
            ("refused: expired", 0, ["expired"]),
            ("forwarded to n2", 0, ["forwarded", "to n2"]),
            ("queued", 0, ["queued"]),
            ("queued", T0, ["in hand"]),
        ],
    )
    def test_every_outcome_has_its_word(
        self, capsys: pytest.CaptureFixture[str], outcome: str, taken_us: int, says: list[str]
    ) -> None:
        step = self.step("inform", "a@n1", "b@n1", outcome=outcome)
        step.taken_unix_us, step.ended_unix_us = taken_us, 0
        line = self.show(capsys, step)[3]
        assert [word.strip() for word in words(line)][-len(says) :] == says

    def test_the_way_is_shown_where_there_was_one(self, capsys: pytest.CaptureFixture[str]) -> None:
        near, far = self.step("inform", "a@n1", "b@n1"), self.step("inform", "a@n1", "b@n2")
        assert "WAY" not in words(self.show(capsys, near)[2])
        far.routed_unix_us += 5_000
        assert [word.strip() for word in words(self.show(capsys, near, far)[2])][2] == "WAY"

    def test_clocks_that_differ_make_negative_offsets_and_no_negative_times(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        early = self.step("inform", "b@n2", "a@n1", -3_000, taken_unix_us=T0 - 9_000)
        line = self.show(capsys, self.step("request", "a@n1", "b@n2"), early)[4]
        assert line.startswith("-3 ms")
        assert "-" not in line.removeprefix("-3 ms").replace("→", "")

    def test_deep_relays_stay_on_the_screen(self, capsys: pytest.CaptureFixture[str]) -> None:
        found = self.show(
            capsys, self.step("inform", "a@n1", "b@n1"), self.step("inform", "b@n1", "c@n1", 1, depth=999)
        )
        assert len(found[4]) < 100

    def test_what_is_left_out_is_said(self, capsys: pytest.CaptureFixture[str]) -> None:
        found = self.show(capsys, self.step("inform", "a@n1", "b@n1"), cut=True)
        assert found[-2].startswith("1 message, and more that are not shown: ")

    def test_a_message_needs_no_conversation(self, capsys: pytest.CaptureFixture[str]) -> None:
        step = self.step("inform", "a@n1", "b@n1")
        step.conversation_id = ""
        assert self.show(capsys, step)[0] == f"a message without a conversation, began at {AT}"


class TestConversation:
    """Who talks, and how far they have come."""

    def talk(self, count: int = 2, **fields: Any) -> dict[str, Any]:
        made = pb.Conversation(
            conversation_id="net-1",
            initiator="buyer@n1",
            participants=["buyer@n1", "mason-1@n1"],
            courses=[
                pb.Course(
                    protocol="fipa-contract-net",
                    initiator="buyer@n1",
                    participant=f"mason-{number}@n2",
                    stage="proposed" if number else "done",
                    open=bool(number),
                    initiator_may=["accept-proposal", "reject-proposal", "cancel"],
                    participant_may=["failure"],
                    nodes=["n1", "n2"],
                )
                for number in range(count)
            ],
            open=True,
            parts=[
                pb.ConversationPart(node="n1", messages=1_234, faults=1, last_unix_us=T0),
                pb.ConversationPart(node="n2", messages=4, faults=2, last_unix_us=T0 + 1_000_000),
            ],
            protocol="fipa-contract-net",
            stages={"proposed": 1, "done": 1},
        )
        made.MergeFrom(pb.Conversation(**fields))
        return plain(made)

    def test_everything_is_told_and_what_may_come_next(self, capsys: pytest.CaptureFixture[str]) -> None:
        show_conversation(Output(), self.talk(deadline_unix_ms=T0 // 1000, followed=True))
        assert [" ".join(line.split()) for line in lines(capsys)] == [
            "conversation net-1 is open, fipa-contract-net",
            "",
            "begun by buyer@n1",
            "participants buyer@n1, mason-1@n1",
            "messages 1,234 on n1, 4 on n2",
            f"latest {instant(T0 + 1_000_000)}",
            f"answers by {AT}",
            "not allowed 3 acts",
            "followed caxton message trace net-1",
            "",
            "courses",
            "PARTICIPANT STAGE NEXT NODES",
            "mason-0@n2 done n1, n2",
            "mason-1@n2 proposed initiator: accept-proposal, reject-proposal n1, n2",
        ]

    def test_wide_shows_what_may_always_come(self, capsys: pytest.CaptureFixture[str]) -> None:
        show_conversation(Output("wide"), self.talk())
        last = lines(capsys)[-1]
        assert "initiator: accept-proposal, reject-proposal, cancel; participant: failure" in last

    def test_of_many_courses_the_first_are_shown(self, capsys: pytest.CaptureFixture[str]) -> None:
        show_conversation(Output(), self.talk(ROWS_MAX + 3))
        assert lines(capsys)[-1] == "and 3 more: -o wide"

    def test_several_initiators_and_protocols_are_told_apart(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        more = pb.Course(protocol="fipa-request", initiator="client@n1", participant="buyer@n1", stage="done")
        show_conversation(Output(), self.talk(1, courses=[more]))
        head = next(line for line in lines(capsys) if "STAGE" in line)
        assert head.split()[:3] == ["PROTOCOL", "INITIATOR", "PARTICIPANT"]

    def test_a_list_counts_stages(self, capsys: pytest.CaptureFixture[str]) -> None:
        silent = self.talk(0)
        silent["parts"] = [{**silent["parts"][0], "last_unix_us": 0}]
        Output().rows([self.talk(), silent], COLUMNS, empty="")
        _, first, second = [" ".join(line.split()) for line in lines(capsys)]
        latest = instant(T0 + 1_000_000)
        assert first == f"net-1 fipa-contract-net buyer@n1 1 done, 1 proposed 1234 {latest}"
        assert "1970" not in second
