"""Whose a name is: what claims say, and whom they allow."""

import msgspec
import pytest

from caxton_node.agents.claims import AFTER_MAX, claim_of_row, decode_claim, encode_claim, say
from caxton_node.agents.lifecycle import State
from caxton_node.agents.manifest import Manifest, OnConflict
from caxton_node.agents.manifest_form import manifest_from_plain, traits_to_plain
from caxton_node.agents.store import Deployed

pytestmark = pytest.mark.story("026")


def claim(version="1.0.0", *, sha="aa", config=None, node="n1", **manifest):
    row = Deployed(Manifest("web", version, config=config or {}, **manifest), sha, 1, State.RUNNING, 1000)
    return claim_of_row(row, node)


ONE, TWO, THREE = claim("1.0.0"), claim("2.0.0"), claim("3.0.0")


def test_the_content_is_module_version_and_config_and_not_who_deployed_it():
    assert claim(node="n2").content == ONE.content
    assert claim(on_conflict=OnConflict.KEEP).content == ONE.content
    assert claim(config={"a": 1, "b": 2}).content == claim(config={"b": 2, "a": 1}).content
    assert len({one.content for one in (ONE, TWO, claim(sha="bb"), claim(config={"a": 1}))}) == 4


def test_a_claim_allows_what_it_says_and_nothing_that_its_writer_did_not_know():
    assert ONE.follow(None).allows(ONE.content)
    assert not ONE.follow(None).allows(TWO.content)


def test_an_update_allows_what_ran_before_it():
    third = THREE.follow(TWO.follow(ONE))
    assert third.after == (ONE.content, TWO.content)
    assert all(third.allows(one.content) for one in (ONE, TWO, THREE))


def test_an_update_back_to_an_earlier_version_lists_it_once():
    back = ONE.follow(TWO.follow(ONE))
    assert back.after == (TWO.content,)
    assert back.allows(ONE.content)


def test_a_claim_of_the_same_content_stays_as_it_is():
    assert ONE.follow(claim(node="n2")) == ONE


def test_a_list_that_is_full_judges_nobody_since_it_has_forgotten_some():
    last = ONE
    for number in range(AFTER_MAX + 5):
        last = claim(f"9.{number}.0").follow(last)
    assert len(last.after) == AFTER_MAX
    assert last.allows(ONE.content)


def test_a_claim_is_a_map_that_later_versions_may_add_to():
    fields = msgspec.msgpack.decode(encode_claim(TWO.follow(ONE)))
    said = {"content", "module_sha256", "version", "config_digest", "node", "deployed_unix_ms", "on_conflict"}
    assert said < fields.keys()
    assert decode_claim(msgspec.msgpack.encode({**fields, "more": 1})) == TWO.follow(ONE)


def test_a_claim_is_told_by_version_and_module():
    assert say(encode_claim(ONE)) == (ONE.content, "version 1.0.0, module aa")


def test_who_was_stored_before_names_were_claimed_keeps_his():
    manifest = Manifest("web", on_conflict=OnConflict.STOP)
    traits = traits_to_plain(manifest)
    kept = manifest_from_plain("web", "1.0.0", limits={}, config={}, traits=traits)
    assert kept.on_conflict is OnConflict.STOP
    del traits["on_conflict"]
    old = manifest_from_plain("web", "1.0.0", limits={}, config={}, traits=traits)
    assert old.on_conflict is OnConflict.KEEP
