"""One observer of the message flow, shared by any number of followers; free while nobody follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from caxton_node.api.fanout import Fanout
from caxton_node.api.services import FrameListener

SetObserver = Callable[[FrameListener | None], None]


class Tap:
    """Implements `services.TapPort`. Followers come and go on the event loop; frames come on any thread.

    Args:
        set_observer: Names who is shown every run of frames that the router puts somewhere, or nobody.
    """

    def __init__(self, set_observer: SetObserver) -> None:
        self._set_observer = set_observer
        self._fanout: Fanout[Sequence[bytes]] = Fanout()

    def follow(self, listener: FrameListener) -> Callable[[], None]:
        """Give every run of frames to `listener` until the returned function is called."""
        unfollow = self._fanout.follow(listener)
        self._update()

        def stop() -> None:
            unfollow()
            self._update()

        return stop

    def _update(self) -> None:
        self._set_observer(self._fanout.publish if self._fanout.followed else None)
