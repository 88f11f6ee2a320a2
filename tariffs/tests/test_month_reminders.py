"""Some days before the 1st people are told what is missing for the month."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Contract
from accounts.tests.factories import ContractFactory
from billing.tests.factories import AutopayFactory, PaymentMethodFactory, PromisedPaymentFactory, account_of
from notifications import words
from notifications.models import Notice, Topic
from tariffs import month_reminders
from tariffs.models import TariffPrice
from tariffs.tests.factories import LONG_AGO, NEXT, served

DAY = datetime(2026, 11, 28, 8, tzinfo=UTC)  # noon in Izhevsk, three days before 1 December
pytestmark = pytest.mark.django_db


def told() -> dict:
    return {notice.contract_id: notice.facts["missing"] for notice in Notice.objects.all()}


def test_those_who_have_not_enough_are_told_what_is_missing():
    poor, _rich = served(fee=600, balance="100.50"), served(fee=600, balance=600)

    assert month_reminders.tell_due(now=DAY) == 1

    notice = Notice.objects.get()
    assert (notice.contract_id, notice.topic) == (poor.pk, Topic.MONTH)
    assert notice.facts == {"missing": "499.50", "fee": "600.00", "charge_on": "2026-12-01"}
    assert "499.50" in words.of(notice).title


def test_once():
    served(fee=600)
    month_reminders.tell_due(now=DAY)

    assert month_reminders.tell_due(now=DAY + timedelta(hours=1)) == 0
    assert Notice.objects.count() == 1


@pytest.mark.parametrize(
    ("now", "count"),
    [
        (DAY - timedelta(days=1), 0),
        (DAY + timedelta(days=1), 0),
        (datetime(2026, 11, 28, 5, 59, tzinfo=UTC), 0),  # 09:59
        (datetime(2026, 11, 28, 6, 0, tzinfo=UTC), 1),
        (datetime(2026, 11, 28, 19, 59, tzinfo=UTC), 1),
        (datetime(2028, 2, 27, 8, tzinfo=UTC), 1),  # three days before 1 March of a leap year
    ],
)
def test_on_its_day_by_the_local_clock(now, count):
    served(fee=600)

    assert month_reminders.tell_due(now=now) == count


def test_the_fee_is_that_of_the_month_to_come():
    contract = served(fee=600, balance=600)
    TariffPrice.objects.create(tariff=contract.subscriptions.get().tariff, fee=650, since=NEXT)

    month_reminders.tell_due(now=DAY)

    assert told() == {contract.pk: "50.00"}


def test_credit_and_a_promise_that_lasts_are_money():
    account_of(served(fee=600), credit_limit=600)
    PromisedPaymentFactory(account=account_of(served(fee=600)), amount=600, due_at=DAY + timedelta(days=5))

    assert month_reminders.tell_due(now=DAY) == 0


def test_a_promise_that_ends_before_the_month_is_no_money():
    PromisedPaymentFactory(account=account_of(served(fee=600)), amount=600, due_at=DAY + timedelta(days=1))

    assert month_reminders.tell_due(now=DAY) == 1


@pytest.mark.parametrize("is_on", [True, False])
def test_who_has_autopay_is_told_by_autopay(is_on):
    contract = served(fee=600)
    stopped = {} if is_on else {"stopped_at": DAY, "stopped": "wish"}
    AutopayFactory(method=PaymentMethodFactory(account=account_of(contract)), is_on=is_on, **stopped)

    assert month_reminders.tell_due(now=DAY) == (not is_on)


def test_a_service_that_is_off_is_not_reminded():
    served(contract=ContractFactory(state=Contract.State.SUSPENDED_FOR_DEBT, started_on=LONG_AGO))

    assert month_reminders.tell_due(now=DAY) == 0
