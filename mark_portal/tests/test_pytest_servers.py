"""The frame the tests stand on: which database and language they get."""

import os

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.db import connection

from mark_portal.pytest_servers import redis_url_of
from mark_portal.tests import migrated_rows


def test_every_worker_has_its_own_valkey_database():
    url = "redis://:secret@127.0.0.1:20001/0"

    urls = [redis_url_of(worker, url) for worker in ("gw0", "gw1")]

    assert urls == ["redis://:secret@127.0.0.1:20001/1", "redis://:secret@127.0.0.1:20001/2"]


def test_more_workers_than_valkey_has_databases_are_refused():
    with pytest.raises(ValueError, match="fewer workers"):
        redis_url_of("gw63", "redis://127.0.0.1:20001/0")


def test_the_tests_run_in_english_against_servers_of_their_own(valkey):
    assert settings.LANGUAGE_CODE == "en"
    assert "mark-test-" in settings.DATABASES["default"]["HOST"]
    assert os.environ["REDIS_URL"] == settings.REDIS_URL
    assert valkey.ping()


@pytest.mark.django_db
def test_the_database_knows_lower_case_of_cyrillic():
    with connection.cursor() as cursor:
        cursor.execute("SELECT lower('УЛИЦА ЁЛОЧНАЯ'), 'Пушкинская' ILIKE 'пушк%'")

        assert cursor.fetchone() == ("улица ёлочная", True)


@pytest.mark.django_db(transaction=True)
def test_a_test_with_real_commits_leaves_what_the_migrations_made():
    before = set(Permission.objects.values_list("pk", "group__name"))
    Group.objects.all().delete()
    Group.objects.create(name="made by a test")

    migrated_rows.restore()

    assert set(Permission.objects.values_list("pk", "group__name")) == before
    assert not Group.objects.filter(name="made by a test").exists()
