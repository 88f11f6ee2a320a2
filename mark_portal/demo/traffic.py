"""Traffic of the last weeks by hours, and by days for a year at some: made in the database, the same at every fill."""

from datetime import datetime, timedelta

from django.db import connection

from accounts.models import Contract
from mark_portal.demo import days
from mark_portal.demo.plans import Shows
from mark_portal.demo.stories import Story
from tariffs.models import TrafficDay, TrafficHour

HOURS_BACK = timedelta(days=14)
YEAR = timedelta(days=400)
EVERY = 6  # one contract of so many has a year of days, the first one among them
OVER = 1.03  # of the included volume
GB = 1_000_000_000

# Evenings are busy, nights are quiet, each hour differs; a share of the line is used, never more than it carries.
HOURS = """
INSERT INTO tariffs_traffichour (contract_id, hour, down, up)
SELECT contract, hour, down, down / 9 FROM (
    SELECT contract, hour, (
        speed * 450000000.0 * 0.012 * (0.3 + (hashtext('line' || contract) & 1023) / 700.0)
        * (0.15 + greatest(sin((extract(hour FROM hour AT TIME ZONE %(zone)s) - 9) * pi() / 15), 0))
        * (0.4 + (hashtext(contract || ':' || extract(epoch FROM hour)) & 1023) / 850.0)
    )::bigint AS down
    FROM unnest(%(contracts)s::bigint[], %(speeds)s::int[]) AS line (contract, speed),
         generate_series(%(since)s, %(until)s, interval '1 hour') AS hour
) AS made
"""
DAYS_OF_HOURS = """
INSERT INTO tariffs_trafficday (contract_id, day, down, up)
SELECT contract_id, (hour AT TIME ZONE %(zone)s)::date, sum(down), sum(up) FROM tariffs_traffichour GROUP BY 1, 2
"""
DAYS_BEFORE = """
INSERT INTO tariffs_trafficday (contract_id, day, down, up)
SELECT contract, day, down, down / 9 FROM (
    SELECT contract, day::date AS day, (
        speed * 450000000.0 * 0.15 * (0.3 + (hashtext('line' || contract) & 1023) / 700.0)
        * (0.5 + (hashtext(contract || ':' || day) & 1023) / 900.0)
        * CASE WHEN extract(isodow FROM day) > 5 THEN 1.4 ELSE 1 END
    )::bigint AS down
    FROM unnest(%(contracts)s::bigint[], %(speeds)s::int[], %(sinces)s::date[]) AS line (contract, speed, since),
         generate_series(since, %(until)s, interval '1 day') AS day
) AS made
"""
RAISE = """
UPDATE {table} SET down = (down * %(factor)s)::bigint, up = (up * %(factor)s)::bigint
WHERE contract_id = %(contract)s AND {column} >= %(since)s
"""


def fill(contracts: list[Contract], stories: list[Story], now: datetime) -> dict[str, int]:
    told = list(zip(contracts, stories, strict=True))
    lines = [(contract, speed) for contract, story in told if (speed := _speed(contract, story))]
    today = now.astimezone(days.ZONE).date()
    begins = days.moment(today, 0) - HOURS_BACK
    spent = next(contract for contract, story in told if story.plan.shows == Shows.VOLUME_SPENT)
    with connection.cursor() as cursor:
        cursor.execute(
            HOURS,
            {
                "zone": str(days.ZONE),
                "contracts": [contract.pk for contract, _speed in lines],
                "speeds": [speed for _contract, speed in lines],
                "since": begins,
                "until": now - timedelta(hours=1),
            },
        )
        cursor.execute(DAYS_OF_HOURS, {"zone": str(days.ZONE)})
        long = [*lines[::EVERY], *(line for line in lines if line[0] == spent)]
        cursor.execute(
            DAYS_BEFORE,
            {
                "contracts": [contract.pk for contract, _speed in long],
                "speeds": [speed for _contract, speed in long],
                "sinces": [max(contract.started_on, today - YEAR) for contract, _speed in long],
                "until": today - HOURS_BACK - timedelta(days=1),
            },
        )
    _spend(spent, 200 * GB, now)
    return {"traffic hours": TrafficHour.objects.count(), "traffic days": TrafficDay.objects.count()}


def _speed(contract: Contract, story: Story) -> int:
    """Mbit/s of a line in use now; 0 where nothing flows."""
    if contract.state != Contract.State.ACTIVE:
        return 0
    numbers = [int(word) for word in story.plan.tariff.title.split() if word.isdigit()]
    return numbers[0] if numbers else 0


def _spend(contract: Contract, volume: int, now: datetime) -> None:
    """Raise the month's traffic past the volume."""
    first = days.first_day(days.month_of(now.astimezone(days.ZONE).date()))
    month = TrafficDay.objects.filter(contract=contract, day__gte=first)
    used = sum(down + up for down, up in month.values_list("down", "up"))
    if not used:  # the first minutes of a month
        TrafficDay.objects.create(contract=contract, day=first, down=volume, up=volume // 10)
        return
    factor = {"factor": volume * OVER / used, "contract": contract.pk}
    with connection.cursor() as cursor:
        cursor.execute(RAISE.format(table="tariffs_trafficday", column="day"), {**factor, "since": first})
        since = days.moment(first, 0)
        cursor.execute(RAISE.format(table="tariffs_traffichour", column="hour"), {**factor, "since": since})
