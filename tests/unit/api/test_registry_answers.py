"""The partition report of all nodes as one list: each write once, in pages that fit together."""

import pytest

from caxton_node.api.registry import merge, read_token, token_of, written
from caxton_node.core.errors import InvalidArgument
from caxton_node.registry.conflict_store import FIRST
from caxton_node.registry.conflicts import Conflict, Version
from caxton_node.registry.hlc import stamp_at

pytestmark = pytest.mark.story("026")


def conflict(at_ms, *, key="default/web", origin="n1", action="", winner_ms=9_000, noticed_ms=10_000):
    loser = Version(stamp_at(at_ms * 1000), origin, "aa", "version 1.0.0")
    winner = Version(stamp_at(winner_ms * 1000), "n9", "bb", "version 2.0.0")
    return Conflict("name", key, loser, winner, noticed_ms, action)


def row(node, at_ms, **facts):
    return written(conflict(at_ms, **facts), node)


def test_a_write_that_several_nodes_noticed_is_one_row_with_what_each_did():
    (merged,) = merge(
        [
            [row("n2", 5, action="stopped", noticed_ms=12)],
            [row("n1", 5, action="kept", noticed_ms=11)],
            [row("n3", 5, noticed_ms=13)],
        ]
    )
    assert list(merged.noticed_by) == ["n1", "n2", "n3"]
    assert dict(merged.actions) == {"n1": "kept", "n2": "stopped"}
    assert (merged.noticed_unix_ms, merged.loser.at_unix_ms, merged.loser.origin) == (11, 5, "n1")


def test_of_several_winners_that_nodes_met_one_after_another_the_latest_is_told():
    (merged,) = merge([[row("n2", 5, winner_ms=7)], [row("n1", 5, winner_ms=8)]])
    assert merged.winner.at_unix_ms == 8


def test_rows_have_one_order_whoever_noticed_them():
    rows = merge([[row("n1", 5), row("n1", 4)], [row("n2", 6), row("n2", 5, key="a"), row("n2", 4)]])
    assert [(one.loser.at_unix_ms, one.key) for one in rows] == [
        (6, "default/web"), (5, "a"), (5, "default/web"), (4, "default/web"),
    ]  # fmt: skip


def test_a_token_names_the_place_behind_which_the_next_page_begins():
    page = [row("n1", 6), row("n1", 5)]
    assert read_token(token_of(page, 2)) == conflict(5).place
    assert token_of(page, 3) == token_of([], 3) == ""
    assert read_token("") == FIRST < conflict(6).place < conflict(5).place


@pytest.mark.parametrize(
    "token", ["x", "[1]", '["x","a","b","c"]', '[1,"a","b","c","d"]', f'[{2**70},"a","b","c"]']
)
def test_a_token_that_is_none_is_refused(token):
    with pytest.raises(InvalidArgument, match="page token"):
        read_token(token)


def test_a_key_may_hold_what_breaks_a_line():
    page = [row("n1", 5, key="default/a\nb")]
    assert read_token(token_of(page, 1)) == conflict(5, key="default/a\nb").place
