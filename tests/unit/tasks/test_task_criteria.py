import pytest

from caxton_node.core.errors import InvalidArgument
from caxton_node.tasks.criteria import (
    Direction,
    Preference,
    Requirement,
    number_of,
    parse_criteria,
    parse_preference,
    parse_requirement,
)

pytestmark = pytest.mark.story("011")


@pytest.mark.parametrize(
    ("text", "preference"),
    [
        ("min:price", Preference(Direction.MIN, "price")),
        ("max:quality*2", Preference(Direction.MAX, "quality", 2.0)),
        ("min:estimated_time*0.5", Preference(Direction.MIN, "estimated_time", 0.5)),
        ("max:local", Preference(Direction.MAX, "local")),
    ],
)
def test_a_preference_is_a_direction_a_term_and_perhaps_a_weight(text, preference):
    assert parse_preference(text) == preference


@pytest.mark.parametrize(
    "text",
    ["price", "low:price", "min:", "min:price*", "min:price*0", "min:price*-1", "min:a b", "min:p*1e9"],
)
def test_what_is_no_preference_is_refused_with_an_example(text):
    with pytest.raises(InvalidArgument) as caught:
        parse_preference(text)
    assert "min:price" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        ("price<=100", Requirement("price", "<=", 100)),
        ("price <= 99.5", Requirement("price", "<=", 99.5)),
        ("certified==true", Requirement("certified", "==", True)),
        ("colour!=dark red", Requirement("colour", "!=", "dark red")),
        ('name=="true"', Requirement("name", "==", "true")),
        ("grade>=B", Requirement("grade", ">=", "B")),
    ],
)
def test_a_requirement_compares_a_term_with_a_json_value_or_text(text, requirement):
    assert parse_requirement(text) == requirement


@pytest.mark.parametrize(
    "text", ["price", "price<=", "<=5", "price=5", "tags==[1]", "certified>=true", "x<=null"]
)
def test_what_is_no_requirement_is_refused(text):
    with pytest.raises(InvalidArgument, match="is not a requirement"):
        parse_requirement(text)


@pytest.mark.parametrize(
    ("text", "terms", "breach"),
    [
        ("price<=100", {"price": 100}, ""),
        ("price<=100", {"price": 120}, "price<=100 is broken: price is 120"),
        ("price<=100", {}, "price<=100 is broken: it has no price"),
        ("price<=100", {"price": "90"}, "price<=100 is broken: price is 90, which cannot be compared"),
        ("price<=100", {"price": True}, "price<=100 is broken: price is true, which cannot be compared"),
        ("certified==true", {"certified": True}, ""),
        ("certified==true", {"certified": [1]}, "certified==true is broken: certified is [1]"),
        ("colour!=red", {"colour": "red"}, "colour!=red is broken: colour is red"),
        ("grade>=B", {"grade": "C"}, ""),
    ],
)
def test_a_broken_requirement_says_what_was_wanted_and_what_came(text, terms, breach):
    assert parse_requirement(text).find_breach(terms) == breach


def test_what_a_bid_says_cannot_write_over_the_terminal():
    breach = parse_requirement("name==a").find_breach({"name": "\x1b[2Jhello"})
    assert "\x1b" not in breach


def test_terms_are_listed_once_with_the_preferred_first():
    criteria = parse_criteria(["min:price", "max:quality"], ["colour==red", "price<=5"])
    assert criteria.terms == ("price", "quality", "colour")


def test_a_term_may_be_preferred_once():
    with pytest.raises(InvalidArgument, match="price is preferred twice"):
        parse_criteria(["min:price", "max:price"], [])


def test_a_step_needs_a_preferred_term():
    assert parse_criteria(["min:price"], [], ["price=5"]).steps == {"price": 5.0}
    with pytest.raises(InvalidArgument, match="a step for weight has no meaning"):
        parse_criteria(["min:price"], [], ["weight=5"])
    with pytest.raises(InvalidArgument, match="is not a step"):
        parse_criteria(["min:price"], [], ["price:5"])


def test_criteria_are_bounded():
    with pytest.raises(InvalidArgument, match="too many"):
        parse_criteria([f"min:t{n}" for n in range(17)], [])


@pytest.mark.parametrize(("value", "number"), [(1, 1.0), (2.5, 2.5), (True, None), ("1", None), (None, None)])
def test_only_numbers_count(value, number):
    assert number_of(value) == number


@pytest.mark.parametrize("value", [10**400, -(10**400), float("inf"), float("nan"), 1e200])
def test_numbers_beyond_reckoning_are_none(value):
    assert number_of(value) is None
