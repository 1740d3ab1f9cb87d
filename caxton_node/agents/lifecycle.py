"""The life of one instance of an agent.

    Unloaded -> Loaded -> Running -> Draining -> Stopped -> Loaded (again) or Unloaded (removed)

Failed can be reached from everywhere and is left like Stopped. Draining takes no new messages and finishes
those that wait. A restart after a trap goes through Failed, so that what an operator sees is what happened.

Source: story 003.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where an instance is in its life."""

    UNLOADED = "Unloaded"
    LOADED = "Loaded"
    RUNNING = "Running"
    DRAINING = "Draining"
    STOPPED = "Stopped"
    FAILED = "Failed"


class Event(StrEnum):
    """What can happen to an instance."""

    LOAD = "load"
    START = "start"
    DRAIN = "drain"
    STOP = "stop"
    FAIL = "fail"
    REMOVE = "remove"
    OVERRULED = "overruled"  # another agent of its name won after a partition; what it does then is its own


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.UNLOADED, Event.LOAD): State.LOADED,
    (State.UNLOADED, Event.FAIL): State.FAILED,
    (State.LOADED, Event.START): State.RUNNING,
    (State.LOADED, Event.FAIL): State.FAILED,
    (State.LOADED, Event.REMOVE): State.UNLOADED,
    (State.RUNNING, Event.DRAIN): State.DRAINING,
    (State.RUNNING, Event.FAIL): State.FAILED,
    (State.RUNNING, Event.OVERRULED): State.RUNNING,
    (State.DRAINING, Event.STOP): State.STOPPED,
    (State.DRAINING, Event.FAIL): State.FAILED,
    (State.STOPPED, Event.LOAD): State.LOADED,
    (State.STOPPED, Event.FAIL): State.FAILED,
    (State.STOPPED, Event.REMOVE): State.UNLOADED,
    (State.FAILED, Event.LOAD): State.LOADED,
    (State.FAILED, Event.REMOVE): State.UNLOADED,
}
