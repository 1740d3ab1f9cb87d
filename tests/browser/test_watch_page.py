"""The example page of the docs in a real browser, on a connection that is cut again and again."""

import asyncio
import json

import pytest

from tests.support.meshes import until
from tests.support.tcp_proxy import TcpProxy
from tests.support.toxics import Toxic
from tests.support.web_streams import number_of, send_numbers

pytestmark = [pytest.mark.story("007"), pytest.mark.asyncio(loop_scope="session")]

COUNT = 1000
STATE = "return document.getElementById('state').textContent"


def begin(browser, pages, url, token):
    browser.go(f"{pages}/watch.html")
    for field, text in (
        ("url", url),
        ("token", token),
        ("operation", "CaxtonManagement/SubscribeMessages"),
        ("request", json.dumps({"agents": ["echo"]})),
    ):
        browser.type(f"//input[@id='{field}']", text)
    browser.click("//button[@id='watch']")


async def test_a_page_sees_a_thousand_events_once_and_in_order_although_its_connection_is_cut(
    node, pages, browser, tmp_path
):
    target = int(node.daemon.listening()["rest"].rpartition(":")[2])
    with TcpProxy(target) as path:
        url = f"wss://127.0.0.1:{path.port}/ws"
        await asyncio.to_thread(begin, browser, pages, url, node.admin_token)
        await asyncio.to_thread(browser.wait_for, f"{STATE} === 'reading'")
        sending = asyncio.create_task(send_numbers(node, COUNT))
        for share in (100, 250, 500, 750):
            wait = "return seen.filter((e) => e.message.performative === 'request').length >= arguments[0]"
            await asyncio.to_thread(browser.wait_for, wait, share)
            made = path.made
            path.add(Toxic("reset_peer"))
            await until(lambda made=made: path.made > made, 30)  # it was cut, and tries to come back
            path.clear()
        await asyncio.to_thread(browser.wait_for, wait, COUNT)
        await sending
        seen = await asyncio.to_thread(browser.run, "return seen")
        await asyncio.to_thread(browser.screenshot, tmp_path / "watch.png")
        assert path.made >= 5
    numbers = [number for event in seen if (number := number_of(event)) is not None]
    assert numbers == list(range(COUNT))
    assert not any(int(event["dropped"]) for event in seen)


async def test_a_page_is_told_when_its_token_is_wrong(node, pages, browser):
    url = f"wss://{node.daemon.listening()['rest']}/ws"
    await asyncio.to_thread(begin, browser, pages, url, "nonsense")
    await asyncio.to_thread(browser.wait_for, f"{STATE}.startsWith('UNAUTHORIZED')")
