"""Who is the majority, told by example."""

import pytest

from caxton_node.cluster.partitions import PartitionView, partition_view


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
