"""The guests of the benchmark hold real conversations: a figure counts nothing that a protocol forbids."""

from __future__ import annotations

import pytest

from caxton_node.fipa.content import is_sound
from caxton_node.runtime import Limits
from tests.bench.local_routing.pairs import CONTENT_BYTES, build_pairs, content, converse
from tests.support.data_plane import DataPlane

pytestmark = pytest.mark.story("002")


def test_what_the_guests_say_is_json_of_two_hundred_bytes() -> None:
    said = content(256, 2_048, due_ns=2**62)
    assert len(said) == CONTENT_BYTES
    assert is_sound(said, None, None)


@pytest.mark.parametrize(("batch_max", "window"), [(256, 64), (1, 4)])
async def test_every_conversation_ends_with_its_answer_and_nothing_is_refused(
    batch_max: int, window: int
) -> None:
    with DataPlane() as plane:
        pairs = build_pairs(plane, "pair", 2, Limits(batch_max=batch_max))
        for _ in range(2):  # ids go on from one run to the next, so the second one uses none again
            flow = await converse(plane, pairs, conversations=300, window=window)
            assert flow.sent == flow.received == 2 * 2 * 300
        assert flow.batch_size == 1 or batch_max > 1
        assert not plane.lost
        assert plane.router.conversations.faults == 0
        assert plane.router.conversations.opened["fipa-request"] == 2 * 2 * 300
