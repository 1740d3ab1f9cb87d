"""A deployment in the registry: what goes in comes out, and one field is changed alone."""

from __future__ import annotations

from dataclasses import fields, replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton_node.agents.change import Change
from caxton_node.agents.manifest import Keeping, Manifest, OnConflict
from caxton_node.core.errors import InvalidArgument
from caxton_node.deployment.book import Book
from caxton_node.deployment.constraints import parse_constraint
from caxton_node.deployment.performing import TOLD_BY_CHANGE
from caxton_node.deployment.spec import REPLICAS_MAX, Consistency, DeploymentSpec
from caxton_node.deployment.spec_form import KIND, UnreadableSpec, changes, decode, encode
from caxton_node.registry.entry import Entry
from caxton_node.runtime.host.determinism import Determinism
from caxton_node.runtime.limits import Limits
from tests.support.deployments import SHA256, spec_of

pytestmark = pytest.mark.story("026")

json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
manifests = st.builds(
    Manifest,
    name=st.just("web"),
    version=st.sampled_from(["1.0.0", "2.0.0-rc.1"]),
    limits=st.builds(Limits, memory_bytes=st.integers(65_536, 10**7), wall_time_s=st.floats(0.01, 60)),
    config=st.dictionaries(st.text(max_size=8), json, max_size=4),
    capabilities=st.sampled_from([(), ("a.b", "c")]),
    world=st.none() | st.builds(Determinism, st.integers(0, 2**64 - 1)),
    keeping=st.sampled_from(Keeping),
    on_conflict=st.sampled_from(OnConflict),
)
specs = st.builds(
    DeploymentSpec,
    manifest=manifests,
    module_sha256=st.just(SHA256),
    replicas=st.integers(0, REPLICAS_MAX),
    constraints=st.sampled_from([(), (parse_constraint("zone=a|b"), parse_constraint("node!=n3"))]),
    spread=st.sampled_from(["", "zone"]),
    consistency=st.sampled_from(Consistency),
    generation=st.integers(1, 2**40),
)


def entry(value):
    return Entry(KIND, "default/web", value, {}, 1, "n1")


@given(specs)
def test_what_goes_into_the_registry_comes_out_of_it(spec):
    assert decode(entry(encode(spec))) == spec


@given(specs, specs)
def test_the_fields_that_differ_make_one_deployment_of_the_other(before, after):
    merged = msgspec.msgpack.decode(encode(before)) | changes(before, after)
    assert decode(entry(msgspec.msgpack.encode(merged))) == after


def test_a_change_of_one_thing_is_a_change_of_one_field():
    before = spec_of(replicas=2)
    assert changes(before, replace(before, replicas=3)) == {"replicas": 3}


@pytest.mark.parametrize("value", [b"", b"\x01", msgspec.msgpack.encode({"name": "web"})])
def test_what_cannot_be_read_says_so(value):
    with pytest.raises(UnreadableSpec, match="default/web"):
        decode(entry(value))


def test_a_deployment_of_a_later_version_is_read_as_far_as_it_is_known():
    value = msgspec.msgpack.decode(encode(spec_of())) | {"colour": "red"}
    assert decode(entry(msgspec.msgpack.encode(value))) == spec_of()
    value["consistency"] = "eventual"
    with pytest.raises(UnreadableSpec):
        decode(entry(msgspec.msgpack.encode(value)))


@pytest.mark.parametrize("wrong", [{"replicas": -1}, {"replicas": REPLICAS_MAX + 1}, {"spread": "Not One"}])
def test_a_deployment_that_cannot_be_is_refused(wrong):
    with pytest.raises(InvalidArgument):
        spec_of(**wrong)


def test_whatever_a_manifest_says_reaches_a_replica_that_runs():
    by_other_means = {"name", "version", "limits", "world"}
    assert {item.name for item in fields(Manifest)} - by_other_means == set(TOLD_BY_CHANGE)
    assert {item.name for item in fields(Change)} >= set(TOLD_BY_CHANGE)


PLAIN = {"name": "default/web", "version": "1.0.0", "module_sha256": SHA256}


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "default/other"},
        {"generation": -1},
        {"updated_unix_ms": 2**63},
        {"traits": {"manages": [1]}},
        {"traits": {"capabilities": 5}},
        {"traits": {"world": [1]}},
        {"limits": {"memory_bytes": float("nan")}},
    ],
)
def test_what_a_faulty_node_writes_is_unreadable_and_nothing_worse(wrong):
    book = Book()
    book.take([entry(msgspec.msgpack.encode(PLAIN | wrong))])
    assert (len(book), book.unreadable) == (0, {"default/web"})


def test_limits_have_their_kinds_whatever_was_written():
    (spec,) = [decode(entry(msgspec.msgpack.encode(PLAIN | {"limits": {"memory_bytes": 1.5e6}})))]
    assert spec.manifest.limits.memory_bytes == 1_500_000
    assert isinstance(spec.manifest.limits.memory_bytes, int)
