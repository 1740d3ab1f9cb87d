import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from caxton_node.ams.timers import Timer, Timers
from caxton_node.fipa import Envelope, Performative
from caxton_node.messaging.platform_acts import Refused

ASKED = Envelope(Performative.REQUEST, "a@n1", "ams")
pytestmark = pytest.mark.story("026")


def timer(name: str, due_at: float, every_s: float = 0.0, agent: str = "default/a") -> Timer:
    return Timer(agent, name, due_at, every_s, durable=False, request=ASKED)


def rung(timers: Timers, now: float, most: int = 100) -> list[str]:
    return [one.id for one in timers.take_due(now, most)]


def test_timers_ring_in_the_order_in_which_they_are_due_and_once() -> None:
    timers = Timers()
    for name, due_at in (("late", 3.0), ("soon", 1.0), ("next", 2.0)):
        timers.set(timer(name, due_at))
    assert timers.next_due() == 1.0
    assert rung(timers, 0.9) == []
    assert rung(timers, 2.0) == ["soon", "next"]
    assert rung(timers, 9.0, most=1) == ["late"]
    assert (len(timers), timers.next_due()) == (0, None)


def test_one_that_is_set_anew_or_cancelled_does_not_ring_as_before() -> None:
    timers = Timers()
    timers.set(timer("a", 1.0))
    timers.set(timer("a", 5.0))
    timers.set(timer("b", 1.0))
    assert timers.cancel("default/a", "b") is not None
    assert timers.cancel("default/a", "b") is None
    assert (len(timers), rung(timers, 4.0), rung(timers, 5.0)) == (1, [], ["a"])


def test_one_that_repeats_keeps_its_beat_and_makes_one_of_those_it_missed() -> None:
    timers = Timers()
    timers.set(timer("beat", 10.0, every_s=2.0))
    assert rung(timers, 10.5) == ["beat"]
    assert timers.next_due() == 12.0
    assert rung(timers, 19.0) == ["beat"]
    assert timers.next_due() == 20.0
    (beat,) = timers.of("default/a")
    assert beat.count == 2


def test_an_agent_and_a_node_may_have_so_many_and_setting_one_anew_needs_no_room() -> None:
    timers = Timers(each_max=2, total_max=3)
    for agent, name in (("default/a", "1"), ("default/a", "2"), ("default/b", "1")):
        timers.check_room(agent, name)
        timers.set(timer(name, 1.0, agent=agent))
    with pytest.raises(Refused, match="has 2 timers"):
        timers.check_room("default/a", "3")
    with pytest.raises(Refused, match="3 timers on this node"):
        timers.check_room("default/b", "2")
    timers.check_room("default/a", "1")


def test_what_is_set_anew_over_and_over_does_not_pile_up() -> None:
    timers = Timers()
    for number in range(10_000):
        timers.set(timer("again", float(number)))
    assert len(timers._heap) < 200
    assert rung(timers, 9_999.0) == ["again"]


class Clockwork(RuleBasedStateMachine):
    """The table beside a list that is searched from end to end."""

    def __init__(self) -> None:
        super().__init__()
        self.timers = Timers()
        self.model: dict[str, tuple[float, float]] = {}
        self.now = 0.0

    @rule(name=st.sampled_from("abcde"), wait=st.integers(0, 20), every=st.sampled_from([0, 0, 1, 3]))
    def set(self, name: str, wait: int, every: int) -> None:
        self.timers.set(timer(name, self.now + wait, every))
        self.model[name] = (self.now + wait, every)

    @rule(name=st.sampled_from("abcde"))
    def cancel(self, name: str) -> None:
        assert (self.timers.cancel("default/a", name) is not None) == (self.model.pop(name, None) is not None)

    @rule(seconds=st.integers(0, 10))
    def wait(self, seconds: int) -> None:
        self.now += seconds
        due = {name for name, (due_at, _) in self.model.items() if due_at <= self.now}
        assert sorted(rung(self.timers, self.now)) == sorted(due)
        for name in due:
            due_at, every = self.model.pop(name)
            while every and due_at <= self.now:
                due_at += every
            if every:
                self.model[name] = (due_at, every)

    @invariant()
    def next_is_the_first(self) -> None:
        assert self.timers.next_due() == min((due for due, _ in self.model.values()), default=None)
        assert len(self.timers) == len(self.model)


Clockwork.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestClockwork = Clockwork.TestCase
