import pytest

from caxton_node.api.operations import OPERATIONS
from caxton_node.api.rest.rules import all_rules, collisions, rules_of

pytestmark = pytest.mark.story("007")


def test_every_operation_has_a_path():
    without = [operation.method for operation in OPERATIONS if not list(rules_of(operation))]
    assert without == []


def test_no_request_could_mean_two_operations():
    assert [(one.path, other.path) for one, other in collisions(all_rules())] == []


def test_all_paths_are_of_version_one():
    assert [rule.path for rule in all_rules() if rule.segments[:2] != ("api", "v1")] == []


def test_what_only_watches_is_a_get_and_what_changes_is_not():
    for rule in all_rules():
        if rule.operation.rate == "watch":
            assert rule.verb == "GET", rule.path
        if rule.operation.audited:
            assert rule.verb != "GET", rule.path


def test_a_get_or_delete_has_no_body_and_the_others_have():
    for rule in all_rules():
        assert bool(rule.body) == (rule.verb in {"POST", "PUT", "PATCH"}), rule.path


def test_a_stream_can_tell_an_error_in_its_last_line():
    for rule in all_rules():
        if rule.operation.streams:
            assert "error" not in rule.operation.response.DESCRIPTOR.fields_by_name, rule.path
