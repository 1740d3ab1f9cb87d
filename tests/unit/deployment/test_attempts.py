import pytest

from caxton_node.deployment.attempts import Attempts
from caxton_node.deployment.settings import Settings

pytestmark = pytest.mark.story("026")

SETTINGS = Settings(
    retry_first_s=1, retry_longest_s=3, tries_max=4, refusal_s=60, refusal_longest_s=100, calm_s=50
)


def failing(attempts, times, *, now=0.0, generation=1):
    waits = []
    for _ in range(times):
        trouble = attempts.note_failure("web", generation, "it fails", now=now)
        waits.append(trouble.until - now)
        now = trouble.until
    return waits, now


def test_waits_double_up_to_a_bound_and_then_the_replica_is_refused():
    waits, _ = failing(Attempts(SETTINGS), 4)
    assert waits == [1, 2, 3, 60]


def test_what_no_repetition_mends_is_refused_at_once():
    trouble = Attempts(SETTINGS).note_failure("web", 1, "no module", now=0, is_final=True)
    assert (trouble.is_refusal, trouble.until) == (True, 60)


def test_a_refusal_ends_by_itself_and_the_next_failure_is_the_next_longer_one():
    attempts = Attempts(SETTINGS)
    _, now = failing(attempts, 4)
    assert attempts.take_due(now - 1) == []
    assert attempts.take_due(now) == ["web"]
    assert attempts.take_due(now + 1000) == [], "it is told once"
    assert attempts.may_try("web", 1, now)
    again = attempts.note_failure("web", 1, "still", now=now)
    assert (again.is_refusal, again.until - now) == (True, 100)


def test_another_generation_has_no_past():
    attempts = Attempts(SETTINGS)
    failing(attempts, 4)
    assert attempts.may_try("web", 2, 0.0)
    assert attempts.note_failure("web", 2, "it too", now=0.0).failures == 1


def test_whoever_has_run_calmly_has_no_past_and_whoever_fails_again_soon_has():
    attempts = Attempts(SETTINGS)
    attempts.note_failure("web", 1, "trap", now=0)
    attempts.note_started("web", 1, now=2)
    assert attempts.note_failure("web", 1, "trap", now=40).failures == 2
    attempts.note_started("web", 1, now=50)
    assert attempts.note_failure("web", 1, "trap", now=101).failures == 1


def test_a_deployment_that_is_gone_is_forgotten():
    attempts = Attempts(SETTINGS)
    failing(attempts, 1)
    attempts.forget("web")
    assert attempts.find("web", 1) is None
