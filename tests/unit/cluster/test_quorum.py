"""Who is the majority while members come, go, die and come back, told by example."""

from __future__ import annotations

import random

import pytest

from caxton_node.cluster import agreement
from caxton_node.cluster.agreement import Book, Line, MalformedBook, decode, encode
from caxton_node.cluster.effects import Compare, Turned
from caxton_node.cluster.partitions import PartitionView
from caxton_node.cluster.quorum import Quorum
from tests.support.splits import MAJORITY, NAMES, TIMES, World

pytestmark = pytest.mark.story("018")

MINORITY, ISOLATED = PartitionView.MINORITY, PartitionView.ISOLATED
N0, N1, N2, N3, N4, N5, N6, N7, *_ = NAMES


def view(world: World, name: str) -> PartitionView:
    return world.nodes[name].standpoint.view


def agreed(world: World, name: str) -> list[str]:
    return list(world.nodes[name].standpoint.agreed)


def apart(*names: str) -> dict[str, int]:
    return {name: int(name in names) for name in NAMES}


def restored(me: str, *others: str) -> Quorum:
    book = Book({name: Line(1, counts=True, settled=True) for name in (me, *others)})
    return Quorum(me, book, TIMES, rng=random.Random(1), now=0.0)


def test_a_founder_is_the_majority_of_itself_and_a_newcomer_of_nobody():
    assert restored(N0).standpoint.view is MAJORITY
    fresh = Quorum(N1, Book(), TIMES, rng=random.Random(1), now=0.0)
    assert fresh.standpoint.view is ISOLATED
    fresh.handle_alive(N2, 1.0)
    assert fresh.standpoint.view is MINORITY


def test_newcomers_count_after_a_while_on_the_side_of_the_majority():
    world = World(1)
    world.start(N1, 0, Book())
    assert (agreed(world, N0), view(world, N1)) == ([N0], MAJORITY)
    world.run(TIMES.welcome_s + 2)
    assert agreed(world, N0) == agreed(world, N1) == [N0, N1]
    assert view(world, N1) is MAJORITY


def test_the_smaller_side_of_a_split_is_the_minority_and_the_majority_again_after_it():
    world = World(5)
    world.split(apart(N0, N1))
    assert [view(world, name) for name in (N0, N2)] == [MINORITY, MAJORITY]
    world.split(apart())
    assert {view(world, name) for name in world.nodes} == {MAJORITY}


def test_a_minority_that_grows_by_joins_stays_one_however_large_it_is():
    world = World(3)
    world.split(apart(N2))
    for name in NAMES[3:]:
        world.start(name, 1, Book())
    world.run(1000)
    assert {view(world, name) for name in (N2, *NAMES[3:])} == {MINORITY}
    assert {view(world, name) for name in (N0, N1)} == {MAJORITY}
    world.split(apart())
    world.run(TIMES.welcome_s + 2)
    assert agreed(world, N0) == NAMES


def test_a_split_in_the_middle_of_counting_newcomers_does_not_make_two_majorities():
    world = World(3)
    for name in (N3, N4, N5, N6):
        world.start(name, 0, Book())
    world.now += TIMES.welcome_s + 1
    keeper = world.nodes[N0]
    world.perform(N0, keeper.handle_turn(world.now), hearers=frozenset({N3, N4, N5, N6}))
    world.split(apart(N1, N2))
    assert len(agreed(world, N0)) == 7
    assert len(agreed(world, N1)) == 3
    assert [view(world, name) for name in (N0, N1)] == [MINORITY, MAJORITY]
    world.run(1000)
    assert [view(world, name) for name in (N0, N1)] == [MINORITY, MAJORITY]


@pytest.mark.scenario(82)
def test_who_leaves_counts_no_more_and_who_dies_does():
    world = World(5)
    world.end(N3, goodbye=True)
    world.end(N4, goodbye=True)
    world.end(N2, goodbye=False)
    assert agreed(world, N0) == [N0, N1, N2]
    assert view(world, N0) is MAJORITY
    world.end(N1, goodbye=False)
    assert view(world, N0) is ISOLATED


def test_leaves_on_the_smaller_side_do_not_make_it_the_majority():
    world = World(5)
    world.split(apart(N3, N4))
    world.end(N4, goodbye=True)
    assert view(world, N3) is ISOLATED
    assert view(world, N0) is MAJORITY


def test_the_majority_gives_up_the_long_dead_and_the_minority_never():
    world = World(5)
    world.split(apart(N3, N4))
    world.now += TIMES.dead_memory_s
    world.run(2)
    assert agreed(world, N0) == [N0, N1, N2]
    assert agreed(world, N3) == NAMES[:5]
    assert [view(world, name) for name in (N0, N3)] == [MAJORITY, MINORITY]


def test_a_side_that_was_left_behind_does_not_believe_its_numbers_before_it_has_asked():
    world = World(5)
    world.split(apart(N3, N4))
    world.now += TIMES.dead_memory_s
    world.run(2)
    left_behind = world.nodes[N3]
    effects = left_behind.handle_alive(N2, world.now)  # three of five, as far as its own book says
    assert effects == [Compare(N2)]
    assert left_behind.standpoint.view is MINORITY
    left_behind.handle_book(N2, world.nodes[N2].book.lines(), world.now)
    assert left_behind.standpoint.view is MINORITY
    assert left_behind.standpoint.agreed == (N0, N1, N2)


def test_a_member_that_never_gives_its_book_is_not_waited_for_for_ever():
    quorum = restored(N0, N1, N2)
    quorum.handle_alive(N1, 0.0)
    assert quorum.handle_silence(N1, 1.0) == quorum.handle_silence(N1, 2.0) == []
    (turned,) = quorum.handle_silence(N1, 3.0)
    assert isinstance(turned, Turned)
    assert (turned.change.before, turned.change.view) == (MINORITY, MAJORITY)
    assert turned.change.lost == (N2,)


@pytest.mark.scenario(108)
def test_a_node_that_starts_alone_remembers_who_counts():
    assert restored(N0, N1, N2).standpoint.view is ISOLATED
    assert restored(N0, N1, N2).standpoint.lost == (N1, N2)


def test_who_left_and_starts_again_on_the_other_side_brings_the_news_of_its_leave():
    world = World(5)
    world.split(apart(N1, N3))
    world.end(N2, goodbye=True)
    assert view(world, N0) is MAJORITY  # two of four, with the smallest id
    world.start(N2, 1, Book(world.disk[N2].lines()))
    assert view(world, N1) is MINORITY  # three of five, had N2 not told
    assert world.majorities() == {0}


@pytest.mark.scenario(82)
def test_survivors_whose_dead_are_given_up_become_the_majority():
    world = World(5)
    for name in (N2, N3, N4):
        world.end(name, goodbye=False)
    assert [view(world, name) for name in (N0, N1)] == [MINORITY, MINORITY]
    world.perform(N1, world.nodes[N1].strike([N0, N2, N3, N4], world.now))
    assert agreed(world, N0) == agreed(world, N1) == [N0, N1]  # who is alive is not given up
    assert [view(world, name) for name in (N0, N1)] == [MAJORITY, MAJORITY]
    world.start(N3, 0, Book(world.disk[N3].lines()))
    world.run(TIMES.welcome_s + 2)
    assert agreed(world, N3) == [N0, N1, N3]


def test_sides_that_have_given_up_each_other_come_together_again():
    world = World(4)
    world.split(apart(N2, N3))
    world.perform(N0, world.nodes[N0].strike(NAMES, world.now))
    world.perform(N2, world.nodes[N2].strike(NAMES, world.now))
    assert world.majorities() == {0, 1}  # two operators have said so
    world.split(apart())
    world.run(3 * TIMES.compare_s + TIMES.welcome_s + 5)
    assert {tuple(agreed(world, name)) for name in world.nodes} == {tuple(NAMES[:4])}
    assert {view(world, name) for name in world.nodes} == {MAJORITY}


def test_when_all_leave_at_once_no_one_of_them_alone_is_the_majority_afterwards_and_all_together_are():
    world = World(3)
    world.end(N0, N1, N2, goodbye=True)
    for side, name in enumerate((N0, N1, N2)):
        world.start(name, side, Book(world.disk[name].lines()))
    assert world.majorities() == set()
    world.split(apart())
    world.run(TIMES.welcome_s + 2)
    assert {view(world, name) for name in world.nodes} == {MAJORITY}
    assert agreed(world, N2) == [N0, N1, N2]


def test_who_leaves_one_after_the_other_leaves_the_last_one_to_begin_again():
    world = World(3)
    for name in (N0, N1, N2):
        world.end(name, goodbye=True)
    world.start(N0, 0, Book(world.disk[N0].lines()))
    assert view(world, N0) is ISOLATED
    world.start(N2, 1, Book(world.disk[N2].lines()))
    assert view(world, N2) is MAJORITY


def test_the_restart_of_one_that_is_needed_does_not_cost_the_majority_for_good():
    world = World(3)
    world.end(N0, goodbye=False)
    world.end(N2, goodbye=True)
    assert view(world, N1) is ISOLATED
    world.start(N2, 0, Book(world.disk[N2].lines()))
    assert [view(world, name) for name in (N1, N2)] == [MAJORITY, MAJORITY]


def test_who_is_not_answered_when_it_leaves_counts_itself_no_more():
    quorum = restored(N0, N1, N2)
    for name in (N1, N2):
        quorum.handle_alive(name, 0.0)
        quorum.handle_book(name, quorum.book.lines(), 0.0)
    assert quorum.leave() == [N1, N2]
    quorum.strike_self(1.0)
    assert quorum.standpoint.agreed == (N1, N2)
    assert quorum.handle_leaver(N1, 1.0) == []  # one that goes strikes nobody


@pytest.mark.parametrize("asked", [N0, N1], ids=["keeper", "another"])
def test_a_leaver_does_not_count_again_while_its_goodbye_is_on_its_way(asked):
    books = {name: restored(name, *{N0, N1, N2} - {name}) for name in (N0, N1)}
    for name, quorum in books.items():
        for other in {N0, N1, N2} - {name}:
            quorum.handle_alive(other, 0.0)
            quorum.handle_book(other, quorum.book.lines(), 0.0)
    at = 2 * TIMES.welcome_s
    books[asked].handle_leaver(N2, at)
    books[N0].handle_book("", books[asked].book.lines(), at)
    keeper = books[N0]
    keeper.handle_turn(at + TIMES.welcome_s - 1)
    assert keeper.standpoint.agreed == (N0, N1)
    keeper.handle_turn(at + TIMES.welcome_s)  # it did not go after all
    assert keeper.standpoint.agreed == (N0, N1, N2)


def test_a_newcomer_does_not_learn_from_a_fragment_who_counts():
    fresh = Quorum(N3, Book(), TIMES, rng=random.Random(1), now=0.0)
    fresh.handle_alive(N0, 0.0)
    for fragment in ({N3: Line(1, counts=True)}, {N1: Line(2, counts=False)}):
        assert fresh.handle_book("", fragment, 1.0) == []
        assert (fresh.standpoint.view, fresh.standpoint.agreed) == (MINORITY, ())
    assert fresh.handle_turn(2.0) == [Compare(N0)]
    fresh.handle_gone(N0, 3.0)
    assert fresh.standpoint.view is ISOLATED


def test_a_lost_book_is_no_second_vote():
    world = World(5)
    world.split(apart(N0, N1))
    for name in (N5, N6):
        world.start(name, 0, Book())
    world.run(TIMES.welcome_s + TIMES.settle_s + 2)
    assert agreed(world, N4) == NAMES[:7]
    world.end(N2, goodbye=False)
    assert view(world, N3) is MAJORITY  # four of seven
    world.start(N2, 1, Book())
    assert view(world, N0) is MINORITY  # it sees three of the five that it knows, one without a vote
    assert world.nodes[N0].standpoint.waiting == (N2,)
    world.run(1000)
    assert world.majorities() == {0}
    world.split(apart())
    world.run(TIMES.compare_s + TIMES.welcome_s + 5)
    assert {view(world, name) for name in world.nodes} == {MAJORITY}
    assert len(world.nodes[N2].shown) == 7  # it was counted anew, and may vote
    assert world.nodes[N0].standpoint.waiting == ()


def test_a_founder_that_lost_its_book_founds_nothing_and_is_let_in_again():
    world = World(3)
    world.end(N0, goodbye=False)
    world.start(N0, 1, Book())
    assert view(world, N0) is ISOLATED
    world.run(1000)
    assert world.majorities() == {0}
    world.split(apart())
    world.run(TIMES.compare_s + TIMES.welcome_s + 5)
    assert {view(world, name) for name in world.nodes} == {MAJORITY}


def test_the_dead_that_are_given_up_are_in_the_former_set_until_everybody_must_know():
    world = World(5)
    world.split(apart(N3, N4))
    world.now += TIMES.dead_memory_s
    keeper = world.nodes[N0]
    world.perform(N0, keeper.handle_turn(world.now), hearers=frozenset())
    assert agreed(world, N0) == [N0, N1, N2]
    world.split({N0: 0, N1: 0, N2: 1, N3: 1, N4: 1})
    assert world.majorities() == {1}  # two of three on the other side, but two of the five before


def test_an_operator_may_say_that_those_who_are_seen_are_the_cluster():
    world = World(2)
    world.end(N0, goodbye=False)
    world.end(N1, goodbye=False)
    world.start(N0, 0, Book())
    world.start(N1, 0, Book())
    assert world.majorities() == set()
    world.perform(N0, world.nodes[N0].strike([], world.now))
    world.perform(N1, world.nodes[N1].strike([], world.now))
    assert {view(world, name) for name in world.nodes} == {MAJORITY}


def test_who_was_away_relies_on_the_same_former_set_as_the_others():
    away = Book({name: Line(1, counts=True, settled=True) for name in (N0, N1)})
    told = {N0: Line(1, True, True), N1: Line(1, True, True), N2: Line(2, True, True), N3: Line(3, True)}
    away.merge(told)
    assert (away.counted, away.settled) == ({N0, N1, N2, N3}, {N0, N1, N2})
    away.merge({N3: Line(3, True, True)})
    assert away.settled == {N0, N1, N2, N3}


def test_strangers_that_die_are_not_remembered():
    quorum = restored(N0)
    for number in range(100):
        quorum.handle_alive(f"guest-{number}", 0.0)
        quorum.handle_gone(f"guest-{number}", 0.0)
    assert quorum._gone_since == {}


def test_books_with_more_departures_than_they_keep_agree_and_keep_the_latest(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(agreement, "STRUCK_MAX", 20)
    rng = random.Random(3)
    books = [Book({N0: Line(1, counts=True)}) for _ in range(2)]
    for start in range(0, 100, 10):
        group = [f"pod-{number:03}" for number in range(start, start + 10)]
        for book in books:
            book.count(rng.sample(group, 10))
            for name in rng.sample(group, 10):
                book.strike([name], settled=True)
    first, second = books
    assert first.digest != second.digest
    first.merge(second.lines())
    second.merge(first.lines())
    assert first.digest == second.digest
    assert first.merge(second.lines()) == {}
    assert sorted(first.lines()) == [N0, *(f"pod-{number:03}" for number in range(80, 100))]


@pytest.mark.parametrize(
    "rubbish",
    [b"", b"\xc1", b"\x01", encode({"n1": Line(0, counts=True)}), encode({"N 1": Line(1, counts=True)})],
)
def test_lines_that_cannot_be_read_are_refused_whole(rubbish):
    with pytest.raises(MalformedBook):
        decode(rubbish)
    assert decode(encode({"n1": Line(7, counts=True)})) == {"n1": Line(7, counts=True)}


def compared_with(quorum: Quorum, linked: frozenset[str], turns: int) -> list[str]:
    """Let turns pass in which a comparison is due each time."""
    found = []
    for turn in range(1, turns + 1):
        effects = quorum.handle_turn(turn * (TIMES.compare_s + 1), linked)
        found += [effect.node for effect in effects if isinstance(effect, Compare)]
    return found


def test_comparisons_keep_to_a_few_links_that_are_up_and_now_and_then_leave_them():
    others = [f"m{number:02}" for number in range(30)]
    quorum = restored(N0, *others)
    for name in others:
        quorum.handle_alive(name, 0.0)
        quorum.handle_book(name, quorum.book.lines(), 0.0)
    found = compared_with(quorum, frozenset(others[:12]), 400)
    often = {name for name in set(found) if found.count(name) > 20}
    assert len(often) == 4
    assert often <= set(others[:12])
    assert sum(found.count(name) for name in often) > 0.85 * len(found)
    assert len(set(found)) > 12


def test_without_links_comparisons_are_spread_over_all():
    others = [f"m{number:02}" for number in range(10)]
    quorum = restored(N0, *others)
    for name in others:
        quorum.handle_alive(name, 0.0)
        quorum.handle_book(name, quorum.book.lines(), 0.0)
    assert set(compared_with(quorum, frozenset(others[:3]), 200)) == set(others)
