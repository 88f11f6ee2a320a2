"""Is a session in Redis faster than its row in PostgreSQL? Prints the ratio that docs/decisions.md quotes."""

import os
import statistics
import time
from datetime import UTC, datetime, timedelta

ROUNDS, READS = 7, 2_000


def main() -> None:
    from mark_portal import private_servers

    with private_servers.for_tests() as servers:
        os.environ |= {"MARK_DEMO": "1", "DJANGO_SETTINGS_MODULE": "mark_portal.settings"} | servers.environment
        measure()


def measure() -> None:
    import django

    django.setup()
    import redis
    from django.conf import settings
    from django.core.management import call_command

    from accounts.models import Session
    from accounts.sessions import SessionStore

    call_command("migrate", verbosity=0)
    data = SessionStore().encode({"_auth_user_id": "1", "_auth_user_hash": "x" * 64, "seen_at": "2026-12-01T08:00:00"})
    expires = datetime.now(UTC) + timedelta(days=1)
    Session.objects.bulk_create(
        Session(session_key=f"key{n}", session_data=data, expire_date=expires) for n in range(20_000)
    )
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.set("session:key777", data)
    in_postgresql = fastest(lambda: SessionStore("key777").load())
    in_redis = fastest(lambda: SessionStore().decode(client.get("session:key777").decode()))
    print(f"a session read from Redis takes {in_redis / in_postgresql:.2f} of the time of its row in PostgreSQL")


def fastest(read) -> float:
    def once() -> float:
        started = time.perf_counter()
        for _read in range(READS):
            read()
        return time.perf_counter() - started

    return statistics.median(once() for _round in range(ROUNDS)) / READS


if __name__ == "__main__":
    main()
