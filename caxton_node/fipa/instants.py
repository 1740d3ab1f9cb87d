"""Moments as people write them: FIPA's DateTime and RFC 3339, from and to a count since 1970. Pure.

The calendar is counted here, because a pure package reads no clock and the standard library's calendar ends
with the year 9999, while an envelope's deadline may lie beyond. Such years have more than four digits, in
FIPA's form only.

Source: FIPA SC00070I section 2.3 (DateTimeToken), RFC 3339 section 5.6; days to dates after H. Hinnant,
"chrono-compatible low-level date algorithms".
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from caxton_node.fipa.message import UNIX_MAX

MS_PER_S = 1_000
US_PER_S = 1_000_000
DAY_S = 86_400
_FIPA = re.compile(r"(\+?)(\d{4,6})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})?([A-Z]?)", re.ASCII | re.IGNORECASE)
_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))",
    re.ASCII | re.IGNORECASE,
)
_MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_YEAR_DAYS, _MONTH_MEAN_DAYS = 365, 30


def write_fipa(unix_ms: int) -> str:
    """Return FIPA's form in UTC, for example `20261125T120000000Z`."""
    seconds, millis = divmod(unix_ms, MS_PER_S)
    year, month, day = _date_of(seconds // DAY_S)
    hour, minute, second = _time_of(seconds)
    return f"{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}{millis:03}Z"


def read_fipa(text: str, now_unix_ms: int | None) -> int:
    """Return unix milliseconds of `20261125T120000000Z`, or of `+00000000T000030000`: in thirty seconds.

    Args:
        text: As written; the milliseconds may be left out. In a relative time a year has 365 days and a month
            thirty.
        now_unix_ms: What a relative time counts from; None refuses one.

    Raises:
        ValueError: It is no such time, or its zone is not known.
    """
    found = _FIPA.fullmatch(text)
    if not found:
        raise ValueError("a time is written as 20261125T120000000Z, or +00000000T000030000 from now")
    year, month, day, *time = (int(part) for part in found.group(2, 3, 4, 5, 6, 7))
    millis, zone = int(found[8] or 0), found[9].upper()
    if found[1]:
        if now_unix_ms is None:
            raise ValueError("a relative time cannot be read here; write the time itself, ending in Z")
        days = year * _YEAR_DAYS + month * _MONTH_MEAN_DAYS + day
        return _bounded(now_unix_ms + _seconds_of(days, time) * MS_PER_S + millis)
    if zone != "Z":
        raise ValueError("the time zone is not known; write the time in UTC, ending in Z")
    return _bounded(_seconds_of(_day_of(year, month, day), time) * MS_PER_S + millis)


def write_rfc3339(unix: int, per_second: int) -> str | None:
    """Return for example `2026-11-25T12:00:00.000Z`, or None after the year 9999, where RFC 3339 ends.

    Args:
        unix: Units since 1970.
        per_second: Units in a second: `MS_PER_S` or `US_PER_S`.
    """
    seconds, rest = divmod(unix, per_second)
    year, month, day = _date_of(seconds // DAY_S)
    hour, minute, second = _time_of(seconds)
    digits = len(str(per_second)) - 1
    written = f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{rest:0{digits}}Z"
    return written if year <= 9999 else None


def read_rfc3339(text: str, per_second: int) -> int:
    """Return units since 1970; digits finer than a unit are cut off.

    Raises:
        ValueError: It is no such time.
    """
    found = _RFC3339.fullmatch(text)
    if not found:
        raise ValueError("a time is written as 2026-11-25T12:00:00Z or 2026-11-25T13:00:00+01:00")
    year, month, day, *time = (int(part) for part in found.group(1, 2, 3, 4, 5, 6))
    seconds = _seconds_of(_day_of(year, month, day), time)
    if found[8]:
        ahead_s = int(found[9]) * 3600 + int(found[10]) * 60
        seconds -= ahead_s if found[8] == "+" else -ahead_s
    digits = len(str(per_second)) - 1
    return _bounded(seconds * per_second + int((found[7] or "0").ljust(digits, "0")[:digits]))


def _bounded(unix: int) -> int:
    if not 0 <= unix <= UNIX_MAX:
        raise ValueError("the time lies before 1970 or too far ahead")
    return unix


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _seconds_of(days: int, time: Sequence[int]) -> int:
    hour, minute, second = time
    if hour > 23 or minute > 59 or second > 60:  # a leap second is the first of the next minute
        raise ValueError(f"there is no time {hour:02}:{minute:02}:{second:02}")
    return ((days * 24 + hour) * 60 + minute) * 60 + second


def _time_of(seconds: int) -> tuple[int, int, int]:
    minutes, second = divmod(seconds % DAY_S, 60)
    return *divmod(minutes, 60), second


def _day_of(year: int, month: int, day: int) -> int:
    """Count days from 1970-01-01; the year is turned to begin with March, so that a leap day is its last."""
    if not 1 <= month <= 12:
        raise ValueError(f"there is no month {month}")
    if not 1 <= day <= _MONTH_DAYS[month - 1] or ((month, day) == (2, 29) and not _is_leap(year)):
        raise ValueError(f"month {month} of {year} has no day {day}")
    years = year - (month <= 2)
    era, of_era = divmod(years, 400)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


def _date_of(days: int) -> tuple[int, int, int]:
    """Return year, month and day; the inverse of `_day_of`."""
    era, day = divmod(days + 719_468, 146_097)
    of_era = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    of_year = day - (365 * of_era + of_era // 4 - of_era // 100)
    turned = (5 * of_year + 2) // 153
    month = turned + 3 if turned < 10 else turned - 9
    return of_era + era * 400 + (month <= 2), month, of_year - (153 * turned + 2) // 5 + 1
