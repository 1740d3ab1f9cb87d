import pytest
from google.rpc import status_pb2

from caxton_node.api.errors import STATUS_NUMBERS, status_bytes
from caxton_node.client.errors import class_of, describe, rebuild
from caxton_node.core.errors import (
    SURFACES,
    Category,
    CaxtonError,
    DeploymentFailed,
    NotFound,
    StateError,
    Unavailable,
)
from caxton_node.core.machine import IllegalTransition
from caxton_node.pb import errors_pb2
from caxton_node.runtime import StartFailed, Trap, TrapKind

pytestmark = pytest.mark.story("006")


def every_class(base: type[CaxtonError] = CaxtonError) -> list[type[CaxtonError]]:
    return [found for kind in base.__subclasses__() for found in (kind, *every_class(kind))]


CORE = [kind for kind in every_class() if kind.__module__.startswith("caxton_node.core.")]


@pytest.mark.parametrize("kind", CORE, ids=lambda kind: kind.__name__)
def test_an_error_comes_back_as_the_class_that_was_raised(kind):
    back = rebuild(describe(kind("what", why="why", hint="hint"), trace_id="ab" * 16, node="n3"))
    assert type(back) is kind
    assert (back.what, back.why, back.hint) == ("what", "why", "hint")
    assert back.__notes__ == [f"trace {'ab' * 16}", "node n3"]


def test_a_code_of_a_newer_node_becomes_the_class_of_its_category():
    detail = errors_pb2.ErrorDetail(code="AGENT_TOO_SLEEPY", message="zzz")
    assert type(rebuild(detail, Category.CONFLICT)) is StateError
    assert type(rebuild(detail, Category.UNAVAILABLE)) is Unavailable
    assert class_of("AGENT_TOO_SLEEPY") is None


def test_an_error_that_a_package_of_the_node_derived_becomes_its_nearest_shared_class():
    back = rebuild(describe(StartFailed(Trap(TrapKind.FUEL, "too long"))))
    assert type(back) is DeploymentFailed
    assert (back.what, back.__notes__) == ("the agent did not start", ["code AGENT_START_FAILED"])
    again = describe(back)
    assert (again.code, list(again.general_codes)) == (
        "AGENT_START_FAILED",
        ["DEPLOYMENT_FAILED", "INVALID_STATE"],
    )


def test_an_illegal_transition_keeps_its_class():
    assert class_of("ILLEGAL_TRANSITION") is IllegalTransition


def test_every_status_of_the_error_table_has_its_number():
    assert {surface.grpc for surface in SURFACES.values()} == set(STATUS_NUMBERS)


def test_an_error_of_another_node_keeps_that_node_and_trace():
    error = NotFound("no agent")
    error.add_note("trace 1234")
    error.add_note("node far")
    status = status_pb2.Status.FromString(status_bytes(error, trace_id="here", node="near"))
    detail = errors_pb2.ErrorDetail()
    assert status.details[0].Unpack(detail)
    assert (status.code, detail.trace_id, detail.metadata["node"]) == (5, "1234", "far")
