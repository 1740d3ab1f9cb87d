import asyncio

import pytest

from caxton_node.agents.shared_lock import SharedLock

pytestmark = pytest.mark.story("003")


async def hold(context, log, name, release):
    async with context:
        log.append(f"{name} in")
        await release.wait()
    log.append(f"{name} out")


async def turns(count=5):
    for _ in range(count):
        await asyncio.sleep(0)


async def test_those_who_add_are_inside_together_and_one_who_takes_away_is_alone():
    lock, log = SharedLock(), []
    first, second, third = (asyncio.Event() for _ in range(3))
    async with asyncio.TaskGroup() as group:
        group.create_task(hold(lock.together(), log, "a", first))
        group.create_task(hold(lock.together(), log, "b", first))
        await turns()
        assert log == ["a in", "b in"]
        group.create_task(hold(lock.alone(), log, "c", second))
        await turns()
        group.create_task(hold(lock.together(), log, "d", third))
        await turns()
        assert log == ["a in", "b in"], "who waits to be alone lets nobody else in"
        first.set()
        await turns()
        assert log == ["a in", "b in", "a out", "b out", "c in"]
        second.set()
        await turns()
        assert log[-2:] == ["c out", "d in"]
        third.set()


async def test_one_who_fails_inside_lets_others_in():
    lock = SharedLock()
    for context in (lock.together, lock.alone):
        with pytest.raises(ZeroDivisionError):
            async with context():
                raise ZeroDivisionError
    async with asyncio.timeout(1), lock.alone():
        pass
