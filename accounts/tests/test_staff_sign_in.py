"""The staff's own sign-in, their second factor, and who may change whom."""

import pytest
from django.urls import reverse
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import roles
from accounts.models import JournalEntry, Session, SignInLock, User
from accounts.tests.factories import PASSWORD, CityFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

INDEX, LOGIN, SETUP = (reverse(f"admin:{name}") for name in ("index", "login", "second_factor"))


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def supervisor(client, city):
    user = StaffFactory(role=roles.SUPERVISOR, in_cities=[city])
    client.force_login(user, backend="accounts.backends.StaffBackend")
    return user


def sign_in(client, user, password=PASSWORD, **more):
    return client.post(LOGIN, {"username": user.login, "password": password, "next": INDEX, **more})


def code_of(device: TOTPDevice, steps: int = 0) -> str:
    totp = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift + steps)
    return f"{totp.token():06d}"


def test_staff_sign_in_for_a_working_day(client):
    user = StaffFactory()

    response = sign_in(client, user)

    assert response["Location"] == INDEX
    assert Session.objects.get().user == user
    assert client.session.get_expiry_age() <= 12 * 3600


def test_a_subscriber_does_not_enter_the_admin(client):
    response = sign_in(client, UserFactory())

    assert response.status_code == 422
    assert client.get(INDEX).status_code == 302


def test_five_failures_lock_staff_too(client):
    user = StaffFactory()
    for _try in range(5):
        sign_in(client, user, "wrong-password")

    assert sign_in(client, user).status_code == 422
    assert SignInLock.objects.filter(subject__startswith="staff/").exists()


def test_where_the_second_factor_is_required_nothing_opens_before_it(client, settings):
    settings.STAFF_TOTP_REQUIRED = True
    sign_in(client, StaffFactory(role=roles.SUPERVISOR))

    first = client.get(INDEX)
    setup = client.get(first["Location"])

    assert setup["Location"] == SETUP
    assert client.get(reverse("admin:accounts_contract_changelist")).status_code == 302


def test_the_first_code_opens_the_admin(client, settings):
    settings.STAFF_TOTP_REQUIRED = True
    user = StaffFactory(role=roles.SUPERVISOR)
    sign_in(client, user)
    page = client.get(SETUP)
    device = TOTPDevice.objects.get(user=user)

    wrong = client.post(SETUP, {"code": "000000"})
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    right = client.post(SETUP, {"code": code_of(device)})

    assert "data:image/svg+xml" in page.content.decode()
    assert (wrong.status_code, right["Location"]) == (422, INDEX)
    assert client.get(INDEX).status_code == 200


def test_later_sign_ins_ask_for_the_code(client, settings):
    settings.STAFF_TOTP_REQUIRED = True
    user = StaffFactory(role=roles.SUPERVISOR)
    device = TOTPDevice.objects.create(user=user, confirmed=True)

    without = sign_in(client, user)
    TOTPDevice.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    with_code = sign_in(client, user, code=code_of(device))

    assert (without.status_code, with_code.status_code) == (422, 302)
    assert client.get(INDEX).status_code == 200


def test_a_code_is_used_once(client, settings):
    user = StaffFactory(role=roles.SUPERVISOR)
    device = TOTPDevice.objects.create(user=user, confirmed=True)
    code = code_of(device)
    sign_in(client, user, code=code)
    client.logout()

    assert sign_in(client, user, code=code).status_code == 422


def test_a_supervisor_removes_a_lost_second_factor(client, supervisor, city):
    agent = StaffFactory(in_cities=[city])
    TOTPDevice.objects.create(user=agent, confirmed=True)

    client.post(
        reverse("admin:accounts_user_changelist"), {"action": "remove_second_factor", "_selected_action": agent.pk}
    )

    assert not TOTPDevice.objects.exists()
    assert JournalEntry.objects.filter(action="second_factor_removed").exists()


def test_a_supervisor_adds_staff_with_role_and_cities(client, supervisor, city):
    from django.contrib.auth.models import Group

    role = Group.objects.get(name=roles.SUPPORT_AGENT)

    response = client.post(
        reverse("admin:accounts_user_add"),
        {
            "login": "New.Agent",
            "name": "Ольга",
            "usable_password": "true",
            "password1": PASSWORD,
            "password2": PASSWORD,
            "groups": role.pk,
            "cities": city.pk,
        },
    )

    assert response.status_code == 302, response.context["adminform"].errors
    added = User.objects.get(login="new.agent")
    assert (added.is_staff, added.is_superuser, list(added.groups.all())) == (True, False, [role])
    assert PASSWORD not in str(JournalEntry.objects.values())


def test_a_supervisor_does_not_reach_superusers_subscribers_or_other_cities(client, supervisor):
    votkinsk = CityFactory(slug="votkinsk", name="Воткинск")
    strangers = [User.objects.create_superuser("root", "x"), UserFactory(), StaffFactory(in_cities=[votkinsk])]

    pages = [client.get(reverse("admin:accounts_user_change", args=[user.pk])).status_code for user in strangers]
    passwords = [
        client.get(reverse("admin:auth_user_password_change", args=[user.pk])).status_code for user in strangers
    ]

    assert pages == [302] * 3
    assert passwords == [404] * 3


def test_ones_own_new_password_is_journaled_and_works(client, supervisor):
    data = {"old_password": PASSWORD, "new_password1": "new-password-77", "new_password2": "new-password-77"}

    changed = client.post(reverse("admin:password_change"), data)

    assert changed.status_code == 302
    assert client.get(INDEX).status_code == 200
    assert JournalEntry.objects.get().action == "staff_password_set"
    assert "new-password" not in str(JournalEntry.objects.values())


def test_nobody_can_make_a_superuser_in_the_admin(client, supervisor, city):
    agent = StaffFactory(in_cities=[city])

    client.post(
        reverse("admin:accounts_user_change", args=[agent.pk]),
        {"login": agent.login, "is_active": "on", "cities": city.pk, "is_superuser": "on", "is_staff": "on"},
    )

    agent.refresh_from_db()
    assert not agent.is_superuser


def test_staff_unlock_a_subscriber_and_the_journal_knows(client, supervisor):
    user = UserFactory()
    for _try in range(5):
        client.post("/login/", {"city": "izhevsk", "login": user.login, "password": "wrong-password"})
    lock = SignInLock.objects.get(scope="sign-in")

    client.force_login(supervisor, backend="accounts.backends.StaffBackend")
    client.post(reverse("admin:accounts_signinlock_changelist"), {"action": "unlock", "_selected_action": lock.pk})

    assert not SignInLock.objects.filter(pk=lock.pk).exists()
    assert JournalEntry.objects.filter(action="sign_in_unlocked").exists()
