"""The pytest plugin that gives a test run its own PostgreSQL and Valkey before Django reads its settings.

Named by `-p` in pytest.ini, because a conftest.py is read after pytest-django has loaded the settings. Whatever
DATABASE_URL the shell has is overwritten: tests never touch a database that somebody keeps.
"""

import contextlib
import os
import re
from collections.abc import Generator

import pytest

from mark_portal import catalogs, private_servers

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")  # gw0, gw1…; empty in the one process that owns the servers
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "mark_portal.settings",
    "SECRET_KEY": "only-for-tests",
    "VAULT_KEYS": "1:dGVzdHMtb25seS12YXVsdC1rZXktMzItYnl0ZXMhISE=",
    "VAULT_MATCH_KEY": "dGVzdHMtb25seS1tYXRjaC1rZXktMzItYnl0ZXMhISE=",
    "ALLOWED_HOSTS": "testserver,127.0.0.1,localhost",
    "LANGUAGE_CODE": "en",
    "HTTPS": "0",
    "MARK_DEMO": "0",
    "PYTHONHASHSEED": "0",  # the workers, started later, must collect cases made from a set in the same order
    "SITE_URL": "http://testserver",
    "PAYMENT_GATEWAYS": "sandbox,yookassa,osmp,sber",
    "SANDBOX_IN_TESTS": "1",
    "YOOKASSA_SHOP_ID": "100500",
    "YOOKASSA_SECRET_KEY": "test_only-for-tests",
    "YOOKASSA_VAT_CODE": "12",
    "YOOKASSA_API_URL": "http://127.0.0.1:9/v3",  # nobody listens: no test ever asks the real one
    "OSMP_NETWORKS": "127.0.0.0/8",
    "OSMP_USER": "osmp",
    "OSMP_PASSWORD": "osmp-only-for-tests",
    "SBER_NETWORKS": "127.0.0.0/8",
    "SBER_USER": "sber",
    "SBER_PASSWORD": "sber-only-for-tests",
    "STAFF_TOTP_REQUIRED": "0",  # its own tests turn it on
    "LOCK_TIMEOUT_MS": "60000",  # fifty at once on one account queue for longer than a page waits, where all is busy
    "STATEMENT_TIMEOUT_MS": "120000",
    "DEBUG": "1",  # static files without collectstatic; pytest-django turns the setting itself off again
}
# The papers of a company that is not the demo's.
SETTINGS |= {
    "COMPANY_NAME": "ООО «Марк-Тест»",
    "COMPANY_INN": "1899001001",
    "COMPANY_KPP": "189901001",
    "COMPANY_OGRN": "1189900001235",
    "COMPANY_ADDRESS": "г. Ижевск, ул. Тестовая, д. 1",
    "COMPANY_ACCOUNT": "40702810699900001234",
    "COMPANY_BANK": "АО «Тест-банк»",
    "COMPANY_BIC": "049401999",
    "COMPANY_CORR_ACCOUNT": "30101810400000000999",
    "COMPANY_DIRECTOR": "П. С. Образцов",
    "COMPANY_ACCOUNTANT": "Е. В. Примерова",
}
_owned = contextlib.ExitStack()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    options = early_config.known_args_namespace
    if WORKER:
        os.environ["REDIS_URL"] = redis_url_of(WORKER, os.environ["REDIS_URL"])
    elif not (options.help or options.version):
        catalogs.compile_stale()
        servers = _owned.enter_context(private_servers.for_tests())
        static = servers.folder / "static"
        static.mkdir()
        os.environ |= (
            SETTINGS
            | servers.environment
            | {
                "STATIC_ROOT": str(static),
                "MEDIA_ROOT": str(servers.folder / "files"),
            }
        )
    yield


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    _owned.close()


def redis_url_of(worker: str, url: str) -> str:
    """Each worker's own database; the first one is the owner's. Raises ValueError past 63 workers."""
    number = int(worker.removeprefix("gw")) + 1
    if number > 63:
        raise ValueError("The private Valkey has 64 databases; use fewer workers.")
    return re.sub(r"/\d+$", f"/{number}", url)
