"""Two agents of one name after a partition: who is told, who stops, who goes on, and what is written down."""

import json

import pytest

from caxton_node.agents.defeat import KEPT, STOPPED
from caxton_node.agents.manifest import OnConflict
from caxton_node.fipa import Performative
from tests.support.name_net import NameNet

pytestmark = pytest.mark.story("026")
WEB = "default/web"
SPLIT = (("n1",), ("n2", "n3"))


@pytest.fixture
async def net(tmp_path):
    opened = NameNet(tmp_path, ("n1", "n2", "n3"))
    await opened.start()
    yield opened
    await opened.stop()


def casts(net):
    return [net.nodes[name].cast for name in ("n1", "n2", "n3")]


async def actions(net):
    """Return what each node did, by key and version that lost, as its report says."""
    rows = {name: await one.book.read() for name, one in net.nodes.items()}
    return {
        (name, row.loser.summary.split()[1].strip(","), row.action)
        for name, found in rows.items()
        for row in found
        if row.action
    }


async def test_a_pool_of_one_content_is_no_conflict_and_its_claim_stays(net):
    one, two, _ = casts(net)
    one.deploy("web", "1.0.0")
    await net.settled()
    claim = net.nodes["n1"].node.registry.find_entry("name", WEB)
    two.deploy("web", "1.0.0")
    await net.settled()
    assert net.nodes["n3"].node.registry.find_entry("name", WEB) == claim
    assert net.versions(WEB) == {"n1": "1.0.0", "n2": "1.0.0"}


async def test_a_rolling_update_tells_nobody(net):
    for cast in casts(net):
        cast.deploy("web", "1.0.0")
    await net.settled()
    for version in ("2.0.0", "3.0.0", "1.0.0"):
        for cast in casts(net):
            cast.deploy("web", version)
            await net.settled()
    net.nodes["n1"].cast.deploy("web", "4.0.0")
    await net.settled()
    assert net.versions(WEB) == {"n1": "4.0.0", "n2": "1.0.0", "n3": "1.0.0"}
    assert [cast.lost for cast in casts(net)] == [[], [], []]
    assert all([await node.book.read() == [] for node in net.nodes.values()])


async def test_the_loser_of_a_partition_is_told_who_won_and_is_stopped(net):
    one, two, three = casts(net)
    net.split(*SPLIT)
    one.deploy("web", "1.0.0")
    await net.later()
    two.deploy("web", "2.0.0")
    await net.settled()
    three.deploy("web", "2.0.0")
    await net.heal()
    assert net.versions(WEB) == {"n2": "2.0.0", "n3": "2.0.0"}
    assert (one.lost, two.lost, three.lost) == ([(WEB, True)], [], [])
    (told,) = net.nodes["n1"].told
    assert (told.performative, told.sender, told.receivers) == (Performative.INFORM, "ams@n1", "web@n1")
    content = json.loads(told.content)
    assert (content["event"], content["name"], content["action"]) == ("name-conflict", "web", "stop")
    assert (content["winner"]["version"], content["winner"]["node"]) == ("2.0.0", "n2")
    assert (content["your"]["version"], content["your"]["node"]) == ("1.0.0", "n1")
    assert await actions(net) == {("n1", "1.0.0", STOPPED)}


async def test_every_instance_of_the_loser_stops_whoever_had_claimed_the_name(net):
    one, two, three = casts(net)
    net.split(("n1", "n2"), ("n3",))
    one.deploy("web", "1.0.0")
    await net.settled()
    two.deploy("web", "1.0.0")
    await net.later()
    three.deploy("web", "2.0.0")
    await net.heal()
    assert net.versions(WEB) == {"n3": "2.0.0"}
    assert (one.lost, two.lost) == ([(WEB, True)], [(WEB, True)])


async def test_what_ran_before_the_partition_goes_on_beside_the_winner(net):
    one, two, three = casts(net)
    for cast in (one, two, three):
        cast.deploy("web", "1.0.0")
    await net.settled()
    net.split(*SPLIT)
    one.deploy("web", "2.0.0")
    await net.later()
    two.deploy("web", "3.0.0")
    await net.heal()
    assert net.versions(WEB) == {"n2": "3.0.0", "n3": "1.0.0"}


async def test_a_return_to_an_earlier_version_loses_like_any_other_deployment(net):
    one, two, _ = casts(net)
    one.deploy("web", "1.0.0")
    await net.settled()
    one.deploy("web", "2.0.0")
    await net.settled()
    net.split(*SPLIT)
    one.deploy("web", "1.0.0")
    await net.later()
    two.deploy("web", "3.0.0")
    await net.heal()
    assert net.versions(WEB) == {"n2": "3.0.0"}


async def test_one_that_keeps_is_told_once_and_goes_on(net):
    one, two, _ = casts(net)
    net.split(*SPLIT)
    one.deploy("web", "1.0.0", OnConflict.KEEP)
    await net.later()
    two.deploy("web", "2.0.0")
    await net.heal()
    two.deploy("web", "3.0.0")
    await net.settled()
    assert net.versions(WEB) == {"n1": "1.0.0", "n2": "3.0.0"}
    assert one.lost == [(WEB, False)]
    assert json.loads(net.nodes["n1"].told[0].content)["action"] == "keep"
    assert await actions(net) == {("n1", "1.0.0", KEPT)}


async def test_one_that_keeps_is_not_told_again_after_a_restart_of_its_node(net):
    one, two, _ = casts(net)
    net.split(*SPLIT)
    one.deploy("web", "1.0.0", OnConflict.KEEP)
    await net.later()
    two.deploy("web", "2.0.0")
    await net.heal()
    await net.nodes["n1"].stop()
    await net.nodes["n1"].start()
    await net.settled()
    assert net.versions(WEB) == {"n1": "1.0.0", "n2": "2.0.0"}
    assert net.nodes["n1"].cast.lost == [(WEB, False)]


async def test_a_loser_whose_node_was_down_when_the_sides_met_stops_when_it_is_back(net):
    one, two, _ = casts(net)
    net.split(*SPLIT)
    one.deploy("web", "1.0.0")
    await net.nodes["n1"].stop()
    await net.later()
    two.deploy("web", "2.0.0")
    net.net.heal()
    await net.nodes["n1"].start()
    await net.settled()
    assert net.versions(WEB) == {"n2": "2.0.0"}
    assert net.nodes["n1"].cast.lost == [(WEB, True)]


async def test_a_loser_that_an_operator_starts_again_stays(net):
    one, two, _ = casts(net)
    net.split(*SPLIT)
    one.deploy("web", "1.0.0")
    await net.later()
    two.deploy("web", "2.0.0")
    await net.heal()
    one.start(WEB)
    await net.settled()
    assert net.versions(WEB) == {"n1": "1.0.0", "n2": "2.0.0"}


async def test_a_claim_lasts_as_long_as_anybody_has_the_name(net):
    one, two, three = casts(net)
    registry = net.nodes["n3"].node.registry
    one.deploy("web", "1.0.0")
    two.deploy("web", "1.0.0")
    await net.settled()
    one.remove(WEB)
    await net.settled()
    assert registry.find_entry("name", WEB) is not None
    two.remove(WEB)
    await net.settled()
    assert registry.find_entry("name", WEB) is None
    three.deploy("web", "5.0.0")
    await net.settled()
    assert net.versions(WEB) == {"n3": "5.0.0"}


async def test_a_claim_that_was_taken_back_beyond_the_partition_is_made_again(net):
    one, two, _ = casts(net)
    one.deploy("web", "1.0.0")
    await net.settled()
    net.split(*SPLIT)
    two.deploy("web", "2.0.0")
    await net.later()
    one.remove(WEB)
    await net.heal()
    assert net.versions(WEB) == {"n2": "2.0.0"}
    assert net.nodes["n1"].node.registry.find_entry("name", WEB) is not None


async def test_a_node_that_lost_its_copy_claims_the_names_of_its_agents_again(net):
    one, _, three = casts(net)
    one.deploy("web", "1.0.0")
    await net.settled()
    net.nodes["n2"].node.registry.remove_entry("name", WEB)
    await net.settled()
    assert net.nodes["n3"].node.registry.find_entry("name", WEB) is not None
    assert (one.lost, three.lost) == ([], [])


async def test_hundreds_of_names_lost_at_once_are_all_settled(net):
    one, two, _ = casts(net)
    net.split(*SPLIT)
    names = [f"web{number}" for number in range(300)]
    for name in names:
        one.deploy(name, "1.0.0")
    await net.later()
    for name in names:
        two.deploy(name, "2.0.0")
    await net.heal()
    assert (len(one.up), len(two.up), len(one.lost)) == (0, 300, 300)
    report = await net.nodes["n1"].book.read()
    assert {row.action for row in report} == {STOPPED}
    assert len({row.key for row in report}) == 300
