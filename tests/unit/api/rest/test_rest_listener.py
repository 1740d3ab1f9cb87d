"""Who gets a connection, and who still does when others have taken all of theirs."""

import asyncio
import socket
import ssl

import pytest

from caxton_node.api.rest.listener import Listener
from caxton_node.api.rest.settings import Settings

pytestmark = [pytest.mark.story("007"), pytest.mark.asyncio]


class Greeter(asyncio.Protocol):
    """Says that it is there, and is counted as uvicorn's protocols are."""

    def __init__(self, listener):
        self._listener = listener
        self._connections = listener.state.connections

    def connection_made(self, transport):
        self._connections.add(self)
        self._listener.note_made(self)
        transport.write(b"hello %d" % self._listener.taken)

    def connection_lost(self, _error):
        self._connections.discard(self)


def listen_on(plug, settings, tls=None):
    listener = Listener(plug, Greeter, settings, tls)
    listener.open()
    return listener


async def test_handshakes_count_and_each_listener_has_room_of_its_own(tmp_path):
    path = tmp_path / "rest.sock"
    settings = Settings(path, connections_max=2)
    local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    local.bind(str(path))
    port = listen_on(
        socket.create_server(("127.0.0.1", 0)), settings, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    )
    own = listen_on(local, settings)
    silent = [await asyncio.open_connection("127.0.0.1", port.port) for _ in range(2)]
    reader, refused = await asyncio.open_connection("127.0.0.1", port.port)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
        local_reader, local_writer = await asyncio.open_unix_connection(path)
        assert await local_reader.readexactly(7) == b"hello 1"  # and is counted once
        waiting = set(port._welcomes)
        assert len(waiting) == 2
        silent[0][1].close()
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        again_reader, again = await asyncio.open_connection("127.0.0.1", port.port)
        while len(port._welcomes) < 2:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0)
    assert not again_reader.at_eof()
    port.close()
    own.close()
    for writer in (refused, local_writer, again, silent[1][1]):
        writer.close()
    await asyncio.gather(*port._welcomes, return_exceptions=True)
