import asyncio
import threading

import pytest

from caxton_node.api.fanout import Fanout
from caxton_node.api.feed import Feed

pytestmark = pytest.mark.story("006")


async def test_items_come_in_order_and_drops_are_told_with_the_next_one():
    feed: Feed[int] = Feed(3)
    for number in range(5):
        feed.offer(number)
    assert [await feed.take() for _ in range(3)] == [(0, 2), (1, 0), (2, 0)]


async def test_items_are_bounded_by_size_and_there_is_room_again_when_they_are_taken():
    feed: Feed[bytes] = Feed(100, size_max=10, measure=len)
    for item in (b"12345", b"123456", b"12345", b""):
        feed.offer(item)
    assert [await feed.take() for _ in range(3)] == [(b"12345", 1), (b"12345", 0), (b"", 0)]
    feed.offer(b"1234567890")
    assert await feed.take() == (b"1234567890", 0)


async def test_a_reader_that_waits_is_woken_from_another_thread():
    feed: Feed[str] = Feed(10)
    waiting = asyncio.create_task(feed.take())
    await asyncio.sleep(0)
    thread = threading.Thread(target=feed.offer, args=("news",))
    thread.start()
    async with asyncio.timeout(5):
        assert await waiting == ("news", 0)
    thread.join()


async def test_many_threads_lose_nothing_that_was_not_counted():
    feed: Feed[int] = Feed(50)
    threads = [threading.Thread(target=lambda: [feed.offer(1) for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    got = dropped = 0
    async with asyncio.timeout(10):
        while any(thread.is_alive() for thread in threads) or feed._items:
            if not feed._items:
                await asyncio.sleep(0)
                continue
            _, lost = await feed.take()
            got, dropped = got + 1, dropped + lost
    assert got + dropped + feed._dropped == 2000


def test_a_follower_that_has_left_hears_nothing_and_the_others_go_on():
    fanout: Fanout[int] = Fanout()
    first, second = [], []
    leave = fanout.follow(first.append)
    fanout.follow(second.append)
    fanout.publish(1)
    leave()
    fanout.publish(2)
    assert (first, second) == ([1], [1, 2])
