"""The platform agent `kv`: reads what agents ask, lets it wait for its turn, and tells who watches."""

from __future__ import annotations

import asyncio

from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.fipa import Envelope, Performative
from caxton_node.kv.acts import Cancel, List, Request, Watch, read_cancel, read_request, read_watch
from caxton_node.kv.ledger import ABSENT, Ledger, answer_get
from caxton_node.kv.pages import limit_of, page_of
from caxton_node.kv.settings import Settings
from caxton_node.kv.shared import Change, Registry, SharedKeys
from caxton_node.kv.store import KeyStore
from caxton_node.kv.turns import Answer, Clear, Job, Outcome, Turns
from caxton_node.messaging.platform_acts import Call, PlatformActs, Refused, Submit
from caxton_node.messaging.platform_subscriptions import Subscriptions
from caxton_node.messaging.write_pace import WritePace
from caxton_node.observability import Reading
from caxton_node.observability.board import reading
from caxton_node.storage import Database

KEYS = "kv"


class Keys:
    """The keys of this node's agents; runs on the event loop.

    Args:
        node_id: This node.
        submit: `Router.submit`.
        database: Where keys are kept.
        registry: Where shared keys are kept.
        clock: When they were written.
        pace: How fast an agent may write shared keys.
        settings: Bounds.
    """

    def __init__(
        self,
        *,
        node_id: str,
        submit: Submit,
        database: Database,
        registry: Registry,
        clock: Clock,
        pace: WritePace,
        settings: Settings = Settings(),  # noqa: B008  it is frozen
    ) -> None:
        self._turns = Turns(KeyStore(database), clock, settings, self._tell_changes)
        self._shared = SharedKeys(registry, settings, self._tell)
        self._pace = pace
        self._watches: Subscriptions[Watch] = Subscriptions()
        self._acts: PlatformActs[Request | Watch | Cancel] = PlatformActs(
            name=KEYS,
            node_id=node_id,
            submit=submit,
            readers={
                Performative.REQUEST: read_request,
                Performative.QUERY_REF: read_request,
                Performative.SUBSCRIBE: read_watch,
                Performative.CANCEL: read_cancel,
            },
            do=self._do,
            on_answer=self._watches.end_by,
        )

    def handle(self, envelope: Envelope) -> None:
        """Take one message."""
        self._acts.handle(envelope)

    async def ask(self, agent: str, request: Request) -> Answer:
        """Carry out a request for an operator, in the order of the agent's own.

        Args:
            agent: `tenant/name`; it need not be here.
            request: What to do.

        Raises:
            Refused: It goes beyond a bound, or expects another version.
            StoreFailed: The disk does not take it.
        """
        if request.shared:
            return self._do_shared(agent, request)
        return await self._wait_for(agent, request)

    async def clear(self, agent: str) -> int:
        """Remove every key of an agent (`tenant/name`), the shared ones too, and return how many.

        Raises:
            Refused: Too much waits for the disk.
            StoreFailed: The disk does not take it.
        """
        answer = await self._wait_for(agent, Clear())
        removed = answer["removed"]
        assert isinstance(removed, int)
        return removed + self._shared.clear(agent)

    async def close(self) -> None:
        """Finish what waits; what comes later is refused."""
        await self._turns.close()

    def collect(self) -> list[Reading]:
        """Return readings for the metrics; any thread."""
        answers = self._acts.answered.copy().items()
        return [
            *(reading("caxton_platform_answers_total", n, agent=KEYS, act=act) for act, n in answers),
            reading("caxton_kv_requests_waiting", len(self._turns)),
            reading("caxton_kv_watches", len(self._watches)),
            reading("caxton_kv_shared_keys", self._shared.count()),
        ]

    async def _wait_for(self, agent: str, request: Request | Clear) -> Answer:
        told: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def settle(outcome: Outcome) -> None:
            if told.done():  # whoever asked has gone
                return
            if isinstance(outcome, CaxtonError):
                told.set_exception(outcome)
            else:
                told.set_result(outcome)

        self._turns.add(agent, Job(request, 0, settle))
        return await told

    # -- one message ----------------------------------------------------------------------------------------

    def _do(self, call: Call[Request | Watch | Cancel]) -> Answer | None:
        request, envelope, agent = call.request, call.envelope, call.sender.name
        if isinstance(request, Cancel):
            self._watches.cancel(envelope)
            return {"cancelled": 1}
        if call.is_client:
            raise Refused("no-agent", f"{call.sender} is a client; keys belong to agents")
        if isinstance(request, Watch):
            self._watches.add(envelope, request)
            self._acts.agree(envelope, {"watching": request.prefix})
            return None
        if request.shared:
            self._pace.spend(agent, **self._shared.changes(agent, request))
            return self._do_shared(agent, request)
        size = len(envelope.content or b"")
        self._turns.add(agent, Job(request, size, lambda outcome: self._answer(envelope, outcome)))
        return None

    def _do_shared(self, agent: str, request: Request) -> Answer:
        if isinstance(request, List):
            return page_of(self._shared.read_page(agent, request), limit_of(request))
        return self._shared.do(agent, request)

    def _answer(self, envelope: Envelope, outcome: Outcome) -> None:
        if isinstance(outcome, CaxtonError):
            self._acts.fail(envelope, outcome)
        else:
            self._acts.inform(envelope, outcome)

    # -- watches --------------------------------------------------------------------------------------------

    def _tell_changes(self, agent: str, ledger: Ledger) -> None:
        for key in sorted(ledger.changed) if self._watches else ():
            held = ledger.held.get(key)
            value, version = (held.value, held.version) if held else (None, ABSENT)
            self._tell(Change(agent, key, value, version, shared=False))

    def _tell(self, change: Change) -> None:
        for watch in self._watches.of(change.agent):
            if watch.what.shared == change.shared and change.key.startswith(watch.what.prefix):
                self._acts.inform(watch.envelope, answer_get(change.key, change.value, change.version))
