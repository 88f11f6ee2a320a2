"""What production refuses to start without."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

COMPLETE = {
    "DATABASE_URL": "postgres:///mark",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "SECRET_KEY": "x" * 50,
    "VAULT_KEYS": "1:dGVzdHMtb25seS12YXVsdC1rZXktMzItYnl0ZXMhISE=",
    "VAULT_MATCH_KEY": "dGVzdHMtb25seS1tYXRjaC1rZXktMzItYnl0ZXMhISE=",
    "SITE_URL": "https://cabinet.example.ru",
    "COMPANY_NAME": "ООО «Марк»",
    "COMPANY_INN": "1899001001",
    "COMPANY_KPP": "189901001",
    "COMPANY_OGRN": "1189900001235",
    "COMPANY_ADDRESS": "г. Ижевск",
    "COMPANY_ACCOUNT": "40702810699900001234",
    "COMPANY_BANK": "АО «Банк»",
    "COMPANY_BIC": "049401999",
    "COMPANY_CORR_ACCOUNT": "30101810400000000999",
    "COMPANY_DIRECTOR": "П. С. Образцов",
    "COMPANY_ACCOUNTANT": "Е. В. Примерова",
}


def start(**changes: str | None) -> subprocess.CompletedProcess[str]:
    """Read the settings in a process whose environment holds nothing else of ours."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    given = {name: value for name, value in (COMPLETE | changes).items() if value is not None}
    program = "from mark_portal import settings as s; print(s.HTTPS, s.STAFF_TOTP_REQUIRED, s.DEBUG, s.DEMO)"
    return subprocess.run(
        [sys.executable, "-c", program],
        env=inherited | given,
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_is_strict_by_default():
    assert start().stdout.split() == ["True", "True", "False", "False"]


@pytest.mark.parametrize("name", COMPLETE)
def test_without_a_secret_or_an_address_nothing_starts(name):
    stopped = start(**{name: None})

    assert stopped.returncode != 0
    assert name in stopped.stderr


def test_the_demo_needs_nothing():
    started = start(MARK_DEMO="1", **dict.fromkeys(COMPLETE))

    assert started.stdout.split() == ["False", "False", "False", "True"]


YOOKASSA = {
    "PAYMENT_GATEWAYS": "yookassa",
    "YOOKASSA_SHOP_ID": "100500",
    "YOOKASSA_SECRET_KEY": "live_secret",
    "YOOKASSA_VAT_CODE": "12",
}


def test_yookassa_starts_with_its_shop_key_and_vat_code():
    assert start(**YOOKASSA).returncode == 0


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("name", ["YOOKASSA_SHOP_ID", "YOOKASSA_SECRET_KEY", "YOOKASSA_VAT_CODE"])
def test_yookassa_does_not_start_without_one_of_them(name, value):
    stopped = start(**YOOKASSA | {name: value})

    assert "ImproperlyConfigured" in stopped.stderr
    assert name in stopped.stderr


TERMINALS = {
    "PAYMENT_GATEWAYS": "osmp,sber",
    "OSMP_NETWORKS": "203.0.113.0/24, 2001:db8::/32",
    "OSMP_USER": "osmp",
    "OSMP_PASSWORD": "secret",
    "SBER_NETWORKS": "198.51.100.7",
    "SBER_USER": "sber",
    "SBER_PASSWORD": "secret",
}


def test_terminals_start_with_their_networks_and_secrets():
    assert start(**TERMINALS).returncode == 0


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("name", sorted(TERMINALS.keys() - {"PAYMENT_GATEWAYS"}))
def test_terminals_do_not_start_without_one_of_them(name, value):
    stopped = start(**TERMINALS | {name: value})

    assert "ImproperlyConfigured" in stopped.stderr
    assert name in stopped.stderr


def test_a_network_of_terminals_that_is_none_stops_the_start():
    stopped = start(**TERMINALS | {"SBER_NETWORKS": "everywhere"})

    assert "SBER_NETWORKS holds networks like 203.0.113.0/24" in stopped.stderr


def test_the_sandbox_is_refused_outside_the_demo():
    stopped = start(PAYMENT_GATEWAYS="sandbox")

    assert "ImproperlyConfigured" in stopped.stderr
    assert "sandbox" in stopped.stderr


def test_the_demo_has_the_sandbox_but_not_with_an_empty_secret():
    demo = {"MARK_DEMO": "1", "PAYMENT_GATEWAYS": "sandbox"} | dict.fromkeys(COMPLETE)

    started, stopped = start(**demo), start(**demo, SANDBOX_SECRET="")

    assert started.returncode == 0
    assert "SANDBOX_SECRET is empty" in stopped.stderr


@pytest.mark.parametrize(
    "wrong",
    [{"YOOKASSA_VAT_CODE": "22"}, {"YOOKASSA_METHODS": "card,cash"}, {"YOOKASSA_NETWORKS": "185.71.76.5/24"}],
    ids=repr,
)
def test_yookassa_does_not_start_with_what_it_would_stumble_over_later(wrong):
    assert start(**YOOKASSA | wrong).returncode != 0
