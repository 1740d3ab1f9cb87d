"""The little of HTTP/1.1 that one call over a Unix socket needs: a request, and an answer as it arrives.

`http.client` brings the mail parser and TLS along, which take longer to import than a call takes. The other
end is always a node of this machine, so there are no redirects, proxies, encodings or kept connections here.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Mapping
from typing import Final

LINE_BYTES_MAX: Final = 65_536
BODY_BYTES_MAX: Final = 64 * 1024 * 1024  # as gRPC's
_READ_BYTES: Final = 65_536


class BrokenAnswer(ConnectionError):
    """What came is no answer of a node, or ended too soon."""


def request_head(path: str, headers: Mapping[str, object]) -> bytes:
    """Write the head of a POST; the connection serves it alone."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


class Answer:
    """One answer: its status and headers at once, its body when it is asked for.

    Args:
        connection: To read from.
        until: Moment of `time.monotonic()` after which TimeoutError is raised; None waits for ever.

    Attributes:
        status: 200 and so on.
        headers: By lower-case name.

    Raises:
        BrokenAnswer: The other end does not speak HTTP, or is gone.
        TimeoutError: It did not answer in time.
    """

    def __init__(self, connection: socket.socket, until: float | None = None) -> None:
        self._connection = connection
        self._until = until
        self._buffer = bytearray()
        self.status = self._read_status()
        self.headers = dict(self._read_headers())

    def body(self) -> bytes:
        """Read the whole body."""
        return b"".join(self.parts())

    def parts(self) -> Iterator[bytes]:
        """Read the body as its chunks arrive."""
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        return iter([self._exactly(self._number(self.headers.get("content-length", "0"), 10))])

    def _read_status(self) -> int:
        version, _, rest = self._line().partition(b" ")
        if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
            raise BrokenAnswer("something else than a node's HTTP listens there")
        return int(rest[:3])

    def _read_headers(self) -> Iterator[tuple[str, str]]:
        while line := self._line():
            name, _, value = line.decode("latin-1").partition(":")
            yield name.strip().lower(), value.strip()

    def _chunks(self) -> Iterator[bytes]:
        while size := self._number(self._line().partition(b";")[0], 16):
            yield self._exactly(size)
            self._line()
        while self._line():
            pass

    @staticmethod
    def _number(text: str | bytes, base: int) -> int:
        try:
            number = int(text, base)
        except ValueError as err:
            raise BrokenAnswer("the length of the answer is no number") from err
        if not 0 <= number <= BODY_BYTES_MAX:
            raise BrokenAnswer(f"the answer is longer than {BODY_BYTES_MAX} bytes")
        return number

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > LINE_BYTES_MAX:
                raise BrokenAnswer("a line of the answer does not end")
            self._read_more()
        return self._take(end + 2)[:-2]

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._read_more()
        return self._take(size)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _read_more(self) -> None:
        self._connection.settimeout(time_left_s(self._until))
        data = self._connection.recv(_READ_BYTES)
        if not data:
            raise BrokenAnswer("the connection was closed before the answer was complete")
        self._buffer += data


def time_left_s(until: float | None) -> float | None:
    """Return how long one may wait, None for ever.

    Raises:
        TimeoutError: Not any longer.
    """
    if until is None:
        return None
    if (left := until - time.monotonic()) <= 0:
        raise TimeoutError
    return left
