"""One look at one deployment: what is decided, begun or told. When to look is the service's matter."""

from __future__ import annotations

from caxton_node.agents.lifecycle import State
from caxton_node.agents.views import Glance
from caxton_node.core.clock import Clock
from caxton_node.deployment.attempts import Attempts
from caxton_node.deployment.book import Book
from caxton_node.deployment.decide import (
    Keep,
    Nothing,
    Outlook,
    Refuse,
    Remove,
    Rest,
    Start,
    Step,
    Wait,
    decide,
)
from caxton_node.deployment.reports import ReplicaState
from caxton_node.deployment.scene import Scene
from caxton_node.deployment.spec import NO_EDITION, DeploymentSpec
from caxton_node.deployment.telling import Teller
from caxton_node.deployment.workshop import Workshop, tell_trouble


class Foreman:
    """Looks at deployments, one at a time.

    Args:
        book: What is wanted.
        attempts: What did not come up.
        endings: What did not go down.
        teller: Tells the others how this node stands.
        workshop: Where steps are carried out.
        clock: Time.

    Attributes:
        leased: The consistent deployments that are here, or are to be.
    """

    def __init__(
        self,
        *,
        book: Book,
        attempts: Attempts,
        endings: Attempts,
        teller: Teller,
        workshop: Workshop,
        clock: Clock,
    ) -> None:
        self.leased: set[str] = set()
        self._book = book
        self._attempts = attempts
        self._endings = endings
        self._teller = teller
        self._workshop = workshop
        self._clock = clock

    def look(self, name: str, scene: Scene) -> None:
        """Decide about one deployment, and begin what is to be done."""
        spec, local = self._book.find(name), scene.local(name)
        outlook = scene.outlook(name, spec)
        step = decide(spec, local, outlook)
        self._note_leased(name, spec, local, outlook)
        if self._workshop.is_busy(name):
            if spec is not None and spec.is_consistent and not outlook.is_majority:
                self._workshop.interrupt_rise(name)  # whatever it was: it may not end in a start here
            return  # it is looked at again when that has ended
        if spec is None:
            self._attempts.forget(name)
            self._teller.withdraw(name)
        if isinstance(step, Nothing | Keep | Wait | Refuse):
            if spec is not None:
                self._tell(step, spec, local, outlook)
        elif self._may_try(step, name, spec, local):
            self._workshop.begin(step, name, spec, local)

    def _note_leased(
        self, name: str, spec: DeploymentSpec | None, local: Glance | None, outlook: Outlook
    ) -> None:
        is_concerned = local is not None or outlook.me in outlook.placement.chosen
        if spec is not None and spec.is_consistent and is_concerned:
            self.leased.add(name)
        else:
            self.leased.discard(name)

    def _may_try(self, step: Step, name: str, spec: DeploymentSpec | None, local: Glance | None) -> bool:
        """Tell whether it is time to do a step; an agent that was given up has failed first."""
        now, edition = self._clock.now(), NO_EDITION if spec is None else spec.edition
        if spec is None or isinstance(step, Remove | Rest):
            return self._endings.may_try(name, edition, now)
        if isinstance(step, Start) and local is not None and local.is_given_up:
            trouble = self._attempts.find(name, edition)
            if trouble is None or trouble.started_at:
                trouble = self._attempts.note_failure(name, edition, local.failure, now=now)
                tell_trouble(self._teller, spec, local, trouble)
        return self._attempts.may_try(name, edition, now)

    def _tell(self, step: Step, spec: DeploymentSpec, local: Glance | None, outlook: Outlook) -> None:
        """Tell the others how this node stands to a replica for which it does nothing now."""
        name, generation = spec.name, spec.generation
        trouble = self._attempts.find(name, spec.edition)
        match step:
            case Keep(until):
                state = ReplicaState.STANDING_IN if until else ReplicaState.RUNNING
                self._teller.tell(name, state, generation, until)
            case Wait(why):
                is_up = local is not None and local.state is State.RUNNING
                otherwise = ReplicaState.RESTING if local is not None else ReplicaState.WAITING
                before = outlook.generations.get(outlook.me, 0)
                self._teller.tell(name, ReplicaState.RUNNING if is_up else otherwise, before, why)
            case Refuse(why):
                self._teller.tell(name, ReplicaState.REFUSED, generation, why)
            case _ if trouble is None or not trouble.is_refusal:
                self._teller.withdraw(name)
