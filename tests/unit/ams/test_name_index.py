import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton_node.ams.name_index import ONE_BY_ONE_MAX, NameIndex

pytestmark = pytest.mark.story("026")
NAMES = st.sampled_from([f"default/{letter}{number}" for letter in "ab" for number in range(10)])


@given(st.lists(NAMES), st.lists(st.one_of(st.tuples(NAMES, st.booleans()), st.none())))
def test_names_are_in_order_whatever_came_and_went_between_looks(
    names: list[str], changes: list[tuple[str, bool] | None]
) -> None:
    index, model = NameIndex(names), set(names)
    for change in [*changes, None]:
        if change is None:  # somebody looks
            assert list(index.following("")) == sorted(model)
            assert len(index) == len(model)
            continue
        name, there = change
        index.set(name, there=there)
        (model.add if there else model.discard)(name)
        assert (name in index) == there


def test_many_at_once_are_merged_and_a_look_begins_where_it_is_told() -> None:
    index = NameIndex(["default/m", "default/z"])
    many = [f"default/n{number:03}" for number in range(3 * ONE_BY_ONE_MAX)]
    for name in reversed(many):
        index.set(name, there=True)
    index.set("default/m", there=False)
    assert list(index.following("")) == [*many, "default/z"]
    assert list(index.following("default/n", "default/n298")) == ["default/n299", "default/z"]
