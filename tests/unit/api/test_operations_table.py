import pytest

from caxton_node.api.operations import BY_METHOD, OPERATIONS, SERVICES, Place
from caxton_node.api.pipeline import validate
from caxton_node.core.errors import InvalidArgument
from caxton_node.pb import agents_pb2
from caxton_node.security import Permission

pytestmark = pytest.mark.story("006")


def test_every_method_of_the_schemas_has_exactly_one_row():
    methods = {
        f"{service}/{method}" for service, found in SERVICES.items() for method in found.methods_by_name
    }
    assert {operation.method for operation in OPERATIONS} == methods
    assert len(OPERATIONS) == len(BY_METHOD)


def test_only_joining_is_for_strangers():
    assert [operation.name for operation in OPERATIONS if operation.anonymous] == ["Join"]


def test_answers_with_secrets_are_kept_nowhere():
    with_secrets = {operation.name for operation in OPERATIONS if operation.secret}
    assert with_secrets == {"Join", "CreateJoinToken", "CreateApiKey", "RotateApiKey"}


def test_whatever_changes_something_is_audited():
    changing = {Permission.AGENTS_WRITE, Permission.CLUSTER_WRITE, Permission.SECURITY_WRITE}
    reading = {"GetUpload", "DownloadModule"}  # what only whoever deploys has a use for
    for operation in OPERATIONS:
        changes = operation.permission in changing and operation.name not in reading
        assert operation.audited or not (changes or operation.anonymous)


def test_what_changes_what_the_cluster_shares_is_marked_so_that_a_minority_can_refuse_it():
    changing = {Permission.AGENTS_WRITE, Permission.CLUSTER_WRITE, Permission.SECURITY_WRITE, None}
    free = {
        "ValidateAgent",
        "Leave",
        "ResolvePartition",
        "RenewCertificate",
        "RevokeNode",
        "RevokeApiKey",
        "DeleteRole",
        "UnassignRole",
        "UploadModule",
        "PutAgentKey",
        "DeleteAgentKeys",
    }  # change nothing, or only this node, or are the way out, or must not wait for a majority
    for operation in OPERATIONS:
        is_shared = operation.permission in changing and operation.audited and operation.name not in free
        assert operation.shared is is_shared, operation.name


def test_a_place_is_found_by_fields_that_the_request_has():
    for operation in OPERATIONS:
        fields = operation.request.DESCRIPTOR.fields_by_name
        assert operation.place is Place.HERE or "node" in fields, operation.name
        assert operation.place is not Place.AGENT or "name" in fields, operation.name
        assert not operation.streams or operation.place is Place.HERE, operation.name


@pytest.mark.parametrize(("name", "node"), [("Bad Name", ""), ("echo", "Not A Node"), ("", "")])
def test_a_request_that_cannot_find_its_place_is_refused(name, node):
    with pytest.raises(InvalidArgument):
        validate(BY_METHOD["CaxtonManagement/GetAgent"], agents_pb2.GetAgentRequest(name=name, node=node))
