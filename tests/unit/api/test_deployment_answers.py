"""Deployments in answers, when other nodes say what this version does not know."""

from __future__ import annotations

import pytest

from caxton_node.api.deployment_answers import deployment_of
from caxton_node.deployment.placement import Placement
from caxton_node.deployment.reports import Report, Reports, encode, key_of
from caxton_node.deployment.status import status_of
from caxton_node.pb import agents_pb2
from caxton_node.registry import InstanceRecord
from caxton_node.registry.entry import Entry
from tests.support.deployments import spec_of

pytestmark = pytest.mark.story("026")


def test_a_state_of_a_later_version_is_told_as_unknown_and_fails_nothing():
    record = InstanceRecord("default/web", "1.0.0", 1, "n1", "Dreaming")
    status = status_of(spec_of(), Placement(("n1",)), {"n1": Report("later", 1)}, [record], alive={"n1"})
    (replica,) = deployment_of(status).detail.replicas
    assert replica.agent_state == agents_pb2.AGENT_STATE_UNSPECIFIED


@pytest.mark.parametrize("report", [Report("running", -1), Report("running", 1, "", 2**63)])
def test_numbers_that_no_answer_can_hold_are_not_taken(report):
    reports = Reports()
    reports.take([Entry("replica", key_of("default/web", "n1"), encode(report), {}, 1, "n1")])
    assert not reports.of("default/web")
