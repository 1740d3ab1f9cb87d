import json
import subprocess
import sys

import pytest
from openapi_spec_validator import validate

from caxton_node.api.operations import OPERATIONS
from caxton_node.api.rest.openapi.comments import read_comments
from caxton_node.api.rest.openapi.document import document, document_json
from caxton_node.api.rest.rules import all_rules

pytestmark = pytest.mark.story("007")


def operations():
    return [
        (path, verb, described)
        for path, verbs in document()["paths"].items()
        for verb, described in verbs.items()
    ]


def test_the_description_is_openapi_3_1():
    assert document()["openapi"] == "3.1.0"
    validate(document())


def test_it_has_every_operation_at_every_path():
    ids = {described["operationId"] for _, _, described in operations()}
    assert {operation.name for operation in OPERATIONS} <= ids
    found = {(path, verb.upper()) for path, verb, _ in operations()}
    assert {(rule.path, rule.verb) for rule in all_rules()} <= found


def test_names_of_operations_are_unique():
    ids = [described["operationId"] for _, _, described in operations()]
    assert len(ids) == len(set(ids))


def test_each_operation_says_what_it_does_and_how_it_fails():
    for path, verb, described in operations():
        assert described["summary"], (path, verb)
        if path.startswith("/api/"):
            assert {"200", "400", "404", "429", "500"} <= described["responses"].keys(), (path, verb)
            if described.get("security") != []:
                assert {"401", "403"} <= described["responses"].keys(), (path, verb)


def test_the_words_are_those_of_the_protos():
    described = document()["paths"]["/api/v1/agents/{name}/stop"]["post"]
    assert described["summary"] == "Drain an agent and stop it; it stays deployed"
    assert read_comments()["caxton.v1.StopAgentRequest.drain_ms"].startswith("How long the mailbox may drain")


def test_the_description_is_the_same_byte_for_byte_in_another_process():
    code = "from caxton_node.api.rest.openapi import document as d; print(d.document_json().decode(), end='')"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert made.stdout == document_json()
    assert json.loads(made.stdout) == document()
