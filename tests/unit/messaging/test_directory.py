import json
from collections.abc import Sequence
from typing import Any

import pytest

from caxton_node.fipa import Envelope, Performative
from caxton_node.messaging.directory import CAPABILITIES_MAX, Directory
from caxton_node.registry.records import CapabilityRecord

pytestmark = pytest.mark.story("025")


class Records:
    """The registry of a cluster of one."""

    def __init__(self) -> None:
        self.records: list[CapabilityRecord] = []

    def put_capability(self, record: CapabilityRecord) -> None:
        self.records.append(record)

    def remove_capabilities_of(self, agent: str) -> None:
        self.records = [record for record in self.records if record.agent != agent]

    def find_capability(self, name: str) -> Sequence[CapabilityRecord]:
        return [record for record in self.records if record.name == name]

    def capabilities(self) -> Sequence[CapabilityRecord]:
        return self.records


class Desk:
    """A directory of node-1 and what it answered."""

    def __init__(self) -> None:
        self.records = Records()
        self.answers: list[Envelope] = []
        self._directory = Directory("node-1", self.records, self.answers.append)

    def ask(self, content: object, sender: str = "painter@node-1", act: str = "REQUEST") -> tuple[str, Any]:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        before = len(self.answers)
        self._directory.handle(Envelope(Performative[act], sender, "df", data, "talk-1", "q-1"))
        (answer,) = self.answers[before:] or [Envelope(Performative.CANCEL, content=b"null")]
        return answer.performative.word, json.loads(answer.content or b"")


def test_an_agent_registers_what_it_can_do_and_is_found_by_it() -> None:
    desk = Desk()
    schema = {"type": "object"}
    offer = {"name": "painting", "version": "1.2", "schema": schema}
    assert desk.ask({"action": "register", "capabilities": [offer, {"name": "drawing"}]}) == (
        "inform",
        {"registered": ["painting", "drawing"]},
    )
    assert desk.records.records[0] == CapabilityRecord("painting", "1.2", "default/painter", "node-1", schema)
    act, found = desk.ask({"action": "search", "capability": "painting"}, sender="buyer@node-9")
    expected = {"name": "painter", "capability": "painting", "version": "1.2", "node": "node-1"}
    assert (act, found) == ("inform", {"agents": [expected]})


def test_an_answer_comes_from_df_in_the_same_conversation() -> None:
    desk = Desk()
    desk.ask({"action": "search", "capability": "flying"})
    (answer,) = desk.answers
    assert (answer.sender, answer.receivers) == ("df@node-1", "painter@node-1")
    assert (answer.conversation_id, answer.in_reply_to) == ("talk-1", "q-1")
    assert json.loads(answer.content or b"") == {"agents": []}


def test_deregistering_takes_everything_back() -> None:
    desk = Desk()
    desk.ask({"action": "register", "capabilities": [{"name": "painting"}, {"name": "drawing"}]})
    assert desk.ask({"action": "deregister"}) == ("inform", {"deregistered": ["drawing", "painting"]})
    assert desk.records.records == []


def test_an_agent_of_another_node_is_sent_to_its_own_directory() -> None:
    act, content = Desk().ask(
        {"action": "register", "capabilities": [{"name": "x"}]}, sender="painter@node-2"
    )
    assert (act, content["reason"]) == ("refuse", "not-here")


@pytest.mark.parametrize(
    "content",
    [
        b"not json",
        b"\xff\xfe",
        [1, 2],
        {"action": "fly"},
        {"capability": "painting"},
        {"action": "search"},
        {"action": "search", "capability": "No Such Name!"},
        {"action": "register", "capabilities": []},
        {"action": "register", "capabilities": [{"version": "1"}]},
        {"action": "register", "capabilities": [{"name": "x", "schema": "none"}]},
        {"action": "register", "capabilities": [{"name": f"c{n}"} for n in range(CAPABILITIES_MAX + 1)]},
    ],
)
def test_anything_else_is_not_understood_with_the_reason(content: object) -> None:
    desk = Desk()
    act, answer = desk.ask(content)
    assert act == "not-understood"
    assert answer["reason"]
    assert answer["field"] == "content"
    assert desk.records.records == []


def test_another_act_is_not_understood_but_an_answer_is_never_answered() -> None:
    desk = Desk()
    assert desk.ask({"action": "deregister"}, act="INFORM")[0] == "not-understood"
    before = len(desk.answers)
    for act in ("FAILURE", "NOT_UNDERSTOOD", "REFUSE"):
        desk.ask(b"", act=act)
    assert len(desk.answers) == before


def test_one_agent_cannot_fill_the_registry_message_by_message() -> None:
    desk = Desk()
    for first in range(0, CAPABILITIES_MAX, 16):
        offers = [{"name": f"skill-{number}"} for number in range(first, first + 16)]
        assert desk.ask({"action": "register", "capabilities": offers})[0] == "inform"
    act, said = desk.ask({"action": "register", "capabilities": [{"name": "one-more"}]})
    assert (act, said["reason"]) == ("refuse", "too-much")
    assert desk.ask({"action": "register", "capabilities": [{"name": "skill-0"}]})[0] == "inform"
    other = desk.ask({"action": "register", "capabilities": [{"name": "one-more"}]}, "other@node-1")
    assert other[0] == "inform"


@pytest.mark.parametrize(
    "schema",
    ['{"a":' * 40 + "1" + "}" * 40, '{"a":' + "[" * 900 + "]" * 900 + "}", '{"a": "%s"}' % ("x" * 9_000)],
)
def test_a_schema_that_is_too_deep_or_too_large_is_refused(schema: str) -> None:
    desk = Desk()
    offer = f'{{"action": "register", "capabilities": [{{"name": "odd", "schema": {schema}}}]}}'
    act, said = desk.ask(offer.encode())
    assert (act, said["reason"], "odd" in said["detail"]) == ("refuse", "too-much", True)
    assert desk.records.records == []
