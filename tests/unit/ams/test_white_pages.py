from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest

from caxton_node.ams.acts import Search
from caxton_node.ams.descriptions import Descriptions
from caxton_node.ams.white_pages import SCAN_MAX, WhitePages
from caxton_node.core.errors import InvalidArgument
from caxton_node.registry.capabilities import Directory
from caxton_node.registry.entry import Entry
from caxton_node.registry.records import InstanceRecord
from caxton_node.registry.replica import Replica

pytestmark = pytest.mark.story("026")


class Pages:
    """A registry in memory, made of its own parts, and the white pages over it."""

    def __init__(self) -> None:
        self._replica = Replica("n1")
        self._directory = Directory()
        self._listeners: list[Callable[[frozenset[str]], None]] = []
        self.dead: set[str] = set()
        self.descriptions = Descriptions(self)
        self.pages = WhitePages(self, self.descriptions)

    def add(self, name: str, node: str = "n1", state: str = "Running", number: int = 1) -> None:
        record = InstanceRecord(name, "1.0.0", number, node, state)
        self._apply(self._replica.put("instance", record.key, msgspec.msgpack.encode(record), 1))

    def take_out(self, name: str, node: str = "n1") -> None:
        entry = self._replica.delete("instance", f"{name}#1.0.0.1@{node}", 1)
        assert entry is not None
        self._apply(entry)

    def tell(self, *names: str) -> None:
        for listener in self._listeners:
            listener(frozenset(names))

    def _apply(self, entry: Entry) -> None:
        self.tell(*self._directory.apply(entry))

    def instances(self, name: str | None = None) -> Sequence[InstanceRecord]:
        index = self._directory.instances
        found = index.all() if name is None else index.find(name)
        return [record for record in found if record.node not in self.dead]

    def subscribe(self, listener: Callable[[frozenset[str]], None]) -> None:
        self._listeners.append(listener)

    def put_entry(self, kind: str, key: str, value: bytes) -> None:
        self._replica.put(kind, key, value, 1)

    def remove_entry(self, kind: str, key: str) -> None:
        self._replica.delete(kind, key, 1)

    def find_entry(self, kind: str, key: str) -> Entry | None:
        return self._replica.find(kind, key)

    def search(self, **more: Any) -> tuple[list[str], str | None]:
        answer = self.pages.search(Search(**more))
        agents: Any = answer["agents"]
        following: Any = answer.get("next")
        return [f"{found.name}@{found.node}" for found in agents], following


def test_agents_are_found_by_name_and_by_how_names_begin() -> None:
    pages = Pages()
    for name in ("default/work-1", "default/work-2", "default/boss", "acme/work-1"):
        pages.add(name)
    assert pages.search(name="work-1") == (["work-1@n1"], None)
    assert pages.search(name="work*") == (["work-1@n1", "work-2@n1"], None)
    assert pages.search(name="acme/*") == (["acme/work-1@n1"], None)
    assert len(pages.search()[0]) == 4
    assert pages.search(name="nobody") == ([], None)
    with pytest.raises(InvalidArgument):
        pages.search(name="-")


def test_they_are_found_by_node_state_and_what_they_say_of_themselves() -> None:
    pages = Pages()
    pages.add("default/a")
    pages.add("default/a", node="n2", state="Stopped")
    pages.descriptions.put("default/a", "n2", {"owner": "sales", "tier": "1"})
    assert pages.search(node="n2") == (["a@n2"], None)
    assert pages.search(state="Running") == (["a@n1"], None)
    assert pages.search(attributes={"owner": "sales"}) == (["a@n2"], None)
    assert pages.search(attributes={"owner": "sales", "tier": "2"}) == ([], None)


def test_pages_follow_one_another_and_have_everybody_once() -> None:
    pages = Pages()
    for number in range(25):
        pages.add(f"default/agent-{number:02}")
    seen: list[str] = []
    after: str | None = None
    while True:
        found, after = pages.search(limit=10, after=after)
        seen += found
        if after is None:
            break
    assert seen == [f"agent-{number:02}@n1" for number in range(25)]


def test_a_search_looks_at_so_many_names_and_says_where_to_go_on() -> None:
    pages = Pages()
    for number in range(SCAN_MAX + 5):
        pages.add(f"default/agent-{number:05}", state="Stopped")
    pages.add("default/zoe")
    found, following = pages.search(state="Running")
    assert (found, following) == ([], f"agent-{SCAN_MAX - 1:05}")
    assert pages.search(state="Running", after=following) == (["zoe@n1"], None)


def test_who_comes_goes_or_is_on_a_dead_node_is_seen_at_once() -> None:
    pages = Pages()
    pages.add("default/b")
    assert pages.search()[0] == ["b@n1"]
    pages.add("default/a", node="n2")
    assert pages.search()[0] == ["a@n2", "b@n1"]
    pages.dead.add("n2")
    pages.tell("default/a")
    assert pages.search()[0] == ["b@n1"]
    pages.dead.clear()
    pages.tell("default/a")
    assert pages.search()[0] == ["a@n2", "b@n1"]
    pages.take_out("default/b")
    assert pages.search()[0] == ["a@n2"]
