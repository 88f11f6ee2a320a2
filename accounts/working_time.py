"""Working time of «Марк»: the hours of settings.WORKING_DAY_* on the days that the Russian calendar calls working."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import takewhile

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.translation import gettext as _
from holidays import country_holidays

Hours = tuple[datetime, datetime]


def deadline_after(moment: datetime, working: timedelta) -> datetime:
    """The earliest moment by which `working` time has passed since `moment`, within working hours; in UTC."""
    for opens, closes in _hours_from(moment):
        begins = max(opens, moment)
        if begins <= closes and working <= closes - begins:
            return (begins + working).astimezone(UTC)
        working -= max(closes - begins, timedelta(0))
    raise AssertionError("the calendar has no end")


def between(start: datetime, end: datetime) -> timedelta:
    """How much working time lies between two moments; nothing if `end` is not later than `start`."""
    days = takewhile(lambda hours: hours[0] < end, _hours_from(start))
    return sum((max(min(closes, end) - max(opens, start), timedelta(0)) for opens, closes in days), timedelta(0))


def is_working_day(day: date) -> bool:
    """Neither a weekend nor a holiday, or a Saturday that the government has made a working day."""
    return day in _working_days(day.year)


def as_text(working: timedelta) -> str:
    """«1 h 20 min» on one line; seconds are dropped."""
    hours, minutes = divmod(int(working / timedelta(minutes=1)), 60)
    if not hours:
        text = _("%(minutes)d min") % {"minutes": minutes}
    elif not minutes:
        text = _("%(hours)d h") % {"hours": hours}
    else:
        text = _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _hours_from(moment: datetime) -> Iterator[Hours]:
    """The hours of each working day, from the one `moment` falls on, without end."""
    first, last = time.fromisoformat(settings.WORKING_DAY_START), time.fromisoformat(settings.WORKING_DAY_END)
    if first >= last:
        raise ImproperlyConfigured("WORKING_DAY_START must be earlier than WORKING_DAY_END.")
    zone = timezone.get_default_timezone()
    day = timezone.localdate(moment, zone)
    while True:
        if is_working_day(day):
            yield datetime.combine(day, first, zone), datetime.combine(day, last, zone)
        day += timedelta(days=1)


@lru_cache(maxsize=16)
def _working_days(year: int) -> frozenset[date]:
    calendar = country_holidays("RU", years=year, expand=False)
    days = (date(year, 1, 1) + timedelta(days=number) for number in range(366))
    return frozenset(day for day in days if day.year == year and calendar.is_working_day(day))
