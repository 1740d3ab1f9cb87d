import random

import pytest

from caxton_node.agents.supervision import GiveUp, Restart, RestartPolicy, Supervisor

pytestmark = pytest.mark.story("003")


def waits(policy: RestartPolicy, count: int, *, every_s: float = 0.0) -> list[float]:
    supervisor = Supervisor(policy, random.Random(7))
    found = [supervisor.handle_failure(number * every_s) for number in range(count)]
    return [verdict.after_s for verdict in found if isinstance(verdict, Restart)]


def test_waits_double_up_to_the_ceiling():
    policy = RestartPolicy(first_wait_s=0.1, wait_max_s=0.5, jitter=0.0, failures_max=5)
    assert waits(policy, 5) == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.5])


def test_jitter_only_shortens_a_wait_and_by_no_more_than_its_part():
    policy = RestartPolicy(first_wait_s=1.0, factor=1.0, jitter=0.2, failures_max=200)
    found = waits(policy, 200)
    assert all(0.8 <= wait <= 1.0 for wait in found)
    assert len(set(found)) > 100


def test_a_crash_loop_is_given_up_with_its_count_and_window():
    supervisor = Supervisor(RestartPolicy(failures_max=3, window_s=60), random.Random(7))
    verdicts = [supervisor.handle_failure(float(second)) for second in range(4)]
    assert [type(verdict) for verdict in verdicts] == [Restart, Restart, Restart, GiveUp]
    assert verdicts[3] == GiveUp("it failed 4 times within 60 s")


def test_an_agent_that_fails_rarely_is_restarted_for_ever_and_at_once():
    policy = RestartPolicy(first_wait_s=0.1, jitter=0.0, failures_max=3, window_s=60)
    assert waits(policy, 50, every_s=61.0) == pytest.approx([0.1] * 50)


def test_an_operator_who_starts_it_wipes_the_slate():
    supervisor = Supervisor(RestartPolicy(failures_max=1, jitter=0.0), random.Random(7))
    supervisor.handle_failure(0.0)
    supervisor.reset()
    assert isinstance(supervisor.handle_failure(1.0), Restart)


def test_time_that_failures_took_from_workers_ends_the_attempts_too():
    supervisor = Supervisor(RestartPolicy(), random.Random(1))
    assert isinstance(supervisor.handle_failure(0.0, 5.0), Restart)
    assert isinstance(supervisor.handle_failure(100.0, 5.0), Restart)
    verdict = supervisor.handle_failure(200.0, 5.0)
    assert verdict == GiveUp("it took 15 s of a worker within 300 s")
    supervisor.reset()
    assert isinstance(supervisor.handle_failure(300.0, 5.0), Restart)
    assert isinstance(supervisor.handle_failure(700.0, 14.0), Restart)
