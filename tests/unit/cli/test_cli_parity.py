"""No operation of the table is out of the command line's reach."""

import click
import pytest

from caxton_node.api.operations import OPERATIONS
from caxton_node.cli.main import caxton
from caxton_node.cli.node import program
from tests.support.reach import operations_of
from tests.support.verbs import all_verbs

pytestmark = pytest.mark.story("008")

BY_A_NEWCOMER = {"ClusterService/Join"}
"""What `caxton-node join` calls before it belongs to any cluster, and so not through the client."""


@pytest.fixture(scope="module")
def reached() -> dict[str, set[str]]:
    """Return what each verb of both programs reaches."""
    return {
        f"{name} {found.path}": operations_of(found.command.callback)
        for name, group in (("caxton", caxton), ("caxton-node", program))
        for found in all_verbs(group)
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.method)
def test_an_operation_is_reached_by_a_verb(operation, reached):
    verbs = [verb for verb, methods in reached.items() if operation.method in methods]
    assert verbs or operation.method in BY_A_NEWCOMER, f"no verb calls {operation.method}"


@pytest.mark.parametrize(
    ("verb", "method"),
    [
        ("caxton agent list", "CaxtonManagement/ListAgents"),
        ("caxton server status", "CaxtonManagement/Health"),
        ("caxton message stream", "CaxtonManagement/SubscribeMessages"),
        ("caxton cluster watch", "ClusterService/WatchMembers"),
        ("caxton-node token", "ClusterService/CreateJoinToken"),
    ],
)
def test_following_the_source_finds_what_a_verb_calls(verb, method, reached):
    assert method in reached[verb]


def test_what_a_verb_calls_is_in_the_table(reached):
    known = {operation.method for operation in OPERATIONS}
    assert set().union(*reached.values()) <= known


def test_every_verb_that_talks_to_a_node_is_followed(reached):
    apart = {"caxton context", "caxton interactive", "caxton completion", "caxton version"}
    silent = [verb for verb, methods in reached.items() if not methods and verb.startswith("caxton ")]
    assert all(" ".join(verb.split()[:2]) in apart for verb in silent), silent
    assert isinstance(caxton, click.Group)
