"""The demo's data: both cities, staff, 300 contracts and two years of their money. Seeded; relative to today."""

from datetime import datetime, timedelta
from random import Random

from django.apps import apps
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Contract, Street
from mark_portal.demo import (
    catalogue,
    contracts,
    days,
    money,
    places,
    plans,
    requests,
    services,
    staff,
    steps,
    stories,
    traces,
    traffic,
)

SEED = "mark-2026"


def random_for(topic: str) -> Random:
    """A sequence of its own for each topic, so that a change in one does not shuffle the others."""
    return Random(f"{SEED}:{topic}")


def tell_stories(now: datetime) -> list[stories.Story]:
    """Every contract's two years, without a database. The same all day: nothing of today but the night's charge."""
    today = timezone.localdate(now, days.ZONE)
    until = min(now, days.moment(today, 0) + timedelta(minutes=15))
    every_plan = plans.make(today, random_for("plans"))
    return [stories.tell(plan, until, random_for(f"story {plan.number}")) for plan in every_plan]


@transaction.atomic
def fill(now: datetime) -> list[str]:
    """Everything or nothing, once. Returns a line about each topic, none when there are contracts already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('fill_demo'))")  # two starts at once fill once
    if Contract.objects.exists():
        return []
    told = tell_stories(now)
    password = contracts.encoded_password()
    houses = places.fill(random_for("places"))
    people = staff.fill(password)
    rows = contracts.fill(told, houses, password, random_for("contracts"))
    sold = catalogue.fill(timezone.localdate(now, days.ZONE))
    service_counts, keys = services.fill(rows, told, sold, now, random_for("services"))
    traffic_counts = traffic.fill(rows, told, now)
    money_counts, money_steps = money.fill(rows, told, people, keys, now, random_for("money"))
    request_counts, request_steps = requests.fill(people, now, random_for("requests"))
    trace_counts, trace_steps = traces.fill(rows, told, people, now)
    done = steps.run([*money_steps, *request_steps, *trace_steps])
    contracts.move_sequence_past(rows[-1].number)
    _analyze()
    return [
        _line("places", cities=len(houses), streets=Street.objects.count(), houses=sum(map(len, houses.values()))),
        _line("staff", people=len(people)),
        _line("contracts", contracts=len(rows), subscribers=len({row.subscriber_id for row in rows}), **_states(rows)),
        _line("services", **service_counts, **traffic_counts),
        _line("money", **money_counts),
        _line("requests", **request_counts),
        _line("traces", **trace_counts, **{"journal entries": done}),
    ]


def _analyze() -> None:
    """Tells the planner of the rows that came at once: it believes the tables empty until autovacuum has been there."""
    tables = [connection.ops.quote_name(model._meta.db_table) for model in apps.get_models()]
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(tables)}")


def _states(rows: list[Contract]) -> dict[str, int]:
    return {state.name.lower().replace("_", " "): sum(row.state == state for row in rows) for state in Contract.State}


def _line(topic: str, **counts: int) -> str:
    return f"{topic}: " + ", ".join(f"{count} {name}" for name, count in counts.items())
