"""Whose turn it is: everybody once in each round, in an order that nobody can foresee, in little memory."""

from __future__ import annotations

import random
import sys
from collections import Counter
from dataclasses import replace

import pytest

from swim.member import Member, MemberState, node_key
from swim.permutation import SHUFFLED_MAX, Permutation, shuffled
from swim.roster import Roster
from swim.rounds import NEIGHBOURS_FROM, Rounds

pytestmark = pytest.mark.story("018")

ME = node_key("node-0")


def member(number: int, *, state: MemberState = MemberState.ALIVE, epoch: int = 1) -> Member:
    node_id = f"node-{number}"
    return Member(node_id, ("10.0.0.1", 1 + number), state, 0, epoch, b"", 0, node_key(node_id))


def roster_of(count: int) -> Roster:
    roster = Roster()
    for number in range(count):
        roster.put(member(number))
    return roster


def based_on(count: int) -> Roster:
    roster = Roster()
    roster.put(member(0))
    roster.adopt(roster_of(count).to_base())
    return roster


def turns(rounds: Rounds, count: int) -> list[str]:
    return [found.node_id for _ in range(count) for found in rounds.listeners(1)]


def probed(rounds: Rounds, count: int) -> list[str]:
    found = [rounds.next() for _ in range(count)]
    return [each.node_id for each in found if each is not None]


@pytest.fixture(params=["a table of its own", "a shared base"])
def make(request: pytest.FixtureRequest):
    return roster_of if request.param == "a table of its own" else based_on


@pytest.mark.parametrize("size", [2, 3, 40, SHUFFLED_MAX + 500])
def test_everybody_but_this_node_has_one_turn_in_each_round(make, size: int) -> None:
    rounds = Rounds(ME, make(size), random.Random(1))
    for _ in range(3):
        assert sorted(turns(rounds, size - 1)) == sorted(f"node-{number}" for number in range(1, size))


def test_few_members_are_probed_by_turns(make) -> None:
    rounds = Rounds(ME, make(NEIGHBOURS_FROM), random.Random(1))
    for _ in range(3):
        assert sorted(probed(rounds, NEIGHBOURS_FROM - 1)) == [f"node-{n}" for n in range(1, NEIGHBOURS_FROM)]


def test_of_many_members_every_second_probe_is_for_the_neighbour(make) -> None:
    roster = make(40)
    rounds = Rounds(ME, roster, random.Random(1))
    neighbour = roster.successor(ME)
    assert neighbour is not None
    found = probed(rounds, 78)
    assert set(found[::2]) == {neighbour.node_id}
    assert sorted(found[1::2]) == sorted(f"node-{number}" for number in range(1, 40))


def test_each_round_has_its_own_order(make) -> None:
    rounds = Rounds(ME, make(40), random.Random(1))
    assert turns(rounds, 39) != turns(rounds, 39)


def test_a_node_alone_has_nobody_to_probe_nor_to_tell(make) -> None:
    rounds = Rounds(ME, make(1), random.Random(1))
    assert rounds.next() is None
    assert rounds.listeners(3) == []
    assert rounds.sample(3) == []


def test_listeners_take_turns_of_their_own(make) -> None:
    rounds = Rounds(ME, make(31), random.Random(1))
    rounds.next()
    told = [found.node_id for _ in range(10) for found in rounds.listeners(3)]
    assert sorted(told) == sorted(f"node-{number}" for number in range(1, 31))


def test_a_newcomer_has_a_turn_in_the_round_in_which_it_came(make) -> None:
    roster = make(30)
    rounds = Rounds(ME, roster, random.Random(1))
    before = turns(rounds, 10)
    roster.put(member(500))
    rest = turns(rounds, 20)
    assert rest.count("node-500") == 1
    assert sorted(before + rest) == sorted(f"node-{number}" for number in [*range(1, 30), 500])
    assert turns(rounds, 30).count("node-500") == 1


def test_a_newcomer_may_come_at_any_place(make) -> None:
    places = Counter()
    for seed in range(400):
        roster = make(10)
        rounds = Rounds(ME, roster, random.Random(seed))
        turns(rounds, 1)
        roster.put(member(500))
        places[turns(rounds, 9).index("node-500")] += 1
    assert sorted(places) == list(range(9))
    assert min(places.values()) > 20


def test_the_dead_have_no_turn_and_one_who_comes_back_has(make) -> None:
    roster = make(20)
    rounds = Rounds(ME, roster, random.Random(1))
    turns(rounds, 19)
    roster.put(member(7, state=MemberState.DEAD))
    assert "node-7" not in turns(rounds, 18)
    roster.put(member(7, epoch=2))
    assert "node-7" in turns(rounds, 20)
    roster.put(member(7, state=MemberState.DEAD, epoch=2))
    roster.forget(member(7).key)
    assert "node-7" not in turns(rounds, 40)


def test_a_sample_is_of_different_members_and_never_of_this_node(make) -> None:
    rounds = Rounds(ME, make(60), random.Random(1))
    for _ in range(100):
        chosen = [found.node_id for found in rounds.sample(4, without=node_key("node-5"))]
        assert len(set(chosen)) == len(chosen) == 4
        assert not {"node-0", "node-5"} & set(chosen)


def test_rounds_over_a_base_take_no_memory_for_its_members() -> None:
    rounds = Rounds(ME, based_on(5_000), random.Random(1))
    rounds.next()
    rounds.listeners(3)
    for cycle in (rounds._probing, rounds._telling):
        assert sys.getsizeof(cycle._order) < 200
        assert cycle._more == []


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 1025, 4096, 10_000])
def test_an_order_by_arithmetic_holds_every_number_once(count: int) -> None:
    order = Permutation(count, random.Random(count))
    assert sorted(order[place] for place in range(count)) == list(range(count))
    with pytest.raises(IndexError):
        order[count]


def test_an_order_by_arithmetic_looks_like_a_shuffle() -> None:
    """Chi squared of where one number comes, in 16 equal parts, and of how far apart neighbours are."""
    count, rng = 4_000, random.Random(5)
    places, distances = Counter(), Counter()
    for _ in range(1_600):
        order = Permutation(count, rng)
        places[order[123] * 16 // count] += 1
        distances[(order[124] - order[123]) % count * 16 // count] += 1
    for counted in (places, distances):
        assert sum((counted[part] - 100) ** 2 / 100 for part in range(16)) < 45


def test_few_are_shuffled_for_real() -> None:
    seen = {tuple(shuffled(4, random.Random(seed))) for seed in range(600)}
    assert len(seen) == 24


def test_members_that_come_and_go_take_no_turns_of_others(make) -> None:
    roster = make(40)
    rounds = Rounds(ME, roster, random.Random(1))
    met = set()
    for _ in range(2 * 39):
        flapping = roster.find(node_key("node-1"))
        assert flapping is not None
        roster.put(replace(flapping, state=MemberState.DEAD))
        roster.put(replace(flapping, state=MemberState.ALIVE))
        met.update(turns(rounds, 1))
    assert met == {f"node-{number}" for number in range(1, 40)}
