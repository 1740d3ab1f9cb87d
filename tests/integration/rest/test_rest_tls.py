import asyncio
import ssl
import stat
import tempfile
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from caxton_node.api.rest.settings import Shown
from caxton_node.api.rest.tls import Tls
from caxton_node.core.errors import PortInUse
from tests.support.api import founder
from tests.support.certificates import Pki
from tests.support.web import Web

pytestmark = [pytest.mark.story("007"), pytest.mark.asyncio(loop_scope="session")]


async def test_nothing_older_than_tls_1_3(tls):
    old = ssl.create_default_context(cadata=tls.ca_pem.decode())
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await replace(tls, context=old).ask("GET", "/health")


async def test_plain_http_gets_no_answer(tls):
    host, _, port = tls.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
    with suppress(ConnectionError):
        assert b"200" not in await reader.read()
    writer.close()


async def test_the_socket_is_for_the_user_of_the_node_alone(node):
    path = node.data_dir / "rest.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_second_node_on_the_port_is_told_what_to_do(tls, tmp_path):
    port = tls.address.rpartition(":")[2]
    with pytest.raises(PortInUse, match=f"REST .*:{port}") as caught:
        async with founder(tmp_path / "other", "other", f"rest.port={port}"):
            pass
    assert "--set rest.port=N" in caught.value.hint


async def test_a_renewed_certificate_is_shown_to_the_next_connection():
    homes = [Pki("home") for _ in range(2)]
    tls = Tls(shown_by(homes[0]))
    async with Greeter(tls) as (address, seen):
        for home in homes:
            tls.replace(shown_by(home))
            web = Web(address=address, ca_pem=home.authority.certificate_pem)
            reader, writer = await web.connect()
            assert await reader.read() == b"hello"
            writer.close()
        assert seen == [None, None]


async def test_a_clients_certificate_counts_if_its_authority_is_believed_now():
    homes = [Pki("home") for _ in range(2)]
    tls = Tls(shown_by(homes[0]))
    tls.replace(replace(shown_by(homes[0]), ca_pem=homes[1].authority.certificate_pem))
    async with Greeter(tls) as (address, seen):
        for home, is_believed in zip(homes, (False, True), strict=True):
            context = ssl.create_default_context(cadata=homes[0].authority.certificate_pem.decode())
            load(context, home.credentials("client"))
            web = Web(address=address, context=context)
            try:
                reader, writer = await web.connect()
                greeting = await reader.read()
                writer.close()
            except OSError:
                greeting = b""
            assert (greeting == b"hello") is is_believed
        assert [each is not None for each in seen] == [True]


def shown_by(home):
    held = home.credentials("n1")
    return Shown(held.key_pem, held.certificate_pem, home.authority.certificate_pem)


def load(context, credentials):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pair.pem")
        path.write_bytes(credentials.key_pem + credentials.certificate_pem)
        context.load_cert_chain(path)


class Greeter:
    """Greets each client over TLS, and notes its certificate."""

    def __init__(self, tls):
        self._tls, self._seen, self._stack = tls, [], AsyncExitStack()

    async def __aenter__(self):
        server = await asyncio.start_server(self._greet, "127.0.0.1", 0, ssl=self._tls.context)
        await self._stack.enter_async_context(server)
        return f"127.0.0.1:{server.sockets[0].getsockname()[1]}", self._seen

    async def __aexit__(self, *failure):
        await self._stack.aclose()

    async def _greet(self, _reader, writer):
        self._seen.append(writer.get_extra_info("ssl_object").getpeercert(binary_form=True))
        writer.write(b"hello")
        await writer.drain()
        writer.close()
