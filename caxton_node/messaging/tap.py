"""The tap: whoever follows the messages of a node sees them as they are put where they belong.

Nobody follows most of the time, so the hot path pays one look at an empty tuple for each run of frames.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

FrameListener = Callable[[Sequence[bytes]], None]


class Tap:
    """Followers of the message flow; they come and go on the event loop, frames come on any thread.

    Attributes:
        listeners: Who is shown every run of frames; replaced whole, never changed.
    """

    __slots__ = ("listeners",)

    def __init__(self) -> None:
        self.listeners: tuple[FrameListener, ...] = ()

    def follow(self, listener: FrameListener) -> Callable[[], None]:
        """Show every run of frames to `listener`, which must not block, until the result is called."""
        self.listeners = (*self.listeners, listener)

        def unfollow() -> None:
            self.listeners = tuple(other for other in self.listeners if other is not listener)

        return unfollow

    def show(self, frames: Sequence[bytes]) -> None:
        """Hand frames to every follower."""
        for listener in self.listeners:
            listener(frames)
