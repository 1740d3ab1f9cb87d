"""Rings of real members, changed and fetched over the mesh."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from caxton_node.cluster.agreement import Book
from caxton_node.cluster.identity import read_gossip_keys, write_gossip_keys
from caxton_node.cluster.key_offers import encode, offer_of, read_shown
from caxton_node.cluster.key_steps import Standing, Step, StepName, standing
from caxton_node.cluster.keys import FETCH, PUT, SHOW, GossipKeys, KeysChanged
from caxton_node.cluster.rotation import Rotation
from caxton_node.cluster.service import Cluster
from caxton_node.core.errors import DeliveryFailed, InvalidArgument, NotFound, StateError, Unavailable
from swim import Drop, Identity, Keyring, Membership, Ring, Settings, key_id
from tests.support.clusters import HOST, Opened, open_clusters
from tests.support.meshes import until

pytestmark = pytest.mark.story("018")

OLD, NEW = bytes(32), bytes([1]) * 32


class Member:
    """A member with its ring on disk."""

    def __init__(self, cluster: Cluster, keyring: Keyring, folder: Path, known: dict[str, int]) -> None:
        self.cluster, self.keyring, self.folder = cluster, keyring, folder
        folder.mkdir(exist_ok=True)
        write_gossip_keys(folder, keyring.ring)
        self.keys = GossipKeys(
            keyring=keyring,
            data_dir=folder,
            cluster=cluster,
            known=[(node, (HOST, port)) for node, port in known.items()],
            rng=random.Random(cluster.node_id),
        )
        self.rotation = Rotation(cluster, self.keys, flight_s=0.0)

    @property
    def unopened(self) -> int:
        dropped = self.cluster.membership.statistics.dropped
        return dropped[Drop.UNKNOWN_KEY] + dropped[Drop.UNAUTHENTIC]


class World:
    """Members of one cluster; each knows of those that were opened before it."""

    def __init__(self, opened: Opened, folder: Path) -> None:
        self._opened, self._folder = opened, folder
        self.ports: dict[str, int] = {}
        self.members: list[Member] = []

    async def open(self, node_id: str, ring: Ring | None = None) -> Member:
        cluster = self._opened.make(node_id)
        port = await cluster.open(HOST, 0)
        keyring = Keyring("test", ring or Ring((OLD,)))
        identity = Identity(node_id, (HOST, port), 1, b"")
        core = Membership(identity, Settings.local(), keyring, random.Random(node_id))
        cluster.take(core, Book.of_founder(node_id))
        member = Member(cluster, keyring, self._folder / node_id, dict(self.ports))
        cluster.start([(HOST, port) for port in self.ports.values()])
        self.ports[node_id] = port
        self.members.append(member)
        return member

    async def settle(self) -> None:
        names = {member.cluster.node_id for member in self.members}
        await until(lambda: all(set(member.cluster.alive_nodes()) == names for member in self.members))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with open_clusters() as opened:
        yield World(opened, tmp_path)


@pytest.fixture
async def three(world: World) -> list[Member]:
    for node_id in ("n1", "n2", "n3"):
        await world.open(node_id)
    await world.settle()
    return world.members


@asynccontextmanager
async def watching(member: Member) -> AsyncIterator[None]:
    task = asyncio.create_task(member.keys.watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def all_steps(steps: AsyncIterator[Step]) -> list[Step]:
    return [step async for step in steps]


async def gather_steps(steps: AsyncIterator[Step], done: list[Step]) -> None:
    async for step in steps:
        done.append(step)  # noqa: PERF401  what was done before an error counts


async def test_a_rotation_ends_with_one_new_key_everywhere_and_on_disk(three: list[Member]) -> None:
    steps = await all_steps(three[1].rotation.rotate())
    assert [step.name for step in steps] == [StepName.INSTALL, StepName.USE, StepName.REMOVE]
    assert all([found.node for found in step.nodes] == ["n1", "n2", "n3"] for step in steps)
    (ring,) = {member.keys.ring for member in three}
    assert ring.revision == 3
    assert OLD not in ring.keys
    assert ring.ids == [steps[-1].key_id]
    assert {read_gossip_keys(member.folder) for member in three} == {ring}
    assert [member.unopened for member in three] == [0, 0, 0]


async def test_key_by_key_gives_the_same_as_a_rotation(three: list[Member]) -> None:
    rotation = three[0].rotation
    await all_steps(rotation.install(NEW))
    assert {tuple(member.keys.ring.keys) for member in three} == {(OLD, NEW)}
    await all_steps(three[2].rotation.use(key_id(NEW)))
    await all_steps(three[1].rotation.remove(key_id(OLD)))
    assert {tuple(member.keys.ring.keys) for member in three} == {(NEW,)}
    found = await rotation.survey()
    assert {standing(each, found) for each in found} == {Standing.CURRENT}


async def test_what_cannot_be_done_is_refused_before_anything_changes(three: list[Member]) -> None:
    rotation = three[0].rotation
    with pytest.raises(NotFound, match="no gossip key 12345678"):
        await all_steps(rotation.use("12345678"))
    with pytest.raises(InvalidArgument, match="32 bytes"):
        await all_steps(rotation.install(b"short"))
    with pytest.raises(InvalidArgument, match="seals"):
        await all_steps(rotation.remove(key_id(OLD)))
    assert {member.keys.ring for member in three} == {Ring((OLD,))}


async def test_a_member_that_does_not_take_the_key_stops_the_rotation_before_it_is_used(
    three: list[Member],
) -> None:
    (three[2].folder / "gossip.key.new").mkdir()  # nothing can be written there
    done: list[Step] = []
    with pytest.raises(Unavailable, match="none seals with it: n3") as stopped:
        await gather_steps(three[0].rotation.rotate(), done)
    assert "--force" in stopped.value.hint
    assert [step.name for step in done] == [StepName.INSTALL]
    assert [bool(found.error) for found in done[0].nodes] == [False, False, True]
    assert {member.keys.ring.keys[0] for member in three} == {OLD}
    (three[2].folder / "gossip.key.new").rmdir()
    await all_steps(three[0].rotation.rotate())
    assert len({member.keys.ring for member in three}) == 1
    assert [member.unopened for member in three] == [0, 0, 0]


async def test_with_force_a_rotation_goes_on_without_a_member_and_old_keys_wait_for_it(
    three: list[Member],
) -> None:
    blocked = three[2].folder / "gossip.key.new"
    await all_steps(three[0].rotation.install(NEW))
    blocked.mkdir()
    with pytest.raises(Unavailable, match="so the old ones stay: n3"):
        await all_steps(three[0].rotation.use(key_id(NEW)))
    with pytest.raises(StateError, match="still needed"):
        await all_steps(three[0].rotation.remove(key_id(OLD)))
    assert all(OLD in member.keys.ring.keys for member in three)
    (step,) = await all_steps(three[0].rotation.remove(key_id(OLD), force=True))
    assert [found.node for found in step.failed] == ["n3"]
    found = await three[0].rotation.survey()
    assert [standing(each, found) for each in found] == [Standing.CURRENT, Standing.CURRENT, Standing.BEHIND]
    blocked.rmdir()
    async with watching(three[2]):
        await until(lambda: three[2].keys.ring == three[0].keys.ring)


@pytest.mark.scenario(98)
async def test_two_rotations_at_once_never_leave_members_that_cannot_read_each_other(
    three: list[Member],
) -> None:
    both = (all_steps(member.rotation.rotate()) for member in three[:2])
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert all(isinstance(each, list | Unavailable | KeysChanged) for each in outcomes), outcomes
    for sender in three:
        assert all(sender.keys.ring.keys[0] in receiver.keys.ring.keys for receiver in three)
    await all_steps(three[2].rotation.rotate())
    assert len({member.keys.ring for member in three}) == 1
    assert [member.unopened for member in three] == [0, 0, 0]


async def test_an_earlier_ring_or_another_of_the_same_revision_is_refused(three: list[Member]) -> None:
    await all_steps(three[0].rotation.rotate())
    in_force = three[1].keys.ring
    for ring in (Ring((OLD,), 2), Ring((NEW,), 3)):
        answer = await three[0].cluster.request("n2", PUT, encode(offer_of(ring)), 5)
        assert read_shown(answer).ids == tuple(in_force.ids)
        with pytest.raises(KeysChanged, match="at revision 3"):
            await three[1].keys.put(ring, by="n1")
    assert three[1].keys.ring == in_force


async def test_force_does_not_go_on_over_a_change_of_somebody_else(three: list[Member]) -> None:
    steps = three[0].rotation.rotate(force=True)
    assert (await anext(steps)).name is StepName.INSTALL
    other = Ring((OLD, NEW), 9)
    await three[2].keys.put(other, by="n3")
    with pytest.raises(KeysChanged, match="somebody else changes the keys") as stopped:
        await gather_steps(steps, [])
    assert (stopped.value.why, "--force" in stopped.value.hint) == ("n3 took another change", False)
    assert three[2].keys.ring == other


async def test_a_change_goes_on_when_nobody_waits_for_it_any_more(three: list[Member]) -> None:
    keys, ring = three[0].keys, Ring((NEW, OLD), 1)
    waiting = asyncio.create_task(keys.put(ring, by="n1"))
    await asyncio.sleep(0)  # it has begun
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await keys.put(Ring((NEW,), 2), by="n1")  # after the first one, on disk and in memory
    assert keys.ring == read_gossip_keys(three[0].folder) == Ring((NEW,), 2)
    assert not list(three[0].folder.glob("*.new"))


async def test_what_cannot_be_fetched_is_not_put_over(three: list[Member]) -> None:
    async def refuse(_peer: str, _payload: bytes) -> bytes:
        raise InvalidArgument("not now")

    three[1].cluster.serve(FETCH, refuse)
    latest = Ring((NEW, OLD), 5)
    await three[1].keys.put(latest, by="n2")
    with pytest.raises(Unavailable, match="could not be fetched from n2"):
        await all_steps(three[0].rotation.rotate())
    assert [member.keys.ring for member in three] == [Ring((OLD,)), latest, Ring((OLD,))]


@pytest.mark.parametrize("rubbish", [b"", b"\xc1", encode([["a"], -1]), encode([["a"], 2**63])])
async def test_a_member_that_tells_rubbish_of_its_keys_is_named_and_stops_nobody_else(
    three: list[Member], rubbish: bytes
) -> None:
    async def tell(_peer: str, _payload: bytes) -> bytes:
        return rubbish

    three[1].cluster.serve(SHOW, tell)
    found = await three[0].rotation.survey()
    assert [bool(each.error) for each in found] == [False, True, False]
    assert "cannot be read" in found[1].error


@pytest.mark.parametrize("rubbish", [b"", b"\xc1", encode([[b"short"], 9]), encode([[], 9])])
async def test_a_ring_that_cannot_be_read_or_used_is_refused_in_words(
    three: list[Member], rubbish: bytes
) -> None:
    with pytest.raises(DeliveryFailed, match="ring of gossip keys cannot be"):
        await three[0].cluster.request("n2", PUT, rubbish, 5)
    assert three[1].keys.ring == Ring((OLD,))


async def test_a_member_with_an_old_ring_fetches_the_new_one_and_is_in(world: World) -> None:
    for node_id in ("n1", "n2"):
        await world.open(node_id, Ring((NEW,), 3))
    await world.settle()
    late = await world.open("n3", Ring((OLD,)))
    async with watching(late):
        await world.settle()
    assert late.keys.ring == Ring((NEW,), 3)
    assert read_gossip_keys(late.folder) == Ring((NEW,), 3)


async def test_a_split_that_changed_keys_on_both_sides_agrees_on_those_of_the_larger(world: World) -> None:
    here, there = Ring((OLD,), 3), Ring((NEW,), 3)
    for node_id in ("n1", "n2"):
        await world.open(node_id, here)
    await world.settle()
    lonely = await world.open("n3", there)
    async with watching(world.members[0]), watching(world.members[1]), watching(lonely):
        await world.settle()
    assert {member.keys.ring for member in world.members} == {here}


async def test_a_member_that_is_away_does_not_hold_up_a_rotation_and_follows_later(world: World) -> None:
    for node_id in ("n1", "n2"):
        await world.open(node_id)
    await world.settle()
    await all_steps(world.members[0].rotation.rotate())
    back = await world.open("n3")
    async with watching(back):
        await world.settle()
    assert len({member.keys.ring for member in world.members}) == 1


async def test_a_member_cannot_use_up_the_revisions_that_are_left(world: World) -> None:
    alpha, beta = await world.open("alpha"), await world.open("beta")
    await world.settle()
    absurd = Ring((NEW,), 2**62)
    with pytest.raises(DeliveryFailed, match="revision"):
        await beta.cluster.request("alpha", PUT, encode(offer_of(absurd)), 5)
    with pytest.raises(InvalidArgument, match="revision"):
        await alpha.keys.put(absurd, by="test")
    assert alpha.keys.ring == beta.keys.ring == Ring((OLD,))
