import pytest

from caxton_node.deployment.absences import Absences

pytestmark = pytest.mark.story("026")


@pytest.fixture
def absences():
    return Absences(restart_grace_s=10, takeover_delay_s=15, return_settle_s=3)


def test_a_dead_node_is_replaced_at_once_unless_it_may_still_run_something_consistent(absences):
    absences.note_died("n1", now=100)
    assert absences.counted(100, is_consistent=False) == set()
    assert absences.counted(114, is_consistent=True) == {"n1"}
    assert absences.counted(115, is_consistent=True) == set()


def test_a_node_that_said_goodbye_may_only_restart(absences):
    absences.note_left("n1", now=100)
    for is_consistent in (False, True):
        assert absences.counted(109, is_consistent=is_consistent) == {"n1"}
        assert absences.counted(110, is_consistent=is_consistent) == set()


def test_that_the_wait_for_somebody_is_over_is_told_once(absences):
    absences.note_left("n1", now=100)
    assert not absences.take_due(105)
    assert absences.take_due(111)
    assert not absences.take_due(112)


def test_what_a_node_runs_that_has_come_back_is_not_believed_at_once(absences):
    absences.note_died("n1", now=100)
    absences.note_back("n1", now=105)
    assert absences.counted(105, is_consistent=True) == set()
    assert absences.unsure(107) == {"n1"}
    assert absences.unsure(108) == set()
    assert absences.take_due(108)
    absences.note_back("n1", now=200)
    absences.note_died("n1", now=201)
    assert absences.unsure(201) == set()
