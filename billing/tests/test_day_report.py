"""The accountant's day report: by gateway and method, against the ledger."""

import csv
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import roles
from accounts.models import City
from accounts.tests.factories import CityFactory, ContractFactory, HouseFactory, StaffFactory, StreetFactory
from billing import adjustments, crediting, day_report, ledger
from billing.models import EntryKind, LedgerEntry, Payment, PromisedPayment, Receipt, Refund, Registry, RegistryLine
from billing.tests.factories import NOON, PaymentFactory, PromisedPaymentFactory, ReceiptFactory, account_of

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 20)
URL = "/admin/billing/payment/day/"
IZHEVSK = ZoneInfo("Europe/Samara")


def paid(amount="500", *, gateway="sandbox", method="card", now=NOON, account=None, **fields):
    """A payment with its entry, as crediting leaves it."""
    payment = PaymentFactory(
        gateway=gateway,
        method=method,
        amount=Decimal(amount),
        state=Payment.State.SUCCEEDED,
        account=account or account_of(),
        finished_at=now,
        paid_at=now,
        created_at=now,
        **fields,
    )
    post(payment, payment.amount, payment.key, kind=EntryKind.TOP_UP, now=now)
    return payment


def post(payment, amount, key, *, kind=EntryKind.PAYOUT, now=NOON):
    ledger.post(payment.account_id, kind=kind, amount=Decimal(amount), key=key, now=now)


def refund_of(payment, amount="200", **fields):
    refund = Refund.objects.create(
        operation=uuid4(),
        payment=payment,
        amount=Decimal(amount),
        reason="x",
        author=StaffFactory(),
        created_at=NOON,
        **{"state": Refund.State.SUCCEEDED, "finished_at": NOON} | fields,
    )
    post(payment, -refund.amount, refund.key)
    return refund


def report(since=DAY, until=None):
    return day_report.of(since, until or since, cities=City.objects.values_list("pk", flat=True))


def rows(found):
    return {(row.gateway, row.method): row for row in found.rows}


def test_payments_are_summed_up_by_gateway_and_method():
    for amount in ("500", "700.50"):
        paid(amount)
    paid("300", method="sbp")
    paid("100", gateway="osmp", method="terminal")

    found = report()

    summed = {by: (row.count, row.credited) for by, row in rows(found).items()}
    assert summed == {
        ("osmp", "terminal"): (1, 100),
        ("sandbox", "card"): (2, Decimal("1200.50")),
        ("sandbox", "sbp"): (1, 300),
    }
    assert (found.total.count, found.total.net, found.ledger, found.agrees) == (
        4,
        Decimal("1600.50"),
        Decimal("1600.50"),
        True,
    )


def test_a_day_is_the_local_one():
    paid("1", now=datetime(2026, 11, 19, 23, 59, 59, tzinfo=IZHEVSK))
    paid("20", now=datetime(2026, 11, 20, 0, 0, tzinfo=IZHEVSK))
    paid("300", now=datetime(2026, 11, 20, 23, 59, 59, tzinfo=IZHEVSK))
    paid("4000", now=datetime(2026, 11, 21, 0, 0, tzinfo=IZHEVSK))

    assert report().total.net == 320
    assert report(DAY, DAY + timedelta(days=1)).total.net == 4320


def test_a_refund_is_its_gateways_and_comes_back_when_the_gateway_refuses_it():
    payment = paid(method="sbp")
    refund_of(payment)
    failed = refund_of(payment, "50", state=Refund.State.FAILED)
    post(payment, failed.amount, f"{failed.key}:returned")

    row = rows(report())["sandbox", "sbp"]

    assert (row.credited, row.refunded, row.net) == (500, -200, 300)


def test_a_refund_of_an_older_payment_counts_on_its_own_day():
    refund_of(paid(now=NOON - timedelta(days=9)))

    row = rows(report())["sandbox", "card"]

    assert (row.count, row.credited, row.refunded) == (0, 0, -200)


def test_what_a_terminal_took_back_is_apart():
    payment = paid(gateway="osmp", method="terminal")
    post(payment, -500, f"{payment.key}:cancelled")

    row = rows(report())["osmp", "terminal"]

    assert (row.credited, row.reversed, row.net) == (500, -500, 0)


def test_a_day_that_is_over_does_not_change_when_a_register_corrects_its_payment():
    payment = paid("500", gateway="osmp", method="terminal")
    before = report()
    registry = Registry.objects.create(
        gateway="osmp", day=DAY, file_name="r.csv", uploaded_by=StaffFactory(), uploaded_at=NOON
    )
    line = RegistryLine.objects.create(
        registry=registry, number="1", contract_number="1", amount=450, paid_at=NOON, payment=payment
    )
    later = NOON + timedelta(days=5)
    post(payment, -50, f"register:{line.pk}", kind=EntryKind.ADJUSTMENT, now=later)
    Payment.objects.filter(pk=payment.pk).update(amount=450)

    assert report() == before
    assert rows(report(later.date()))["osmp", "terminal"].reversed == -50
    assert report(later.date()).agrees


def test_what_came_by_no_gateway_has_a_line_of_its_own():
    account = account_of()
    for key, kind, amount in (("cash:1", EntryKind.TOP_UP, 900), ("payout:demo:1", EntryKind.PAYOUT, -100)):
        ledger.post(account.pk, kind=kind, amount=Decimal(amount), key=key, now=NOON)

    row = rows(report())["", ""]

    assert (row.count, row.credited, row.refunded) == (1, 900, -100)


def test_months_and_charges_are_not_its_business():
    account = account_of(balance=1000)
    ledger.post(account.pk, kind=EntryKind.MONTH, amount=Decimal(-650), key="month:1", now=NOON)

    assert (report().rows, report().ledger) == ([], 0)


@pytest.mark.parametrize("key", ["payment:999999", "payment:demo:5", "refund:999999", "register:999999:from"])
def test_a_line_whose_fact_is_not_there_shows_as_the_difference(key):
    paid("500")
    ledger.post(account_of().pk, kind=EntryKind.TOP_UP, amount=Decimal(77), key=key, now=NOON)

    found = report()

    assert (found.total.net, found.ledger, found.difference, found.agrees) == (500, 577, 77, False)


def test_a_payment_called_credited_without_an_entry_is_found():
    PaymentFactory(state=Payment.State.SUCCEEDED)

    found = report()

    assert (found.uncredited, found.agrees) == (day_report.Counted(1, Decimal(500)), False)


def test_receipts_promises_and_adjustments_are_counted():
    ReceiptFactory(state=Receipt.State.REGISTERED, registered_at=NOON)
    ReceiptFactory(state=Receipt.State.FAILED, error="x")
    ReceiptFactory()
    PromisedPaymentFactory(state=PromisedPayment.State.KEPT)
    PromisedPaymentFactory(state=PromisedPayment.State.BROKEN, granted_at=NOON - timedelta(days=5))
    for amount in ("100", "-30"):
        adjustments.propose(
            account_of().pk, operation=uuid4(), amount=Decimal(amount), reason="x", author=StaffFactory(), now=NOON
        )

    found = report()

    counts = {name: found.receipts[name].count for name in found.receipts}
    assert counts == {"registered": 1, "returned": 0, "failed": 1}
    assert {name: found.promises[name].count for name in found.promises} == {"given": 1, "kept": 1, "broken": 1}
    assert {name: found.adjustments[name].sum for name in found.adjustments} == {"added": 100, "taken": -30}


def test_the_real_verb_leaves_what_the_report_reads():
    account = account_of()
    crediting.take(
        account.pk, gateway="osmp", number="1", amount=Decimal(250), paid_at=NOON, title="Терминал", now=NOON
    )

    found = report()

    assert rows(found)["osmp", "terminal"].credited == 250
    assert found.agrees


# --- The page


@pytest.fixture(autouse=True)
def _the_day_after():
    with time_machine.travel(NOON + timedelta(days=1), tick=False):
        yield


def sign_in(client, role=roles.ACCOUNTANT, cities=None):
    user = StaffFactory(role=role, in_cities=cities or [CityFactory()])
    client.force_login(user, "accounts.backends.StaffBackend")
    return user


def text(response):
    return response.content.decode().replace("\N{NO-BREAK SPACE}", " ")


def votkinsk():
    return CityFactory(slug="votkinsk", name="Воткинск", name_en="Votkinsk")


def test_it_opens_with_yesterday(client):
    sign_in(client)
    paid("1234.50")

    page = text(client.get(URL))

    assert "1,234.50 ₽" in page
    assert "agrees with the ledger" in page


def test_a_difference_is_shown_loudly(client):
    sign_in(client)
    ledger.post(account_of().pk, kind=EntryKind.TOP_UP, amount=Decimal(77), key="payment:999999", now=NOON)

    page = text(client.get(URL))

    assert "The ledger differs by +77.00 ₽" in page
    assert "agrees" not in page


def test_staff_of_one_city_see_its_money_alone(client):
    theirs = account_of(ContractFactory(house=HouseFactory(street=StreetFactory(city=votkinsk()))))
    paid("500")
    paid("700", account=theirs)
    sign_in(client)

    mine = client.get(URL).context["report"]
    sign_in(client, cities=[CityFactory(), votkinsk()])
    both = client.get(URL).context["report"]

    assert (mine.total.net, mine.ledger) == (500, 500)
    assert both.total.net == 1200


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (roles.ACCOUNTANT, 200),
        (roles.SUPERVISOR, 200),
        (roles.OPERATOR, 403),
        (roles.SUPPORT_AGENT, 403),
        (roles.NETWORK_ENGINEER, 403),
        (roles.CATALOGUE_MANAGER, 403),
    ],
)
def test_it_is_for_those_who_do_the_accounts(client, role, status):
    sign_in(client, role)

    assert client.get(URL).status_code == status


def test_the_list_of_payments_leads_to_it_who_may_read_it(client):
    sign_in(client)
    accountants = text(client.get(reverse("admin:billing_payment_changelist")))
    sign_in(client, roles.OPERATOR)
    operators = text(client.get(reverse("admin:billing_payment_changelist")))

    assert (URL in accountants, URL in operators) == (True, False)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("since=2026-11-01&until=2026-12-02", "At most 31 days"),
        ("since=2026-11-20&until=2026-11-19", "before the beginning"),
        ("since=1026-11-20&until=1026-11-20", "nothing on such a date"),
        ("since=x&until=2026-11-20", "valid date"),
        ("since=2026-11-20", "required"),
    ],
)
def test_unfit_days_are_refused_with_a_reason(client, query, words):
    sign_in(client)

    response = client.get(f"{URL}?{query}&csv=1")

    assert response.status_code == 422
    assert words in text(response)


def test_thirty_one_days_are_not_too_many(client):
    sign_in(client)

    assert client.get(f"{URL}?since=2026-10-01&until=2026-10-31").status_code == 200


def test_as_a_table_it_says_the_same_and_no_cell_becomes_a_formula(client):
    sign_in(client)
    paid("1234.50", gateway="=cmd()")

    response = client.get(f"{URL}?since=2026-11-20&until=2026-11-20&csv=1")

    lines = list(csv.reader(response.content.decode("utf-8-sig").splitlines(), delimiter=";"))
    assert response["Content-Disposition"] == 'attachment; filename="mark-2026-11-20-2026-11-20.csv"'
    assert lines[1] == ["'=cmd()", "Bank card", "1", "1234,50", "0,00", "0,00", "1234,50"]
    assert lines[2][0:4] == ["Total", "", "1", "1234,50"]
    assert lines[4] == ["Difference", "", "", "", "", "", "0,00"]


def test_many_payments_ask_as_many_queries_as_one(client, django_assert_num_queries):
    sign_in(client)
    account = account_of()
    paid(account=account)
    client.get(URL)
    with CaptureQueriesContext(connection) as few:
        client.get(URL)
    one = Payment.objects.get()
    fields = {field.attname: getattr(one, field.attname) for field in Payment._meta.concrete_fields}
    fields = {name: value for name, value in fields.items() if name not in ("id", "operation", "gateway_id")}
    Payment.objects.bulk_create(
        Payment(**fields, operation=uuid4(), gateway_id=f"{number}") for number in range(10_000)
    )
    LedgerEntry.objects.bulk_create(
        LedgerEntry(account=account, kind=EntryKind.TOP_UP, amount=500, key=f"payment:{pk}", at=NOON)
        for pk in Payment.objects.order_by("pk").values_list("pk", flat=True)[1:]
    )

    with django_assert_num_queries(len(few)):
        response = client.get(URL)

    assert response.context["report"].total.count == 10_001
    assert response.context["report"].agrees
    assert len(few) <= 14
