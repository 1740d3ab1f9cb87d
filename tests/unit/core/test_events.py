"""The bus hands facts to whoever asked."""

from dataclasses import dataclass

from caxton_node.core.events import EventBus


@dataclass
class Rang:
    times: int


def test_listeners_hear_their_kind_in_the_order_in_which_they_subscribed():
    bus, heard = EventBus(), []
    bus.subscribe(Rang, lambda event: heard.append(("first", event.times)))
    bus.subscribe(Rang, lambda event: heard.append(("second", event.times)))
    bus.subscribe(str, heard.append)
    bus.publish(Rang(2))
    assert heard == [("first", 2), ("second", 2)]
