"""The demo's money on its way: each state is there whatever the day, and the portal's own tasks leave it in peace."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from accounts.models import City, Contract, JournalEntry
from billing import audit, autopay_run, day_report, payments, promise_terms, promises, receipts, refunds
from billing.gateways.sandbox import bank, notices
from billing.models import (
    Account,
    Autopay,
    BankPayment,
    EntryKind,
    GatewayMessage,
    LedgerEntry,
    Payment,
    PaymentMethod,
    PromisedPayment,
    Receipt,
    Refund,
    Registry,
)
from mark_portal import demo
from notifications import words
from notifications.models import Notice
from tariffs import reconcile

MOMENTS = [
    datetime(2026, 12, 17, 8, 0, tzinfo=UTC),
    datetime(2026, 12, 31, 20, 5, tzinfo=UTC),  # 1 January, 00:05 in Izhevsk: the night's charge has not run
    datetime(2027, 3, 1, 6, 0, tzinfo=UTC),
    datetime(2028, 2, 29, 6, 0, tzinfo=UTC),
]
pytestmark = pytest.mark.django_db  # what a test does is taken back to the filled database

FIRST = {"account__contract__number": "100001"}


@pytest.fixture(scope="module", params=MOMENTS, autouse=True)
def now(request, django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        demo.fill(request.param)
        yield request.param
        transaction.set_rollback(True)


def entry_of(name, pk="pk"):
    return LedgerEntry.objects.filter(key=Concat(Value(f"{name}:"), Cast(OuterRef(pk), CharField())))


def test_each_credited_payment_is_an_entry_of_the_same_sum_account_and_moment():
    credited = Payment.objects.filter(state=Payment.State.SUCCEEDED)
    same = entry_of("payment").filter(
        account=OuterRef("account"), amount=OuterRef("amount"), at=OuterRef("finished_at")
    )

    assert credited.count() > 4_000
    assert not credited.filter(~Exists(same)).exists()
    assert LedgerEntry.objects.filter(key__startswith="payment:").count() == credited.count()
    assert audit.differences() == []


def test_a_top_up_without_a_payment_is_the_cash_desks_or_an_invoices():
    others = LedgerEntry.objects.filter(kind=EntryKind.TOP_UP).exclude(key__startswith="payment:")

    assert {key.partition(":")[0] for key in others.values_list("key", flat=True)} == {"office", "invoice"}
    assert not others.exclude(title__startswith="Оплата по счёту").exclude(title="Касса в офисе").exists()


def test_the_days_report_agrees_with_the_ledger(now):
    today = timezone.localdate(now)
    report = day_report.of(today - timedelta(800), today, cities=City.objects.values_list("pk", flat=True))

    assert report.agrees
    assert {(row.gateway, row.method) for row in report.rows} == {
        ("sandbox", "card"),
        ("sandbox", "sbp"),
        ("sandbox", "saved"),
        ("osmp", "terminal"),
        ("sber", "terminal"),
        ("", ""),
    }


def test_each_credited_payment_has_its_receipt_and_a_terminals_is_its_agents():
    credited = Payment.objects.filter(state=Payment.State.SUCCEEDED)
    states = Counter(Receipt.objects.exclude(state="registered").values_list("payment__method", "state"))

    assert not credited.exclude(receipts__kind="income").exists()
    assert Receipt.objects.filter(state="agent").count() == credited.filter(method="terminal").count()
    assert sum(states[method, "failed"] for method in ("card", "sbp", "saved")) == 3
    assert {state for _method, state in states} == {"agent", "failed", "sent", "waiting"}


def test_the_demos_bank_knows_each_of_its_payments_as_we_do(now):
    ours = Payment.objects.filter(gateway="sandbox").select_related("account__contract")
    assert BankPayment.objects.count() == ours.count()
    for payment in [*ours.order_by("-pk")[:60], *ours.exclude(state="succeeded")]:
        state = bank.read(payment.gateway_id, now=now)
        assert str(state.status) == payment.state
        assert (state.amount, state.reference) == (payment.amount, str(payment.operation))
        assert (state.failure, state.contract_number) == (payment.failure, payment.account.contract.number)


def test_the_demo_subscriber_has_two_cards_and_one_of_them_on_autopay():
    running = Autopay.objects.select_related("method").get(**FIRST)

    assert set(PaymentMethod.objects.filter(**FIRST).values_list("title", flat=True)) == {"Мир •• 4477", "Мир •• 0002"}
    assert running.is_on
    assert running.method.title == "Мир •• 4477"
    assert "Мир •• 4477" in running.consent


def test_the_demo_subscribers_declined_card_and_kept_promise():
    assert Payment.objects.get(state="cancelled", **FIRST).failure == "insufficient_funds"
    assert PromisedPayment.objects.get(**FIRST).state == PromisedPayment.State.KEPT


def test_the_payment_under_way_is_still_open_a_day_later_and_can_be_paid(now, time_machine):
    payment = Payment.objects.get(state="pending", **FIRST)
    tomorrow = now + timedelta(hours=20)
    time_machine.move_to(tomorrow, tick=False)  # the bank looks at its own clock

    assert payment.pay_url.endswith(f"/sandbox-bank/{payment.gateway_id}/")
    assert payments.reread(payment.pk, now=tomorrow).state == Payment.State.PENDING
    assert bank.confirm(payment.gateway_id, card="4477", now=tomorrow)
    assert payments.reread(payment.pk, now=tomorrow).state == Payment.State.SUCCEEDED


def test_promises_stand_in_every_state_and_on_terms_that_were_given():
    rows = PromisedPayment.objects.select_related("account__contract")

    assert {row.state for row in rows} == set(PromisedPayment.State)
    assert {row.repaid_at is None for row in rows if row.state == "broken"} == {True, False}
    for row in rows:
        assert 0 < row.amount == promise_terms.rounded_up(promises.Decimal(row.terms["missing"]))
        assert row.granted_at < (row.closed_at or row.due_at)
        for line in row.terms["lines"][:1]:
            charged = LedgerEntry.objects.filter(key=line["key"]).first()
            assert charged is None or str(charged.amount) == line["amount"]


def test_an_open_promise_keeps_the_service_and_a_broken_one_stopped_it():
    lent = PromisedPayment.objects.select_related("account__contract")
    open_one, broken = lent.get(state="open"), lent.get(state="broken", repaid_at=None)

    assert open_one.account.contract.state == Contract.State.ACTIVE
    assert open_one.account.balance < open_one.amount
    assert broken.account.contract.state == Contract.State.SUSPENDED_FOR_DEBT
    assert broken.account.balance < 0


def test_some_legal_entities_have_credit_and_some_may_promise():
    legal = Account.objects.filter(contract__subscriber__kind="legal")

    assert legal.filter(credit_limit__gt=0, contract__state="active", balance__gte=-F("credit_limit")).count() == 3
    assert legal.filter(allows_promises=True).count() == 2
    assert not Account.objects.exclude(contract__subscriber__kind="legal").filter(credit_limit__gt=0).exists()


def test_an_autopay_was_stopped_by_three_failures_and_others_pay_by_themselves():
    stopped = Autopay.objects.get(is_on=False)
    failed = Payment.objects.filter(account=stopped.account_id, is_automatic=True).order_by("pk")

    assert (stopped.stopped, stopped.failures) == (Autopay.Stopped.FAILURES, 3)
    assert [payment.failure for payment in failed] == ["insufficient_funds"] * 3
    assert all(0 < payment.amount < 500 for payment in failed)
    assert failed[2].finished_at == stopped.stopped_at
    assert Payment.objects.filter(is_automatic=True, state="succeeded").count() > 100


def test_refunds_are_given_refused_and_wait_for_a_signature():
    given, failed, waiting = (Refund.objects.get(state=state) for state in ("succeeded", "failed", "waiting"))
    keys = LedgerEntry.objects.filter(key__startswith="refund:").values_list("key", flat=True)

    assert given.receipt.state == Receipt.State.REGISTERED
    assert set(keys) == {given.key, failed.key, f"{failed.key}:returned"}
    assert BankPayment.objects.get(refunded__gt=0).refunded == given.amount
    assert waiting.needs_second
    assert refunds.refusal(waiting.payment, waiting.payment.amount - waiting.amount) == ""
    assert waiting.amount <= waiting.payment.account.balance
    assert JournalEntry.objects.filter(action="refund_proposed").exists()


def test_yesterdays_register_agrees_once_and_differs_in_every_way(now):
    registry = Registry.objects.get()
    found = Counter(registry.lines.values_list("difference", flat=True))

    assert registry.day == timezone.localdate(now) - timedelta(days=1)
    assert registry.uploaded_at <= now
    assert found.pop("") >= 1
    assert found == {"missing": 1, "sum": 1, "contract": 1, "extra": 1, "unknown": 1}


def test_gateways_were_heard_and_forgers_were_not():
    verdicts = Counter(GatewayMessage.objects.values_list("gateway", "verdict"))
    reasons = set(GatewayMessage.objects.filter(verdict="refused").values_list("reason", flat=True))

    assert {gateway for gateway, verdict in verdicts if verdict == "accepted"} == {"sandbox", "osmp", "sber"}
    assert any(verdict == "repeated" for _gateway, verdict in verdicts)
    assert {"Forged: not signed", "7: stranger, another network"} <= reasons
    assert not GatewayMessage.objects.filter(verdict="refused", payment__isnull=False).exists()


def test_every_notice_has_its_words_and_some_are_unread():
    told = {notice.kind: notice for notice in Notice.objects.select_related("contract")}

    assert set(told) >= {"promise_granted", "promise_broken", "promise_kept", "refund_given", "service_stopped"}
    assert set(told) >= {"payment_credited", "autopay_on", "autopay_paid", "autopay_failed", "autopay_stopped"}
    assert all(words.of(notice).text for notice in told.values())
    assert Notice.objects.filter(contract__number="100001", read_at=None).count() == 3


def test_the_timetable_leaves_the_demo_as_it_is(now):
    """Everything that runs by itself, a minute after the fill; at the night's charge it may charge."""
    before, entries = Counter(Contract.objects.values_list("state", flat=True)), LedgerEntry.objects.count()
    soon = now + timedelta(minutes=1)

    promises.close_due(now=soon)
    promises.remind(now=soon)
    charged = autopay_run.run_due(now=soon) if timezone.localtime(now).day not in (28, 29, 30, 31) else 0
    reconciled, sent = reconcile.run(now=soon), refunds.send_due(now=soon)

    assert (charged, reconciled, sent) == (0, 0, 0)
    assert receipts.send_due(now=soon) == 0
    assert payments.recheck_hanging(now=soon) == 1
    assert notices.deliver_due(now=soon, post=bool) == 0
    assert Counter(Contract.objects.values_list("state", flat=True)) == before
    assert LedgerEntry.objects.count() == entries


def test_the_receipts_that_wait_are_registered_within_two_hours(now):
    for minutes in (45, 46, 47, 60, 120):
        receipts.send_due(now=now + timedelta(minutes=minutes))

    assert not Receipt.objects.filter(state__in=["waiting", "sent"]).exists()
