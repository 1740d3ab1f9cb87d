"""How tasks look."""

from __future__ import annotations

import pytest

from caxton_node.cli.output import Output
from caxton_node.cli.task_progress import LINES_MAX, Progress
from caxton_node.cli.task_sheet import COLUMNS, name_of, show_task
from caxton_node.client.plain import plain
from caxton_node.pb import tasks_pb2 as pb

pytestmark = [pytest.mark.story("008"), pytest.mark.story("011")]

T0 = 1_700_000_000_000


def bid(
    name: str, price: float, *, at: int = 5, rank: int = 1, verdict: str = "rejected", **more: object
) -> pb.TaskBid:
    made = pb.TaskBid(
        contractor=f"{name}@n1",
        round=1,
        at_unix_ms=T0 + at,
        answered_ms=float(at),
        content=b'{"price": %g}' % price,
        normalised={"price": 0.5},
        rank=rank,
        verdict=verdict,
        **more,
    )
    made.terms.update({"price": price})
    return made


def task(**more: object) -> pb.Task:
    made = pb.Task(
        task_id="ab12",
        node="n1",
        state=pb.TASK_STATE_COMPLETED,
        outcome="done",
        capability="masonry",
        called=3,
        bids=2,
        winners=["ann@n1"],
        submitted_unix_ms=T0,
        finished_unix_ms=T0 + 1_250,
    )
    detail = pb.TaskDetail(
        version=7,
        reason="delivered by ann@n1",
        initiator="task~ab12@n1",
        conversation_id="task-ab12",
        protocol="fipa-contract-net",
        content=b'{"task": "wall"}',
        prefer=["min:price"],
        winners_wanted=1,
        rounds_max=1,
        proposals_within_ms=5_000,
        results_within_ms=30_000,
        found=3,
        contractors=["ann@n1", "bob@n1", "cid@n1"],
        awarded_unix_ms=T0 + 250,
        rounds=[pb.TaskRound(number=1, at_unix_ms=T0 + 1, called=3, bids=2, best="ann@n1", best_score=1)],
        bids=[
            bid("bob", 1_234_567.25, rank=2, score=0.0, reason="another bid is better", at=4),
            bid("ann", 80, score=1.0, verdict="done", reason="score 1, the next is bob@n1 with 0"),
        ],
        notes=[pb.TaskNote(at_unix_ms=T0 + 3, contractor="cid@n1", round=1, what="refused", detail="busy")],
        results=[pb.TaskResult(contractor="ann@n1", at_unix_ms=T0 + 1_250, content=b'"built"', size_bytes=7)],
    )
    made.detail.CopyFrom(detail)
    made.detail.MergeFrom(pb.TaskDetail(**more))
    return made


def shown(made: pb.Task, capsys: pytest.CaptureFixture[str], form: str = "table") -> list[str]:
    show_task(Output(form), plain(made))
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def told(made: list[pb.Task], capsys: pytest.CaptureFixture[str]) -> list[str]:
    progress = Progress(Output())
    for each in made:
        progress.show(plain(each))
    progress.end(plain(made[-1]))
    return [" ".join(line.split()) for line in capsys.readouterr().err.splitlines()]


def test_a_task_is_shown_with_its_bids_best_first_and_why(capsys):
    lines = shown(task(), capsys)
    assert lines[0] == "ab12@n1 is Completed (done): delivered by ann@n1"
    assert "asked for masonry: 3 found, 3 called" in lines
    assert "took 1.25 s: 250 ms to the award, 1 s of work" in lines
    table = lines[lines.index("bids") + 1 :]
    assert table[:3] == [
        "RANK CONTRACTOR ANSWERED PRICE SCORE VERDICT WHY",
        "1 ann@n1 5 ms 80 1.000 done score 1, the next is bob@n1 with 0",
        "2 bob@n1 4 ms 1,234,567.25 0.000 rejected another bid is better",
    ]
    assert "cid@n1 refused 3 ms 1 busy" in lines
    assert 'ann@n1 1.25 s "built"' in lines


def test_a_bid_without_a_score_has_none(capsys):
    lines = shown(
        task(bids=[bid("dan", 5, rank=0, verdict="disqualified", reason="price<=1 is broken")]), capsys
    )
    assert "dan@n1 5 ms 5 disqualified price<=1 is broken" in lines


def test_of_hundreds_of_bids_the_best_are_shown_unless_all_are_wanted(capsys):
    many = task(bids=[bid(f"m{number}", number, rank=number + 3, score=0.0) for number in range(100)])
    assert "and 77 more: -o wide" in shown(many, capsys)
    wide = shown(many, capsys, "wide")
    assert sum("another bid is better" in line or "rejected" in line for line in wide) == 101
    assert not any("more: -o wide" in line for line in wide)


def test_rounds_have_a_table_when_there_were_several(capsys):
    lines = shown(task(rounds=[pb.TaskRound(number=2, called=2, bids=2, best="ann@n1")]), capsys)
    assert "2 2 2 ann@n1 nothing by its step" in lines
    assert "rounds" not in shown(task(), capsys)


def test_what_agents_say_cannot_move_the_cursor(capsys):
    nasty = "\x1b[2Jgone"
    made = task(
        notes=[pb.TaskNote(contractor="x@n1", what="refused", detail=nasty, at_unix_ms=T0)],
        results=[pb.TaskResult(contractor="x@n1", content=nasty.encode(), at_unix_ms=T0)],
    )
    made.detail.bids.append(bid("x", 1, reason=nasty))
    assert "\x1b" not in "".join(shown(made, capsys) + told([made], capsys))


def test_a_result_that_was_too_large_says_so(capsys):
    made = task(results=[pb.TaskResult(contractor="ann@n1", size_bytes=9_000_000, at_unix_ms=T0)])
    assert "ann@n1 0 s 9,000,000 bytes, too much to be kept" in shown(made, capsys)


def test_the_course_is_told_once_and_in_the_order_of_time(capsys):
    early = task()
    del early.detail.bids[1:], early.detail.notes[:], early.detail.results[:]
    assert told([early, early, task()], capsys) == [
        "round 1 of 1: 3 called",
        '4 ms bob@n1 proposes {"price": 1.23457e+06}',
        "3 ms cid@n1 refuses busy",
        '5 ms ann@n1 proposes {"price": 80}',
        "ann@n1 gets the work: score 1, the next is bob@n1 with 0",
        "done after 1.25 s: delivered by ann@n1",
        "caxton task get ab12@n1 shows why",
    ]


def test_a_person_is_not_flooded(capsys):
    lines = told([task(bids=[bid(f"m{n}", n) for n in range(500)])], capsys)
    assert sum(" proposes " in line for line in lines) < LINES_MAX
    assert "and 483 lines like these" in lines


def test_a_list_names_tasks_as_other_commands_take_them(capsys):
    Output().rows([plain(task())], COLUMNS, empty="")
    head, line = capsys.readouterr().out.splitlines()
    assert line.split()[:7] == ["ab12@n1", "Completed", "done", "masonry", "3", "2", "ann@n1"]
    assert head.split()[0] == "TASK"
    assert name_of(plain(task())) == "ab12@n1"
