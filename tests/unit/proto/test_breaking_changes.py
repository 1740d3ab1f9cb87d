"""What breaks clients of a released schema is found, and what only adds to it is let through."""

from __future__ import annotations

import copy

import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorSet

from proto.check import BASELINE, breaks, enums_of, messages_of, services_of, urls_of
from proto.descriptors import compile_schemas, uncommented

pytestmark = pytest.mark.story("006")


@pytest.fixture(scope="module")
def schemas() -> FileDescriptorSet:
    return compile_schemas()


@pytest.fixture
def changed(schemas: FileDescriptorSet) -> FileDescriptorSet:
    return copy.deepcopy(schemas)


def file_of(schemas: FileDescriptorSet, name: str):
    return next(file for file in schemas.file if file.name.endswith(f"/{name}.proto"))


def field(schemas: FileDescriptorSet, message: str, name: str) -> FieldDescriptorProto:
    return next(each for each in messages_of(schemas)[message].field if each.name == name)


def remove_field(schemas: FileDescriptorSet) -> None:
    messages_of(schemas)["GetAgentRequest"].field.remove(field(schemas, "GetAgentRequest", "node"))


def renumber_field(schemas: FileDescriptorSet) -> None:
    field(schemas, "GetAgentRequest", "node").number = 77


def rename_field(schemas: FileDescriptorSet) -> None:
    field(schemas, "GetAgentRequest", "node").name = "host"


def change_type(schemas: FileDescriptorSet) -> None:
    field(schemas, "GetAgentRequest", "node").type = FieldDescriptorProto.TYPE_BYTES


def change_label(schemas: FileDescriptorSet) -> None:
    field(schemas, "GetAgentRequest", "node").label = FieldDescriptorProto.LABEL_REPEATED


def give_presence(schemas: FileDescriptorSet) -> None:
    field(schemas, "GetAgentRequest", "node").proto3_optional = True


def change_message_type(schemas: FileDescriptorSet) -> None:
    field(schemas, "GetAgentResponse", "agent").type_name = ".caxton.v1.Limits"


def remove_message(schemas: FileDescriptorSet) -> None:
    file = file_of(schemas, "agents")
    file.message_type.remove(messages_of(schemas)["GetAgentRequest"])


def remove_value(schemas: FileDescriptorSet) -> None:
    enum = enums_of(schemas)["AgentState"]
    enum.value.remove(enum.value[-1])


def rename_value(schemas: FileDescriptorSet) -> None:
    enums_of(schemas)["AgentState"].value[-1].name = "AGENT_STATE_BROKEN"


def remove_enum(schemas: FileDescriptorSet) -> None:
    file_of(schemas, "agents").enum_type.remove(enums_of(schemas)["AgentState"])


def remove_method(schemas: FileDescriptorSet) -> None:
    service = file_of(schemas, "management").service[0]
    service.method.remove(services_of(schemas)["CaxtonManagement"]["GetAgent"])


def remove_service(schemas: FileDescriptorSet) -> None:
    del file_of(schemas, "management").service[0]


def change_response(schemas: FileDescriptorSet) -> None:
    services_of(schemas)["CaxtonManagement"]["GetAgent"].output_type = ".caxton.v1.Agent"


def make_it_stream(schemas: FileDescriptorSet) -> None:
    services_of(schemas)["CaxtonManagement"]["GetAgent"].server_streaming = True


def move_url(schemas: FileDescriptorSet) -> None:
    method = services_of(schemas)["CaxtonManagement"]["ListAgents"]
    method.options.Extensions[annotations_pb2.http].get = "/api/v1/programs"


BREAKING = {
    remove_field: "field GetAgentRequest.node = 2 was removed, and its number is not reserved",
    renumber_field: "field GetAgentRequest.node = 2 was removed, and its number is not reserved",
    rename_field: "field GetAgentRequest.node = 2 is called host now",
    change_type: "field GetAgentRequest.node = 2 changed from optional TYPE_STRING to optional TYPE_BYTES",
    change_label: "field GetAgentRequest.node = 2 changed from optional TYPE_STRING to repeated TYPE_STRING",
    give_presence: "changed from optional TYPE_STRING to optional TYPE_STRING with presence",
    change_message_type: "changed from optional .caxton.v1.Agent to optional .caxton.v1.Limits",
    remove_message: "message GetAgentRequest was removed",
    remove_value: "value AgentState.AGENT_STATE_FAILED = 6 was removed",
    rename_value: "value AgentState.AGENT_STATE_FAILED = 6 is called AGENT_STATE_BROKEN now",
    remove_enum: "enum AgentState was removed",
    remove_method: "method CaxtonManagement.GetAgent was removed",
    remove_service: "service CaxtonManagement was removed",
    change_response: "method CaxtonManagement.GetAgent changed its output_type",
    make_it_stream: "method CaxtonManagement.GetAgent changed its server_streaming from False to True",
    move_url: "method CaxtonManagement.ListAgents is not at GET /api/v1/agents any more",
}


@pytest.mark.parametrize("change", BREAKING, ids=lambda change: change.__name__)
def test_a_breaking_change_is_named(schemas, changed, change):
    change(changed)
    found = list(breaks(schemas, changed))
    assert any(BREAKING[change] in sentence for sentence in found), found


def test_what_only_adds_breaks_nothing(schemas, changed):
    file = file_of(changed, "agents")
    messages_of(changed)["GetAgentRequest"].field.add(
        name="more",
        number=99,
        type=FieldDescriptorProto.TYPE_STRING,
        label=FieldDescriptorProto.LABEL_OPTIONAL,
    )
    file.message_type.add(name="Another")
    file.enum_type.add(name="Another2").value.add(name="X", number=0)
    enums_of(changed)["AgentState"].value.add(name="AGENT_STATE_NEW", number=99)
    file_of(changed, "management").service[0].method.add(
        name="Another", input_type=".caxton.v1.Another", output_type=".caxton.v1.Another"
    )
    method = services_of(changed)["CaxtonManagement"]["ListAgents"]
    method.options.Extensions[annotations_pb2.http].additional_bindings.add(get="/api/v1/more")
    assert list(breaks(schemas, changed)) == []
    assert list(breaks(changed, schemas)), "the other way round it does"


def test_the_schemas_break_nothing_that_was_released(schemas):
    assert list(breaks(FileDescriptorSet.FromString(BASELINE.read_bytes()), schemas)) == []


def test_every_method_has_a_url(schemas):
    methods = services_of(schemas)
    bare = [
        f"{service}.{name}"
        for service, found in methods.items()
        for name, one in found.items()
        if not urls_of(one)
    ]
    assert bare == []


def test_everything_in_the_schemas_is_explained(schemas):
    bare = list(uncommented(schemas))
    assert not bare, "\n".join(bare[:20])
