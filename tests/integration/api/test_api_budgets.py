import pytest
import pytest_asyncio

from caxton_node.core.errors import InvalidArgument, InvalidMessage, ResourceLimit
from tests.support.api import call
from tests.support.data_plane import until
from tests.support.guests import wat

pytestmark = [pytest.mark.story("016"), pytest.mark.story("030"), pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def agents(nodes):
    """Run an echo, and on each node one of two that would talk for ever."""
    one, two = nodes
    places = [
        (one, "echo", wat("echo"), {}),
        (one, "ping", wat("relay"), {"next": "pong@n2"}),
        (two, "pong", wat("relay"), {"next": "ping@n1"}),
    ]
    for node, name, source, config in places:
        await call(
            node.local,
            lambda client, name=name, source=source, config=config: client.agents.deploy(
                name, source.encode(), config=config
            ),
        )
    yield
    for node, name, _, _ in places:
        await call(node.local, lambda client, name=name: client.agents.undeploy(name, force=True))


async def test_a_reply_tells_what_is_left_and_who_spent_what(n1, agents):
    def send(client):
        return client.messages.send("echo", b'"hello"', budget={"messages": 10, "time_us": 5_000_000})

    answer = await call(n1.local, send)
    assert answer.budget_left.messages == 8
    assert 0 < answer.budget_left.time_us < 5_000_000
    assert not answer.budget_left.HasField("fuel")
    assert [row.messages for row in answer.spent] == [1, 1]
    assert answer.spent[1].agent == "echo@n1"
    assert len(n1.daemon.mail.router.budgets) <= 1, "the client's purse went with it"


async def test_a_budget_of_nothing_in_particular_is_a_bill_without_limits(n1, agents):
    answer = await call(n1.local, lambda client: client.messages.send("echo", b'"x"', budget={}))
    assert answer.HasField("budget_left")
    assert not answer.budget_left.ListFields()
    assert [row.bytes for row in answer.spent] == [3, 3]


async def test_without_a_budget_there_is_no_bill(n1, agents):
    answer = await call(n1.local, lambda client: client.messages.send("echo", b'"x"'))
    assert not answer.HasField("budget_left")
    assert not answer.spent


async def test_agents_on_two_nodes_that_would_talk_for_ever_end_with_an_error_that_says_who_spent_it(
    nodes, n1, agents
):
    with pytest.raises(ResourceLimit, match="budget-exhausted") as caught:
        await call(n1.local, lambda client: client.messages.send("ping", b'"x"', budget={"messages": 60}))
    assert "has no messages left of the budget that client~" in caught.value.why
    assert "; spent: " in caught.value.why
    assert {"ping@n1", "pong@n2"} <= set(caught.value.why.replace(";", " ").split())
    assert "--budget" in caught.value.hint
    for node in nodes:
        await until(lambda node=node: node.daemon.mail.router.counts().in_flight == 0)


@pytest.mark.parametrize("budget", [{"messages": -1}, {"bytes": 2**53 + 1}])
async def test_an_amount_that_cannot_be_given_is_refused(n1, agents, budget):
    with pytest.raises(InvalidArgument, match="cannot be given"):
        await call(n1.local, lambda client: client.messages.send("echo", b'"x"', budget=budget))


async def test_a_budget_is_not_written_as_a_text_header(n1, agents):
    with pytest.raises(InvalidMessage, match="invalid message") as caught:
        await call(n1.local, lambda client: client.messages.send("echo", b'"x"', headers={"budget": "9"}))
    assert "header budget" in caught.value.why
