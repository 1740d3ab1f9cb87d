import random

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict

from caxton_node.api.operations import OPERATIONS
from caxton_node.api.rest.proto_json import to_dict
from caxton_node.pb import agents_pb2

pytestmark = pytest.mark.story("007")

F = FieldDescriptor
VALUES = {
    F.CPPTYPE_BOOL: [True, False],
    F.CPPTYPE_INT32: [0, -1, 2**31 - 1],
    F.CPPTYPE_UINT32: [0, 1, 2**32 - 1],
    F.CPPTYPE_INT64: [0, -(2**63), 2**63 - 1],
    F.CPPTYPE_UINT64: [0, 1, 2**64 - 1],
    F.CPPTYPE_DOUBLE: [0.0, -1.5, 1e300, float("inf"), float("-inf"), float("nan")],
    F.CPPTYPE_ENUM: [0, 1, 2, 999],
}


@pytest.mark.parametrize("seed", range(5))
def test_it_is_what_the_library_writes(seed):
    rng = random.Random(seed)
    for operation in OPERATIONS:
        message = operation.response()
        fill(message, rng, depth=4)
        wanted = MessageToDict(
            message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        assert to_dict(message) == wanted, operation.name


def test_fields_come_in_the_order_of_the_schema():
    agent = agents_pb2.Agent(node="n1", capabilities=["a"])
    assert list(to_dict(agent)) == [field.name for field in agent.DESCRIPTOR.fields if field.name != "detail"]


def fill(message, rng, depth):
    for field in message.DESCRIPTOR.fields:
        if rng.random() < 0.3:
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            fill_map(getattr(message, field.name), field.message_type, rng, depth)
        elif field.message_type is not None:
            fill_messages(message, field, rng, depth)
        elif field.is_repeated:
            getattr(message, field.name).extend(value(field, rng) for _ in range(rng.randrange(3)))
        else:
            setattr(message, field.name, value(field, rng))


def fill_messages(message, field, rng, depth):
    if not depth:
        return
    if field.message_type.full_name == "google.protobuf.Struct":
        getattr(message, field.name).update({"a": [1, None, {"b": True}], "c": 2.5})
    elif field.is_repeated:
        for _ in range(rng.randrange(3)):
            fill(getattr(message, field.name).add(), rng, depth - 1)
    else:
        getattr(message, field.name).SetInParent()
        fill(getattr(message, field.name), rng, depth - 1)


def fill_map(mapping, entry, rng, depth):
    key, inner = entry.fields_by_name["key"], entry.fields_by_name["value"]
    for _ in range(rng.randrange(3)):
        if inner.message_type is None:
            mapping[value(key, rng)] = value(inner, rng)
        elif depth:
            fill(mapping[value(key, rng)], rng, depth - 1)


def value(field, rng):
    if field.type == F.TYPE_BYTES:
        return rng.randbytes(rng.randrange(5))
    if field.cpp_type == F.CPPTYPE_STRING:
        return "".join(rng.choices('aé\n"\u4e2d', k=rng.randrange(5)))
    return rng.choice(VALUES[field.cpp_type])
