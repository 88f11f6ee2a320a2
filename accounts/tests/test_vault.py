"""Sealed fields."""

import base64

import pytest
from cryptography.exceptions import InvalidTag
from django.core.management import call_command

from accounts import vault
from accounts.models import Subscriber
from accounts.tests.factories import SubscriberFactory

SECOND_KEY = base64.b64encode(b"b" * 32).decode()


@pytest.fixture(autouse=True)
def _fresh_keys():
    vault._keys.cache_clear()
    yield
    vault._keys.cache_clear()


def test_what_was_sealed_opens():
    sealed = vault.seal("9408123456", bound_to="passport:1")

    assert vault.unseal(sealed, bound_to="passport:1") == "9408123456"


def test_the_same_text_never_looks_the_same():
    assert vault.seal("9408123456", bound_to="passport:1") != vault.seal("9408123456", bound_to="passport:1")


def test_a_value_moved_to_another_row_does_not_open():
    sealed = vault.seal("9408123456", bound_to="passport:1")

    with pytest.raises(InvalidTag):
        vault.unseal(sealed, bound_to="passport:2")


def test_a_match_belongs_to_its_purpose():
    stored = vault.match("1831000000", purpose="inn")

    assert vault.matches(stored, "1831000000", purpose="inn")
    assert not vault.matches(stored, "1831000000", purpose="passport")
    assert not vault.matches(None, "1831000000", purpose="inn")


def test_an_old_key_still_opens_after_a_new_one_came(settings):
    sealed = vault.seal("9408123456", bound_to="passport:1")
    settings.VAULT_KEYS += f",2:{SECOND_KEY}"
    vault._keys.cache_clear()

    assert vault.unseal(sealed, bound_to="passport:1") == "9408123456"
    assert not vault.is_current(sealed)


@pytest.mark.django_db
def test_a_passport_is_compared_however_it_is_typed_and_stored_nowhere_readable():
    subscriber = SubscriberFactory()
    subscriber.set_passport("94 08 № 123456")
    subscriber.save()

    assert subscriber.passport_is("9408123456")
    assert not subscriber.passport_is("9408123457")
    assert b"123456" not in bytes(subscriber.passport_sealed) + bytes(subscriber.passport_match)


@pytest.mark.django_db
def test_the_rotation_command_seals_everything_with_the_newest_key(settings):
    subscriber = SubscriberFactory()
    subscriber.set_passport("9408123456")
    subscriber.save()
    settings.VAULT_KEYS += f",2:{SECOND_KEY}"
    vault._keys.cache_clear()

    call_command("rotate_vault_keys", verbosity=0)

    rotated = Subscriber.objects.get(pk=subscriber.pk)
    assert vault.is_current(rotated.passport_sealed)
    assert vault.unseal(rotated.passport_sealed, bound_to=f"passport:{rotated.ref}") == "9408123456"
    assert rotated.passport_is("9408123456")
