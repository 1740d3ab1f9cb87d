"""Dead letters in memory: what waits for the disk, and what has to make room."""

import threading

import pytest

from caxton_node.fipa import FailureReason
from caxton_node.messaging.dead_letters import DeadLetter, DeadLetters

pytestmark = pytest.mark.story("002")
LOST, FULL = FailureReason.NO_SUCH_AGENT, FailureReason.MAILBOX_FULL


def letter(number: int, size: int = 10, reason: FailureReason = LOST) -> DeadLetter:
    return DeadLetter(number, reason, "", f"agent-{number}", bytes(size))


def numbers(letters: list[DeadLetter]) -> list[int]:
    return [found.at_unix_us for found in letters]


def test_the_newest_come_first_and_the_oldest_are_taken_first() -> None:
    letters = DeadLetters()
    for number in range(4):
        letters.add(letter(number))
    assert numbers(letters.newest(2)) == [3, 2]
    assert numbers(letters.take(3)) == [0, 1, 2]
    assert numbers(letters.take(3)) == [3]
    assert letters.take(3) == []


def test_the_oldest_make_room_by_count_and_by_bytes() -> None:
    letters = DeadLetters(count_max=3, bytes_max=25)
    for number in range(4):
        letters.add(letter(number))
    assert numbers(letters.newest()) == [3, 2]
    assert letters.forgotten[LOST] == 2
    letters.add(letter(9, size=26))
    assert (len(letters), letters.forgotten[LOST], letters.total[LOST]) == (0, 5, 5)


def test_what_the_disk_did_not_take_is_the_oldest_again_and_goes_first() -> None:
    letters = DeadLetters(count_max=3)
    for number in range(3):
        letters.add(letter(number, reason=FULL))
    taken = letters.take(2)
    letters.add(letter(3))
    letters.put_back(taken)
    assert numbers(letters.newest()) == [3, 2, 1]
    assert (letters.forgotten[FULL], letters.forgotten[LOST]) == (1, 0)


def test_bytes_are_free_again_when_letters_are_taken() -> None:
    letters = DeadLetters(bytes_max=20)
    for number in range(50):
        letters.add(letter(number))
        assert numbers(letters.take(1)) == [number]
    assert letters.forgotten[LOST] == 0


def test_a_flood_from_many_threads_is_counted_to_the_last_letter_and_held_in_bounds() -> None:
    letters = DeadLetters(count_max=100)
    taken: list[DeadLetter] = []

    def flood(reason: FailureReason) -> None:
        for number in range(5_000):
            letters.add(letter(number, reason=reason))
            if not number % 500:
                taken.extend(letters.take(10))

    threads = [threading.Thread(target=flood, args=(reason,)) for reason in (LOST, FULL) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (letters.total[LOST], letters.total[FULL]) == (10_000, 10_000)
    assert len(letters) == 100
    assert sum(letters.forgotten.values()) + len(letters) + len(taken) == 20_000
