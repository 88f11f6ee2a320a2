"""How fast is the month run? Prints the ratio that docs/decisions.md quotes. `make bench-month`, ARGS=100000 for fewer.

A database of its own is filled with contracts that have a tariff, some with options and offers, a few without the
money. Two copies of it are charged for the same month:

- bare: one statement, INSERT … SELECT of the lines of every contract and UPDATE of the balances by their sums. The
  ledger's own triggers, which keep balances and refuse changes, are off; foreign keys and indexes are on. It looks at
  nobody's money, locks nothing beforehand, and could be run once only.
- the month run: `months.begin`, then `months.charge` for each range in one process, as one worker would, with locks,
  the claim, what is due on the 1st, the ledger's triggers, and the stopping of those who cannot pay.

Both copies are warm, and vacuumed as autovacuum would have left them. The order is turned round in the second round.
"""

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

CONTRACTS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
ROUNDS = 2
NOW = datetime(2026, 11, 30, 20, 10, tzinfo=UTC)  # 1 December, 00:10 in Izhevsk

FILL = """
INSERT INTO accounts_contract (number, subscriber_id, city_id, house_id, flat, started_on, state)
SELECT lpad((600000 + n)::text, 7, '0'), %(subscriber)s, %(city)s, %(house)s, '', '2020-01-01', 'active'
FROM generate_series(1, %(contracts)s) AS n;

INSERT INTO tariffs_tariff (name, name_en, summary, summary_en, position, is_archived, city_id, audience, services,
    speed_down, speed_up, switch_fee)
SELECT 'Тариф ' || n, '', '', '', n, false, %(city)s, 'person', ARRAY['internet'], 100, 100, 0
FROM generate_series(1, 20) AS n;
INSERT INTO tariffs_tariffprice (tariff_id, fee, since)
SELECT id, 400 + position * 13.37 + year, make_date(2023 + year, 1, 1)
FROM tariffs_tariff, generate_series(0, 3) AS year;
INSERT INTO tariffs_option (name, name_en, summary, summary_en, position, is_archived, audience, needs,
    activation_fee, max_quantity, choice_label, choices)
SELECT 'Услуга ' || n, '', '', '', n, false, '', CASE n WHEN 1 THEN 'internet' ELSE '' END, 0, 3, '', '{}'
FROM generate_series(1, 5) AS n;
INSERT INTO tariffs_optionprice (option_id, fee, since) SELECT id, 50 + position, '2023-01-01' FROM tariffs_option;
INSERT INTO tariffs_offer (name, name_en, summary, summary_en, position, is_archived, audience, starts_on, percent,
    months, per_contract)
VALUES ('Половина', '', '', '', 1, false, '', '2026-01-01', 50, 12, 1);

INSERT INTO tariffs_subscription (contract_id, tariff_id, since)
SELECT id, (SELECT MIN(id) FROM tariffs_tariff) + id %% 20, '2020-01-01' FROM accounts_contract;
-- Three in ten have an option, one in ten an offer.
INSERT INTO tariffs_optionuse (operation, contract_id, option_id, quantity, choice, since, created_at)
SELECT gen_random_uuid(), id, (SELECT MIN(id) FROM tariffs_option) + id %% 5, 1 + id %% 2, '', '2026-01-01', now()
FROM accounts_contract WHERE id %% 10 < 3;
INSERT INTO tariffs_offeruse (operation, contract_id, offer_id, number, since, until, percent, presses_left, taken_at)
SELECT gen_random_uuid(), id, (SELECT id FROM tariffs_offer), 1, '2026-06-01', '2027-06-01', 50, 0, now()
FROM accounts_contract WHERE id %% 10 = 5;
-- One in a hundred has not enough.
INSERT INTO billing_ledgerentry (account_id, kind, amount, key, at, title)
SELECT id, 'topup', CASE id %% 100 WHEN 7 THEN 10 ELSE 3000 END, 'payment:' || id, '2026-11-20 12:00+04', ''
FROM accounts_contract;
"""
BARE = """
WITH posted AS (
    INSERT INTO billing_ledgerentry (account_id, kind, amount, key, at, title)
    SELECT contract_id, CASE WHEN fee < 0 THEN 'discount' ELSE 'month' END, -fee,
        'month:' || contract_id || ':2026-12' || CASE place WHEN 0 THEN '' ELSE ':' || code END, %(now)s, title
    FROM tariffs_parts(%(first)s, %(last)s, '2026-12-01', false)
    RETURNING account_id, amount
)
UPDATE billing_account SET balance = balance + total
FROM (SELECT account_id, SUM(amount) AS total FROM posted GROUP BY account_id) AS sums
WHERE billing_account.contract_id = sums.account_id
"""


def main() -> None:
    from mark_portal import private_servers

    with tempfile.TemporaryDirectory(prefix="mark-bench-") as folder:
        servers = private_servers.PrivateServers(Path(folder))
        servers.start()
        try:
            os.environ |= {"MARK_DEMO": "1", "DJANGO_SETTINGS_MODULE": "mark_portal.settings", "LOG_LEVEL": "ERROR"}
            os.environ |= servers.environment
            measure()
        finally:
            servers.stop()


def measure() -> None:
    import django

    django.setup()
    from django.conf import settings

    settings.DATABASES["default"]["OPTIONS"]["options"] = ""  # no time limits
    fill()
    took: dict[str, list[Took]] = {"bare": [], "run": []}
    for number in range(ROUNDS):
        for name in ("bare", "run") if number % 2 == 0 else ("run", "bare"):
            with Copied():
                took[name].append(charge_bare() if name == "bare" else charge_by_the_run())
                print(f"  {name}: {took[name][-1]}", file=sys.stderr)
    print(f"{CONTRACTS} contracts. The rate of the month run with one worker, to that of one bare statement:")
    print(f"  by the clock {ratio(took, 'by_clock')}")
    print(f"  by the processor time of PostgreSQL and the worker {ratio(took, 'by_processor')}")


@dataclass
class Took:
    by_clock: float
    by_processor: float


def ratio(took: dict[str, list[Took]], measure: str) -> str:
    sums = {name: sum(getattr(each, measure) for each in rounds) for name, rounds in took.items()}
    pairs = zip(took["bare"], took["run"], strict=True)
    rounds = ", ".join(f"{getattr(bare, measure) / getattr(run, measure):.2f}" for bare, run in pairs)
    return f"{sums['bare'] / sums['run']:.2f} (by round: {rounds})"


class Watch:
    """Time by the clock, and of the two processes that work: this one and its server process."""

    def __init__(self) -> None:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            self.backend = cursor.fetchone()[0]
        self.clock, self.processor = time.perf_counter(), self._processor()

    def _processor(self) -> float:
        fields = Path(f"/proc/{self.backend}/stat").read_text().rpartition(")")[2].split()
        return time.process_time() + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> Took:
        return Took(time.perf_counter() - self.clock, self._processor() - self.processor)


def fill() -> None:
    from django.core.management import call_command
    from django.db import connection

    from accounts.tests.factories import CityFactory, HouseFactory, SubscriberFactory

    started = time.perf_counter()
    call_command("migrate", verbosity=0)
    city, subscriber = CityFactory(), SubscriberFactory()
    facts = {"city": city.pk, "house": HouseFactory().pk, "subscriber": subscriber.pk, "contracts": CONTRACTS}
    with connection.cursor() as cursor:
        cursor.execute(FILL, facts)
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")
    print(f"filled in {time.perf_counter() - started:.0f} s", file=sys.stderr)


class Copied:
    """A fresh copy of the filled database, behind Django's connection while it lasts."""

    def __enter__(self) -> None:
        from django.db import connection

        self.name = connection.settings_dict["NAME"]
        self._in_another(f'CREATE DATABASE "{self.name}_copy" TEMPLATE "{self.name}" STRATEGY FILE_COPY')
        connection.settings_dict["NAME"] = f"{self.name}_copy"
        with connection.cursor() as cursor:
            for table in ("billing_account", "accounts_contract", "tariffs_subscription", "billing_ledgerentry"):
                cursor.execute(f"SELECT COUNT(*) FROM {table}")
            cursor.execute("CHECKPOINT")

    def __exit__(self, *_exception: object) -> None:
        from django.db import connection

        connection.settings_dict["NAME"] = self.name
        self._in_another(f'DROP DATABASE "{self.name}_copy"')

    def _in_another(self, statement: str) -> None:
        from django.db import connection

        connection.close()
        name, connection.settings_dict["NAME"] = connection.settings_dict["NAME"], "postgres"
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()
        connection.settings_dict["NAME"] = name


def charge_bare() -> Took:
    from django.db import connection, transaction

    with connection.cursor() as cursor:
        cursor.execute("SELECT MIN(id) AS first, MAX(id) AS last FROM accounts_contract")
        first, last = cursor.fetchone()
        cursor.execute("ALTER TABLE billing_ledgerentry DISABLE TRIGGER USER")
        cursor.execute("ALTER TABLE billing_account DISABLE TRIGGER USER")
        watch = Watch()
        with transaction.atomic():
            cursor.execute("SET LOCAL enable_nestloop = off")  # as the run does
            cursor.execute(BARE, {"first": first, "last": last, "now": NOW})
        return watch.stop()


def charge_by_the_run() -> Took:
    from billing.models import LedgerEntry
    from tariffs import months
    from tariffs.models import MonthRange, MonthRun

    watch = Watch()
    months.begin(now=NOW)
    for range_id in months.take_waiting(now=NOW):
        months.charge(range_id, clock=lambda: NOW)
    took = watch.stop()
    assert MonthRun.objects.get().state == MonthRun.State.DONE
    charged = sum(MonthRange.objects.values_list("charged", flat=True))
    assert charged == LedgerEntry.objects.filter(key__regex=r"^month:[0-9]+:2026-12$").count()
    assert charged + sum(MonthRange.objects.values_list("suspended", flat=True)) == CONTRACTS
    return took


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main()
