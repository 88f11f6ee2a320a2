"""Working time in Europe/Samara (UTC+4), 09:00–18:00, by the Russian calendar."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts import working_time

SAMARA = ZoneInfo("Europe/Samara")
DAY = timedelta(hours=9)

moments = st.datetimes(
    *map(datetime.fromisoformat, ["2024-01-01", "2029-12-31"]), timezones=st.sampled_from([SAMARA, UTC])
)
durations = st.timedeltas(timedelta(0), timedelta(days=5))


def local(text):
    return datetime.fromisoformat(text).replace(tzinfo=SAMARA)


@pytest.mark.parametrize(
    ("sent", "hours", "deadline"),
    [
        ("2026-11-24 10:00", 2, "2026-11-24 12:00"),  # a Tuesday
        ("2026-11-24 16:00", 2, "2026-11-24 18:00"),  # the closing minute is still in time
        ("2026-11-24 17:00", 2, "2026-11-25 10:00"),
        ("2026-11-24 03:00", 2, "2026-11-24 11:00"),
        ("2026-11-24 18:00", 2, "2026-11-25 11:00"),
        ("2026-11-24 23:59", 2, "2026-11-25 11:00"),
        ("2026-11-27 17:30", 2, "2026-11-30 10:30"),  # over a weekend
        ("2026-11-28 12:00", 2, "2026-11-30 11:00"),
        ("2026-12-30 17:00", 2, "2027-01-11 10:00"),  # over the New Year holidays
        ("2026-12-31 12:00", 1, "2027-01-11 10:00"),  # the 31st is a day off in place of a Sunday
        ("2027-02-20 12:00", 1, "2027-02-20 13:00"),  # a Saturday that is a working day
        ("2027-02-22 12:00", 1, "2027-02-24 10:00"),
        ("2026-11-24 10:00", 27, "2026-11-27 10:00"),
        ("2026-11-24 20:00", 0, "2026-11-25 09:00"),
    ],
)
def test_a_deadline_passes_only_working_hours(sent, hours, deadline):
    assert working_time.deadline_after(local(sent), timedelta(hours=hours)) == local(deadline)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-11-24 10:00", "2026-11-24 12:30", 2.5),
        ("2026-11-24 07:00", "2026-11-24 20:00", 9),
        ("2026-11-24 17:00", "2026-11-25 10:00", 2),
        ("2026-11-24 19:00", "2026-11-25 08:00", 0),
        ("2026-11-27 17:00", "2026-11-30 10:00", 2),
        ("2026-12-30 17:00", "2027-01-11 09:00", 1),
        ("2026-11-24 12:00", "2026-11-24 11:00", 0),
    ],
)
def test_time_between_counts_only_working_hours(start, end, hours):
    assert working_time.between(local(start), local(end)) == timedelta(hours=hours)


@settings(deadline=None)
@given(moments, durations)
def test_a_deadline_leaves_exactly_the_time_that_was_given(start, working):
    deadline = working_time.deadline_after(start, working)

    assert working_time.between(start, deadline) == working


@settings(deadline=None)
@given(moments, durations)
def test_a_deadline_lies_within_the_working_hours_of_a_working_day(start, working):
    deadline = working_time.deadline_after(start, working).astimezone(SAMARA)

    assert working_time.is_working_day(deadline.date())
    assert timedelta(hours=9) <= deadline - deadline.replace(hour=0, minute=0, second=0, microsecond=0) <= 2 * DAY


@settings(deadline=None)
@given(moments, durations, st.timedeltas(timedelta(0), timedelta(days=10)))
def test_a_later_request_never_gets_an_earlier_deadline(start, working, later):
    first = working_time.deadline_after(start, working)

    assert first <= working_time.deadline_after(start + later, working)


@settings(deadline=None)
@given(st.lists(moments, min_size=3, max_size=3).map(sorted))
def test_the_parts_of_a_period_add_up_to_the_whole(three):
    start, middle, end = three

    whole = working_time.between(start, middle) + working_time.between(middle, end)

    assert whole == working_time.between(start, end)


def test_other_hours_come_from_the_settings(settings):
    settings.WORKING_DAY_START, settings.WORKING_DAY_END = "08:30", "12:00"

    deadline = working_time.deadline_after(local("2026-11-24 11:00"), timedelta(hours=2))

    assert deadline == local("2026-11-25 09:30")


def test_a_day_that_ends_before_it_starts_is_refused(settings):
    settings.WORKING_DAY_END = "08:00"

    with pytest.raises(ImproperlyConfigured, match="earlier"):
        working_time.deadline_after(local("2026-11-24 11:00"), timedelta(hours=2))


@pytest.mark.parametrize("day", [date(2026, 11, 28), date(2026, 11, 4), date(2027, 1, 6), date(2030, 1, 1)])
def test_weekends_and_holidays_are_free(day):
    assert not working_time.is_working_day(day)


@pytest.mark.parametrize(
    ("minutes", "text"), [(0, "0 min"), (59, "59 min"), (60, "1 h"), (80, "1 h 20 min"), (1500, "25 h")]
)
def test_working_time_reads_as_hours_and_minutes(minutes, text):
    written = working_time.as_text(timedelta(minutes=minutes, seconds=20))

    assert written.replace("\N{NO-BREAK SPACE}", " ") == text
