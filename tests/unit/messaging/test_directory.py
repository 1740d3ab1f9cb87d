import json
import random
from typing import Any, cast

import pytest

from caxton_node.agents.lifecycle import State
from caxton_node.fipa import Envelope, FailureReason, Performative, failure
from caxton_node.messaging.directory import Bounds
from caxton_node.messaging.directory.acts import EACH_MAX
from caxton_node.messaging.platform_subscriptions import EACH_MAX as EACH_SUBSCRIBED_MAX
from caxton_node.registry import CapabilityRecord, InstanceRecord, Registry, Settings
from caxton_node.storage import Database
from tests.support.agents import Alone
from tests.support.clock import HandClock
from tests.support.directories import directory_of
from tests.support.registry_net import until

pytestmark = pytest.mark.story("025")


class Desk:
    """A directory of node-1 and what it answered; all agents of whom anybody asks run."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.clock = HandClock()
        self.registry = Registry(
            cluster=Alone("node-1"),
            database=cast("Database", None),  # only an opened registry has one
            clock=self.clock,
            settings=Settings(),
            rng=random.Random(1),
        )
        self.answers: list[Envelope] = []
        self.directory = directory_of(self.registry, "node-1", self.answers.append, bounds=bounds)
        for name in ("painter", "other"):
            self.run(name)

    def run(self, name: str, state: State = State.RUNNING, *, load: int = 0, failing: bool = False) -> None:
        """Say that an agent of this node is in a state."""
        record = InstanceRecord(f"default/{name}", "1.0.0", 1, "node-1", state, load=load, failing=failing)
        self.registry.put_instance(record)

    @property
    def records(self) -> list[CapabilityRecord]:
        return self.registry.capabilities()

    def ask(
        self, content: object, sender: str = "painter@node-1", act: str = "REQUEST", talk: str = "talk-1"
    ) -> tuple[str, Any]:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        before = len(self.answers)
        self.directory.handle(Envelope(Performative[act], sender, "df", data, talk, "q-1"))
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
    assert CapabilityRecord("painting", "1.2", "default/painter", "node-1", schema) in desk.records
    act, found = desk.ask({"action": "search", "capability": "painting"}, sender="buyer@node-9")
    expected: dict[str, object] = {
        "name": "painter",
        "capability": "painting",
        "version": "1.2",
        "node": "node-1",
    }
    expected["distance_ms"] = 0.0
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
    assert desk.records == []


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
        {"action": "register", "capabilities": [{"name": f"c{n}"} for n in range(EACH_MAX + 1)]},
    ],
)
def test_anything_else_is_not_understood_with_the_reason(content: object) -> None:
    desk = Desk()
    act, answer = desk.ask(content)
    assert act == "not-understood"
    assert answer["reason"]
    assert answer["field"] == "content"
    assert desk.records == []


def test_another_act_is_not_understood_but_an_answer_is_never_answered() -> None:
    desk = Desk()
    assert desk.ask({"action": "deregister"}, act="INFORM")[0] == "not-understood"
    before = len(desk.answers)
    for act in ("FAILURE", "NOT_UNDERSTOOD", "REFUSE"):
        desk.ask(b"", act=act)
    assert len(desk.answers) == before


def test_one_agent_cannot_fill_the_registry_message_by_message() -> None:
    desk = Desk()
    for first in range(0, EACH_MAX, 16):
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
    assert desk.records == []


FULL = {
    "name": "text.upper",
    "version": "1.2.0",
    "input": {"type": "object", "required": ["text"]},
    "output": {"type": "string"},
    "performatives": ["REQUEST", "query_if"],
    "protocols": ["fipa-request"],
    "cost": {"price": 0.5, "latency_ms": 20},
    "attributes": {"lang": "en"},
    "description": "Makes text loud",
}


def test_a_capability_says_what_it_takes_gives_and_costs() -> None:
    desk = Desk()
    assert desk.ask({"action": "register", "capabilities": [FULL]})[0] == "inform"
    _, found = desk.ask({"action": "search", "capability": "text.*", "detail": True})
    expected = {
        **FULL,
        "capability": FULL["name"],
        "performatives": ["request", "query-if"],
        "node": "node-1",
    }
    assert found["agents"] == [{**expected, "name": "painter", "distance_ms": 0.0}]


@pytest.mark.parametrize(
    ("search", "finds"),
    [
        ({"capability": "text.*", "version": "^1"}, True),
        ({"capability": "text.upper", "version": "^2"}, False),
        ({"text": "LOUD upper"}, True),
        ({"attributes": {"lang": "en"}}, True),
        ({"attributes": {"lang": "de"}}, False),
        ({"performative": "query-if", "capability": "*"}, True),
        ({"protocol": "fipa-query"}, False),
        ({"agent": "painter"}, True),
        ({"agent": "other/painter"}, False),
        ({"node": "node-1", "locality": "here"}, True),
        ({"sends": {"type": "object", "required": ["text", "x"]}}, True),
        ({"sends": {"type": "object"}}, False),
        ({"sample": {"text": "a"}}, True),
        ({"sample": 7}, False),
        ({"capability": "text.upper", "pick": "best"}, True),
    ],
)
def test_it_is_found_by_all_that_it_says(search: dict[str, Any], finds: bool) -> None:
    desk = Desk()
    desk.ask({"action": "register", "capabilities": [FULL]})
    act, found = desk.ask({"action": "search"} | search)
    assert (act, [one["capability"] for one in found["agents"]]) == (
        "inform",
        ["text.upper"] if finds else [],
    )


@pytest.mark.parametrize(
    "search",
    [
        {"capability": "x", "version": "banana"},
        {"capability": "x", "sends": {"type": "objct"}},
        {"capability": "x", "sends": {"$ref": "https://example.org"}},
        {"capability": "x", "sample": "y" * 5_000},
        {"capability": "x", "limit": 5_000},
        {"capability": "x", "pick": "worst"},
        {"pick": "best"},
    ],
)
def test_a_search_that_makes_no_sense_is_not_understood(search: dict[str, Any]) -> None:
    act, answer = Desk().ask({"action": "search"} | search)
    assert (act, bool(answer["reason"])) == ("not-understood", True)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"version": "1.0.0.0"}, "INVALID_ARGUMENT"),
        ({"input": {"type": "objct"}}, "INVALID_SCHEMA"),
        ({"output": {"$ref": "http://example.org"}}, "INVALID_SCHEMA"),
        ({"performatives": ["shout"]}, "INVALID_ARGUMENT"),
        ({"cost": {"beer": 1}}, "INVALID_ARGUMENT"),
        ({"schema": {}}, "INVALID_ARGUMENT"),
    ],
)
def test_a_capability_that_is_not_sound_is_not_registered_and_neither_are_those_beside_it(
    wrong: dict[str, Any], reason: str
) -> None:
    desk = Desk()
    act, answer = desk.ask({"action": "register", "capabilities": [{"name": "fine"}, FULL | wrong]})
    assert (act, answer["reason"]) == ("failure", reason)
    assert desk.records == []


def test_what_is_left_out_of_a_modification_stays() -> None:
    desk = Desk()
    desk.ask({"action": "register", "capabilities": [FULL, {"name": "x"}]})
    change = {"name": "text.upper", "version": "1.3.0", "output": None, "cost": {"price": 2}}
    assert desk.ask({"action": "modify", "capabilities": [change]}) == (
        "inform",
        {"modified": ["text.upper"]},
    )
    _, found = desk.ask({"action": "search", "capability": "text.upper", "detail": True})
    (offer,) = found["agents"]
    assert (offer["version"], offer["cost"], offer["input"]) == ("1.3.0", {"price": 2}, FULL["input"])
    assert "output" not in offer
    act, answer = desk.ask({"action": "modify", "capabilities": [{"name": "nothing"}]})
    assert (act, answer["reason"]) == ("failure", "CAPABILITY_NOT_REGISTERED")
    assert desk.ask({"action": "deregister", "capabilities": ["x"]}) == ("inform", {"deregistered": ["x"]})
    assert [record.name for record in desk.records] == ["text.upper"]
    assert desk.ask({"action": "deregister", "capabilities": ["x"]})[0] == "failure"


def test_a_node_and_a_capability_are_bounded_too() -> None:
    desk = Desk(Bounds(agent_max=5, node_max=3, bytes_max=400))
    assert desk.ask({"action": "register", "capabilities": [{"name": "a"}, {"name": "b"}]})[0] == "inform"
    act, said = desk.ask(
        {"action": "register", "capabilities": [{"name": "c"}, {"name": "d"}]}, "other@node-1"
    )
    assert (act, said["reason"], "node-1" in said["detail"]) == ("refuse", "too-much", True)
    act, said = desk.ask({"action": "register", "capabilities": [{"name": "e", "description": "x" * 500}]})
    assert (act, said["reason"], "bytes" in said["detail"]) == ("refuse", "too-much", True)
    assert desk.ask({"action": "register", "capabilities": [{"name": "a", "version": "2"}]})[0] == "inform"


def test_an_answer_has_as_many_agents_as_fit_and_says_if_there_are_more() -> None:
    desk = Desk()
    for number in range(30):
        offer = {"name": f"s.n{number}", "input": {"title": "x" * 4_000}}
        desk.ask({"action": "register", "capabilities": [offer]})
    _, found = desk.ask({"action": "search", "capability": "s.*", "detail": True})
    assert (10 < len(found["agents"]) < 13, found["more"]) == (True, True)
    _, found = desk.ask({"action": "search", "capability": "s.*", "limit": 20})
    assert (len(found["agents"]), found["more"]) == (20, True)
    assert "more" not in desk.ask({"action": "search", "capability": "s.*"})[1]


def test_agents_that_do_not_run_or_fail_again_and_again_are_not_found() -> None:
    desk = Desk()
    desk.ask({"action": "register", "capabilities": [{"name": "x"}]})
    count = lambda: len(desk.ask({"action": "search", "capability": "x"})[1]["agents"])  # noqa: E731
    assert count() == 1
    desk.run("painter", State.FAILED)
    assert count() == 0
    desk.run("painter", failing=True)
    assert count() == 0
    desk.run("painter", load=2)
    assert desk.ask({"action": "search", "capability": "x"})[1]["agents"][0]["load"] == 2


async def test_a_subscriber_is_told_until_it_cancels() -> None:
    desk = Desk()
    search = {"action": "search", "capability": "x"}
    assert desk.ask(search, act="SUBSCRIBE") == ("agree", {"agents": []})
    desk.ask({"action": "register", "capabilities": [{"name": "x"}]}, "other@node-1")
    await until(lambda: len(desk.answers) == 3)
    told = desk.answers[-1]
    assert (told.performative, told.conversation_id, told.in_reply_to) == (
        Performative.INFORM,
        "talk-1",
        "q-1",
    )
    change = {"name": "other", "capability": "x", "version": "1.0", "node": "node-1", "change": "appeared"}
    assert json.loads(told.content or b"") == {"changes": [change]}
    assert desk.ask(b"", act="CANCEL") == ("inform", {"cancelled": 1})
    assert desk.ask(b"", act="CANCEL")[1]["reason"] == "NO_SUBSCRIPTION"
    assert desk.registry.offers.listeners == []


async def test_a_subscription_ends_with_its_subscriber() -> None:
    desk = Desk()
    search = {"action": "search", "capability": "x"}
    desk.ask(search, act="SUBSCRIBE", talk="one")
    desk.ask(search, act="SUBSCRIBE", talk="two", sender="other@node-1")
    desk.run("painter", State.FAILED)
    assert len(desk.registry.offers.listeners) == 1
    lost = failure(
        Envelope(Performative.INFORM, "df@node-1", "other@node-1", b"{}", "two"),
        FailureReason.AGENT_STOPPED,
        "it is gone",
    )
    desk.directory.handle(lost)
    assert desk.registry.offers.listeners == []


async def test_one_agent_has_so_many_subscriptions() -> None:
    desk = Desk()
    search = {"action": "search", "capability": "x"}
    acts = [
        desk.ask(search, act="SUBSCRIBE", talk=f"talk-{number}")[0]
        for number in range(EACH_SUBSCRIBED_MAX + 1)
    ]
    assert acts == ["agree"] * EACH_SUBSCRIBED_MAX + ["refuse"]
    assert desk.ask(search, act="SUBSCRIBE", talk="talk-0")[0] == "agree"
    assert desk.ask(search | {"locality": "near"}, act="SUBSCRIBE", talk="talk-0")[0] == "failure"
    desk.directory.close()
    assert desk.registry.offers.listeners == []
