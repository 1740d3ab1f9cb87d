"""Answers messages to `df`: reads them, does what they ask, and tells subscribers of changes.

An agent registers at its own node, which speaks for it in the cluster; searching and subscribing work
everywhere. Each node answers from its own copy of the registry.
"""

from __future__ import annotations

from collections.abc import Collection

from caxton_node.fipa import Envelope, Performative
from caxton_node.messaging.directory import acts, answers
from caxton_node.messaging.directory.registrar import Registrar, TooMany
from caxton_node.messaging.directory.subscribers import Subscribers
from caxton_node.messaging.platform_acts import Call, PlatformActs, Refused, Submit
from caxton_node.registry.discovery.finder import Finder
from caxton_node.registry.discovery.registration import TooMuch
from caxton_node.registry.discovery.watches import Watches

DIRECTORY = "df"

_READERS = {
    Performative.REQUEST: acts.read_request,
    Performative.SUBSCRIBE: acts.read_subscribe,
    Performative.CANCEL: acts.read_cancel,
}


class Directory:
    """The agent `df` of one node; runs on the event loop.

    Args:
        registrar: Takes what agents say of themselves.
        finder: Answers searches.
        watches: Tells of changes.
        submit: `Router.submit`.
    """

    def __init__(self, registrar: Registrar, finder: Finder, watches: Watches, submit: Submit) -> None:
        self._registrar = registrar
        self._finder = finder
        self._acts: PlatformActs[acts.Request] = PlatformActs(
            name=DIRECTORY,
            node_id=registrar.node_id,
            submit=submit,
            readers=_READERS,
            do=self._do,
            on_answer=self._handle_answer,
        )
        self._subscribers = Subscribers(watches, self._acts.inform)

    def handle(self, envelope: Envelope) -> None:
        """Answer one message."""
        self._acts.handle(envelope)

    def handle_agents(self, names: Collection[str]) -> None:
        """Take the news that instances of these agents changed, for `Registry.subscribe`."""
        self._subscribers.handle_agents(names, self._finder.is_up)

    def close(self) -> None:
        """Tell subscribers nothing any more."""
        self._subscribers.close()

    def _do(self, call: Call[acts.Request]) -> object | None:
        match call.request:
            case acts.Asked(query, detail):
                return answers.to_search(self._finder.search(query), detail=detail)
            case acts.Subscribed(asked):
                self._acts.agree(call.envelope, self._subscribers.add(call.envelope, asked))
                return None
            case acts.Cancel():
                self._subscribers.cancel(call.envelope)
                return {"cancelled": 1}
            case _:
                return self._change(call)

    def _change(self, call: Call[acts.Request]) -> object:
        agent = self._owner(call)
        try:
            match call.request:
                case acts.Register(capabilities):
                    return {"registered": self._registrar.register(agent, capabilities)}
                case acts.Modify(changes):
                    return {"modified": self._registrar.modify(agent, changes)}
                case acts.Deregister(names):
                    return {"deregistered": self._registrar.deregister(agent, names)}
                case _:
                    raise AssertionError(f"nobody reads {call.request}")
        except (TooMany, TooMuch) as err:
            raise Refused("too-much", str(err)) from err

    def _owner(self, call: Call[acts.Request]) -> str:
        """Return whose capabilities a request is about."""
        if call.sender.node != self._registrar.node_id:
            detail = f"{call.sender} registers at its own node, not at {self._registrar.node_id}"
            raise Refused("not-here", detail)
        return call.sender.name

    def _handle_answer(self, envelope: Envelope) -> bool:
        return self._subscribers.end_by(envelope)
