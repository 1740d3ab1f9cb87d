"""How many uploads there may be, how large, and for how long: without any file."""

from __future__ import annotations

import pytest

from caxton_node.agents.upload_desk import KEPT_S, UNFINISHED_MAX, UploadDesk
from caxton_node.core.errors import InvalidArgument, ResourceLimit, StateError

pytestmark = pytest.mark.story("006")


@pytest.fixture
def desk() -> UploadDesk:
    return UploadDesk(module_bytes_max=100, bytes_max=1000)


def test_so_many_uploads_may_be_unfinished_and_one_more_when_one_is_whole(desk: UploadDesk) -> None:
    for number in range(UNFINISHED_MAX):
        desk.begin(f"m{number}", 10, now=0)
    with pytest.raises(ResourceLimit, match="are unfinished"):
        desk.begin("more", 10, now=0)
    desk.begin("m3", 10, now=1)
    desk.finish("m3", now=1)
    desk.begin("more", 10, now=1)


def test_together_they_may_promise_so_much(desk: UploadDesk) -> None:
    for number in range(10):
        desk.begin(f"m{number}", 100, now=0)
        desk.finish(f"m{number}", now=0)
    with pytest.raises(ResourceLimit, match="uploads may take"):
        desk.begin("more", 1, now=0)
    desk.forget("m0")
    desk.begin("more", 100, now=0)


@pytest.mark.parametrize(
    ("size", "error"), [(0, InvalidArgument), (-1, InvalidArgument), (101, ResourceLimit)]
)
def test_a_size_must_be_one(desk: UploadDesk, size: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        desk.begin("m", size, now=0)
    assert desk.find("m") is None


def test_only_the_latest_sender_may_go_on(desk: UploadDesk) -> None:
    older, newer = desk.begin("m", 10, now=0), desk.begin("m", 10, now=1)
    desk.check_sender("m", newer)
    with pytest.raises(StateError, match="taken over"):
        desk.check_sender("m", older)
    desk.forget("m")
    with pytest.raises(StateError):
        desk.check_sender("m", newer)


def test_what_nobody_goes_on_with_or_deploys_goes_after_an_hour(desk: UploadDesk) -> None:
    desk.begin("part", 10, now=0)
    desk.begin("whole", 10, now=0)
    desk.finish("whole", now=5)
    assert desk.keeps("whole", now=KEPT_S)
    assert not desk.keeps("part", now=1)
    assert [upload.sha256 for upload in desk.expired(KEPT_S)] == ["part"]
    desk.note("part", 3, now=10)
    assert [upload.sha256 for upload in desk.expired(KEPT_S + 5)] == ["whole"]
    assert not desk.keeps("whole", now=KEPT_S + 5)


def test_what_an_earlier_run_left_counts_with_what_is_there(desk: UploadDesk) -> None:
    desk.remember("m", 950, touched_at=0)
    with pytest.raises(ResourceLimit):
        desk.begin("other", 100, now=1)
    desk.begin("m", 100, now=1)
