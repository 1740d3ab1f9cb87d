"""The shadow tap: copies for an instance that is being tried, and nothing of it for anybody else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from caxton_node.core.errors import InvalidArgument
from caxton_node.fipa import Envelope, Performative, decode, encode
from caxton_node.messaging import Mailbox, Target
from caxton_node.messaging.routes import Shadow
from tests.support.post_office import NODE, PostOffice, empty

pytestmark = pytest.mark.story("002")

TRIED = f"b#2.1@{NODE}"


@pytest.fixture
async def office() -> PostOffice:
    return PostOffice()


def try_out(office: PostOffice, share: float = 1.0, depth: int = 1_000) -> Mailbox:
    """Let a second version of b see what b gets."""
    box = Mailbox(depth)
    office.router.add_mailbox(TRIED, box, shadow=True)
    office.routes.shadow("default/b", [Shadow(Target(TRIED, NODE), share)])
    return box


class TestCopies:
    async def test_a_shadow_sees_what_the_agent_gets_however_it_is_addressed(
        self, office: PostOffice
    ) -> None:
        office.open("a")
        b, shadow = office.open("b"), try_out(office)
        for receiver in ("b", f"b@{NODE}", ["b"]):
            office.tell("a", receiver, b"1", conversation_id="talk")
        seen = empty(shadow)
        assert [got.message_id for got in seen] == [got.message_id for got in empty(b)]
        assert all("shadow" in (got.headers or {}) for got in seen)
        office.check_sum()

    async def test_what_a_shadow_says_reaches_nobody_and_can_be_looked_at(self, office: PostOffice) -> None:
        a = office.open("a")
        office.open("b")
        try_out(office)
        said: list[tuple[str, Sequence[bytes]]] = []
        office.router.on_shadow(lambda instance, frames: said.append((instance, frames)))
        office.router.accept(TRIED, [encode(Envelope(Performative.INFORM, None, "a", b"1"))])
        assert empty(a) == []
        ((instance, (frame,)),) = said
        assert (instance, decode(frame).content) == (TRIED, b"1")

    async def test_a_shadow_is_never_chosen_as_receiver(self, office: PostOffice) -> None:
        a = office.open("a")
        shadow = try_out(office)
        office.tell("a", "b", conversation_id="talk")
        assert len(shadow) == 0
        assert [got.performative for got in empty(a)] == [Performative.FAILURE]

    async def test_a_full_shadow_slows_nobody_down_and_its_copies_are_dropped(
        self, office: PostOffice
    ) -> None:
        a = office.open("a")
        b, shadow = office.open("b"), try_out(office, depth=2)
        for _ in range(5):
            office.tell("a", "b", conversation_id="talk")
        assert (len(b), len(shadow), a.waits_for) == (5, 2, None)
        assert empty(a) == []
        office.check_sum()

    async def test_its_share_is_of_conversations_and_does_not_change(self, office: PostOffice) -> None:
        office.open("a", depth=5_000)
        office.open("b", depth=5_000)
        shadow = try_out(office, share=0.25)
        for _ in range(2):
            for talk in range(400):
                office.tell("a", "b", conversation_id=f"talk-{talk}")
        seen = [got.conversation_id for got in empty(shadow)]
        assert 60 <= len(set(seen)) <= 140
        assert len(seen) == 2 * len(set(seen))

    async def test_taking_the_tap_away_ends_the_copies(self, office: PostOffice) -> None:
        office.open("a")
        office.open("b")
        shadow = try_out(office)
        office.routes.shadow("default/b", [])
        office.tell("a", "b")
        assert len(shadow) == 0

    async def test_a_guest_cannot_write_the_header(self, office: PostOffice) -> None:
        office.open("a")
        b, shadow = office.open("b"), try_out(office)
        office.routes.shadow("default/b", [])
        forged = Envelope(Performative.INFORM, None, "b", b"1", headers={"shadow": encode_text(TRIED)})
        office.say("a", forged)
        assert len(shadow) == 0
        assert "shadow" not in (empty(b)[0].headers or {})


class TestOtherNodes:
    async def test_a_copy_for_a_shadow_elsewhere_names_it(self, office: PostOffice) -> None:
        office.open("a")
        office.open("b")
        office.routes.shadow("default/b", [Shadow(Target("b#2.1@node-2", "node-2"))])
        office.tell("a", "b", conversation_id="talk")
        ((node, _, copy),) = office.mesh.sent
        assert node == "node-2"
        assert (copy.headers or {})["shadow"] == encode_text("b#2.1@node-2")
        office.check_sum()

    async def test_a_copy_that_arrives_goes_to_the_shadow_and_to_nobody_else(
        self, office: PostOffice
    ) -> None:
        b, shadow = office.open("b"), try_out(office)
        office.routes.shadow("default/b", [])
        copy = Envelope(
            Performative.INFORM, "far@node-2", "b", b"1", "talk", headers={"shadow": encode_text(TRIED)}
        )
        office.router.accept_remote("node-2", [encode(copy)])
        assert (len(b), len(shadow)) == (0, 1)
        office.check_sum()

    async def test_a_copy_for_a_shadow_that_is_gone_is_dropped(self, office: PostOffice) -> None:
        b = office.open("b")
        copy = Envelope(
            Performative.INFORM, "far@node-2", "b", b"1", "talk", headers={"shadow": encode_text(TRIED)}
        )
        office.router.accept_remote("node-2", [encode(copy)])
        assert len(b) == 0
        office.check_sum()


@pytest.mark.parametrize("share", [0.0, -0.5, 1.5])
def test_a_share_is_a_part(share: float) -> None:
    with pytest.raises(InvalidArgument, match="share"):
        Shadow(Target("b#1.1@n", "n"), share)


def encode_text(text: str):  # type: ignore[no-untyped-def]  # a msgspec.Raw
    import msgspec  # noqa: PLC0415

    return msgspec.Raw(msgspec.msgpack.encode(text))
