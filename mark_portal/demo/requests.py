"""«Подключиться»: requests that wait, that are late, that are being called, and what became of the older ones.

The open ones count back from the minute of the fill, or the queue would be all late by the evening.
"""

from datetime import datetime, timedelta
from functools import partial
from random import Random

from accounts import connections, working_time
from accounts.models import City, ConnectionRequest, User
from mark_portal.demo import days
from mark_portal.demo.steps import Step

State = ConnectionRequest.State
MINUTE = timedelta(minutes=1)

# Name, city, minutes ago, who took it.
OPEN = (
    ("Марина", "izhevsk", 6, None),
    ("Алексей Зорин", "izhevsk", 31, None),
    ("Гульнара Сафина", "votkinsk", 48, None),
    ("Павел", "izhevsk", 75, "operator"),
    ("Татьяна Юферева", "votkinsk", 160, "operator-votkinsk"),
)
# Name, city, days ago, hour, working minutes to the end, outcome, note.
CLOSED = (
    ("Ирина Ходырева", "izhevsk", 12, 10, 35, State.CONNECTED, "Мастер записан на среду, вторая половина дня."),
    ("Сергей", "izhevsk", 15, 21, 20, State.CONNECTED, "Подключён по акции переезда."),
    ("Роза Габдрахманова", "votkinsk", 19, 14, 50, State.REFUSED, "Частный дом, далеко от линии, ждать не будет."),
    ("Виктор Степанович", "izhevsk", 23, 9, 110, State.UNREACHABLE, "Трижды не взял трубку."),
    ("Оксана", "izhevsk", 30, 16, 45, State.CONNECTED, ""),
    ("Николай Порсев", "votkinsk", 38, 12, 260, State.REFUSED, "Не дождался звонка, выбрал другого оператора."),
    ("Алла Фефилова", "izhevsk", 52, 11, 25, State.CONNECTED, ""),
)
OVERDUE = ("Людмила Исупова", "izhevsk")


def fill(staff: dict[str, User], now: datetime, rng: Random) -> tuple[dict[str, int], list[Step]]:
    cities = {city.slug: city for city in City.objects.all()}
    now = now.replace(second=0, microsecond=0)
    phones = iter(f"+7912000{number:04d}" for number in rng.sample(range(10_000), 20))

    def ask(name: str, city: str, created_at: datetime) -> ConnectionRequest:
        deadline_at = connections.deadline_of(created_at)
        return ConnectionRequest(
            name=name, phone=next(phones), city=cities[city], created_at=created_at, deadline_at=deadline_at
        )

    today = now.astimezone(days.ZONE).date()
    closed = [ask(row[0], row[1], days.moment(today - timedelta(row[2]), row[3], 17)) for row in CLOSED]
    open_ones = [ask(name, city, now - ago * MINUTE) for name, city, ago, _taker in OPEN]
    overdue = ask(*OVERDUE, _created_of_an_overdue_one(now))
    everything = [*closed, overdue, *open_ones]
    ConnectionRequest.objects.bulk_create(sorted(everything, key=lambda request: request.created_at))
    steps = [step for request, row in zip(closed, CLOSED, strict=True) for step in _closing(request, row, staff)]
    for request, (_name, _city, ago, who) in zip(open_ones, OPEN, strict=True):
        if who:
            steps.append(_taking(request, staff[who], now - ago * MINUTE / 2))
    return {"connection requests": len(everything)}, steps


def _created_of_an_overdue_one(now: datetime) -> datetime:
    """The latest day before now whose request should have been answered, whatever holidays lie between."""
    created_at = now - timedelta(hours=3)
    while connections.deadline_of(created_at) >= now:
        created_at -= timedelta(hours=6)
    return created_at


def _taking(request: ConnectionRequest, by: User, at: datetime) -> Step:
    return Step(at, partial(connections.take, request.pk, by=by, now=at))


def _closing(
    request: ConnectionRequest, row: tuple[str, str, int, int, int, State, str], staff: dict[str, User]
) -> list[Step]:
    _name, city, _days, _hour, minutes, outcome, note = row
    by = staff["operator" if city == "izhevsk" else "operator-votkinsk"]
    taken_at, closed_at = (
        working_time.deadline_after(request.created_at, part * MINUTE) for part in (minutes - 15, minutes)
    )
    close = partial(connections.close, request.pk, state=outcome, by=by, note=note, now=closed_at)
    return [_taking(request, by, taken_at), Step(closed_at, close)]
