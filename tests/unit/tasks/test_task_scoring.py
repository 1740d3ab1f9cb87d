import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton_node.tasks.criteria import Criteria, parse_criteria
from caxton_node.tasks.scoring import Offer, TieBreak, find_progress, judge

pytestmark = pytest.mark.story("011")


def offer(name: str, content: object = None, *, after_us: int = 1_000, local: bool = True) -> Offer:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Offer(f"{name}@n1", data, after_us, local)


def ranked(offers: list[Offer], criteria: Criteria) -> list[tuple[str, float]]:
    return [(bid.contractor[0], bid.score or 0.0) for bid in judge(offers, criteria) if bid.rank]


def test_less_or_more_is_better_as_declared():
    offers = [offer("a", {"price": 30}), offer("b", {"price": 10}), offer("c", {"price": 20})]
    assert ranked(offers, parse_criteria(["min:price"], [])) == [("b", 1.0), ("c", 0.5), ("a", 0.0)]
    assert ranked(offers, parse_criteria(["max:price"], [])) == [("a", 1.0), ("c", 0.5), ("b", 0.0)]


def test_weights_say_what_counts_more():
    offers = [offer("a", {"price": 10, "quality": 1}), offer("b", {"price": 20, "quality": 9})]
    assert ranked(offers, parse_criteria(["min:price", "max:quality"], []))[0][1] == 0.5
    assert ranked(offers, parse_criteria(["min:price*3", "max:quality"], [])) == [("a", 0.75), ("b", 0.25)]
    assert ranked(offers, parse_criteria(["min:price", "max:quality*3"], [])) == [("b", 0.75), ("a", 0.25)]


def test_every_bid_shows_its_terms_and_where_they_lie_between_worst_and_best():
    offers = [offer("a", {"price": 10, "quality": 5, "more": "x"}), offer("b", {"price": 30, "quality": 5})]
    best = judge(offers, parse_criteria(["min:price", "max:quality"], ["price<=50"]))[0]
    assert best.terms == {"price": 10, "quality": 5}
    assert best.normalised == {"price": 1.0, "quality": 1.0}, "where all are equal it is 1"


@pytest.mark.parametrize(
    ("content", "breach"),
    [
        (b"cheap!", "the bid is not JSON"),
        (b"", "the bid is not JSON"),
        (b"\xff\xfe", "the bid is not JSON"),
        (b"[" * 100_000, "the bid is not JSON"),
        ([1, 2], "the bid is not a JSON object"),
        (42, "the bid is not a JSON object"),
        ({"cost": 1, "hours": 1}, "price is missing, and bids are ranked by it"),
        ({"price": "1", "hours": 1}, "price is not a number, and bids are ranked by it"),
        ({"price": None, "hours": 1}, "price is not a number, and bids are ranked by it"),
        ({"price": 10**300, "hours": 1}, "price is not a number, and bids are ranked by it"),
        ({"price": 1, "hours": 9}, "hours<=8 is broken: hours is 9"),
        ({"price": 1}, "hours<=8 is broken: it has no hours"),
    ],
)
def test_a_bid_that_cannot_be_ranked_is_disqualified_with_the_reason(content, breach):
    good, bad = judge(
        [offer("bad", content), offer("good", {"price": 90, "hours": 8})],
        parse_criteria(["min:price"], ["hours<=8"]),
    )
    assert (good.contractor, good.rank, good.score) == ("good@n1", 1, 1.0)
    assert (bad.rank, bad.score, bad.breach) == (0, None, breach)


def test_disqualified_bids_do_not_stretch_the_scale_of_the_others():
    offers = [offer("a", {"price": 10}), offer("b", {"price": 20}), offer("c", {"price": 1_000})]
    assert ranked(offers, parse_criteria(["min:price"], ["price<=100"])) == [("a", 1.0), ("b", 0.0)]


def test_equal_scores_are_decided_by_the_earlier_bid_and_then_by_address():
    offers = [
        offer("c", {"price": 1}, after_us=5),
        offer("b", {"price": 1}, after_us=9),
        offer("a", {"price": 1}, after_us=9),
        offer("d", {"price": 2}, after_us=1),
    ]
    judged = judge(offers, parse_criteria(["min:price"], []))
    assert [bid.contractor[0] for bid in judged] == ["c", "a", "b", "d"]
    assert [bid.tie_break for bid in judged] == [
        TieBreak.EARLIER, TieBreak.ADDRESS, TieBreak.NONE, TieBreak.NONE,
    ]  # fmt: skip
    assert [bid.rank for bid in judged] == [1, 2, 3, 4]


def test_without_preferences_the_earliest_bid_is_the_best():
    offers = [offer("a", {}, after_us=2), offer("b", {}, after_us=1)]
    assert ranked(offers, Criteria()) == [("b", 1.0), ("a", 1.0)]


def test_the_platforms_own_facts_can_be_preferred_and_required_but_not_claimed():
    near, far = (
        offer("near", {}, after_us=900),
        offer("far", {"local": 1, "answered_ms": 0}, after_us=500, local=False),
    )
    assert ranked([far, near], parse_criteria(["max:local"], [])) == [("n", 1.0), ("f", 0.0)]
    assert ranked([near, far], parse_criteria(["min:answered_ms"], [])) == [("f", 1.0), ("n", 0.0)]
    judged = judge([near, far], parse_criteria([], ["local==true", "answered_ms<1"]))
    assert judged[1].breach == "local==true is broken: local is 0"


def test_values_at_the_ends_of_what_can_be_reckoned_with_do_not_break_the_scale():
    offers = [offer("a", {"x": 10**100}), offer("b", {"x": -(10**100)}), offer("c", {"x": 0})]
    assert ranked(offers, parse_criteria(["min:x"], [])) == [("b", 1.0), ("c", 0.5), ("a", 0.0)]


numbers = st.integers(-1_000, 1_000) | st.floats(-1e6, 1e6)
bids = st.lists(
    st.tuples(st.fixed_dictionaries({"p": numbers, "q": numbers}), st.integers(0, 5)), min_size=1, max_size=12
)


@given(bids, st.randoms())
def test_the_order_is_total_and_does_not_depend_on_the_order_of_arrival(found, random):
    offers = [offer(chr(97 + n), terms, after_us=after) for n, (terms, after) in enumerate(found)]
    criteria = parse_criteria(["min:p*2", "max:q"], [])
    judged = judge(offers, criteria)
    shuffled = offers.copy()
    random.shuffle(shuffled)
    assert judge(shuffled, criteria) == judged
    assert [bid.rank for bid in judged] == list(range(1, len(offers) + 1))
    assert all(0 <= (bid.score or 0) <= 1 for bid in judged)
    best = judged[0].terms
    assert not any(number_better(terms, best) for terms, _ in found), (
        "nobody who is better in every term comes behind the first"
    )


def number_better(terms, best):
    return terms["p"] < best["p"] and terms["q"] > best["q"]


# -- progress from round to round ---------------------------------------------------------------------------


def progress(best: dict[str, float], steps: list[str], *offers: Offer) -> tuple[dict[str, float], str]:
    criteria = parse_criteria(["min:price", "max:quality"], ["price<=100"], steps)
    return find_progress(best, judge(offers, criteria), criteria)


def test_the_first_round_is_what_the_others_have_to_better():
    after, text = progress({}, [], offer("a", {"price": 20, "quality": 5}))
    assert (after, text) == ({"price": 20, "quality": 5}, "price 20, quality 5")


def test_a_round_betters_a_term_by_its_step_or_not_at_all():
    best = {"price": 20.0, "quality": 5.0}
    cheaper = offer("a", {"price": 17, "quality": 5})
    assert progress(best, [], cheaper) == ({"price": 17, "quality": 5}, "price 20 → 17")
    assert progress(best, ["price=3"], cheaper)[1] == "price 20 → 17"
    assert progress(best, ["price=5"], cheaper) == ({"price": 17, "quality": 5}, "")
    assert progress(best, ["price=5"], offer("a", {"price": 20, "quality": 6}))[1] == "quality 5 → 6"


def test_worse_and_disqualified_bids_are_no_progress():
    best = {"price": 20.0, "quality": 5.0}
    worse = offer("a", {"price": 30, "quality": 1})
    assert progress(best, [], worse) == (best, "")
    assert progress(best, [], offer("a", {"price": 101, "quality": 99})) == (best, "")
