"""When members went."""

import pytest

from caxton_node.api.last_seen import REMEMBERED_MAX, LastSeen
from caxton_node.cluster.changes import Change, MemberChanged
from swim import Member, MemberState

pytestmark = pytest.mark.story("018")


def changed(node: str, change: Change) -> MemberChanged:
    return MemberChanged(Member(node, ("127.0.0.1", 1), MemberState.DEAD, 0, 0, b"", 0, bytes(8)), change)


@pytest.mark.parametrize("change", [Change.DIED, Change.LEFT])
def test_a_member_is_gone_until_it_is_back(change: Change) -> None:
    seen = LastSeen()
    assert seen.gone_at_us("n2") == 0
    seen.note(changed("n2", change), 5)
    assert seen.gone_at_us("n2") == 5
    seen.note(changed("n2", Change.JOINED), 6)
    assert seen.gone_at_us("n2") == 0


def test_whoever_went_first_is_forgotten_first() -> None:
    seen = LastSeen()
    for number in range(1, REMEMBERED_MAX + 2):
        seen.note(changed(f"n{number}", Change.DIED), number)
    assert (seen.gone_at_us("n1"), seen.gone_at_us("n2")) == (0, 2)
