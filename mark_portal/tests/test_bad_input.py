"""Whatever a browser sends: a clear 4xx, never a 500, nothing stored."""

from io import BytesIO

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import roles
from accounts.models import ConnectionRequest
from accounts.tests.factories import CityFactory, StaffFactory, UserFactory
from billing.models import BankPayment
from tariffs.tests.factories import OfferFactory, OptionFactory, TariffFactory

pytestmark = pytest.mark.django_db

FORMS = {
    "/login/": ["city", "login", "password", "next"],
    "/balance/": ["number"],
    "/connect/": ["name", "phone", "city", "website", "interest"],
    "/cabinet/profile/": ["current", "new", "again"],
    "/cabinet/profile/sessions/": ["session"],
    "/cabinet/notices/read/": ["notice", "until"],
    "/cabinet/billing/autopay/": ["card", "limit", "contact", "consent"],
    "/cabinet/billing/promise/": ["operation"],
    "/cabinet/billing/autopay/off/": ["x"],
    "/cabinet/billing/autopay/cards/remove/": ["card"],
    "/cabinet/tariff/1077/": ["when", "on", "operation", "seal"],
    "/cabinet/tariff/cancel/": ["switch"],
    "/cabinet/billing/top-up/": ["sum", "method", "keep_card", "contact", "operation"],
    "/cabinet/statistics/speed/save/": ["ping", "jitter", "down", "up", "operation"],
    "/cabinet/suspension/": ["first", "last", "operation"],
    "/cabinet/suspension/cancel/": ["suspension"],
    "/cabinet/suspension/end/": ["suspension"],
    "/admin/tariffs/tariff/add/": [
        "name",
        "city",
        "services",
        "speed_down",
        "prices-0-fee",
        "prices-0-since",
        "prices-TOTAL_FORMS",
    ],
    "/admin/tariffs/option/add/": ["name", "choices", "max_quantity", "prices-0-since"],
    "/admin/tariffs/optionuse/add/": ["contract", "option", "quantity", "choice", "drawn"],
    "/admin/tariffs/offeruse/add/": ["contract", "offer", "drawn"],
    "/admin/tariffs/offer/add/": ["name", "percent", "months", "starts_on", "tariffs", "credit"],
    "/admin/tariffs/turbopackage/add/": ["family", "hours", "price"],
    "/cabinet/offers/17/": ["operation", "seen"],
    "/cabinet/options/17/": ["operation", "quantity", "choice", "seen"],
    "/cabinet/options/17/off/": ["x"],
    "/cabinet/options/17/keep/": ["x"],
    "/cabinet/turbo/": ["package", "free", "price", "operation"],
    "/cabinet/turbo/stop/": ["boost", "hours"],
    "/logout/": ["next"],
    "/pay/sandbox/": ["payment"],
    "/pay/yookassa/": ["object"],
    "/sandbox-bank/00000000-0000-4000-8000-000000000017/": ["outcome", "reason", "card", "expires", "code"],
}
QUERIES = {
    "/cabinet/statistics/": ["period", "from", "year"],
    "/cabinet/statistics/statistics.csv": ["period", "from", "year"],
    "/cabinet/turbo/": ["package", "free", "part"],
    "/": ["x", "city"],
    "/tariffs/": ["city", "kind", "family", "compare"],
    "/offers/": ["city"],
    "/services/": ["city"],
    "/business/": ["city"],
    "/login/": ["next", "city"],
    "/connect/": ["city", "interest"],
    "/cabinet/": ["part"],
    "/cabinet/billing/": ["kind", "since", "until", "cursor"],
    "/cabinet/billing/top-up/": ["sum", "method", "part"],
    "/cabinet/billing/payments/": ["state", "cursor"],
    "/cabinet/billing/statement/": ["since", "until", "page"],
    "/cabinet/billing/statement/statement.csv": ["since", "until"],
    "/cabinet/billing/statement/statement.pdf": ["since", "until"],
    "/cabinet/options/17/": ["quantity", "choice"],
    "/cabinet/tariff/": ["part"],
    "/cabinet/tariff/1077/": ["when", "on"],
    "/cabinet/notices/": ["topic", "after", "part"],
    "/cabinet/suspension/": ["first", "last", "month"],
    "/cabinet/statistics/speed/": ["cursor"],
    "/cabinet/statistics/speed/speed.csv": ["x"],
    "/speed/": ["x"],
    "/pay/osmp/": ["command", "account"],
    "/pay/sber/": ["ACTION", "ACCOUNT"],
    "/language/ru/": ["next"],
    "/version/old/": ["next"],
    "/admin/": ["x"],
    "/admin/accounts/contract/": [
        "q",
        "p",
        "o",
        "state__exact",
        "city__id__exact",
        "started_on__year",
        "nonsense",
        "started_on_from",
    ],
    "/admin/accounts/connectionrequest/": ["q", "queue", "p"],
    "/admin/accounts/house/": ["q", "p", "o"],
    "/admin/billing/ledgerentry/": ["q", "kind__exact", "city", "at__year", "at_from", "at_to", "p"],
    "/admin/billing/payment/": ["q", "state", "gateway", "city", "method__exact", "created_at_from", "p"],
    "/admin/billing/payment/day/": ["since", "until", "csv"],
    "/admin/billing/receipt/": ["q", "state__exact", "gateway", "created_at_to"],
    "/admin/billing/promisedpayment/": ["q", "state__exact", "granted_at_from"],
    "/admin/billing/gatewaymessage/": ["q", "verdict__exact", "at_from"],
    "/admin/billing/refund/": ["q", "state__exact", "gateway", "p"],
    "/admin/billing/refund/add/": ["payment", "amount", "reason", "drawn"],
    "/admin/billing/autopay/": ["q", "is_on__exact", "stopped__exact", "p"],
    "/admin/billing/registry/": ["q", "gateway", "day__year", "p"],
    "/admin/tariffs/monthrun/": ["q", "month__year", "o", "p"],
    "/admin/tariffs/tariff/": ["q", "city", "is_archived__exact", "family__exact", "audience__exact", "p", "o"],
    "/admin/tariffs/option/": ["q", "city", "needs__exact", "p"],
    "/admin/tariffs/offer/": ["q", "city", "is_archived__exact", "p"],
    "/admin/tariffs/optionuse/": ["q", "option__id__exact", "city", "p"],
    "/admin/tariffs/optionuse/add/": ["contract"],
    "/admin/tariffs/offeruse/": ["q", "offer__id__exact", "city", "p"],
    "/admin/tariffs/turbopackage/": ["family__exact", "p"],
    "/admin/tariffs/boost/": ["q", "state__exact", "started_at_to", "p"],
    "/admin/tariffs/accesschange/": ["q", "state", "city", "is_on__exact", "p"],
    "/admin/tariffs/speedtest/": ["q", "at_from", "is_boosted__exact", "city", "p"],
    "/admin/tariffs/suspension/": ["q", "state__exact", "city", "p"],
    "/admin/tariffs/suspension/add/": ["contract", "starts_on", "ends_on", "drawn"],
    "/admin/tariffs/trafficimport/": ["q", "state__exact", "p"],
    "/admin/tariffs/switch/": ["q", "state__exact", "p"],
    "/admin/tariffs/switch/add/": ["contract", "tariff", "day", "drawn"],
    "/admin/tariffs/subscription/": ["q", "p"],
    "/admin/tariffs/subscription/add/": ["contract", "tariff"],
    "/admin/autocomplete/": ["app_label", "model_name", "field_name", "term"],
}
NASTY = {
    "NUL byte": "a\0b",
    "very long": "x" * 100_000,
    "lone surrogate": b"\xed\xa0\x80",
    "broken UTF-8": b"\xff\xfe",
    "emoji": "💥" * 50,
    "right to left": "\u202eabc",
    "huge number": "9" * 400,
    "negative": "-1",
    "not a number": "NaN",
    "path": "../../etc/passwd",
    "template": "{{ 7*7 }}{% load %}",
    "sql": "' OR 1=1; --",
    "json": '{"a": ["b"]}',
    "newline": "a\r\nSet-Cookie: x=1",
    "fullwidth digits": "１００００１",
    "date": "9999-99-99",
}


@pytest.fixture(autouse=True)
def _payment_at_the_bank(db):
    number, key = "00000000-0000-4000-8000-000000000017", "00000000-0000-4000-8000-000000000018"
    BankPayment.objects.create(
        pk=number, idempotence_key=key, amount=1, contract_number="100001", method="card", created_at=timezone.now()
    )


@pytest.fixture(autouse=True)
def _option_and_offer(db):
    OptionFactory(pk=17, max_quantity=3, choices=["Кино"])
    OfferFactory(pk=17)


@pytest.fixture(autouse=True)
def _tariff_on_sale(db):
    TariffFactory(pk=1077)


@pytest.fixture
def anybody():
    return Client(raise_request_exception=False)


@pytest.fixture
def subscriber(anybody):
    anybody.force_login(UserFactory(), backend="accounts.backends.SubscriberBackend")
    return anybody


@pytest.fixture
def supervisor(anybody):
    user = StaffFactory(role=roles.SUPERVISOR, in_cities=[CityFactory()])
    anybody.force_login(user, backend="accounts.backends.StaffBackend")
    return anybody


def who(path: str, request) -> Client:
    if path.startswith("/admin/"):
        return request.getfixturevalue("supervisor")
    return request.getfixturevalue("subscriber" if path.startswith("/cabinet/") else "anybody")


@pytest.mark.parametrize("value", NASTY.values(), ids=NASTY.keys())
@pytest.mark.parametrize("path", FORMS)
def test_a_form_survives(request, path, value):
    client = who(path, request)

    statuses = {name: client.post(path, {name: value}).status_code for name in FORMS[path]}

    assert max(statuses.values()) < 500, statuses


@pytest.mark.parametrize("path", FORMS)
def test_a_form_survives_arrays_files_and_wrong_types(request, path):
    client = who(path, request)
    first = FORMS[path][0]

    answers = [
        client.post(path, {first: ["a", "b", ""]}),
        client.post(path, {f"{first}[]": "a"}),
        client.post(path, {first: BytesIO(b"\x00\xff")}),
        client.post(path, b"\xff\xfe not a form", content_type="application/x-www-form-urlencoded"),
        client.post(path, b"--broken", content_type="multipart/form-data; boundary=x"),
        client.post(path, b"no boundary", content_type="multipart/form-data"),
        client.post(path, b"{}", content_type="application/json"),
        client.post(path, {f"f{n}": n for n in range(1_100)}),
        client.post(path, b"a=" + b"x" * 3_000_000, content_type="application/x-www-form-urlencoded"),
        client.put(path, b"x"),
        client.delete(path),
    ]

    assert max(answer.status_code for answer in answers) < 500


@pytest.mark.parametrize("value", NASTY.values(), ids=NASTY.keys())
@pytest.mark.parametrize("path", QUERIES)
def test_an_address_survives(request, path, value):
    client = who(path, request)

    statuses = {name: client.get(path, {name: value}).status_code for name in QUERIES[path]}

    assert max(statuses.values()) < 500, statuses


@pytest.mark.parametrize(
    "path", ["/%00", "/%ed%a0%80/", "/%ff", "/" + "x" * 5_000, "/language/%00/", "/version/%F0%9F%92%A5/"]
)
def test_a_path_survives(anybody, path):
    assert 300 <= anybody.get(path).status_code < 500


@pytest.mark.parametrize(
    "path",
    [
        "/admin/accounts/contract/%00/change/",
        "/admin/accounts/contract/x/change/",
        "/admin/accounts/contract/99999999999999999999999/change/",
        "/admin/accounts/contract/99999999999999999999999/identity/",
        "/admin/accounts/contract/9223372036854775808/credentials/",
        "/admin/accounts/contract/-1/history/",
        "/admin/billing/adjustment/99999999999999999999999/decide/",
        "/admin/billing/registry/lines/99999999999999999999999/correct/",
        "/admin/tariffs/monthrun/99999999999999999999999/send-again/",
        "/admin/tariffs/monthrun/99999999999999999999999/change/",
        "/admin/tariffs/monthrun/ahead/2026-13/",
        "/admin/billing/registry/99999999999999999999999/differences.csv",
        "/admin/billing/registry/99999999999999999999999/change/",
        "/admin/billing/payment/99999999999999999999999/ask/",
        "/admin/billing/receipt/99999999999999999999999/send/",
        "/admin/tariffs/optionuse/99999999999999999999999/off/",
        "/admin/tariffs/optionuse/99999999999999999999999/change/",
        "/admin/tariffs/suspension/99999999999999999999999/cancel/",
        "/admin/tariffs/suspension/99999999999999999999999/end/",
        "/admin/tariffs/switch/99999999999999999999999/cancel/",
        "/admin/r/x/y/",
        "/admin/r/99999999999999999999999/1/",
    ],
)
def test_an_admin_address_survives(supervisor, path):
    assert max(supervisor.get(path).status_code, supervisor.post(path).status_code) < 500


@pytest.mark.parametrize("cookie", ["sessionid", "city", "pages", "django_language", "csrftoken", "messages"])
@pytest.mark.parametrize("value", ["\\000", "x" * 4_000, "💥".encode().decode("latin-1"), "a;b", '"'])
def test_a_cookie_survives(anybody, cookie, value):
    anybody.cookies.load({cookie: value})

    statuses = [anybody.get(path).status_code for path in ("/", "/login/", "/cabinet/", "/admin/")]

    assert max(statuses) < 500


@pytest.mark.parametrize("header", ["User-Agent", "X-Forwarded-For", "Referer", "Accept-Language", "Origin"])
@pytest.mark.parametrize("value", ["\0", "x" * 10_000, "💥", "1.2.3.4, , x", "\udcff"])
def test_a_header_survives(anybody, header, value):
    user = UserFactory()
    credentials = {"city": "izhevsk", "login": user.login, "password": "kamu-tefa-58-nuze"}

    entered = anybody.post("/login/", credentials, headers={header: value})
    page = anybody.get("/cabinet/profile/", headers={header: value})

    assert max(entered.status_code, page.status_code) < 500


def test_a_foreign_host_is_refused(anybody):
    assert anybody.get("/", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize("value", ["a\0b"])
def test_what_cannot_be_stored_gets_a_page_that_says_so(anybody, value):
    page = anybody.post(reverse("accounts:connect"), {"name": value, "phone": "+79120000001"})

    assert page.status_code == 400
    assert "cannot be stored" in page.content.decode()
    assert not ConnectionRequest.objects.exists()
