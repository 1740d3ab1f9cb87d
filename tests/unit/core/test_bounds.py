import pytest

from caxton_node.core.bounds import nests_deeper


@pytest.mark.parametrize(
    ("value", "depth"),
    [(1, 0), ("text", 0), ([], 1), ({}, 1), ([[1]], 2), ({"a": [{}]}, 3), ({((),): 1}, 3), ([1, [2], 3], 2)],
)
def test_a_value_nests_exactly_as_deep_as_it_is(value: object, depth: int) -> None:
    assert not nests_deeper(value, depth)
    assert depth == 0 or nests_deeper(value, depth - 1)


def test_a_value_nested_without_end_is_left_at_the_bound() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert nests_deeper(endless, 32)
