"""One town with somebody in every situation, for tests that only look at pages."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import connections, roles
from accounts.models import Contract, Subscriber
from accounts.tests.factories import (
    CityFactory,
    ConnectionRequestFactory,
    HouseFactory,
    StaffFactory,
    StreetFactory,
    SubscriberFactory,
    UserFactory,
)
from billing.models import EntryKind
from mark_portal.tests.browser.rows import post, post_history
from tariffs import prices
from tariffs.models import Service
from tariffs.tests.factories import OfferFactory, OptionFactory, TariffFactory, TurboPackageFactory, served

LONG_NAME = "Общество с ограниченной ответственностью «Удмуртнефтеспецгеологоразведкастройавтоматика»"
SENT = "/connect/sent/"
PUBLIC = ["/", "/login/", "/connect/", SENT, "/balance/", "/contacts/", "/speed/", "/offline/", "/no-such-page/"]
PUBLIC += ["/tariffs/", "/tariffs/?kind=legal&family=tv", "/offers/", "/services/", "/business/"]
CABINET = [
    "/cabinet/",
    "/cabinet/billing/",
    "/cabinet/billing/?kind=refund",
    "/cabinet/profile/",
    "/cabinet/notices/",
    "/cabinet/billing/statement/",
    "/cabinet/billing/top-up/",
    "/cabinet/billing/payments/",
    "/cabinet/billing/promise/",
    "/cabinet/tariff/",
    "/cabinet/tariff/900001/?when=now",
    "/cabinet/statistics/speed/",
    "/cabinet/turbo/",
    "/cabinet/options/",
    "/cabinet/suspension/",
    "/cabinet/offers/",
]
ADMIN = [
    "login",
    "index",
    "accounts_contract_changelist",
    "accounts_contract_add",
    "accounts_contract_change",
    "accounts_contract_identity",
    "accounts_subscriber_changelist",
    "accounts_subscriber_add",
    "accounts_connectionrequest_changelist",
    "accounts_connectionrequest_change",
    "accounts_house_changelist",
    "accounts_addressimport_add",
    "accounts_user_changelist",
    "accounts_user_add",
    "accounts_journalentry_changelist",
    "billing_ledgerentry_changelist",
    "billing_account_change",
    "tariffs_accesschange_changelist",
    "tariffs_boost_changelist",
    "tariffs_speedtest_changelist",
    "tariffs_tariff_changelist",
    "tariffs_tariff_change",
    "tariffs_option_add",
    "tariffs_offer_add",
]


class World:
    def __init__(self):
        street = StreetFactory(name="Улица имени Пятидесятилетия Великой Октябрьской социалистической революции")
        company = SubscriberFactory(name=LONG_NAME, email="otvetstvennoe.litso.za.dogovory@udmurtnefte.example")
        contract = UserFactory(contract__subscriber=company, contract__house=HouseFactory(street=street)).contract
        self.contract, self.user = contract, contract.user
        post_history(self.user, months=30)
        served(contract=contract, fee=650, name="Домашний интернет 100 Мбит/с")
        TariffFactory(pk=900_001, city=contract.city, fee=900, name="Домашний интернет 300 Мбит/с с телевидением")
        post(self.user, 1234567, title="Возврат за июль по заявлению: сверхдлинноесловобезпробеловивозможностипереноса")
        self.tariff = catalogue()
        self.newcomer, self.debtor, self.resting = UserFactory(), UserFactory(), UserFactory()
        post(self.debtor, -650, EntryKind.MONTH)
        Contract.objects.filter(pk=self.resting.contract_id).update(state=Contract.State.SUSPENDED_BY_WISH)
        self.supervisor = StaffFactory(login="supervisor", role=roles.SUPERVISOR, in_cities=[CityFactory()])
        self.request = ConnectionRequestFactory()
        ConnectionRequestFactory(taken_by=self.supervisor)
        self.sessions = {user: session_of(user) for user in self._people()}
        self.sessions |= {None: None}
        session_of(self.user, user_agent="Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Safari/604.1")

    def _people(self):
        return [self.user, self.newcomer, self.debtor, self.resting, self.supervisor]

    def admin_page(self, name):
        """The address of one of ADMIN: a change form's row is the one of this world."""
        rows = {"accounts_connectionrequest_change": self.request.pk, "tariffs_tariff_change": self.tariff.pk}
        of_a_row = name.endswith(("_change", "_identity"))
        return reverse(f"admin:{name}", args=[rows.get(name, self.contract.pk)] if of_a_row else [])


def catalogue():
    """Something of everything that is sold; the tariff has a long name, a volume and a price to come."""
    city, now = CityFactory(), timezone.now()
    tariff = TariffFactory(
        city=city, name="Сверхскоростной Интернет для большой семьи", speed_down=1000, volume_gb=5000, floor_speed=1
    )
    possible = prices.first_possible(tariff, today=timezone.localdate(now))
    prices.plan(tariff, fee=Decimal(12345), since=possible, by=None, now=now)
    TariffFactory(city=city, audience=Subscriber.Kind.LEGAL_ENTITY, switch_fee=500)
    television = {"services": [Service.TV], "speed_down": None, "speed_up": None, "channels": 180}
    TariffFactory(city=city, **television)
    OptionFactory(name="Антивирус", summary="Защита трёх устройств.", activation_fee=99, needs=Service.INTERNET)
    OfferFactory(name="Осень", tenure_from=6, tenure_to=24, ends_on=possible).tariffs.add(tariff)
    TurboPackageFactory()
    return tariff


def session_of(user, *, user_agent="Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0"):
    """Signed in for real, so that the list of devices tells it."""
    client = Client(headers={"User-Agent": user_agent})
    client.force_login(user, backend=f"accounts.backends.{'Staff' if user.is_staff else 'Subscriber'}Backend")
    client.get("/cabinet/profile/")
    return client.session.session_key


def promise():
    return f"{SENT}?until={connections.sign_promise(datetime.now(UTC) + timedelta(hours=2))}"
