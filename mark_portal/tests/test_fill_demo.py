"""The command fill_demo: where it works, and what a crash leaves behind."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import City, Contract
from accounts.tests.factories import ContractFactory
from mark_portal import demo


def test_it_refuses_outside_the_demo(settings):
    settings.DEMO = False

    with pytest.raises(CommandError, match="demo only"):
        call_command("fill_demo")


@pytest.mark.django_db
def test_a_crash_half_way_leaves_nothing(settings, monkeypatch):
    settings.DEMO = True
    monkeypatch.setattr(demo.traces, "fill", lambda *_args: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        call_command("fill_demo")

    assert not City.objects.exists()
    assert not Contract.objects.exists()


@pytest.mark.django_db
def test_it_says_that_the_database_is_not_empty(settings):
    settings.DEMO = True
    ContractFactory()
    output = StringIO()

    call_command("fill_demo", stdout=output)

    assert "filled already" in output.getvalue()
    assert Contract.objects.count() == 1
