"""Who is the majority, told by example."""

import pytest

from caxton_node.cluster.partitions import (
    OnMinority,
    PartitionView,
    Standpoint,
    check_may_change,
    has_majority,
    partition_view,
)
from caxton_node.core.errors import Category, Partitioned


@pytest.mark.story("018")
@pytest.mark.parametrize(
    ("alive", "agreed", "view"),
    [
        ("a", "a", PartitionView.MAJORITY),
        ("abc", "abc", PartitionView.MAJORITY),
        ("ab", "abc", PartitionView.MAJORITY),
        ("c", "abc", PartitionView.ISOLATED),
        ("ab", "abcd", PartitionView.MAJORITY),
        ("cd", "abcd", PartitionView.MINORITY),
        ("de", "abcde", PartitionView.MINORITY),
        ("b", "ab", PartitionView.ISOLATED),
        ("a", "ab", PartitionView.ISOLATED),
    ],
)
def test_a_side_of_a_split_knows_which_side_it_is(alive, agreed, view):
    assert partition_view(set(alive), set(agreed)) is view


@pytest.mark.story("018")
def test_two_halves_never_both_believe_that_they_are_the_majority():
    members = "abcdef"
    for mask in range(1, 2 ** len(members) - 1):
        left = {m for i, m in enumerate(members) if mask >> i & 1}
        right = set(members) - left
        views = [partition_view(left, members), partition_view(right, members)]
        assert views.count(PartitionView.MAJORITY) <= 1


@pytest.mark.story("018")
def test_nobody_is_the_majority_of_nobody():
    assert not has_majority("ab", "")


@pytest.mark.story("041")
@pytest.mark.parametrize("view", PartitionView)
def test_an_available_side_takes_changes_whatever_it_is(view):
    check_may_change(Standpoint(view, ("a",), ("a", "b", "c")), OnMinority.AVAILABLE)


@pytest.mark.story("041")
def test_a_consistent_minority_refuses_changes_and_says_what_to_do():
    check_may_change(Standpoint(PartitionView.MAJORITY, tuple("abc"), tuple("abcde")), OnMinority.CONSISTENT)
    minority = Standpoint(PartitionView.MINORITY, ("d", "e"), tuple("abcde"))
    with pytest.raises(Partitioned, match="on the minority's side") as refusal:
        check_may_change(minority, OnMinority.CONSISTENT)
    assert "sees 2 of 5 members, not a, b, c" in refusal.value.why
    assert "caxton cluster resolve-partition" in refusal.value.hint
    assert (refusal.value.category, refusal.value.retryable) == (Category.UNAVAILABLE, True)
    isolated = Standpoint(PartitionView.ISOLATED, ("a",), tuple("abcdefgh"))
    with pytest.raises(Partitioned, match="is isolated") as refusal:
        check_may_change(isolated, OnMinority.CONSISTENT)
    assert "b, c, d, e, f and others" in refusal.value.why
