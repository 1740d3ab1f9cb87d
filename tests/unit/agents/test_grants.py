"""What an agent's manifest lets it register."""

from __future__ import annotations

import pytest

from caxton_node.agents.grants import Grants, is_granted
from caxton_node.agents.manifest import Manifest
from caxton_node.core.errors import Forbidden, InvalidArgument
from caxton_node.registry import CapabilityRecord

pytestmark = pytest.mark.story("025")


@pytest.mark.parametrize(
    ("grants", "capability", "granted"),
    [
        ((), "anything", True),
        (("text.upper",), "text.upper", True),
        (("text.upper",), "text.lower", False),
        (("text.*",), "text.upper", True),
        (("text.*",), "textile", False),
        (("te*", "x"), "textile", True),
        (("*",), "anything", True),
    ],
)
def test_a_grant_is_a_name_or_how_names_begin(
    grants: tuple[str, ...], capability: str, granted: bool
) -> None:
    assert is_granted(grants, capability) is granted
    Manifest("echo", capabilities=grants)


@pytest.mark.parametrize("grant", ["*.upper", "a*b", "", "**", ".*"])
def test_a_star_stands_only_at_the_end(grant: str) -> None:
    with pytest.raises(InvalidArgument, match="is not a capability"):
        Manifest("echo", capabilities=(grant,))


def test_nobody_may_register_before_agents_are_there() -> None:
    grants, record = Grants(), CapabilityRecord("paint", "1.0", "default/painter", "n1")
    with pytest.raises(Forbidden, match="painter may not register paint"):
        grants.check(record)
    grants.connect(lambda agent, capability: (agent, capability) == ("default/painter", "paint"))
    grants.check(record)
