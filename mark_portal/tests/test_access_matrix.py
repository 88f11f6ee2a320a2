"""Every address × every kind of visitor. An address that is not in the tables fails the test."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from accounts import journal, limits, roles, sign_in
from accounts.local_time import midnight
from accounts.models import AddressImport, ConnectionRequest, SignInLock, Subscriber
from accounts.tests.factories import CityFactory, StaffFactory, UserFactory
from billing.models import Account, Adjustment, BankPayment, EntryKind, GatewayMessage, LedgerEntry, Registry
from billing.shares import first_of_month
from billing.tests.factories import AutopayFactory, PromisedPaymentFactory, ReceiptFactory, RefundFactory
from tariffs import speedtest
from tariffs.models import AccessChange, AccessState, Boost, MonthRun, Subscription, Suspension, Switch, TrafficImport
from tariffs.speedtest import Measured
from tariffs.tests.factories import (
    OfferFactory,
    OfferUseFactory,
    OptionFactory,
    OptionUseFactory,
    TariffFactory,
    TurboPackageFactory,
)

NOW = datetime.now(UTC)
TODAY = timezone.localdate(NOW)
STAFF = {
    "O": roles.OPERATOR,
    "G": roles.SUPPORT_AGENT,
    "E": roles.NETWORK_ENGINEER,
    "C": roles.ACCOUNTANT,
    "T": roles.CATALOGUE_MANAGER,
    "S": roles.SUPERVISOR,
}
EVERYBODY = "".join(STAFF)

PUBLIC = {
    "home",
    "health",
    "manifest",
    "service_worker",
    "offline",
    "robots",
    "accounts:connect",
    "accounts:connect_sent",
    "accounts:login",
    "billing:public_balance",
    "billing:gateway_notification",  # a GET is written down and answered with 405
    "billing:sandbox_bank",
    "support:contacts",
    "tariffs:speed",
    "language",
    "version",
    "tariffs:business",
    "tariffs:catalogue",
    "tariffs:connect_with",
    "tariffs:public_offers",
    "tariffs:services",
}
CABINET = {
    "accounts:profile",
    "billing:autopay",
    "billing:ledger",
    "billing:payments",
    "billing:promise",
    "billing:statement",
    "billing:top_up",
    "cabinet",
    "notifications:notices",
    "tariffs:speed_history",
    "tariffs:switch",
    "tariffs:tariff",
    "tariffs:offer",
    "tariffs:offers",
    "tariffs:option",
    "tariffs:options",
    "tariffs:suspension",
}
CABINET_FILES = {"billing:statement_csv", "billing:statement_pdf", "tariffs:speed_csv"}
# For persons they do not exist.
OF_COMPANIES = {"billing:documents", "billing:invoice", "billing:act"}
# Of one contract; to another they do not exist.
CABINET_OWN = {"billing:payment", "billing:receipt"}
CABINET_POST = {
    "accounts:end_session",
    "notifications:read",
    "billing:autopay_off",
    "billing:forget_card",
    "tariffs:switch_cancel",
}
CABINET |= {"tariffs:turbo"}
CABINET_POST |= {"tariffs:turbo_stop"}
CABINET_POST |= {"tariffs:speed_save"}
CABINET |= {"tariffs:statistics"}
CABINET_FILES |= {"tariffs:statistics_csv"}
CABINET_POST |= {"tariffs:suspension_cancel", "tariffs:suspension_end"}
CABINET_POST |= {"tariffs:option_keep", "tariffs:option_off"}
POST_FOR_ALL = {"accounts:logout"}
# Payment terminals: a session, whoever's, opens nothing.
MACHINES = {"billing:osmp", "billing:sber"}


@dataclass(frozen=True)
class Model:
    """Which roles, by their letters, see the rows and add one; nobody deletes unless said."""

    seen_by: str
    added_by: str = ""
    deleted_by: str = ""


MODELS = {
    "accounts_subscriber": Model("OGECS", "OS"),
    "accounts_contract": Model("OGECS", "OS"),
    "accounts_journalentry": Model("S"),
    "accounts_city": Model("OGECTS", "S"),
    "accounts_street": Model("OGECS", "OES"),
    "accounts_house": Model("OGECS", "OES"),
    "accounts_addressimport": Model("OES", "OES"),
    "accounts_connectionrequest": Model("OGS"),
    "accounts_signinlock": Model("OGS"),
    "accounts_user": Model("S", "S"),
    "billing_account": Model("OGCS"),
    "billing_ledgerentry": Model("OGCS"),
    "billing_adjustment": Model("OGCS", "CS"),
    # A register spans all cities, and the staff of this world are given one: test_admin_registries.py has the others.
    "billing_registry": Model(""),
    "tariffs_monthrun": Model(""),  # likewise: tariffs/tests/test_admin_months.py
    "tariffs_trafficimport": Model(""),  # likewise: tariffs/tests/test_admin_traffic.py
    "billing_refund": Model("OGCS", "CS"),
    "billing_autopay": Model("OGCS"),
    "billing_payment": Model("OGCS"),
    "billing_receipt": Model("OGCS"),
    "billing_promisedpayment": Model("OGCS"),
    "billing_gatewaymessage": Model("CS"),
    "tariffs_speedtest": Model("OGECTS"),
    "tariffs_accesschange": Model("OGECTS"),
    "tariffs_accessstate": Model("OGECTS"),
    "tariffs_boost": Model("OGECTS"),
    "tariffs_suspension": Model("OGECTS", "OGS"),
    "tariffs_switch": Model("OGECTS", "OGS"),
    "tariffs_subscription": Model("OGECTS", "OS"),
    "tariffs_optionuse": Model("OGECTS", "OGS"),
    "tariffs_offeruse": Model("OGECTS", "OGS"),
    "tariffs_tariff": Model("OGECTS", "TS", "TS"),
    "tariffs_option": Model("OGECTS", "TS", "TS"),
    "tariffs_offer": Model("OGECTS", "TS", "TS"),
    # The same in every city, and the staff of this world are given one: test_admin_catalogue.py has the others.
    "tariffs_turbopackage": Model("OGECTS"),
}
# Staff pages beside the models' own: who may open them, and whether they only take POST.
ADMIN_PAGES = {
    "admin:index": EVERYBODY,
    "admin:app_list": EVERYBODY,
    "admin:password_change": EVERYBODY,
    "admin:password_change_done": EVERYBODY,
    "admin:jsi18n": EVERYBODY,
    "admin:autocomplete": "",  # 403 without a field to complete; its rows are scoped like the lists
    "admin:view_on_site": "",  # nothing has an address of its own
    "admin:accounts_contract_credentials": "OGS",
    "admin:accounts_contract_identity": "OGS",
    "admin:accounts_contract_terminate": "OS",
    "admin:auth_user_password_change": "S",
    "admin:billing_registry_csv": "",
    "admin:billing_payment_day": "CS",
    "admin:tariffs_monthrun_ahead": "",
    "admin:tariffs_monthrun_poor": "",
}
ADMIN_POST = {
    "admin:billing_adjustment_decide": "CS",
    "admin:billing_registry_correct": "",
    "admin:tariffs_monthrun_again": "",
    "admin:billing_autopay_off": "OGCS",
    "admin:billing_refund_decide": "CS",
    "admin:billing_refund_settle": "CS",
    "admin:billing_payment_ask": "OGCS",
    "admin:billing_receipt_send": "CS",
    "admin:tariffs_suspension_cancel": "OGS",
    "admin:tariffs_optionuse_off": "OGS",
    "admin:tariffs_optionuse_keep": "OGS",
    "admin:tariffs_switch_cancel": "OGS",
    "admin:tariffs_suspension_end": "OGS",
    "admin:accounts_connectionrequest_take": "OGS",
    "admin:accounts_connectionrequest_close": "OGS",
    "admin:accounts_connectionrequest_put_back": "OGS",
    "admin:accounts_addressimport_run_again": "OES",
}
# Their own answers are tested beside them.
ADMIN_DOORS = {"admin:login", "admin:logout", "admin:second_factor"}


def addresses() -> dict[str, set[str]]:
    """Name → names of its parameters, for every address of the portal."""
    found: dict[str, set[str]] = {}

    def walk(patterns: list[URLPattern | URLResolver], namespace: str, given: set[str]) -> None:
        for pattern in patterns:
            names = given | set(pattern.pattern.converters) | set(pattern.pattern.regex.groupindex)
            if isinstance(pattern, URLResolver):
                walk(
                    pattern.url_patterns, f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace, names
                )
            elif pattern.name:
                found[f"{namespace}{pattern.name}"] = names

    walk(get_resolver().url_patterns, "", set())
    return found


def in_tables() -> set[str]:
    models = {f"admin:{model}_{page}" for model in MODELS for page in MODEL_PAGES}
    pages = (
        PUBLIC
        | MACHINES
        | CABINET
        | CABINET_FILES
        | OF_COMPANIES
        | CABINET_OWN
        | CABINET_POST
        | POST_FOR_ALL
        | set(ADMIN_PAGES)
        | set(ADMIN_POST)
        | ADMIN_DOORS
    )
    return pages | models


MODEL_PAGES = ("changelist", "add", "history", "delete", "change")


def test_every_address_is_in_the_tables():
    assert set(addresses()) - in_tables() == set()


def test_the_tables_name_no_address_that_is_gone():
    assert in_tables() - set(addresses()) == set()


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """One row of everything in Izhevsk, and everybody who may come by; rolled back at the end of the module."""
    from django.db import transaction

    with django_db_blocker.unblock():
        atomic = transaction.atomic()
        atomic.__enter__()
        try:
            yield World()
        finally:
            transaction.set_rollback(True)
            atomic.__exit__(None, None, None)


class World:
    def __init__(self) -> None:
        self.city, self.votkinsk = CityFactory(), CityFactory(slug="votkinsk", name="Воткинск", name_en="Votkinsk")
        self.subscribers = {"A": UserFactory(), "B": UserFactory()}
        self.company = UserFactory(contract__subscriber__kind=Subscriber.Kind.LEGAL_ENTITY)
        self.charged_month = first_of_month(TODAY, -1)
        LedgerEntry.objects.create(
            account_id=self.company.contract_id,
            kind=EntryKind.MONTH,
            amount=-1,
            key="month",
            at=midnight(self.charged_month),
        )
        self.staff = {letter: StaffFactory(role=role, in_cities=[self.city]) for letter, role in STAFF.items()}
        self.strangers = {letter: StaffFactory(role=role, in_cities=[self.votkinsk]) for letter, role in STAFF.items()}
        self.contract = self.subscribers["A"].contract
        self.rows = self._rows()
        receipt = self.rows["billing_receipt"]
        self.operations = {"billing:payment": receipt.payment.operation, "billing:receipt": receipt.operation}
        self.bank_payment = BankPayment.objects.create(
            idempotence_key=uuid4(), amount=1, contract_number=self.contract.number, method="card", created_at=NOW
        )

    def _rows(self) -> dict[str, object]:
        author, account = self.staff["C"], Account.objects.get(pk=self.contract.pk)
        limits.take(sign_in.BY_LOGIN_AND_NETWORK, f"izhevsk/{self.contract.number} · 10.0.0.0/24", now=NOW)
        receipt = ReceiptFactory(payment__account=account, state="failed", error="x")
        return {
            "accounts_subscriber": self.contract.subscriber,
            "accounts_contract": self.contract,
            "accounts_journalentry": journal.record(author, "changed", self.contract, now=NOW),
            "accounts_city": self.city,
            "accounts_street": self.contract.house.street,
            "accounts_house": self.contract.house,
            "accounts_addressimport": AddressImport.objects.create(
                city=self.city, file_name="streets.csv", content="", author=author, created_at=NOW
            ),
            "accounts_connectionrequest": ConnectionRequest.objects.create(
                name="Ольга", phone="+79120000001", city=self.city, created_at=NOW, deadline_at=NOW + timedelta(hours=2)
            ),
            "accounts_signinlock": SignInLock.objects.get(),
            "accounts_user": self.staff["G"],
            "billing_account": account,
            "billing_ledgerentry": LedgerEntry.objects.create(
                account=account, kind=EntryKind.TOP_UP, amount=1, key="topup:1", at=NOW
            ),
            "tariffs_trafficimport": TrafficImport.objects.create(file_name="hours.csv", author=author, created_at=NOW),
            "tariffs_monthrun": MonthRun.objects.create(month=TODAY.replace(day=1), started_at=NOW),
            "billing_registry": Registry.objects.create(
                gateway="osmp", day=TODAY, file_name="osmp.csv", uploaded_by=author, uploaded_at=NOW
            ),
            "billing_adjustment": Adjustment.objects.create(
                account=account, amount=6000, reason="x", author=author, created_at=NOW, operation=uuid4()
            ),
            "billing_payment": receipt.payment,
            "billing_receipt": receipt,
            "billing_refund": RefundFactory(payment=receipt.payment, author=author),
            "billing_autopay": AutopayFactory(method__account=account),
            "billing_promisedpayment": PromisedPaymentFactory(account=account),
            "tariffs_switch": Switch.objects.create(
                operation=uuid4(),
                contract=self.contract,
                old=TariffFactory(city=self.city),
                tariff=TariffFactory(city=self.city),
                on=TODAY + timedelta(days=20),
                created_at=NOW,
            ),
            "tariffs_subscription": Subscription.objects.create(
                contract=self.contract, tariff=TariffFactory(city=self.city), since=TODAY
            ),
            "tariffs_optionuse": OptionUseFactory(contract=self.contract),
            "tariffs_offeruse": OfferUseFactory(contract=self.contract),
            "tariffs_tariff": TariffFactory(city=self.city),
            "tariffs_option": OptionFactory(city=self.city),
            "tariffs_offer": OfferFactory(city=self.city),
            "tariffs_turbopackage": TurboPackageFactory(),
            "billing_gatewaymessage": GatewayMessage.objects.create(
                gateway="sandbox", at=NOW, method="POST", verdict="refused", payment=receipt.payment
            ),
            "tariffs_speedtest": speedtest.save(
                self.contract.pk, Measured(ping=3, jitter=1, down=94, up=92), operation=uuid4(), now=NOW
            ),
            "tariffs_accesschange": AccessChange.objects.create(
                contract=self.contract, number=1, is_on=True, created_at=NOW
            ),
            "tariffs_suspension": Suspension.objects.create(
                operation=uuid4(),
                contract=self.contract,
                starts_on=TODAY + timedelta(days=300),
                ends_on=TODAY + timedelta(days=310),
                created_at=NOW,
            ),
            "tariffs_boost": Boost.objects.create(
                contract=self.contract, factor=2, started_at=NOW, ends_at=NOW + timedelta(hours=3)
            ),
            "tariffs_accessstate": AccessState.objects.create(contract=self.contract, is_on=True),
        }

    def url(self, name: str) -> str:
        model = next((model for model in MODELS if name.startswith(f"admin:{model}_")), None)
        row = self.rows[model].pk if model else None
        known = {
            "code": "en",
            "version": "new",
            "app_label": "accounts",
            "content_type_id": 1,
            "object_id": row or 1,
            "id": self.rows["accounts_user"].pk,
            "contract_id": self.contract.pk,
            "adjustment_id": row,
            "refund_id": row,
            "payment_id": row,
            "receipt_id": row,
            "request_id": row,
            "import_id": row,
            "registry_id": row,
            "run_id": row,
            "line_id": 1,
            "gateway": "sandbox",
            "operation": self.operations.get(name),
            "number": self.bank_payment.pk,
            "month": self.charged_month,
            "offer_id": self.rows["tariffs_offer"].pk,
            "use_id": row,
            "option_id": self.rows["tariffs_option"].pk,
            "tariff_id": self.rows["tariffs_tariff"].pk,
            "switch_id": row,
            "suspension_id": row,
        }
        return reverse(name, kwargs={parameter: known[parameter] for parameter in addresses()[name]})


@pytest.fixture
def visit(client, world, db):
    """Opens a page as a visitor and says what happened in a word."""

    def outcome(name: str, visitor=None, method="get") -> str:
        client.logout()
        if visitor:
            backend = "StaffBackend" if visitor.is_staff else "SubscriberBackend"
            client.force_login(visitor, backend=f"accounts.backends.{backend}")
        response = getattr(client, method)(world.url(name))
        target = response.headers.get("Location", "")
        if response.status_code == 302 and ("/login/" in target):
            return "sign in"
        if response.status_code == 403:
            return "forbidden"
        if response.status_code == 404 or (response.status_code == 302 and target == reverse("admin:index")):
            return "not found"
        assert response.status_code < 500
        return "open"

    return outcome


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_public_pages_are_open_to_everybody(visit, world, name):
    if name not in addresses():
        pytest.skip("this address does not exist yet")
    visitors = [None, *world.subscribers.values(), *world.staff.values()]

    assert {visit(name, visitor) for visitor in visitors} == {"open"}


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_terminals_are_known_by_their_secret_alone(client, world, db, name):
    client.force_login(world.staff["S"], backend="accounts.backends.StaffBackend")

    assert client.get(world.url(name)).status_code == 401


@pytest.mark.parametrize(
    ("name", "method"), [*((n, "get") for n in CABINET | CABINET_FILES), *((n, "post") for n in CABINET_POST)]
)
def test_the_cabinet_is_for_subscribers(visit, world, name, method):
    assert visit(name, None, method) == "sign in"
    assert {visit(name, subscriber, method) for subscriber in world.subscribers.values()} == {"open"}
    assert {visit(name, member, method) for member in world.staff.values()} == {"forbidden"}


@pytest.mark.parametrize("name", sorted(CABINET_OWN))
def test_what_belongs_to_one_contract_does_not_exist_for_another(visit, world, name):
    assert visit(name) == "sign in"
    assert visit(name, world.subscribers["A"]) == "open"
    assert visit(name, world.subscribers["B"]) == "not found"
    assert {visit(name, member) for member in world.staff.values()} == {"forbidden"}


@pytest.mark.parametrize("name", sorted(OF_COMPANIES))
def test_papers_of_companies_are_for_companies(visit, world, name):
    assert visit(name) == "sign in"
    assert visit(name, world.company) == "open"
    assert {visit(name, subscriber) for subscriber in world.subscribers.values()} == {"not found"}
    assert {visit(name, member) for member in world.staff.values()} == {"forbidden"}


@pytest.mark.parametrize("name", sorted(CABINET))
def test_a_subscriber_sees_their_own_contract_alone(client, world, db, name):
    for letter, other in (("A", "B"), ("B", "A")):
        client.force_login(world.subscribers[letter], backend="accounts.backends.SubscriberBackend")
        page = client.get(world.url(name)).content.decode()
        assert world.subscribers[other].contract.number not in page


def expected(seen_by: str) -> dict[str, str]:
    return {letter: "open" if letter in seen_by else "forbidden" for letter in STAFF}


def model_cases():
    for model, who in MODELS.items():
        for page in MODEL_PAGES:
            allowed = {"add": who.added_by, "delete": who.deleted_by}.get(page, who.seen_by)
            yield f"admin:{model}_{page}", allowed, "get"


ADMIN_CASES = [
    *model_cases(),
    *((name, allowed, "get") for name, allowed in ADMIN_PAGES.items()),
    *((name, allowed, "post") for name, allowed in ADMIN_POST.items()),
]


@pytest.mark.parametrize(("name", "allowed", "method"), ADMIN_CASES)
def test_the_admin_opens_by_role(visit, world, name, allowed, method):
    outsiders = {visit(name, visitor, method) for visitor in (None, *world.subscribers.values())}

    answers = {letter: visit(name, member, method) for letter, member in world.staff.items()}

    assert outsiders == {"sign in"}
    assert {letter for letter, answer in answers.items() if answer == "open"} == set(allowed)


# The same for every city, and to read for everybody who sees the list.
OF_NO_CITY = ("admin:tariffs_turbopackage_",)
OBJECT_CASES = [
    (name, allowed, method)
    for name, allowed, method in ADMIN_CASES
    if name.rpartition("_")[2]
    in {"change", "history", "credentials", "identity", "terminate", "decide", "take", "close", "ask", "send"}
    and name != "admin:auth_user_password_change"
    and "password_change" not in name
    and not name.startswith(OF_NO_CITY)
]


@pytest.mark.parametrize(("name", "allowed", "method"), OBJECT_CASES)
def test_rows_of_another_city_do_not_exist(visit, world, name, allowed, method):
    answers = {visit(name, world.strangers[letter], method) for letter in allowed}

    assert answers <= {"not found"}


def test_a_stranger_to_the_city_cannot_set_a_password(visit, world):
    assert visit("admin:auth_user_password_change", world.strangers["S"]) == "not found"
