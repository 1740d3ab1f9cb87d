import random

import pytest

from caxton_node.agents.module_download import (
    PIECE_BYTES,
    STRIKES_MAX,
    Discard,
    Done,
    Download,
    GiveUp,
    Read,
    Source,
    Verify,
)

pytestmark = pytest.mark.story("022")
MIB = PIECE_BYTES


def give(plan: Download, *, pieces: int) -> None:
    """Let whoever is asked give so many pieces."""
    for _ in range(pieces):
        step = plan.next_step()
        assert isinstance(step, Read)
        assert plan.handle_piece(step.node, step.length, step.length)


def test_pieces_come_in_order_and_the_last_is_as_short_as_the_rest():
    plan = Download([Source("n2", 2 * MIB + 5)])
    steps = []
    while isinstance(step := plan.next_step(), Read):
        steps.append(step)
        plan.handle_piece(step.node, step.length, step.length)
    assert steps == [Read("n2", 0, MIB), Read("n2", MIB, MIB), Read("n2", 2 * MIB, 5)]
    assert step == Verify()
    plan.handle_verdict(matches=True)
    assert plan.next_step() == Done()
    assert not plan.liars


def test_a_prefix_of_an_earlier_life_is_gone_on_with():
    assert Download([Source("n2", 3 * MIB)], here_bytes=MIB + 7).next_step() == Read("n2", MIB + 7, MIB)
    assert Download([Source("n2", MIB)], here_bytes=MIB).next_step() == Verify()
    assert Download([Source("n2", MIB)], here_bytes=MIB + 1).next_step() == Discard()


def test_when_a_source_falls_silent_the_next_one_goes_on_where_it_was():
    plan = Download([Source("n2", 3 * MIB), Source("n3", 3 * MIB)])
    give(plan, pieces=1)
    plan.handle_failure("n2", "the link broke")
    assert plan.next_step() == Read("n3", MIB, MIB)


def test_a_source_that_is_alone_is_asked_again_ever_later_and_then_given_up():
    plan = Download([Source("n2", MIB)])
    pauses = []
    while isinstance(step := plan.next_step(), Read):
        pauses.append(step.after_s)
        plan.handle_failure("n2", "the link broke")
    assert pauses == [0.0, 0.2, 0.4, 0.8]
    assert len(pauses) == STRIKES_MAX
    assert step == GiveUp({"n2": "the link broke"})


def test_a_piece_that_came_takes_the_strikes_away():
    plan = Download([Source("n2", 9 * MIB)])
    for _ in range(5):
        plan.handle_failure("n2", "slow")
        give(plan, pieces=1)
    assert plan.next_step() == Read("n2", 5 * MIB, MIB)


def test_a_piece_of_another_length_is_not_kept_and_its_source_is_named():
    plan = Download([Source("n2", 2 * MIB), Source("n3", 2 * MIB)])
    assert not plan.handle_piece("n2", MIB, MIB - 1)
    assert list(plan.liars) == ["n2"]
    assert plan.next_step() == Read("n3", 0, MIB)


def test_one_that_gave_everything_and_wrong_is_named_and_the_next_begins_anew():
    plan = Download([Source("n2", MIB), Source("n3", MIB)])
    give(plan, pieces=1)
    assert plan.next_step() == Verify()
    plan.handle_verdict(matches=False)
    assert list(plan.liars) == ["n2"]
    assert plan.next_step() == Discard()
    plan.handle_discarded()
    assert plan.next_step() == Read("n3", 0, MIB)


def test_when_several_gave_nobody_is_named_and_from_then_on_one_gives_it_all():
    plan = Download([Source("n2", 2 * MIB), Source("n3", 2 * MIB)])
    give(plan, pieces=1)
    plan.handle_failure("n2", "the link broke")
    give(plan, pieces=1)
    assert plan.next_step() == Verify()
    plan.handle_verdict(matches=False)
    assert not plan.liars
    assert plan.next_step() == Discard()
    plan.handle_discarded()
    give(plan, pieces=1)
    plan.handle_failure("n3", "the link broke")
    assert plan.next_step() == Read("n3", MIB, MIB, 0.2), "what it gave is not mixed with another's"


def test_a_prefix_that_was_wrong_is_blamed_on_nobody():
    plan = Download([Source("n2", 2 * MIB)], here_bytes=MIB)
    give(plan, pieces=1)
    plan.handle_verdict(matches=False)
    assert not plan.liars
    assert plan.next_step() == Discard()


def test_a_source_that_says_another_size_begins_anew():
    plan = Download([Source("n2", 2 * MIB), Source("n3", 3 * MIB)])
    give(plan, pieces=1)
    plan.handle_failure("n2", "the link broke")
    assert plan.next_step() == Discard()


def test_without_a_source_it_gives_up_and_an_empty_one_is_none():
    assert Download([]).next_step() == GiveUp({})
    assert Download([Source("n2", 0)]).next_step() == GiveUp({})


@pytest.mark.parametrize("seed", range(300))
def test_it_ends_and_with_an_honest_source_that_stays_it_ends_well(seed):
    """Sources lie, stutter and die at random; the file is a list of who gave each byte range."""
    rng = random.Random(seed)
    size = rng.randint(1, 5 * MIB)
    count = rng.randint(1, 5)
    honest = rng.randrange(count)
    lying = {f"n{i}" for i in range(count) if i != honest and rng.random() < 0.5}
    flaky = {f"n{i}" for i in range(count) if i != honest and rng.random() < 0.5}
    here = rng.choice([0, rng.randint(1, size + 9)])
    file = [("earlier", here)] if here else []
    earlier_is_right = rng.random() < 0.5 and here <= size
    plan = Download([Source(f"n{i}", size) for i in range(count)], here)
    named = set()
    for _ in range(1_000):
        match plan.next_step():
            case Read(node, offset, length):
                assert offset == sum(got for _, got in file)
                if node in flaky and rng.random() < 0.4:
                    plan.handle_failure(node, "flaky")
                elif plan.handle_piece(node, length, length):
                    file.append((node, length))
            case Discard():
                file.clear()
                plan.handle_discarded()
            case Verify():
                assert sum(got for _, got in file) == size
                wrong = {node for node, _ in file} & lying
                if ("earlier", here) in file and not earlier_is_right:
                    wrong.add("earlier")
                plan.handle_verdict(matches=not wrong)
                named = set(plan.liars)
            case Done():
                break
            case GiveUp():
                pytest.fail("an honest source stayed")
    else:
        pytest.fail("it does not end")
    assert named <= lying, "an honest source was blamed"
